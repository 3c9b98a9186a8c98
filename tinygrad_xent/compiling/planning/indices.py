"""What an index says about rows."""

from __future__ import annotations

from typing import Any

import numpy as np

FULL = ("slice", None, None, None)


def aligned(args: tuple[Any, ...], arrays: int, params: dict[str, Any]) -> bool:
    """Whether an index takes from row 0 something, from row 1 something, and so on to the last.

    That is an index of which the first part counts the rows, as in `x[np.arange(n), labels]`.

    Args:
        args: the arguments of getitem, scatter or put.
        arrays: how many of them come before the index arrays.
        params: its settings.
    """
    index, found = params["index"], args[arrays:]
    if not found or index[0] != ("array", 0) or not arrays_lead(index):
        return False
    shape = params["shape"] if "shape" in params else args[0].shape
    ndim = max(a.ndim for a in found)
    if not shape or not _counts(found[0], shape[0], ndim):
        return False
    given = [] if "shape" not in params and arrays == 1 else [args[arrays - 1]]  # what is put in
    rows = [a for a in (*found, *given) if a.ndim]
    return all(a.dtype.kind in "iu" and a.ndim in (0, ndim) for a in found) and all(
        a.shape[0] == shape[0] and a.ndim >= ndim for a in rows
    )


def arrays_lead(index: tuple[Any, ...]) -> bool:
    """Whether the index is arrays and numbers, followed by full slices only."""
    kinds = [part[0] for part in index]
    some = next((i for i, kind in enumerate(kinds) if kind not in ("array", "int")), len(kinds))
    return all(part == FULL for part in index[some:])


def slice_leads(index: tuple[Any, ...]) -> bool:
    """Whether the index takes all rows, and the same entries of each."""
    if not index or index[0] != FULL:
        return False
    chosen = [i for i, part in enumerate(index) if part[0] in ("array", "int")]
    has_arrays = any(part[0] == "array" for part in index)
    return not has_arrays or chosen == list(range(chosen[0], chosen[-1] + 1))


def _counts(array: Any, rows: int, ndim: int) -> bool:
    if array.op != "constant" or array.shape != (rows, *[1] * (ndim - 1)):
        return False
    return bool((array.data.ravel() == np.arange(rows)).all())
