"""Values computed with more care than by the operations that are recorded for them.

A graph says what a number is, such as log(sum(e)). How it is computed may differ, where rounding
costs digits or a limit has no value in floating point: `log.giving(value, total)`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph import known, numbers
from ..ops import log, mul, sqrt, sub, where


def any_of(mask: Any) -> bool:
    """Whether a mask is true anywhere: the fastest way to ask."""
    return bool(np.count_nonzero(mask))


def difference(x: Any, y: Any) -> Any:
    """x - y, where an infinity less itself is 0: the limit of numbers that grow together."""
    a, b = numbers(x), numbers(y)
    if not known(a, b) or not any_of(np.isinf(b)):
        return x - y
    with np.errstate(invalid="ignore"):
        away = np.subtract(a, b)
        return sub.giving(np.where(a == b, away.dtype.type(0), away)[()], x, y)


def weighed(weight: Any, x: Any) -> Any:
    """weight · x, where an infinity of weight 0 is 0."""
    with np.errstate(invalid="ignore"):
        product = mul(weight, x)
    value = numbers(product)
    if not known(value) or not any_of(np.isnan(value)):
        return product
    ruled_out = (numbers(weight) == 0) & np.isinf(numbers(x))
    return mul.giving(np.where(ruled_out, value.dtype.type(0), value)[()], weight, x)


def positive_part(x: Any) -> Any:
    """x where x > 0, else 0; NaN stays NaN."""
    value = numbers(x)
    if type(value) is float:
        part = 0.0 if value <= 0 else value
    elif known(value):
        part = np.maximum(value, 0.0)
    else:
        return where(x > 0, x, 0.0)
    return where.giving(part, x > 0, x, 0.0)


def log_of_complement(x: Any, complement: Any, ruled_out: Any) -> Any:
    """log(1 - x), whose digits 1 - x loses where x is small; 0 where that is ruled out."""
    value = numbers(x)
    if not known(value, numbers(complement)):
        return log(complement)
    return log.giving(np.log1p(np.where(numbers(ruled_out), 0.0, -value))[()], complement)


def root_of_squares(squares: Callable[[Any], Any], x: Any, axis: tuple[int, ...]) -> Any:
    """sqrt(squares(x)); where squares are too large or too small for floats, of x in another unit.

    Args:
        squares: a sum of squares over the axes, which grows with the square of its argument.
    """
    with np.errstate(over="ignore"):
        total = squares(x)
    if not known(numbers(total)) or not any_of(_is_rough(numbers(total))):
        return sqrt(total)
    largest = np.max(np.abs(numbers(x)), axis, keepdims=True, initial=0)
    rough = _is_rough(numbers(total)).reshape(largest.shape) & (largest > 0) & (largest < np.inf)
    if not any_of(rough):
        return sqrt(total)
    unit = np.where(rough, largest, largest.dtype.type(1))
    return sqrt(squares(x / unit)) * unit.reshape(np.shape(numbers(total)))


def _is_rough(square: Any) -> Any:
    """Where a square is infinite, or so small that it lost digits."""
    info = np.finfo(np.asarray(square).dtype)
    return (square == np.inf) | (square < info.smallest_normal / info.eps)
