"""How an operation meets its arguments when it is done row by row.

A row is an entry along the leading axis. An operation is done *per row* if each row of its result
depends on the same row of some arguments and on others as a whole; it *gathers* if its result is a
sum (or an extreme) over rows of something that depends on one row at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ...graph import PRIMITIVES
from .indices import arrays_lead, slice_leads
from .values import Value


@dataclass(frozen=True)
class Access:
    """How an operation can be done in a loop over rows.

    Attributes:
        rows: how many there are.
        by_row: for each argument whether only the row at hand is read, or else all of it.
        gathers: whether the result is added up over the rows, or else made row by row.
    """

    rows: int
    by_row: tuple[bool, ...]
    gathers: bool = False


def access(value: Value) -> Access | None:
    """How a value can be computed in a loop over rows; None if it cannot."""
    if value.is_leaf or any(0 in v.shape for v in (value, *value.args)):
        return None
    rule = _RULES.get(value.op)
    if rule is None and value.op in PRIMITIVES and PRIMITIVES[value.op].elementwise:
        rule = _aligned
    found = None if rule is None else rule(value)
    return found if found is not None and found.rows > 1 else None


def _aligned(v: Value) -> Access | None:
    """Row i of the result from row i of each argument that has the result's axes."""
    if not v.ndim:
        return None
    rows = v.shape[0]
    return Access(rows, tuple(a.ndim == v.ndim and a.shape[0] == rows for a in v.args))


def _reduction(v: Value) -> Access | None:
    axis = v.params["axis"]
    axes = axis if isinstance(axis, tuple) else (axis,)
    (x,) = v.args
    return Access(x.shape[0], (True,), gathers=0 in axes) if x.ndim and axes else None


def _keeps_first(v: Value) -> Access | None:
    """Moving entries about within each row."""
    (x,) = v.args
    kept = x.shape[:1] == v.shape[:1] != ()
    if v.op == "transpose":
        kept = v.params["axes"][:1] == (0,)
    elif v.op != "reshape":
        kept = kept and 0 not in v.params["axis"]
    return Access(x.shape[0], (True,)) if kept else None


def _concatenate(v: Value) -> Access | None:
    return Access(v.shape[0], (True,) * len(v.args)) if v.params["axis"] else None


def _matmul(v: Value) -> Access | None:
    """Rows of a matrix, or the matrices of a stack."""
    x, y = v.args
    if x.ndim == 2 and y.ndim <= 2:
        return Access(v.shape[0], (True, False))
    ndim = max(x.ndim, y.ndim)
    by_row = tuple(a.ndim == ndim and a.shape[0] == v.shape[0] for a in v.args)
    return Access(v.shape[0], by_row) if any(by_row) else None


def _tmatmul(v: Value) -> Access | None:
    return Access(v.args[0].shape[0], (True, True), gathers=True)


def _getitem(v: Value) -> Access | None:
    """All rows and the same entries of each; or whole entries, named by a row of an array."""
    x, *arrays = v.args
    index = v.params["index"]
    if slice_leads(index):
        return Access(x.shape[0], (True, *(False for _ in arrays)))
    if not _names_entries(index, arrays):
        return None
    ndim = max(a.ndim for a in arrays)
    by_row = tuple(a.ndim == ndim and a.shape[0] == v.shape[0] for a in arrays)
    return Access(v.shape[0], (False, *by_row)) if any(by_row) else None


def _names_entries(index: Any, arrays: Sequence[Value]) -> bool:
    """Whether whole numbers at the front of the index name entries along the leading axes."""
    whole = all(a.dtype.kind in "iu" for a in arrays)
    return bool(arrays) and whole and any(a.ndim for a in arrays) and arrays_lead(index)


def _scatter(v: Value) -> Access | None:
    g, *arrays = v.args
    index = v.params["index"]
    if slice_leads(index):
        return Access(v.shape[0], (True, *(False for _ in arrays))) if g.ndim else None
    if not _names_entries(index, arrays):
        return None
    ndim = max(a.ndim for a in arrays)
    by_row = tuple(a.ndim == ndim and g.ndim and a.shape[0] == g.shape[0] for a in arrays)
    return Access(g.shape[0], (True, *map(bool, by_row)), gathers=True) if any(by_row) else None


def _others(v: Value) -> Access | None:
    return None if 0 in v.params["axis"] else _aligned(v)


def _dot(v: Value) -> Access | None:
    """Rows of matrices, and vectors that meet each row."""
    return Access(v.shape[0], tuple(a.ndim == 2 and a.shape[0] == v.shape[0] for a in v.args))


def _each_row(v: Value) -> Access | None:
    """The planner's own operations on each row by itself."""
    rows = (v if v.op == "row_scatter" else v.args[0]).shape[0]
    return Access(rows, tuple(bool(a.ndim) for a in v.args))


_RULES: dict[str, Callable[[Value], Access | None]] = {
    "sum": _reduction, "max": _reduction, "min": _reduction,
    "transpose": _keeps_first, "expand_dims": _keeps_first,
    "squeeze": _keeps_first, "reshape": _keeps_first, "others": _others,
    "broadcast_to": _aligned, "astype": _aligned, "concatenate": _concatenate,
    "matmul": _matmul, "tmatmul": _tmatmul,
    "getitem": _getitem, "scatter": _scatter,
    "row_getitem": _each_row, "row_scatter": _each_row, "row_put": _each_row,
    "row_add": _each_row, "vecdot": _dot, "settled": _aligned,
    "peak": _each_row, "positions": _each_row,
    "entry_at": _each_row, "put_at": _each_row, "add_at": _each_row,
}  # fmt: skip
