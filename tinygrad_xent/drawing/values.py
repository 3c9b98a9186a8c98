"""Numbers as short text: what fits into a box of a drawing."""

from __future__ import annotations

from typing import Any

import numpy as np

MISSING = "·"  # nothing has been computed here; a 0 would claim that something was

_ENTRIES = 6  # of a vector, or of a row
_ROWS = 4


def brief(value: Any) -> str:
    """A value in at most a few lines: small arrays in full, large ones by their range.

    >>> brief(0.98297001), brief(np.array([0.2, 5.0, 0.3]))
    ('0.983', '[0.2, 5, 0.3]')
    >>> brief(np.arange(1000.0))
    '0 .. 999'
    """
    array = np.asarray(value)
    if array.ndim == 0:
        return number(array[()])
    if array.ndim == 1 and len(array) <= _ENTRIES:
        return _row(array)
    if array.ndim == 2 and len(array) <= _ROWS and array.shape[1] <= _ENTRIES:
        return "\n".join(_row(row) for row in array) or "[]"
    return _range(array)


def number(x: Any) -> str:
    """One entry, to four significant digits; zero without a sign."""
    return f"{x + 0.0:.4g}" if isinstance(x, (float, np.floating)) else str(x)


def _row(row: Any) -> str:
    return "[" + ", ".join(number(x) for x in row) + "]"


def _range(array: Any) -> str:
    if array.size == 0:
        return "[]"
    lost = np.isnan(array) if array.dtype.kind == "f" else np.zeros(array.shape, bool)
    known = array[~lost]
    if known.size == 0:
        return "all nan"
    low, high = known.min(), known.max()
    ends = f"all {number(low)}" if low == high else f"{number(low)} .. {number(high)}"
    return f"{ends}, {lost.sum()} nan" if lost.any() else ends
