"""What NumPy has under a name of its own, and we compose."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError, describe, explain
from ..graph import Tensor, implements, shape_of
from ..ops import cos, exp, log1p, matmul, maximum, minimum, mul, power, reshape, sin, where
from .arguments import accepts_lists
from .care import difference


@implements(numpy=np.square)
@accepts_lists
def square(x: Any) -> Any:
    """x², entry by entry."""
    return power(x, 2)


@implements(numpy=np.reciprocal)
@accepts_lists
def reciprocal(x: Any) -> Any:
    """1/x, entry by entry."""
    return 1 / x


@implements(numpy=np.tan)
@accepts_lists
def tan(x: Any) -> Any:
    """The tangent, entry by entry."""
    return sin(x) / cos(x)


@implements(numpy=np.clip, methods="clip")
@accepts_lists
def clip(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """The entries, held between two bounds, under either of the names NumPy has for them."""
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    raised = x if low is None else maximum(x, low)
    return raised if high is None else minimum(raised, high)


@implements(numpy=np.logaddexp)
@accepts_lists
def logaddexp(x: Any, y: Any) -> Any:
    """log(eˣ + eʸ), entry by entry."""
    ahead = difference(x, y)
    return where(ahead > 0, x, y) + log1p(exp(minus_abs(ahead)))


@implements(numpy=np.dot, methods="dot")
@accepts_lists
def dot(x: Any, y: Any) -> Any:
    """NumPy's `dot`, for scalars, vectors and matrices, and stacks of matrices on the left."""
    if not shape_of(x) or not shape_of(y):
        return mul(x, y)
    if len(shape_of(x)) > 1 and len(shape_of(y)) > 2:
        raise ShapeError(
            explain("dot: a stack of matrices on the right pairs every matrix with every other",
                    f"{describe(x)}, {describe(y)}", "x @ y, which pairs them one by one")
        )  # fmt: skip
    return matmul(x, y)


@implements(numpy=np.outer)
@accepts_lists
def outer(x: Any, y: Any) -> Any:
    """Every entry of x times every entry of y."""
    return reshape(x, (-1, 1)) * reshape(y, (1, -1))


@implements(numpy=np.diag)
@accepts_lists
def diag(x: Any) -> Any:
    """The matrix with the entries of a vector on its diagonal, and zeros elsewhere.

    >>> import tinygrad_xent as tx
    >>> tx.diag([1.0, 2.0])
    array([[1., 0.],
           [0., 2.]])
    """
    if len(shape_of(x)) != 1:
        raise ShapeError(explain("diag: one vector is wanted", describe(x), "shape (n,)"))
    return reshape(x, (-1, 1)) * np.eye(shape_of(x)[0])


def eye(n: Any) -> np.ndarray:
    """The matrix of n rows with ones on its diagonal, and zeros elsewhere.

    >>> eye(2)
    array([[1., 0.],
           [0., 1.]])
    """
    return np.eye(int(n.item() if isinstance(n, Tensor) else n))


def minus_abs(x: Any) -> Any:
    """-|x|, whose slope at 0 is one-sided and not 0: what makes softplus smooth there."""
    return where(x > 0, -x, x)
