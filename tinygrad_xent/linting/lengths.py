"""How many entries there are along each axis: names such as n and m, and which axes share one.

Two axes have the same length where one index runs over both. A sum to n over an axis that has m
entries is a conflict: it is kept, with its place, and the first length stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..reading.latex_tree import At, Big, Delta, Dots, Name, Num, Pow, Rel, Rows, Tree, parts, walk

Axis = tuple[str, str, int]  # kind, name, place


@dataclass
class Conflict:
    """An index that runs to `found` over entries of `symbol`, of which there are `had`."""

    line: int
    index: str
    symbol: str
    found: str
    had: str


@dataclass
class Lengths:
    parent: dict[Axis, Axis] = field(default_factory=dict)
    labels: dict[Axis, str] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    declared: dict[str, str] = field(default_factory=dict)  # index letter -> size

    def root(self, axis: Axis) -> Axis:
        while axis in self.parent:
            axis = self.parent[axis]
        return axis

    def label(self, axis: Axis) -> str | None:
        return self.labels.get(self.root(axis))

    def same(self, a: Axis, b: Axis) -> tuple[str, str] | None:
        """Say that two axes have one length; the two names, if they have different ones."""
        a, b = self.root(a), self.root(b)
        if a == b:
            return None
        mine, other = self.labels.get(a), self.labels.get(b)
        if mine and other and mine != other:
            return mine, other
        self.parent[b] = a
        if other:
            self.labels[a] = other
        return None

    def named(self, size: str) -> Axis:
        axis = ("size", size, 0)
        self.labels.setdefault(self.root(axis), size)
        return axis

    # -- reading ----------------------------------------------------------------------------------

    def read(self, line: int, trees: Iterable[Tree]) -> None:
        """What one statement says about lengths."""
        env = {letter: self.named(size) for letter, size in self.declared.items()}
        for tree in trees:
            self._read(line, tree, env)

    def declare(self, line: int, tree: Tree) -> None:
        """`z = (z_1, ..., z_m) \\in R^m`, `k \\in [m]`."""
        for node in walk(tree) if not isinstance(tree, Rel) else ():
            if isinstance(node, Rows):
                self._listed(line, node)
        if isinstance(tree, Rel) and tree.op == "∈":
            self._member(line, tree.left, tree.right)

    def _listed(self, line: int, rows: Rows) -> None:
        flat = [e for row in rows.rows for e in row]
        first, last = flat[0], flat[-1]
        if not any(isinstance(e, Dots) for e in flat) or not isinstance(first, At):
            return
        if isinstance(last, At) and isinstance(first.base, Name) and last.base == first.base:
            for k, (a, b) in enumerate(zip(first.at, last.at, strict=False)):
                if isinstance(a, Num) and isinstance(b, Name):
                    self._join(line, ("axis", first.base.text, k), self.named(b.text), b.text)

    def _member(self, line: int, left: Tree, right: Tree) -> None:
        if isinstance(left, Name) and isinstance(right, Rows):
            ends = right.rows[0]
            if len(ends) == 3 and isinstance(ends[1], Dots) and isinstance(ends[2], Name):
                self.declared[left.text] = ends[2].text
        if not (isinstance(right, Pow) and right.base == Name(r"\mathbb{R}")):
            return
        sizes = [n.text for n in walk(right.exponent) if isinstance(n, Name)]
        symbol = next((n.text for n in walk(left) if isinstance(n, Name)), None)
        for k, size in enumerate(sizes):
            if symbol:
                self._join(line, ("axis", symbol, k), self.named(size), symbol)

    def _join(self, line: int, axis: Axis, size: Axis, index: str) -> None:
        clash = self.same(axis, size)
        if clash:
            self.conflicts.append(Conflict(line, index, axis[1], clash[1], clash[0]))

    def _read(self, line: int, tree: Tree, env: dict[str, Axis]) -> None:
        if isinstance(tree, At) and isinstance(tree.base, Name):
            for k, index in enumerate(tree.at):
                if isinstance(index, Name):
                    self._meet(line, ("axis", tree.base.text, k), index.text, env)
        elif isinstance(tree, Delta) and isinstance(tree.i, Name) and isinstance(tree.j, Name):
            other = env.setdefault(tree.j.text, ("free", tree.j.text, line))
            self._meet(line, other, tree.i.text, env)
        elif isinstance(tree, Big):
            inner = {**env, tree.index: ("bound", tree.index, id(tree))}
            self.parent.pop(inner[tree.index], None)  # ids may come back
            self.labels.pop(inner[tree.index], None)
            if isinstance(tree.high, Name) and isinstance(tree.low, Num):
                inner[tree.index] = self.named(tree.high.text)
            self._read(line, tree.body, inner)
            return
        for part in parts(tree):
            self._read(line, part, env)

    def _meet(self, line: int, axis: Axis, index: str, env: dict[str, Axis]) -> None:
        runs = env.setdefault(index, ("free", index, line))
        clash = self.same(axis, runs)
        if clash:
            self.conflicts.append(Conflict(line, index, axis[1], clash[1], clash[0]))
