"""What is known of a graph's values from how they are made: signs, bounds, finiteness.

An answer of False means "not known". Inputs are taken to be finite; infinite ones are met where
they matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ...graph import Tensor, op_name, shape_of

MOVES = frozenset({"expand_dims", "squeeze", "reshape", "transpose", "getitem"})
MOVES_OR_SPREADS = MOVES | {"broadcast_to"}
_KEEP_SIGN = MOVES_OR_SPREADS | {
    "sum",
    "sqrt",
    "astype",
    "alias",
    "others",
    "max",
    "min",
    "stop_gradient",
}
_KEEP_SIGNS = frozenset({"add", "mul", "div"})
_FINITE_IF_ARGS = _KEEP_SIGN | {
    "add", "sub", "mul", "neg", "matmul", "abs", "tanh", "sin", "cos", "sign", "maximum", "minimum",
    "scatter", "put", "concatenate", "greater", "greater_equal", "less", "less_equal", "equal",
    "not_equal", "logical_and", "logical_or", "logical_not", "size", "checked_labels",
}  # fmt: skip
_MANY = 128  # nodes to look at before giving up, so that long graphs compile in linear time


def is_elementwise(x: Any) -> bool:
    """Whether it is the result of an entry-by-entry operation."""
    return isinstance(x, Tensor) and x.op is not None and x.op.elementwise


def picks_in(x: Any) -> Iterator[Tensor]:
    """What is picked by an index, of which something is an entry-by-entry function."""
    stack, seen = [x], 0
    while stack and seen < _MANY:
        node, seen = stack.pop(), seen + 1
        if op_name(node) == "getitem":
            yield node
        elif is_elementwise(node):
            stack += [a for a in node.args if isinstance(a, Tensor)]


def is_number(x: Any) -> bool:
    """Whether it is one number, known already."""
    return not isinstance(x, Tensor) and np.ndim(x) == 0


def equals(x: Any, number: float) -> bool:
    """Whether it is this number."""
    return is_number(x) and bool(x == number)


def is_positive(x: Any) -> bool:
    """Whether it cannot be negative, and is zero only by underflow: made of exponentials."""
    return _all(x, _parts_of_positive)


def _parts_of_positive(x: Any) -> bool | list[Any]:
    name = op_name(x)
    if not isinstance(x, Tensor):
        return np.ndim(x) == 0 and float(x) > 0
    if name in _KEEP_SIGN:
        return [x.args[0]]
    if name in _KEEP_SIGNS:
        return list(x.args)
    return list(x.args[1:]) if name == "where" else name == "exp"


def is_nonnegative(x: Any) -> bool:
    """Whether it says so itself: a size, a square, an exponential, or a number."""
    if not isinstance(x, Tensor):
        return bool(np.all(np.asarray(x) >= 0))
    name = op_name(x)
    if name == "power":
        return equals(x.args[1], 2)
    squared = name == "mul" and x.args[0] is x.args[1]
    return name == "abs" or squared or is_positive(x)


def is_nonpositive(x: Any) -> bool:
    """Whether it says so itself: minus a size, as in -|x|, or what the largest is taken from."""
    if not isinstance(x, Tensor):
        return bool(np.all(np.asarray(x) <= 0))
    name = op_name(x)
    if name == "neg":
        return is_nonnegative(x.args[0])
    if name == "sub":
        return is_largest_of(x.args[1], x.args[0])
    return name == "where" and _is_minus_size(*x.args)


def _is_minus_size(c: Any, a: Any, b: Any) -> bool:
    """where(x > 0, -x, x), which is -|x| with one-sided slopes."""
    asks = op_name(c) == "greater" and c.args[0] is b and equals(c.args[1], 0.0)
    return asks and op_name(a) == "neg" and a.args[0] is b


def is_largest_of(m: Any, x: Any) -> bool:
    """Whether m is the maximum of x along some axes, at a shape that broadcasts back to x."""
    while op_name(m) in ("stop_gradient", "broadcast_to"):
        m = m.args[0]
    used = m
    while op_name(m) in ("stop_gradient", "squeeze", "expand_dims", "broadcast_to"):
        m = m.args[0]
    if op_name(m) != "max" or m.args[0] is not x:
        return False
    return is_constant_along(used, m.params["axis"], x.ndim)


def is_constant_along(node: Any, axis: Iterable[int], ndim: int) -> bool:
    """Whether a node is the same all along these axes of what it is broadcast to.

    Args:
        ndim: how many axes that has. A row sum without its axis, (n,), is not constant along the
            rows of an (n, n) matrix that it is broadcast to.
    """
    while op_name(node) == "broadcast_to":
        node = node.args[0]
    shape = shape_of(node)
    places = [a - ndim + len(shape) for a in axis]
    return all(i < 0 or shape[i] == 1 for i in places)


def is_at_least_one(x: Any) -> bool:
    """Whether it is one or more: one and something positive, or a sum that has e^0 in it."""
    while op_name(x) in ("squeeze", "expand_dims", "broadcast_to", "getitem", "reshape"):
        x = x.args[0]
    if op_name(x) == "add":
        return any(equals(a, 1.0) and is_nonnegative(b) for a, b in (x.args, x.args[::-1]))
    if op_name(x) == "sum" and op_name(x.args[0]) == "exp":
        shifted = x.args[0].args[0]
        return op_name(shifted) == "sub" and is_largest_of(shifted.args[1], shifted.args[0])
    return not isinstance(x, Tensor) and bool(np.all(np.abs(x) >= 1))


def is_finite(x: Any) -> bool:
    """Whether it is finite for all finite inputs, but for overflow of a product or a sum."""
    return _all(x, _parts_of_finite)


def _parts_of_finite(x: Any) -> bool | list[Any]:
    name = op_name(x)
    if not isinstance(x, Tensor):
        return bool(np.all(np.isfinite(x)))
    if x.op is None or name == "exp":
        return x.op is None or is_nonpositive(x.args[0])
    if name in _FINITE_IF_ARGS:
        return [a for a in x.args if isinstance(a, Tensor)]
    if name == "where":
        return list(x.args)
    if name == "div":
        return is_at_least_one(x.args[1]) and [x.args[0]]
    if name == "log":
        return is_at_least_one(x.args[0]) and [x.args[0]]
    return name == "log1p" and is_positive(x.args[0]) and [x.args[0]]


def _all(x: Any, parts: Callable[[Any], bool | list[Any]]) -> bool:
    """Whether something holds of x: it does by itself, or because it does of its parts."""
    stack, seen = [x], set[int]()
    while stack:
        node = stack.pop()
        if len(seen) > _MANY:
            return False
        if id(node) not in seen:
            seen.add(id(node))
            answer = parts(node)
            if answer is False:
                return False
            stack += answer if isinstance(answer, list) else []
    return True
