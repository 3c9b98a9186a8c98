"""Whether two formulas are equal: at several lengths, all indices, and many random points.

Two different formulas of this kind agree at a random point with probability 0, up to rounding; what
lies between rounding and a clear difference is not decided.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from ..reading.latex_tree import (
    At,
    Delta,
    Nabla,
    Name,
    Num,
    Partial,
    Tree,
    indices,
    substitute,
    walk,
)
from .document import Document
from .evaluate import World
from .values import CannotReadError, OutOfRangeError, Value, numbers, transposed
from .world import POINTS, Facts

_TRIALS, _MOST_CHOICES, _FEWEST, _LARGEST = 3, 81, 6, 9
_SAME, _DIFFERENT = 1e-9, 1e-6


class OutOfTimeError(CannotReadError):
    """The document takes longer than it may."""


@dataclass(frozen=True)
class Difference:
    """Where two formulas differ: the world, the indices, the point, and what they are there."""

    world: World
    chosen: Mapping[str, int]
    point: int
    left: float
    right: float


@dataclass
class Comparison:
    """Equal unless there is a difference; `compared` says at how many points."""

    difference: Difference | None = None
    compared: int = 0
    undecided: bool = False

    @property
    def same(self) -> bool:
        return self.difference is None and not self.undecided and self.compared >= _FEWEST


@dataclass
class Comparer:
    """Compares formulas of one document."""

    document: Document
    until: float = float("inf")
    worlds: dict[tuple[int, str, str], World] = field(default_factory=dict)

    def world(self, trial: int, facts: Facts, fixed: Mapping[str, int], least: int) -> World:
        key = (trial, repr(facts) + str(least), repr(sorted(fixed.items())))
        if key not in self.worlds:
            if len(self.worlds) > 40:
                self.worlds.clear()
            self.worlds[key] = World(self.document, trial, facts, fixed)
            self.worlds[key].least = least
        self.worlds[key].count = 0
        return self.worlds[key]

    def compare(self, a: Tree, b: Tree, facts: Facts, trials: int = _TRIALS) -> Comparison:
        """Compare at several lengths; stops at the first difference.

        Raises:
            CannotReadError: one of them has no meaning.
        """
        result = Comparison()
        for trial in range(trials):
            for world, chosen in self.choices(trial, facts, a, b):
                if time.monotonic() > self.until:
                    raise OutOfTimeError("the time for this document is over")
                self._at(world, chosen, a, b, result)
                if result.difference:
                    return result
        return result

    def _at(self, world: World, chosen: dict[str, int], a: Tree, b: Tree, result: Comparison
            ) -> None:  # fmt: skip
        at: dict[str, Tree] = {name: Num(Fraction(i)) for name, i in chosen.items()}
        with np.errstate(all="ignore"):
            try:
                left = world.value(substitute(a, at))
            except OutOfRangeError:
                return
            try:
                right = world.value(substitute(b, at))
            except OutOfRangeError:
                result.difference = Difference(world, chosen, 0, 0.0, float("nan"))
                return
            pairs = _aligned(left, right, a, b)
            found = [_differ(x, y) for x, y in pairs[0]]
            if any(bad.any() for _, bad, _ in found) and len(pairs) > 1:
                found, pairs = [_differ(x, y) for x, y in pairs[1]], pairs[1:]
        for (x, y), (compared, bad, open_) in zip(pairs[0], found, strict=True):
            result.compared += compared
            result.undecided |= open_
            if bad.any():
                point = int(np.argmax(bad))
                result.difference = Difference(world, chosen, point, float(x[point]),
                                               float(y[point]))  # fmt: skip
                return

    def choices(
        self, trial: int, facts: Facts, *trees: Tree
    ) -> Iterator[tuple[World, dict[str, int]]]:
        """The indices that are free, at each of their values."""
        fixed_letters = self._hidden(trees) | ({*facts.onehot.values()} - {""})
        free = sorted(set().union(*map(indices, trees)) - self.document.sizes)
        least = max((n.value.numerator for tree in trees for n in _components(tree)), default=1)
        if least > _LARGEST:
            raise CannotReadError(f"an index of more than {_LARGEST}")
        probe = self.world(trial, facts, {}, least)
        letters = sorted({*free, *fixed_letters})
        bodies = [d.body for d in self.document.definitions.values()]
        ends = [probe.runs_to(letter, *trees, *bodies) for letter in letters]
        for chosen in itertools.islice(
            itertools.product(*(range(1, n + 1) for n in ends)), _MOST_CHOICES
        ):
            values = dict(zip(letters, chosen, strict=True))
            if not _allowed(values, facts):
                continue
            fixed = {name: i for name, i in values.items() if name in fixed_letters}
            yield self.world(trial, facts, fixed, least), values

    def _hidden(self, trees: tuple[Tree, ...]) -> set[str]:
        """Indices that stay open in definitions: the k of L = -log q_k."""
        used = set().union(*(self.document.closure(tree) for tree in trees))
        found: set[str] = set()
        for name, definition in self.document.definitions.items():
            if name in used:
                found |= indices(definition.body) - {*definition.params}
        return found - self.document.sizes


def _components(tree: Tree) -> Iterator[Num]:
    for node in walk(tree):
        at = node.at if isinstance(node, At) else ()
        for i in (node.i, node.j) if isinstance(node, Delta) else at:
            if isinstance(i, Num) and i.value.denominator == 1:
                yield i


def _allowed(values: Mapping[str, int], facts: Facts) -> bool:
    get = values.get
    return all(get(i) == get(j) for i, j in facts.equal if i in values and j in values) and all(
        get(i) != get(j) for i, j in facts.unequal if i in values and j in values
    )


Pairs = list[tuple[np.ndarray, np.ndarray]]


def _aligned(a: Value, b: Value, *trees: Tree) -> list[Pairs]:
    """The entries side by side; for derivatives by vectors in both usual layouts."""
    shapes = [tuple(n for n in v.shape if n != 1) for v in (a, b)]
    if shapes[0] and not b.shape:
        b = Value(a.shape, b.entries * len(a.entries))
        return [_pairs(a, b)]
    if len(shapes[0]) == len(shapes[1]) == 2:
        either = any(isinstance(n, Partial | Nabla) for tree in trees for n in walk(tree))
        turned = [_pairs(a, transposed(b))] if shapes[0] == shapes[1][::-1] and either else []
        found = ([_pairs(a, b)] if shapes[0] == shapes[1] else []) + turned
        if found:
            return found
    if shapes[0] != shapes[1]:
        raise CannotReadError(f"the sides have the shapes {a.shape} and {b.shape}")
    return [_pairs(a, b)]


def _pairs(a: Value, b: Value) -> Pairs:
    both = zip(a.entries, b.entries, strict=True)
    return [(numbers(x, POINTS), numbers(y, POINTS)) for x, y in both]


def _differ(x: np.ndarray, y: np.ndarray) -> tuple[int, np.ndarray, bool]:
    """How many points are defined on the left, where the right differs, and whether it is open."""
    defined = np.isfinite(x)
    apart = np.abs(x - y) / (1 + np.abs(x) + np.abs(y))
    bad = defined & ~(apart < _DIFFERENT)
    return int(defined.sum()), bad, bool((defined & (apart > _SAME) & (apart < _DIFFERENT)).any())


def index_pairs(trees: tuple[Tree, ...]) -> set[tuple[str, str]]:
    """Pairs of indices that a Kronecker delta joins."""
    return {
        (min(n.i.text, n.j.text), max(n.i.text, n.j.text))
        for tree in trees for n in walk(tree)
        if isinstance(n, Delta) and isinstance(n.i, Name) and isinstance(n.j, Name)
    }  # fmt: skip
