"""Nodes of which there is one for each thing that is said, so that equal ones are the same."""

from __future__ import annotations

from typing import Any

from ...graph import PRIMITIVES, Primitive, Tensor, numbers, op_name, record, shape_of
from ...writing.text import text
from .views import Term, as_product, unbroadcast

COMPARISONS = frozenset({"greater", "greater_equal", "less", "less_equal", "equal", "not_equal"})
_NOT_OF_BOOLEANS = frozenset({"neg", "add", "sub"})  # NumPy refuses, or takes + for "or"


class Nodes:
    """Interned nodes: what says the same is the same object."""

    def __init__(self) -> None:
        self._made: dict[Any, Tensor] = {}
        self._data: set[int] = set()

    def make(self, name: str, *args: Term, **params: Any) -> Tensor:
        return self.apply(PRIMITIVES[name], args, params)

    def apply(self, op: Primitive, args: tuple[Term, ...], params: dict[str, Any]) -> Tensor:
        """The one node that says `op` of `args`."""
        if op.name in _NOT_OF_BOOLEANS and all(op_name(a) in COMPARISONS for a in args):
            args = tuple(self.make("where", a, 1, 0) for a in args)
        key = (op.name, tuple(map(_key, args)), tuple(sorted(params.items())))
        if key not in self._made:
            value = op.evaluate(list(map(numbers, args)), params)
            self._made[key] = record(op, args, params, value)
        return self._made[key]

    def broadcast(self, term: Term, shape: tuple[int, ...]) -> Term:
        """The term at this shape; nothing is added if it has it already."""
        term = unbroadcast(term)
        return term if shape_of(term) == shape else self.make("broadcast_to", term, shape=shape)

    def leaf(self, array: Any) -> Tensor:
        """A leaf of plain data."""
        key = ("data", array.shape, array.dtype.str, array.tobytes())
        if key not in self._made:
            leaf = Tensor(array if array.ndim else array[()])
            self._made[key] = leaf.named(text(leaf._value))
            self._data.add(id(leaf))
        return self._made[key]

    def is_data(self, arg: Term) -> bool:
        """Whether a term is known in numbers."""
        factors = as_product(arg)[1]
        return all(id(base) in self._data for base, _ in factors)


def _key(arg: Term) -> Any:
    return id(arg) if isinstance(arg, Tensor) else (type(arg).__name__, arg)
