"""Activations.

z, logits   raw scores
"""

from __future__ import annotations

from typing import Any

from ..ops import exp, log1p, sum, where
from .arguments import accepts_lists
from .arithmetic import minus_abs
from .care import positive_part
from .shifting import Shifted


@accepts_lists
def relu(x: Any) -> Any:
    """max(x, 0); at 0 its derivative is 0.

    >>> import numpy as np
    >>> relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    return positive_part(x)


@accepts_lists
def sigmoid(x: Any) -> Any:
    """σ(x) = 1 / (1 + e⁻ˣ), in the form that overflows on neither side.

    >>> import numpy as np
    >>> sigmoid(np.array([-1000.0, 0.0]))
    array([0. , 0.5])
    """
    e = exp(minus_abs(x))
    return where(x > 0, 1.0, e) / (1 + e)


@accepts_lists
def softplus(x: Any) -> Any:
    """log(1 + eˣ), without overflow.

    >>> import numpy as np
    >>> softplus(np.array([-1000.0, 1000.0]))
    array([   0., 1000.])
    """
    return relu(x) + log1p(exp(minus_abs(x)))


@accepts_lists
def softmax(z: Any, axis: int = -1) -> Any:
    """e^z / Σ e^z along the axis, shifted by the largest logit so that it cannot overflow.

    Shifting changes neither the value nor any derivative, so none flows through the shift.

    >>> import numpy as np
    >>> softmax(np.array([0.2, 5.0, 0.3])).round(5)
    array([0.00809, 0.98297, 0.00894])
    """
    shifted = Shifted("softmax", z, axis)
    e = exp(shifted.settled())
    return e / sum(e, axis, keepdims=True)


@accepts_lists
def logsumexp(z: Any, axis: int = -1, keepdims: bool = False) -> Any:
    """log Σ e^z along the axis, without overflow; its gradient is softmax(z).

    >>> import numpy as np
    >>> float(logsumexp(np.array([1000.0, 1000.0])))
    1000.6931471805599
    """
    shifted = Shifted("logsumexp", z, axis)
    total = shifted.log_total(exp(shifted.below)) + shifted.top
    return total if keepdims else sum(total, axis)


@accepts_lists
def log_softmax(z: Any, axis: int = -1) -> Any:
    """The logarithm of softmax, without overflow.

    >>> import numpy as np
    >>> log_softmax(np.array([0.0, 1000.0]))
    array([-1000.,     0.])
    """
    shifted = Shifted("log_softmax", z, axis)
    settled = shifted.settled()
    return settled - shifted.log_total(exp(settled))
