"""Numbers and small arrays as code."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

_FEW = 16


def literal(number: Any) -> str:
    """A Python number, as NumPy code.

    >>> literal(0.5), literal(float("-inf")), literal(True)
    ('0.5', '-np.inf', 'True')
    """
    return _valid(repr(number))


def array_literal(array: Any) -> str | None:
    """Code that makes an array or NumPy scalar, if it is short.

    >>> array_literal(np.arange(1000)), array_literal(np.float32(0.1))
    ('np.arange(1000)', 'np.float32(0.1)')
    """
    array = np.asarray(array)
    dtype = f"np.{array.dtype.type.__name__}"
    if array.ndim == 0:
        return f"{dtype}({literal(shortest(array))})"
    if array.dtype == np.int64 and array.size and array.shape.count(1) == array.ndim - 1:
        if (array.ravel() == np.arange(array.size)).all():
            shaped = "" if array.ndim == 1 else f".reshape{array.shape}"
            return f"np.arange({array.size}){shaped}"
    if array.size and (array == array.flat[0]).all():
        return f"np.full({array.shape}, {literal(shortest(array.flat[0]))}, {dtype})"
    if 0 < array.size <= _FEW:
        return f"np.array({_valid(str(array.tolist()))}, {dtype})"
    return None


def _valid(code: str) -> str:
    """With the names that infinities and nan have in NumPy; not in `np.longdouble('inf')`."""
    return re.sub(r"\b(inf|nan)\b(?!')", r"np.\1", code)


def shortest(scalar: Any) -> Any:
    """The Python number with the fewest digits that rounds to this one."""
    number = scalar.item()
    return float(str(scalar)) if type(number) is float else number
