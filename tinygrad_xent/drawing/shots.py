"""What each frame of a film shows: the graph after a step, what is new, what goes away next."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ..algebra import Derivation
from .changes import kept
from .outline import Panel
from .skeleton import Keys, Node, skeleton
from .sketch import Sketch

RECORDED = "The loss, walked backwards."


@dataclass(frozen=True)
class Shot:
    """What one frame shows, as data.

    Attributes:
        rule, reason: of the step that led here.
        operations: how many there are.
        graph: the boxes and arrows, with their marks.
        new, gone: the parts of the formula that this step made, and that the next one removes.
        hidden: how many operations are folded away, because the graph is large.
    """

    rule: str
    reason: str
    operations: int
    graph: Panel
    new: tuple[Any, ...]
    gone: tuple[Any, ...]
    hidden: int


def shots(derivation: Derivation) -> list[Shot]:
    """The frames of a derivation. A box has the same id in all frames that it is in."""
    keys: Keys = {}
    graphs = [skeleton(formula.term, keys) for _, formula in derivation.lines]
    pairs = [kept(a, b) for a, b in pairwise(graphs)]
    gone = [set(range(len(a))) - set(p.values()) for a, p in zip(graphs, pairs, strict=False)]
    new = [set(range(len(b))) - set(p) for b, p in zip(graphs[1:], pairs, strict=True)]
    steps = _Steps(derivation, graphs, [set(), *new], [*gone, set()], _ids(graphs, pairs))
    return [steps.shot(i) for i in range(len(graphs))]


def _ids(graphs: list[list[Node]], pairs: list[dict[int, int]]) -> list[list[str]]:
    """A name for every node, which it keeps as long as it stays."""
    count = len(graphs[0])
    ids = [[f"n{i}" for i in range(count)]]
    for graph, kept_here in zip(graphs[1:], pairs, strict=True):
        here = []
        for j in range(len(graph)):
            here.append(ids[-1][kept_here[j]] if j in kept_here else f"n{count}")
            count += j not in kept_here
        ids.append(here)
    return ids


class _Steps:
    """All the graphs of a derivation, and what is new and what goes away in each."""

    def __init__(
        self,
        derivation: Derivation,
        graphs: list[list[Node]],
        new: list[set[int]],
        gone: list[set[int]],
        ids: list[list[str]],
    ) -> None:
        self.derivation, self.graphs, self.new, self.gone = derivation, graphs, new, gone
        bodies = dict(derivation.forms) | dict(derivation.definitions)
        self.sketches = [
            Sketch(graph, ids[i], new[i] | gone[i], bodies) for i, graph in enumerate(graphs)
        ]

    def shot(self, i: int) -> Shot:
        rule, formula = self.derivation.lines[i]
        reason = self.derivation.steps[i - 1].reason if i else RECORDED
        new, gone = (_outermost(self.graphs[i], chosen[i]) for chosen in (self.new, self.gone))
        hidden = self.sketches[i].hidden
        return Shot(rule, reason, formula.operations, self._panel(i), new, gone, hidden)

    def _panel(self, i: int) -> Panel:
        here, last = self.sketches[i], len(self.sketches) - 1
        new, gone = self.new[i], self.gone[i]
        before = self.sketches[max(i - 1, 0)].ends
        after = self.sketches[min(i + 1, last)].ends
        cells = here.cells(lambda k: _mark(k in new, k in gone))
        return Panel(cells, here.lines(lambda ends: _mark(ends not in before, ends not in after)))


def _mark(new: bool, gone: bool) -> str:
    return " ".join(["new"] * new + ["gone"] * gone)


def _outermost(graph: list[Node], chosen: set[int]) -> tuple[Any, ...]:
    """The terms of the nodes that are chosen and in no other that is."""
    inner = {a for i in chosen for a in graph[i].args}
    return tuple(graph[i].term for i in sorted(chosen - inner))
