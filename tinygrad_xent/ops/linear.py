"""Matrix products, of all the ranks NumPy has.

In every rule table: g the arriving cotangent, out the result, x and y the factors.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..graph import LARGE, Large, primitive, shape_of
from . import samples
from .shaping import align, expand_dims, squeeze, swapaxes


def _ndim(x: Any) -> int:
    return len(shape_of(x))


def _column(x: Any) -> Any:
    return expand_dims(x, axis=(_ndim(x),))


def _product(x: Any, y: Any) -> Any:
    """x @ y, which may be large when neither factor is."""
    if type(x) is type(y) is np.ndarray and x.ndim == y.ndim == 2:
        if len(x) * y.shape[1] * x.itemsize >= LARGE:
            x = x.view(Large)
    return x @ y


def _left(g: Any, _: Any, x: Any, y: Any) -> Any:
    """g yᵀ. Batch axes that x lacks are summed away where all broadcasting is undone."""
    if _ndim(y) == 1:
        return g * y if _ndim(x) == 1 else _column(g) * y
    if _ndim(x) == 1:
        if _ndim(y) == 2:
            return y @ g
        return squeeze(y @ _column(g), axis=(_ndim(y) - 1,))
    return _product(g, swapaxes(y, -1, -2))


def _right(g: Any, _: Any, x: Any, y: Any) -> Any:
    """xᵀ g. Batch axes that y lacks are summed away where all broadcasting is undone."""
    if _ndim(x) == 1:
        if _ndim(y) == 1:
            return g * x
        return _column(x) * expand_dims(g, axis=(_ndim(g) - 1,))
    if _ndim(y) == 1:
        if _ndim(x) == 2:
            return swapaxes(x, 0, 1) @ g
        return squeeze(swapaxes(x, -1, -2) @ _column(g), axis=(_ndim(x) - 1,))
    return _product(swapaxes(x, -1, -2), g)


def _rows_left(x: Any, y: Any) -> Any:
    """Each row of x times y."""
    if _ndim(y) < 3 and _ndim(x) == 2:
        return x @ y
    if _ndim(x) == 2:
        return squeeze(align(expand_dims(x, 1), 1 + _ndim(y)) @ y, axis=_ndim(y) - 1)
    return align(x, 1 + _ndim(y)) @ y


def _rows_right(x: Any, y: Any) -> Any:
    """x times each row of y."""
    if _ndim(y) > 2:
        return x @ align(y, 1 + _ndim(x))
    if _ndim(x) < 3:
        return y @ (x if _ndim(x) == 1 else swapaxes(x, 0, 1))
    return squeeze(x @ align(_column(y), 1 + _ndim(x)), axis=_ndim(x))


matmul = primitive(
    "matmul", operator.matmul, numpy=np.matmul, methods=("__matmul__", "__rmatmul__"),
    vjp=(_left, _right), rows=(_rows_left, _rows_right),
    text="{0} @ {1}", latex=r"{0}\,{1}", precedence=3,
    sample=(
        samples.normal((3, 4), (4, 2)), samples.normal((4,), (4,)), samples.normal((3, 4), (4,)),
        samples.normal((3,), (3, 2)), samples.normal((2, 3, 4), (4, 2)),
        samples.normal((3, 4), (2, 4, 2)), samples.normal((2, 1, 3, 4), (3, 4, 2)),
        samples.normal((4,), (2, 4, 3)), samples.normal((2, 3, 4), (4,)),
    ),
    works="a first factor whose last axis is as long as the second-to-last (or only) axis of the "
    "second; not scalars",
)  # fmt: skip
