"""A skeleton as boxes and arrows; of a large one, what did not change is folded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from ..graph import Tensor
from ..writing.text import leaf_names, text
from .outline import Cell, Line
from .skeleton import Node
from .titles import formula
from .values import brief

MOST = 48  # boxes in one graph, from which on parts of it are folded
_LONGEST = 26  # characters in a box


class Sketch:
    """The boxes and arrows of a graph.

    Args:
        nodes: its skeleton.
        ids: of the boxes, one for each node.
        changed: the nodes that have to be seen.
        bodies: what the names of definitions stand for.

    Attributes:
        hidden: how many operations are folded away.
    """

    def __init__(
        self, nodes: list[Node], ids: list[str], changed: set[int], bodies: Mapping[str, Any]
    ) -> None:
        self.nodes, self.ids, self.bodies = nodes, ids, bodies
        root = nodes[-1].term
        self.names = leaf_names(root) if isinstance(root, Tensor) else {}
        self.shown, self.folded = _chosen(nodes, changed)
        drawn = self.shown | self.folded
        self.hidden = sum(bool(n.args) for i, n in enumerate(nodes) if i not in drawn)

    @cached_property
    def ends(self) -> set[tuple[str, str]]:
        """The two ends of every arrow, also of those that are folded away."""
        return {(self.ids[a], self.ids[i]) for i, n in enumerate(self.nodes) for a in n.args}

    def cells(self, mark: Callable[[int], str]) -> list[Cell]:
        """The boxes, each with its mark."""
        drawn = sorted(self.shown | self.folded)
        return [Cell(self.ids[i], *self._said(i), mark(i)) for i in drawn]

    def lines(self, mark: Callable[[tuple[str, str]], str]) -> list[Line]:
        """The arrows, each with its mark, those into one box in the order of its arguments."""
        order = [(self.ids[a], self.ids[i]) for i in sorted(self.shown) for a in self.nodes[i].args]
        return [Line(*ends, mark(ends)) for ends in order]

    def _said(self, i: int) -> tuple[str, str, str]:
        """The kind, the title and the note of a box."""
        node = self.nodes[i]
        term = node.term
        if not isinstance(term, Tensor):
            return "constant", text(term), ""
        if i in self.folded:
            return "folded", formula(term, self.names, _LONGEST), "folded"
        if node.args or not _is_name(node):
            return "operation", formula(term, self.names, _LONGEST), ""
        if node.label[0] == "data":  # type: ignore[index]
            return "constant", brief(np.asarray(term._value)), ""
        name, body = term.name or "", str(self.bodies.get(term.name or "", ""))
        kind = "definition" if body or term.op is not None else "leaf"
        return kind, name, f"= {body}" if body not in ("", name) else ""


def _is_name(node: Node) -> bool:
    return isinstance(node.label, tuple) and node.label[0] in ("leaf", "data")


def _chosen(nodes: list[Node], changed: set[int]) -> tuple[set[int], set[int]]:
    """The nodes to show, and those at which the graph is folded."""
    every = set(range(len(nodes)))
    if len(nodes) <= MOST:
        return every, set()
    shown: set[int] = set()
    for allowed in (_above(nodes, changed), every):
        _spread(nodes, shown, allowed)
    met = {a for i in shown for a in nodes[i].args} - shown
    leaves = {a for a in met if not nodes[a].args}
    return shown | leaves, met - leaves


def _spread(nodes: list[Node], shown: set[int], allowed: set[int]) -> None:
    """Add what is allowed, from the result on, as long as there is room."""
    seen: set[int] = set()
    level = [len(nodes) - 1]
    while level:
        seen.update(level)
        room = MOST - len(shown)
        shown.update([i for i in level if i not in shown][:room])
        following = dict.fromkeys(a for i in level if i in shown for a in nodes[i].args)
        level = [a for a in following if a in allowed and a not in seen]


def _above(nodes: list[Node], changed: set[int]) -> set[int]:
    """The nodes that changed, that are made from such a node, and the result."""
    live = set(changed) | {len(nodes) - 1}
    for i, node in enumerate(nodes):
        if not live.isdisjoint(node.args):
            live.add(i)
    return live
