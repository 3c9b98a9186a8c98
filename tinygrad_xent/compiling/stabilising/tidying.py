"""What an operation of particular arguments comes to, where that is plain to see.

Each rule is one function of the operation's arguments; it returns what it comes to, or None. No
number that comes out is changed, but for the sign of a zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...graph import PRIMITIVES, Primitive, Tensor, constant, dtype_of, numbers, op_name, shape_of
from .knowing import MOVES_OR_SPREADS, equals, is_elementwise, is_finite, is_number

Make = Callable[..., Any]
_NUMBERS = (float, int)
_QUESTIONS = frozenset({"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"})
_LARGE = 4096  # entries beyond which plain data is not computed ahead


def tidied(op: Primitive, args: tuple[Any, ...], params: dict[str, Any], make: Make) -> Any:
    """What `op` of these comes to, or None if it is what it says."""
    if op.name == "size" or not any(isinstance(a, Tensor) for a in args):
        return _known(op, args, params)
    if op.elementwise:
        bare = tuple(a.args[0] if op_name(a) == "broadcast_to" else a for a in args)
        shapes = [np.broadcast_shapes(*map(shape_of, part)) for part in (args, bare)]
        spread = any(b is not a for a, b in zip(args, bare, strict=True))
        if spread and shapes[0] == shapes[1]:
            return make(op.name, *bare, **params)
        if op.name in _QUESTIONS and not any(isinstance(a, Tensor) for a in bare):
            return make("broadcast_to", make(op.name, *bare, **params), shape=shapes[0])
    if (
        op.name in MOVES_OR_SPREADS
        and op_name(args[0]) == "broadcast_to"
        and not shape_of(args[0].args[0])
    ):
        shape = shape_of(op.evaluate([numbers(a) for a in args], params))
        return make("broadcast_to", args[0].args[0], shape=shape)
    rule = _RULES.get(op.name)
    return None if rule is None else rule(make, *args, **params)


def _known(op: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """The value of an operation on plain data, unless it would be large."""
    if op.name in ("broadcast_to", "scatter"):
        return None
    with np.errstate(all="ignore"):
        value = op.evaluate([numbers(a) for a in args], params)
    if np.size(value) > _LARGE:
        return None
    weak = all(type(a) in _NUMBERS for a in args) and np.ndim(value) == 0
    return float(value) if weak and np.asarray(value).dtype.kind != "b" else constant(value)


def _add(make: Make, x: Any, y: Any) -> Any:
    if equals(x, 0.0):
        return y
    if equals(y, 0.0):
        return x
    if x is y and isinstance(x, Tensor):
        return make("mul", 2.0, x)
    if op_name(y) == "neg":
        return make("sub", x, y.args[0])
    return make("sub", y, x.args[0]) if op_name(x) == "neg" else None


def _sub(make: Make, x: Any, y: Any) -> Any:
    if equals(y, 0.0):
        return x
    if equals(x, 0.0) and dtype_of(y).kind != "b":
        return make("neg", y)
    return make("add", x, y.args[0]) if op_name(y) == "neg" else None


def _mul(make: Make, x: Any, y: Any) -> Any:
    for a, b in ((x, y), (y, x)):
        if equals(a, 1.0):
            return b
        if equals(a, -1.0) and dtype_of(b).kind != "b":
            return make("neg", b)
        if op_name(a) == "neg":
            return make("neg", make("mul", *((a.args[0], b) if a is x else (b, a.args[0]))))
    if is_number(x) and op_name(y) == "mul" and is_number(y.args[0]):
        return make("mul", make("mul", x, y.args[0]), y.args[1])
    return make("mul", y, x) if is_number(y) and not is_number(x) else None


def _div(make: Make, x: Any, y: Any) -> Any:
    if equals(y, 1.0):
        return x
    if op_name(x) == "neg":
        return make("neg", make("div", x.args[0], y))
    return make("neg", make("div", x, y.args[0])) if op_name(y) == "neg" else None


def _neg(make: Make, x: Any) -> Any:
    if op_name(x) == "mul" and is_number(x.args[0]):
        return make("mul", make("neg", x.args[0]), x.args[1])
    if op_name(x) == "sub":
        return make("sub", x.args[1], x.args[0])
    if op_name(x) == "add" and op_name(x.args[0]) == "sub":
        (a, b), c = x.args[0].args, x.args[1]
        return make("sub", make("sub", b, a), c)
    return x.args[0] if op_name(x) == "neg" else None


def _power(make: Make, x: Any, y: Any) -> Any:
    if equals(y, 1.0):
        return x
    return make("mul", x, x) if equals(y, 2.0) else None


def _where(make: Make, c: Any, x: Any, y: Any) -> Any:
    c = c.args[0] if op_name(c) == "broadcast_to" else c
    if is_number(c):
        return x if c else y
    if op_name(c) == "equal" and equals(c.args[1], 0.0) and equals(x, 0.0):
        if vanishes_with(y, c.args[0]) and is_finite(y):
            return y
    return x if x is y and shape_of(c) in ((), shape_of(x)) else None


def vanishes_with(y: Any, g: Any) -> bool:
    """Whether y is a multiple of g, entry by entry."""
    stack, factor = [y], _core(g)
    while stack:
        node = _core(stack.pop())
        name = op_name(node)
        if node is factor or equals(node, 0.0):
            continue
        if name in ("add", "sub"):
            stack += node.args
        elif name == "where":
            stack += node.args[1:]
        elif name == "div":
            stack.append(node.args[0])
        elif name != "mul" or not any(vanishes_with(a, g) for a in node.args):
            return False
    return True


def _core(x: Any) -> Any:
    """A node without signs, numbers in front and broadcasting."""
    while True:
        name = op_name(x)
        if name in ("neg", "broadcast_to"):
            x = x.args[0]
        elif name == "mul" and is_number(x.args[0]):
            x = x.args[1]
        else:
            return x


def _expand_dims(make: Make, x: Any, axis: Any) -> Any:
    """Of an entry-by-entry operation, taken to its arguments, where it may meet a `squeeze`."""
    if axis == ():
        return x
    if op_name(x) == "squeeze" and x.params["axis"] == axis:
        return x.args[0]
    if is_elementwise(x) and all(shape_of(a) in ((), x.shape) for a in x.args):
        args = [make("expand_dims", a, axis=axis) if shape_of(a) else a for a in x.args]
        return make(x.op.name, *args, **x.params)
    return None


def _squeeze(make: Make, x: Any, axis: Any) -> Any:
    if axis == ():
        return x
    return x.args[0] if op_name(x) == "expand_dims" and x.params["axis"] == axis else None


def _reshape(make: Make, x: Any, shape: Any) -> Any:
    if shape_of(x) == shape:
        return x
    if op_name(x) in ("reshape", "squeeze", "expand_dims"):
        return make("reshape", x.args[0], shape=shape)
    return None


def _broadcast_to(make: Make, x: Any, shape: Any) -> Any:
    if shape_of(x) == shape and isinstance(x, Tensor):
        return x
    return make("broadcast_to", x.args[0], shape=shape) if op_name(x) == "broadcast_to" else None


def _transpose(make: Make, x: Any, axes: Any) -> Any:
    if axes == tuple(range(len(axes))):
        return x
    if op_name(x) == "transpose":
        return make("transpose", x.args[0], axes=tuple(x.params["axes"][a] for a in axes))
    return None


def _getitem(make: Make, x: Any, *arrays: Any, index: Any) -> Any:
    """An index of nothing but new axes is an `expand_dims`; what is spread is taken where it is."""
    if all(part in (_WHOLE, ("new",)) for part in index):
        new = tuple(i for i, part in enumerate(index) if part == ("new",))
        return make("expand_dims", x, axis=new) if new else x
    if op_name(x) == "broadcast_to":
        return _getitem_of_spread(make, x, arrays, index)
    if is_elementwise(x) and _is_small(x, arrays, index):
        return _picked_from_arguments(make, x, arrays, index)
    if index == (("array", 0), ("int", 0)) and shape_of(x)[1:] == (1,):
        if _is_every_row(arrays[0], shape_of(x)[0]):
            return make("squeeze", x, axis=(1,))
    return None


_WHOLE = ("slice", None, None, None)


def _picked_from_arguments(make: Make, x: Tensor, arrays: Any, index: Any) -> Any:
    """An entry-by-entry operation of what an index takes from its arguments."""
    assert x.op is not None
    whole = (a if shape_of(a) in ((), x.shape) else make("broadcast_to", a, shape=x.shape)
             for a in x.args)  # fmt: skip
    parts = [a if shape_of(a) == () else make("getitem", a, *arrays, index=index) for a in whole]
    return make(x.op.name, *parts, **x.params)


def _is_small(x: Any, arrays: Any, index: Any) -> bool:
    """Whether an index takes few of the entries, so that the others need not be computed."""
    picks = any(part[0] in ("array", "int") for part in index)
    rows = PRIMITIVES["getitem"].evaluate([numbers(a) for a in (x, *arrays)], {"index": index})
    return picks and np.size(rows) < np.size(numbers(x))


def _getitem_of_spread(make: Make, x: Tensor, arrays: Any, index: Any) -> Any:
    inner = x.args[0]
    if len(shape_of(inner)) != x.ndim or len(index) != x.ndim:
        return None
    if any(part[0] not in ("array", "int", "slice") for part in index):
        return None
    stays = [n == m for n, m in zip(shape_of(inner), x.shape, strict=True)]
    kept = [arrays[part[1]] for part, stay in zip(index, stays, strict=True)
            if part[0] == "array" and stay]  # fmt: skip
    if any(part[0] == "slice" and not stay for part, stay in zip(index, stays, strict=True)):
        return None
    places = iter(range(len(kept)))
    new = tuple(
        ("int", 0) if not stay else ("array", next(places)) if part[0] == "array" else part
        for part, stay in zip(index, stays, strict=True)
    )
    return make("getitem", inner, *kept, index=new) if kept else None


def _is_every_row(rows: Any, n: int) -> bool:
    return isinstance(rows, np.ndarray) and np.array_equal(rows, np.arange(n))


def _astype(make: Make, x: Any, dtype: str) -> Any:
    return x if dtype_of(x) == np.dtype(dtype) and isinstance(x, Tensor) else None


def _sum(make: Make, x: Any, axis: Any, keepdims: Any) -> Any:
    """The sum over rows of entries put in their places, one in each row, is the entries."""
    if axis == ():
        return x
    if op_name(x) == "neg":
        return make("neg", make("sum", x.args[0], axis=axis, keepdims=keepdims))
    if op_name(x) == "scatter" and len(axis) == 1 and len(x.params["index"]) == 2 == x.ndim:
        row, rows = x.params["index"][1 - axis[0]], x.shape[1 - axis[0]]
        fits = shape_of(x.args[0]) in ((), (1,), (rows,))
        if fits and row[0] == "array" and _is_every_row(x.args[1 + row[1]], rows):
            entries = make("broadcast_to", x.args[0], shape=(rows,))
            return make("expand_dims", entries, axis=axis) if keepdims else entries
    return None


_RULES: dict[str, Callable[..., Any]] = {
    "add": _add, "sub": _sub, "mul": _mul, "div": _div, "neg": _neg, "power": _power,
    "where": _where, "expand_dims": _expand_dims, "squeeze": _squeeze, "reshape": _reshape,
    "broadcast_to": _broadcast_to, "transpose": _transpose, "getitem": _getitem,
    "astype": _astype, "sum": _sum,
}  # fmt: skip
