"""Means, variances and norms over axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError, describe, explain
from ..graph import Tensor, implements, shape_of
from ..ops import abs, max, sum
from ..ops.reduction import size
from ..ops.shaping import Axis, axes
from .arguments import accepts_lists
from .care import root_of_squares


@implements(numpy=np.mean, methods="mean")
def mean(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The arithmetic mean over axes.

    >>> import tinygrad_xent as tx
    >>> tx.grad(tx.mean)([1.0, 2.0, 3.0, 6.0])
    array([0.25, 0.25, 0.25, 0.25])
    """
    return sum(x, axis, keepdims=keepdims) / _count(x, axis)


def _count(x: Any, axis: Axis) -> Any:
    """How many entries are averaged: recorded, so that formulas say n and not the sample's 5."""
    if isinstance(x, Tensor):
        return size(x, axis=axes("mean", x, axis))
    shape = shape_of(x) or np.shape(x)
    return int(np.prod([shape[a] for a in axes("mean", x, axis)]))


@implements(numpy=np.var, methods="var")
@accepts_lists
def var(x: Any, axis: Axis = None, *, ddof: int = 0, keepdims: bool = False) -> Any:
    """The variance over axes: the mean squared deviation, with `ddof` taken off the count.

    >>> import tinygrad_xent as tx
    >>> float(tx.var([1.0, 2.0, 3.0]))
    0.6666666666666666
    """
    deviation = x - mean(x, axis, keepdims=True)
    count = _count(x, axis)
    return sum(deviation * deviation, axis, keepdims=keepdims) / (count - ddof if ddof else count)


@implements(numpy=np.std, methods="std")
def std(x: Any, axis: Axis = None, *, ddof: int = 0, keepdims: bool = False) -> Any:
    """The standard deviation over axes; where it is 0, so is its gradient."""
    over = axes("std", x, axis)
    return root_of_squares(lambda y: var(y, over, ddof=ddof, keepdims=keepdims), x, over)


@implements(numpy=np.linalg.norm, methods="norm")
@accepts_lists
def norm(x: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """A vector norm over axes: `ord` is 1, 2 (also None and "fro") or infinity.

    At 0 its gradient is the subgradient 0.

    >>> import tinygrad_xent as tx
    >>> tx.grad(tx.norm)([3.0, 4.0]), tx.grad(tx.norm)([0.0, 0.0])
    (array([0.6, 0.8]), array([0., 0.]))
    """
    if ord in (None, 2, "fro") and (ord is None or ord == "fro" or _is_vector(x, axis)):
        over = axes("norm", x, axis)
        return root_of_squares(lambda y: sum(y * y, over, keepdims=keepdims), x, over)
    if ord == 1 and _is_vector(x, axis):
        return sum(abs(x), axis, keepdims=keepdims)
    if ord == np.inf and _is_vector(x, axis):
        return max(abs(x), axis, keepdims=keepdims)
    raise ShapeError(
        explain(
            f"norm: no rule for ord={ord!r}", describe(x), "vectors with ord 1, 2 or inf; 'fro'"
        )
    )


def _is_vector(x: Any, axis: Axis) -> bool:
    return isinstance(axis, int) or len(axes("norm", x, axis)) == 1
