"""Formulas as one program: what they share is found, whatever graphs they came from.

Equal expressions become one entry. Broadcasting, which elementwise operations do by themselves,
leaves no entry; where a full shape is needed after all, an entry says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DeriveError, explain
from ..graph import PRIMITIVES, Primitive, Tensor, shape_of, toposort
from ..ops.settling import SETTLING
from .text import is_data, leaf_names, text

_TRANSPARENT = frozenset({"alias", "stop_gradient", "broadcast_to"}) | SETTLING
REDUCTIONS = frozenset({"sum", "max", "min", "mean", "norm"})
_CHEAP = frozenset({"neg", "expand_dims", "squeeze", "transpose", "broadcast_to", "getitem"})


@dataclass(frozen=True)
class Entry:
    """One expression: an operation on earlier entries, or a variable, a definition or data."""

    op: Primitive | None
    args: tuple[int, ...]
    params: dict[str, Any]
    shape: tuple[int, ...]
    name: str = ""
    value: Any = None

    @property
    def is_definition(self) -> bool:
        return self.op is None and bool(self.args)

    @property
    def is_number(self) -> bool:
        return self.op is None and not self.name and self.value.ndim == 0


class Program:
    """Entries, arguments before results.

    Args:
        forms: what each definition stands for.
    """

    def __init__(self, forms: Mapping[str, Any]) -> None:
        self.entries: list[Entry] = []
        self._forms = forms
        self._places: dict[Any, int] = {}

    def add(self, term: Any) -> int:
        """The place of the entry for a term."""
        if not isinstance(term, Tensor):
            return self._constant(term)
        names = leaf_names(term)
        done: dict[int, int] = {}
        for node in toposort(term):
            done[id(node)] = self._added(node, done, names)
        return done[id(term)]

    def full(self, place: int, shape: tuple[int, ...]) -> int:
        """The entry at its full shape."""
        if self.entries[place].shape == shape:
            return place
        return self._entry(PRIMITIVES["broadcast_to"], (place,), {"shape": shape}, shape)

    def needed(self, *roots: int) -> list[int]:
        """The places that the roots depend on, themselves included, in order."""
        found: set[int] = set()
        stack = list(roots)
        while stack:
            place = stack.pop()
            if place not in found:
                found.add(place)
                stack += self.entries[place].args
        return sorted(found)

    def shared(self, *roots: int) -> set[int]:
        """The places that are worth a name because they are used more than once."""
        order = self.needed(*roots)
        uses = Counter(a for place in order for a in self.entries[place].args)
        return {p for p in order if uses[p] > 1 and self._is_costly(self.entries[p])}

    def _is_costly(self, entry: Entry) -> bool:
        if entry.op is None:
            return entry.value is not None and bool(entry.shape)
        if entry.op.name in _CHEAP:
            return False
        return not all(self.entries[a].is_number for a in entry.args)

    def _added(self, node: Tensor, done: dict[int, int], names: dict[int, str]) -> int:
        if node.name in self._forms:
            return self._definition(node.name or "", node.shape)
        if node.op is None:
            known = is_data(node) and id(node) not in names
            return self._constant(node._value) if known else self._variable(node, names)
        args = [done[id(a)] if isinstance(a, Tensor) else self._constant(a) for a in node.args]
        if node.op.name in _TRANSPARENT:
            return args[0]
        if node.op.name in REDUCTIONS and node.params["axis"] == tuple(range(_ndim(node))):
            return self._reduced(node, args[0])
        if node.op.elementwise:
            shape = np.broadcast_shapes(*(self.entries[a].shape for a in args))
        else:
            args = [self.full(a, shape_of(x)) for a, x in zip(args, node.args, strict=True)]
            shape = node.shape
        return self._entry(node.op, tuple(args), node.params, shape)

    def _reduced(self, node: Tensor, x: int) -> int:
        """A reduction over all axes is a number; its broadcasting is as implicit as any other."""
        if self.entries[x].shape == () and np.prod(shape_of(node.args[0])) == 1:
            return x
        x = self.full(x, shape_of(node.args[0]))
        assert node.op is not None
        return self._entry(node.op, (x,), node.params | {"keepdims": False}, ())

    def _definition(self, name: str, shape: tuple[int, ...]) -> int:
        form = self._forms[name]
        body = self.full(self.add(form), shape)
        if text(form) == name:  # a usual name, such as softmax(z), says what it is
            return body
        return self._placed(("definition", name), Entry(None, (body,), {}, shape, name))

    def _variable(self, leaf: Tensor, names: dict[int, str]) -> int:
        name = leaf.name or names[id(leaf)]
        return self._placed(("variable", name), Entry(None, (), {}, leaf.shape, name))

    def _constant(self, value: Any) -> int:
        array = np.asarray(value)
        if array.ndim and array.size and array.dtype.kind == "f" and (array == array.flat[0]).all():
            return self._constant(array.flat[0])
        key = ("data", array.shape, array.dtype.kind, array.tobytes())
        return self._placed(key, Entry(None, (), {}, array.shape, value=array))

    def _entry(self, op: Primitive, args: Any, params: dict[str, Any], shape: Any) -> int:
        key = (op.name, args, tuple(sorted(params.items())))
        return self._placed(key, Entry(op, args, params, shape))

    def _placed(self, key: Any, entry: Entry) -> int:
        if key not in self._places:
            self._places[key] = len(self.entries)
            self.entries.append(entry)
        return self._places[key]


def _ndim(node: Tensor) -> int:
    return len(shape_of(node.args[0]))


def check_names(loss: Any, forms: Mapping[str, Any]) -> None:
    """Refuse a loss in which one name means two things: code could not tell them apart."""
    leaves = [n.name for n in toposort(loss) if n.op is None and not is_data(n)]
    twice = [name for name, times in Counter([*leaves, *forms]).items() if times > 1]
    if twice:
        raise DeriveError(
            explain(f"source: two things are named {twice[0]}", "", "a name of its own for each")
        )
