"""What evaluation rests on: lengths, indices, variables, and what is known already."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np

from ..graph import Tensor
from ..reading.latex_tree import (
    Add,
    At,
    Big,
    Delta,
    Name,
    Neg,
    Num,
    Rel,
    Tree,
    names,
    walk,
    with_parts,
)
from .document import Document
from .lengths import Axis
from .values import (
    CannotReadError,
    OutOfRangeError,
    Value,
    number,
)
from .world import POINTS, Facts, drawn, implicit, leaf

_MOST, _DEEPEST = 60_000, 40  # nodes evaluated for one comparison, definitions within definitions


class Base:
    """Values of formulas, for one choice of lengths, points and assumptions."""

    def __init__(
        self, document: Document, trial: int = 0, facts: Facts | None = None,
        fixed: Mapping[str, int] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        self.document, self.trial, self.facts = document, trial, facts or Facts()
        self.memo: dict[Tree, Value] = {}
        self.leaves: dict[tuple[str, tuple[int, ...]], Any] = {}
        self.arrays: dict[str, np.ndarray] = {}
        self.fixed = dict(fixed)
        self.depth = 0
        self.asking: list[str] = []
        self.numpy = 0  # how many sum(...) around: inside, all is entry by entry
        self.least = 1
        self.count = 0

    def length(self, axis: Axis) -> int:
        lengths = self.document.lengths
        label = lengths.label(axis)
        if label:
            return self.size(label)
        return self.facts.sizes.get(f"|{axis[1]}|", max(2 + self.trial % 2, self.least))

    def size(self, label: str) -> int:
        """Different numbers for different names; at each trial others."""
        if label in self.facts.sizes:
            return self.facts.sizes[label]
        names = sorted({*self.document.lengths.labels.values()})
        found = 2 + (names.index(label) + self.trial) % 3 if label in names else 2
        return max(found, self.least)

    def runs_to(self, index: str, *trees: Tree) -> int:
        """How many values an index has, from the axes that it stands at."""
        if index in self.document.lengths.declared:
            return self.size(self.document.lengths.declared[index])
        for tree in trees:
            for node in walk(tree):
                found = self._runs_at(index, node)
                if found:
                    return found
        for tree in trees:  # i = c: as far as the other
            for other in _paired(index, tree):
                if other not in self.asking:
                    self.asking.append(index)
                    try:
                        return self.runs_to(other, *trees)
                    except CannotReadError:
                        continue
                    finally:
                        self.asking.pop()
        if any(
            next(_paired(index, tree), "") for tree in trees
        ):  # it is compared, and nothing else
            return max(2 + self.trial % 2, self.least)
        raise CannotReadError(f"nothing says how far {index} runs")

    def _runs_at(self, index: str, node: Tree) -> int:
        if isinstance(node, At) and Name(index) in node.at:
            place = node.at.index(Name(index))
            if isinstance(node.base, Name) and not self._is_value(node.base.text):
                return self.length(("axis", node.base.text, place))
            shape = self.value(node.base).shape
            return shape[place] if place < len(shape) else 0
        if isinstance(node, Big) and node.index == index:
            return 0
        return 0

    def _is_value(self, name: str) -> bool:
        found = self.document.definitions.get(name)
        return found is not None and found.kind == "plain"

    def value(self, tree: Tree) -> Value:
        """The entries of a formula without free indices.

        Raises:
            CannotReadError: it has no meaning, or more than one.
        """
        known = self.memo.get(tree)
        if known is not None:
            return known
        self.count += 1
        if self.count > _MOST:
            raise CannotReadError("it takes too many operations")
        method = getattr(self, "_" + type(tree).__name__.lower(), None)
        if method is None:
            raise CannotReadError("this has no value")
        result: Value = method(tree)
        self.memo[tree] = result
        return result

    def whole(self, tree: Tree) -> int:
        """An index or the end of a range."""
        match tree:
            case Num(value) if value.denominator == 1:
                return value.numerator
            case Name(text) if text in self.fixed:
                return self.fixed[text]
            case Name(text) if text in self.document.sizes:
                return self.size(text)
            case Add(terms):
                return sum(map(self.whole, terms))
            case Neg(of):
                return -self.whole(of)
        raise CannotReadError("an index that is not a whole number")

    def _closed(self, tree: Tree) -> Tree:
        """With numbers for all indices: x_n and x_3 are one node where n is 3."""
        if isinstance(tree, At):
            at = tuple(Num(Fraction(self.whole(i))) if names(i) else i for i in tree.at)
            return At(self._closed(tree.base), at)
        if isinstance(tree, Big):
            return tree
        return with_parts(tree, self._closed)

    def _open(self, name: str, body: Tree) -> Value:
        if self.depth > _DEEPEST:
            raise CannotReadError(f"{name} is defined by itself, or too deeply")
        self.depth += 1
        try:
            return self.value(body)
        finally:
            self.depth -= 1

    def _fresh(self, value: Value) -> Value:
        """Nodes of their own: a derivative by a_k is not one by what a_k happens to equal."""
        return value.map(lambda e: e * 1.0 if isinstance(e, Tensor) else Tensor(np.full(POINTS, e)))

    def _point(self, entry: Any) -> Name:
        """A name for a value that has none."""
        name = f"\\point{len(self.leaves)}"
        self.leaves[name, ()] = entry
        return Name(name)

    def _whole_array(self, name: str) -> Value:
        """A name without subscripts: all its entries."""
        shape = tuple(self.length(("axis", name, k)) for k in range(self.document.rank(name)))
        places = itertools.product(*(range(1, n + 1) for n in shape))
        if not shape:
            return number(self.leaf(name, ()))
        at = [At(Name(name), tuple(Num(Fraction(i)) for i in p)) for p in places]
        return Value(shape, tuple(self.value(e).scalar for e in at))

    def _within(self, name: str, at: tuple[int, ...]) -> None:
        for k, i in enumerate(at):
            n = self.length(("axis", name, k))
            if not 1 <= i <= n:
                raise OutOfRangeError(f"{name} has {n} entries, and no entry {i}")

    def leaf(self, name: str, at: tuple[int, ...]) -> Any:
        known = self.leaves.get((name, at))
        if known is None:
            shape = tuple(self.length(("axis", name, k)) for k in range(len(at)))
            if name not in self.arrays:
                self.arrays[name] = self._drawn(name, shape)
            places: tuple[Any, ...] = (..., *(i - 1 for i in at))
            known = leaf(self.arrays[name][places])
            if name in self.facts.depends:
                on = [e for x in sorted(self.facts.depends[name]) for e in
                      self._whole_array(x).entries]  # fmt: skip
                known = implicit(name, at, known, on)
            self.leaves[name, at] = known
        return known

    def _drawn(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        if name in self.facts.onehot and len(shape) == 1:
            hot = self.fixed.get(self.facts.onehot[name], 1 + self.trial % shape[0])
            return np.tile(np.arange(1, shape[0] + 1) == min(hot, shape[0]), (POINTS, 1)) * 1.0
        return drawn(name, shape, self.trial, self.facts)


def _paired(index: str, tree: Tree) -> Iterator[str]:
    """The indices that a formula compares with this one."""
    for node in walk(tree):
        sides = (node.i, node.j) if isinstance(node, Delta) else (
            (node.left, node.right) if isinstance(node, Rel) else ())  # fmt: skip
        if Name(index) in sides:
            yield from (s.text for s in sides if isinstance(s, Name) and s.text != index)
