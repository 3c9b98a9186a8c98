"""Values as NumPy does them fastest, where that depends on who reads them.

These are operations of this back end's own:

    vecdot(a, b)    sum(a * b) along rows, without the product in memory
    settled(p, x)   where(p != 0, x, 0) of an x = p q, which only an infinite q makes nan
    peak(x)         k in `peaks.py`: where in the memory of its rows the largest of each is
    positions(y)    where in the memory of rows the entries are that labels pick
    entry_at(x, k)  the entries there
    put_at(x, v, k), add_at(x, v, k)  x with others there, or with something added
"""

from __future__ import annotations

from collections import Counter

from ..planning.values import Program, Value
from . import settings
from .forms import is_settled, is_view
from .peaks import by_place
from .picks import by_position
from .scales import fold_scales

_FLOATS = ("float32", "float64")


def idiomatic(program: Program) -> None:
    """Replace what NumPy does faster in another way."""
    by_place(program)
    by_position(program)
    fold_scales(program)
    uses = Counter(a for v in program.values for a in v.args) + Counter(program.outputs)
    for value in program.values[:]:
        if value.op == "sum" and _is_of_rows(value):
            _sum_rows_first(program, value, uses)
        elif value.op == "where" and is_settled(value) and value.size >= settings.SETTLED:
            mask, x, _ = value.args
            value.op, value.args = "settled", (mask.args[0], x)
    program.drop_unused()


def _is_of_rows(value: Value) -> bool:
    """Whether a sum is of rows for which BLAS is fast and as accurate, or of all of them."""
    (x,) = value.args
    if x.ndim != 2 or x.dtype != value.dtype or x.dtype.name not in _FLOATS or is_view(x):
        return False
    axes = value.params["axis"]
    return settings.SHORT <= x.shape[1] <= settings.LONG and axes in ((1,), (0, 1))


def _sum_rows_first(program: Program, value: Value, uses: Counter[Value]) -> None:
    (x,) = value.args
    is_dot = x.op == "mul" and uses[x] == 1 and all(_fits(a, x) for a in x.args)
    op, args = ("vecdot", x.args) if is_dot else ("sum", (x,))
    if value.params["axis"] == (1,):
        value.op, value.args = op, args
    elif not value.params["keepdims"]:
        rows = {"axis": (1,), "keepdims": False}
        sums = Value(op, args, rows, x.shape[:1], x.dtype)
        program.values.insert(program.values.index(value), sums)
        value.args, value.params = (sums,), {"axis": (0,), "keepdims": False}


def _fits(a: Value, x: Value) -> bool:
    return a.dtype == x.dtype and a.shape[-1:] == x.shape[1:] and not is_view(a)
