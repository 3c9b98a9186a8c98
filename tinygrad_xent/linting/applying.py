"""Functions: those known by name, those that the document defines, and others."""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np

from .. import functions, ops
from ..graph import Tensor
from ..reading.latex_tree import (
    At,
    Big,
    Call,
    Name,
    Num,
    Tree,
    substitute,
    walk,
    with_parts,
)
from .base import Base
from .document import VECTOR_FUNCTIONS, Definition
from .values import (
    CannotReadError,
    Value,
    entrywise,
    number,
    slopes,
    total,
    vector,
)
from .world import POINTS, opaque

_ELEMENTWISE: dict[str, Callable[[Any], Any]] = {
    "exp": ops.exp, "log": ops.log, "sin": ops.sin, "cos": ops.cos, "tanh": ops.tanh,
    "sqrt": ops.sqrt, "abs": ops.abs, "sign": ops.sign, "sigmoid": functions.sigmoid,
    "relu": functions.relu, "softplus": functions.softplus,
    "tan": lambda x: ops.sin(x) / ops.cos(x),
    "sinh": lambda x: (ops.exp(x) - ops.exp(-x)) / 2.0,
    "cosh": lambda x: (ops.exp(x) + ops.exp(-x)) / 2.0,
}  # fmt: skip


class Applied(Base):
    """Evaluates calls."""

    def _call(self, tree: Call) -> Value:
        closed = self._closed(tree)
        if closed != tree:
            return self.value(closed)
        if tree.primes:
            return self._primed(tree)
        found = self.document.definitions.get(tree.name)
        if found:
            result = self._defined(tree, found)  # entries of a vector have nodes of their own
            return result if result.shape and found.kind == "entry" else self._fresh(result)
        name = self.facts.functions.get(tree.name, tree.name)
        if name in VECTOR_FUNCTIONS:
            return self._of_vector(name, tree)
        if name in ("sum", "mean", "dot"):
            return self._of_arrays(name, tree)
        if name == "diag":
            return _diagonal([self.value(a) for a in tree.args])
        if name in ("max", "min"):
            values = [self.value(a) for a in tree.args]
            entries = values[0].entries if len(values) == 1 else [v.scalar for v in values]
            return number(extreme(name, list(entries)))
        if len(tree.args) != 1:
            raise CannotReadError(f"nothing says what {tree.name} is")
        arg = self.value(tree.args[0])
        if name in _ELEMENTWISE:
            return arg.map(on_tensor(_ELEMENTWISE[name]))
        if name not in self.document.functions:
            raise CannotReadError(f"the function {tree.name}")
        return arg.map(lambda x: opaque(name, x))

    def _of_arrays(self, name: str, tree: Call) -> Value:
        """sum(p*q), mean(x) and dot(p, q), as in code."""
        self.numpy += 1
        try:
            values = [self.value(a) for a in tree.args]
        finally:
            self.numpy -= 1
        whole = reduce(lambda a, b: entrywise(operator.mul, a, b), values)
        if (name == "dot") != (len(values) == 2):
            raise CannotReadError(f"{name} of {len(values)} arguments")
        result = total(whole.entries)
        return number(result / float(len(whole.entries)) if name == "mean" else result)

    def _of_vector(self, name: str, tree: Call) -> Value:
        if len(tree.args) != 1:
            raise CannotReadError(f"{name} of several arguments")
        arg = tree.args[0]
        if isinstance(arg, At) and name != "logsumexp" and not self.value(arg).shape:
            *rows, last = arg.at
            base = At(arg.base, tuple(rows)) if rows else arg.base
            return self.value(At(Call(tree.name, (base,)), (last,)))
        z = self.value(arg)
        if len(z.shape) != 1:
            raise CannotReadError(f"{name} of something that is not a vector")
        e = [on_tensor(ops.exp)(x) for x in z.entries]
        whole = total(e)
        if name == "logsumexp":
            return number(on_tensor(ops.log)(whole))
        if name == "softmax":
            return Value(z.shape, tuple(x / whole for x in e), z.turn)
        return z.map(lambda x: x - on_tensor(ops.log)(whole))

    def _defined(self, tree: Call, found: Definition) -> Value:
        if found.kind == "entry":
            return self._by_entry(tree, found)
        if found.kind != "function":  # L(theta), where L = ... says all
            return self.value(Name(tree.name))
        if len(found.params) != len(tree.args):
            raise CannotReadError(f"{tree.name} of {len(tree.args)} arguments")
        values = dict(zip(found.params, tree.args, strict=True))
        try:
            return self._open(tree.name, _renamed(found.body, values))
        except CannotReadError:
            given = [self.value(a) for a in tree.args]
            shape = next((v for v in given if v.shape), None)
            if shape is None:
                raise
            return self._entry_by_entry(found, given, shape)

    def _entry_by_entry(self, found: Definition, given: list[Value], like: Value) -> Value:
        """A function of numbers, applied to vectors."""
        if any(v.shape not in ((), like.shape) for v in given):
            raise CannotReadError("a function of arguments of different lengths")
        entries = []
        for k in range(len(like.entries)):
            points: dict[str, Tree] = {}
            for param, v in zip(found.params, given, strict=True):
                points[param] = self._point(v.entries[k] if v.shape else v.entries[0])
            entries.append(self._open("", _renamed(found.body, points)).scalar)
        return Value(like.shape, tuple(entries), like.turn)

    def _by_entry(self, tree: Call, found: Definition) -> Value:
        """s(x_i), where the definition may use the other entries of x."""
        x, i = found.params
        arg = tree.args[0]
        if isinstance(arg, At) and not self.value(arg).shape:
            *rows, last = arg.at
            base: Tree = At(arg.base, tuple(rows)) if rows else arg.base
            values: dict[str, Tree] = {x: base, i: last}
            return self._open(f"{tree.name}()", _renamed(found.body, values))
        given = self.value(arg)
        if len(given.shape) == 1:
            at = [At(arg, (Num(Fraction(k + 1)),)) for k in range(given.shape[0])]
            return vector([self.value(Call(tree.name, (e,))).scalar for e in at], given.turn)
        alone = all(n.at == (Name(i),) for n in walk(found.body)
                    if isinstance(n, At) and n.base == Name(x))  # fmt: skip
        if not alone:
            raise CannotReadError(f"{tree.name} of one number")
        return self.value(_entry_replaced(found.body, x, arg))

    def _primed(self, tree: Call) -> Value:
        """f'(x): the engine differentiates f at a node of its own."""
        if len(tree.args) != 1 or tree.primes > 2:
            raise CannotReadError(f"what {tree.name}' is the derivative by")
        value = self.value(tree.args[0])
        return value.map(lambda x: self._slope(tree, x))

    def _slope(self, tree: Call, x: Any) -> Any:
        point = x * 1.0 if isinstance(x, Tensor) else Tensor(np.full(POINTS, x))
        result = self.value(Call(tree.name, (self._point(point),))).scalar
        for _ in range(tree.primes):
            result = slopes(result, [point], POINTS)[0]
        return result


