"""A graph entry by entry as expansions, by a table of operations.

What only moves entries does so with any kind of entry; what is in no table becomes unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import functions
from ..algebra.loss.compositions import compositions
from ..graph import Primitive, Tensor, toposort
from ..ops.settling import SETTLING
from .coefficients import value
from .series import Series, Setting, series

_SHIFTED = frozenset({"softmax", "log_softmax", "logsumexp"})
_MOVES = frozenset({
    "sum", "matmul", "reshape", "transpose", "expand_dims", "squeeze", "broadcast_to", "alias",
    "stop_gradient", "getitem", "scatter", "concatenate",
})  # fmt: skip
_KINKED = frozenset({
    "abs", "where", "greater", "less", "greater_equal", "less_equal", "maximum", "minimum",
})  # fmt: skip
_KEPT = frozenset({"tanh", "expm1", "log1p", "sqrt"}) | _KINKED  # shown as they are without t


class Expansion:
    """The expansions of all nodes of a graph.

    Args:
        known: the entries of leaves, by the `id` of the leaf.
        setting: what is known of them.
    """

    def __init__(self, known: dict[int, np.ndarray], setting: Setting) -> None:
        self._values, self._setting = dict(known), setting

    def of(self, root: Tensor) -> np.ndarray:
        """An array of series."""
        order = toposort(root)
        self._found = {id(f.root): f for f in compositions(order)}
        self._shifts = {id(n) for f in self._found.values() if f.template.name in _SHIFTED
                        for n in f.inner if _is_shift(n)}  # fmt: skip
        needed = {id(root)}
        for node in reversed(order):
            if id(node) in needed and id(node) not in self._values:
                needed |= {id(a) for a in self._made_of(node)}
        for node in order:
            if id(node) in needed and id(node) not in self._values:
                self._values[id(node)] = self._expanded(node)
        return self._values[id(root)]

    def _made_of(self, node: Tensor) -> tuple[Any, ...]:
        """The nodes that an expansion is made from."""
        if id(node) in self._shifts:
            return ()
        found = self._found.get(id(node))
        return (found.argument,) if found and found.template.name in _SHORT else node.args

    def _expanded(self, node: Tensor) -> np.ndarray:
        if node.op is None:
            return self._entries(node._value)
        if id(node) in self._shifts:  # it changes no value, whatever it is
            return self._entries(np.zeros(node.shape))
        found = self._found.get(id(node))
        if found is not None and found.template.name in _SHORT:
            apply = self._entrywise(_SHORT[found.template.name])
            return self._entries(apply(self._values[id(found.argument)]))
        args = [self._values[id(a)] if type(a) is Tensor else self._entries(a) for a in node.args]
        return self._entries(self._applied(node.op, args, node))

    def _applied(self, op: Primitive, args: list[Any], node: Tensor) -> Any:
        if op.name in _TABLE:
            kept, f = op.name in _KEPT, _TABLE[op.name]
            return self._entrywise(
                lambda *xs: _of_constants(op, xs) if kept and _is_data(xs) else f(*xs)
            )(*args)
        if op.name in ("max", "min"):
            return self._extreme(op.name, args[0], **node.params)
        if op.name == "size":
            return node._value
        if op.name == "getitem":  # indices are data
            args[1:] = [a._value if type(a) is Tensor else a for a in node.args[1:]]
        if op.name in SETTLING:
            return args[0]
        if op.name == "astype" and np.dtype(node.params["dtype"]).kind == "f":
            return args[0]
        if op.name in _MOVES:
            return op.array(*args, **node.params)
        return self._entrywise(lambda *xs: _of_constants(op, xs))(*args)

    def _entrywise(self, f: Callable[..., Series]) -> Callable[..., Any]:
        def apply(*args: Any) -> Any:
            return np.asarray(np.frompyfunc(f, len(args), 1)(*args), object)

        return apply

    def _extreme(self, name: str, x: Any, axis: Any, keepdims: bool) -> Any:
        pick = np.frompyfunc(_TABLE[f"{name}imum"], 2, 1)
        return pick.reduce(x, axis=axis, keepdims=keepdims)

    def _entries(self, given: Any) -> np.ndarray:
        def entry(x: Any) -> Series:
            return series(float(x) if isinstance(x, (bool, np.bool_, int)) else x, self._setting)

        array = np.asarray(given, dtype=object)
        return np.asarray(np.frompyfunc(entry, 1, 1)(array), object)


def _is_shift(node: Tensor) -> bool:
    return node.op is not None and node.op.name == "stop_gradient"


def _of_constants(op: Any, xs: tuple[Series, ...]) -> Series:
    """Any operation on what does not depend on t; else it is not decided."""
    if not _constant(xs):
        return xs[0].unknown
    setting, result = xs[0].setting, op(*(x.constant for x in xs))
    if not np.isfinite(value(result)):
        return xs[0].unknown
    kinked = op.name in _KINKED and isinstance(result, Tensor)
    return series(setting.letter(result) if kinked else result, setting)


def _is_data(xs: tuple[Series, ...]) -> bool:
    """Whether this depends on data, and on nothing else."""
    return _constant(xs) and any(isinstance(x.constant, Tensor) for x in xs)


def _constant(xs: tuple[Series, ...]) -> bool:
    return all(x.is_constant for x in xs)


# -- the table ------------------------------------------------------------------------------------


def _power(x: Series, y: Series) -> Series:
    if y.is_constant:
        return x.power(y.constant)
    return (x.log() * y).exp()


def _where(c: Series, x: Series, y: Series) -> Series:
    """The choice that a condition makes, which is 1, 0, or a formula that depends on data."""
    if not c.is_constant:
        return c.unknown
    if not isinstance(c.constant, Tensor):
        return x if c.constant else y
    return c * x + (1.0 - c) * y


def _is_more(x: Series, y: Series) -> Series:
    """1 where x > y, from 0, 1/2 and 1 for less, equal and more."""
    sign = (x - y).sign()
    if not sign.is_constant:
        return sign
    c = sign.constant
    positive = (c + 1.0) * c / 2.0 if isinstance(c, Tensor) else float(c > 0)
    return series(positive, x.setting)


def _is_same(x: Series, y: Series) -> Series:
    difference = x - y
    if difference.is_zero:
        return series(1.0, x.setting)
    if difference.lead is None:
        return x.unknown
    x.setting.nonzero(difference.terms[difference.lead])
    return series(0.0, x.setting)


def _sigmoid(x: Series) -> Series:
    if x.is_constant:
        return series(functions.sigmoid(x.constant), x.setting)
    return 1.0 / (1.0 + (-x).exp())


def _softplus(x: Series) -> Series:
    if x.is_constant:
        return series(functions.softplus(x.constant), x.setting)
    return (1.0 + x.exp()).log()


def _exp(x: Series) -> Series:
    return x.exp()


_SHORT: dict[str, Callable[..., Series]] = {"sigmoid": _sigmoid, "softplus": _softplus}
_TABLE: dict[str, Callable[..., Series]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "neg": lambda x: -x,
    "power": _power,
    "exp": _exp,
    "log": lambda x: x.log(),
    "expm1": lambda x: x.exp() - 1.0,
    "log1p": lambda x: (1.0 + x).log(),
    "sqrt": lambda x: x.power(0.5),
    "tanh": lambda x: 1.0 - 2.0 / ((2.0 * x).exp() + 1.0),
    "sign": lambda x: x.sign(),
    "abs": lambda x: x * x.sign(),
    "where": _where,
    "greater": _is_more,
    "less": lambda x, y: _is_more(y, x),
    "greater_equal": lambda x, y: 1.0 - _is_more(y, x),
    "less_equal": lambda x, y: 1.0 - _is_more(x, y),
    "equal": _is_same,
    "not_equal": lambda x, y: 1.0 - _is_same(x, y),
    "logical_and": lambda x, y: x * y,
    "logical_or": lambda x, y: x + y - x * y,
    "logical_not": lambda x: 1.0 - x,
    "maximum": lambda x, y: _where(_is_more(x, y), x, y),
    "minimum": lambda x, y: _where(_is_more(x, y), y, x),
}
