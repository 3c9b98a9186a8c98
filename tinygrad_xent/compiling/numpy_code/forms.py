"""How a value comes to be in NumPy code, and what that means for memory.

A value is a *view* (of its first argument, nothing is computed), is *written* into memory that it
is given (`out=`), or is made *fresh*, by code that allocates. What has no axes is a number, and
fresh.
"""

from __future__ import annotations

from collections.abc import Container

from ..planning.rows import Stage, Step
from ..planning.values import Value
from . import settings
from .memory import Event
from .ufuncs import ufunc_of

_VIEWS = frozenset({"transpose", "expand_dims", "squeeze", "reshape", "broadcast_to"})
_WRITTEN = frozenset({"sum", "max", "min", "matmul", "tmatmul", "where", "astype", "concatenate",
                      "scatter", "row_scatter", "row_add", "row_put", "put", "put_at",
                      "vecdot", "settled", "peak", "positions", "add_at"})  # fmt: skip


def form(value: Value) -> str:
    """How a value is made: "view", "written" or "fresh"."""
    if is_view(value):
        return "view"
    if not value.ndim or is_short_max(value):
        return "fresh"
    return "written" if value.op in _WRITTEN or ufunc_of(value.op) else "fresh"


def is_view(value: Value) -> bool:
    """Whether a value only looks at its first argument in another way."""
    if value.op == "getitem":
        return len(value.args) == 1 and bool(value.ndim)
    return value.op in _VIEWS and bool(value.args[0].ndim)


def in_place(value: Value) -> tuple[Value, ...]:
    """The arguments in whose memory the result may be computed."""
    if value.op == "where":
        places = tuple(a for a in value.args[1:] if a is not value.args[0])
    elif value.op == "settled":
        places = value.args[1:] if value.args[0] is not value.args[1] else ()
    elif value.op in ("row_add", "row_put", "put", "put_at", "add_at"):
        places = () if value.args[0] in value.args[1:] else value.args[:1]
    else:
        places = value.args if ufunc_of(value.op) else ()
    return tuple(a for a in places if a.shape == value.shape and a.dtype == value.dtype)


def root(value: Value, kept: Container[Value]) -> Value:
    """The value in whose memory a view looks; those that are `kept` have memory of their own."""
    while not value.is_leaf and value not in kept and form(value) == "view":
        value = value.args[0]
    return value


def outside(stage: Stage, kept: Container[Value]) -> tuple[Value, ...]:
    """The values in whose memory a stage reads, and that it does not make.

    What it makes once more it may read as a whole too, through a view from outside of it.
    """
    made = set(stage.values)
    read = dict.fromkeys(a for v in stage.values for a in v.args)
    roots = ((a, root(a, kept)) for a in read)
    return tuple(dict.fromkeys(v for a, v in roots if a not in made or v not in made))


def event(step: Step, kept: Container[Value]) -> Event:
    """What a step means for memory, of which there is some for each value that is kept."""
    value = step.value
    if form(value) == "view" and value not in kept:
        return Event()
    roots = [root(a, kept) for a in value.args]
    reads = tuple(dict.fromkeys(roots))
    if value not in kept:
        return Event((), reads)
    viewed = {r for r, a in zip(roots, value.args, strict=True) if r is not a}
    over = in_place(value) if form(value) == "written" else ()
    return Event((value,), reads, tuple(a for a in over if a not in viewed))


def clips(value: Value) -> str:
    """The ufunc of x and y that does what a choice between them does; nothing if none does.

    Where x is nan a comparison is false and y is chosen, as by fmax and fmin if y is a bound, and
    by maximum and minimum if y is x itself.
    """
    mask, x, y = value.args
    if mask.op not in _ASKS_FOR_LARGER | _ASKS_FOR_SMALLER or not _is_bound(mask.args[1]):
        return ""
    asked, bound = mask.args
    larger = "max" if mask.op in _ASKS_FOR_LARGER else "min"
    smaller = "min" if mask.op in _ASKS_FOR_LARGER else "max"
    if y is asked and (_same(x, bound) or (bound.is_zero and _is_minus(x, asked))):
        return f"{smaller}imum"
    if x is asked and _same(y, bound):
        return f"f{larger}"
    return f"f{smaller}" if y.is_zero and bound.is_zero and _is_minus(x, asked) else ""


_ASKS_FOR_LARGER = frozenset({"greater", "greater_equal"})
_ASKS_FOR_SMALLER = frozenset({"less", "less_equal"})


def _is_bound(value: Value) -> bool:
    return value.op == "constant" and not value.ndim


def _same(value: Value, bound: Value) -> bool:
    return _is_bound(value) and bool(value.data == bound.data)


def _is_minus(value: Value, x: Value) -> bool:
    return value.op == "neg" and value.args[0] is x


def is_foreseen(mask: Value) -> bool:
    """Whether a mask is of the largest in each row, so that a processor foresees most of it."""
    if mask.op != "equal" or not mask.args[1].is_zero or mask.args[0].op != "sub":
        return False
    x, largest = mask.args[0].args
    while largest.op in _VIEWS:
        (largest,) = largest.args
    return largest.op == "max" and largest.args[0] is x


def is_settled(value: Value) -> bool:
    """Whether a choice is of p q where p is not 0, and else 0, which only an infinite q changes."""
    mask, x, y = value.args
    asks = mask.op == "not_equal" and mask.args[1].is_zero and y.is_zero
    return asks and x.op == "mul" and mask.args[0] in x.args


def is_short_max(value: Value) -> bool:
    """Whether a maximum is along short rows, for which argmax is faster than the reduction."""
    if value.op not in ("max", "min") or value.params["axis"] != (1,) or value.args[0].ndim != 2:
        return False
    return value.args[0].shape[1] <= settings.SHORT and value.args[0].shape[0] > 1


def is_dot(value: Value) -> bool:
    """Whether a number is the sum of few, whose product with ones is as accurate, and faster."""
    (x,) = value.args
    if value.op != "sum" or value.ndim or x.ndim != 1 or is_view(x) or x.dtype != value.dtype:
        return False
    return x.dtype.name in ("float32", "float64") and x.size <= settings.LONG


def is_product(value: Value) -> bool:
    """Whether a sum is of rows or columns whose product with ones is as accurate, and faster."""
    (x,) = value.args
    if value.op != "sum" or x.ndim != 2 or len(value.params["axis"]) != 1 or is_view(x):
        return False
    single = x.dtype == value.dtype and x.dtype.name in ("float32", "float64")
    if value.params["axis"] == (0,):
        return single and x.size <= settings.FLAT
    return single and x.shape[1] <= settings.LONG