def on_tensor(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def quietly(x: Any) -> Any:
        with np.errstate(all="ignore"):
            return f(_as_tensor(x))

    return quietly


def _diagonal(args: list[Value]) -> Value:
    """The matrix with a vector on its diagonal."""
    if len(args) != 1 or len(args[0].shape) != 1:
        raise CannotReadError("diag of something that is not a vector")
    entries, n = args[0].entries, args[0].shape[0]
    return Value((n, n), tuple(entries[i] if i == j else 0.0 for i in range(n) for j in range(n)))


def extreme(kind: str, entries: list[Any]) -> Any:
    choose = ops.maximum if kind == "max" else ops.minimum
    return reduce(lambda a, b: choose(_as_tensor(a), b), entries)


def _renamed(body: Tree, values: dict[str, Tree]) -> Tree:
    """Substitution, with bound indices renamed where the arguments use their letter."""
    used = {n.text for v in values.values() for n in walk(v) if isinstance(n, Name)}
    return substitute(_freshly_bound(body, used), values)


def _freshly_bound(tree: Tree, used: set[str]) -> Tree:
    if isinstance(tree, Big) and tree.index in used:
        fresh = tree.index + "'"
        swap: dict[str, Tree] = {tree.index: Name(fresh)}
        where = tree.where and substitute(tree.where, swap)
        body = _freshly_bound(substitute(tree.body, swap), used)
        return Big(tree.kind, fresh, tree.low, tree.high, where, body)
    return with_parts(tree, lambda part: _freshly_bound(part, used))


def _entry_replaced(body: Tree, x: str, arg: Tree) -> Tree:
    if isinstance(body, At) and body.base == Name(x):
        return arg
    return with_parts(body, lambda part: _entry_replaced(part, x, arg))


def _as_tensor(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else Tensor(np.full(POINTS, x))
