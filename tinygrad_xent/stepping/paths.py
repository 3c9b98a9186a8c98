"""Which paths make up one entry of a gradient, and how much each of them contributes.

A gradient is the sum over all paths to the loss of the product of the local Jacobians on the way.
Paths are opened from the node upwards, the largest share first, because a graph of n nodes can have
2^n of them: what is not opened stays one row, with the number of paths in it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import GradientError, ShapeError, describe, explain
from ..graph import Tensor, numbers
from .recording import Walked
from .records import Path, Why
from .walkthrough import Walkthrough

MOST = 24  # rows
_LONGEST = 400  # nodes on a path that is followed


@dataclass(eq=False)
class _Part:
    """All paths that end in the same edges: from `way[-1]`, the node itself is `way[0]`."""

    way: list[tuple[Tensor, int]]  # a node, and which argument of it the one before is
    share: float


class Paths:
    """The paths from one entry of a node to the loss.

    Args:
        walked: the graph.
        node: whose gradient is asked about.
        index: of the entry.
    """

    def __init__(self, walked: Walked, node: Tensor, index: tuple[int, ...]) -> None:
        self._walked, self._node, self._index = walked, node, index
        self._users: dict[int, list[tuple[Tensor, int]]] = {}
        for user in walked.visited:
            for i, _ in walked.sent(user):
                self._users.setdefault(id(user.args[i]), []).append((user, i))
        self._counts = self._count()

    def _count(self) -> dict[int, int]:
        """How many paths lead from each node to the loss."""
        counts = {id(self._walked.loss): 1}
        for node in self._walked.visited[1:]:
            counts[id(node)] = sum(counts[id(user)] for user, _ in self._users[id(node)])
        return counts

    def found(self) -> list[Path]:
        """The paths, the largest share first."""
        first = _Part([(self._node, -1)], self._entry(self._walked.received[id(self._node)]))
        open_parts: list[_Part] = [first]
        done: list[_Part] = []
        while open_parts:
            part = max(open_parts, key=lambda p: abs(p.share))
            open_parts.remove(part)
            users = self._users.get(id(part.way[-1][0]), [])
            rows = len(open_parts) + len(done) + len(users)
            if not users or len(part.way) > _LONGEST or (len(users) > 1 and rows > MOST):
                done.append(part)
            else:
                open_parts += self._opened(part, users)
        done.sort(key=lambda p: -abs(p.share))
        return [self._path(part) for part in done]

    def _opened(self, part: _Part, users: list[tuple[Tensor, int]]) -> Iterator[_Part]:
        """One part for each operation that the first node of this one is an argument of."""
        for step in users:
            way = [*part.way, step]
            yield _Part(way, part.share if len(users) == 1 else self._share(way))

    def _share(self, way: list[tuple[Tensor, int]]) -> float:
        """What the last node's whole cotangent becomes on this way alone."""
        g = self._walked.received[id(way[-1][0])]
        for node, i in reversed(way[1:]):
            g = next(c for j, c in self._walked.sent(node, g) if j == i)
        return self._entry(g)

    def _entry(self, g: Any) -> float:
        return float(np.asarray(g)[self._index])

    def _path(self, part: _Part) -> Path:
        boxes = tuple(self._walked.ids[id(node)] for node, _ in part.way)
        return Path(boxes, part.share, self._counts[id(part.way[-1][0])])


def why(w: Walkthrough, of: Any, index: Any = ()) -> Why:
    """The contributions of all paths to one entry of a gradient. See `Walkthrough.why`."""
    walked: Walked = w.graph
    if walked.hidden:
        given = f"a graph of {len(walked.order):,} nodes, of which only the ends are walked through"
        raise GradientError(explain("why: too many nodes to follow", given, "at most 3,000 nodes"))
    node = _asked(w, walked, of)
    place = _place(node, index)
    total = float(np.asarray(walked.received[id(node)])[place])
    paths = tuple(Paths(walked, node, place).found())
    shares = [path.value for path in paths]
    rounding = math.fsum([total, *(-x for x in shares)]) if _finite(total, *shares) else 0.0
    used = dict.fromkeys(box for path in paths for box in path.boxes)
    titles = tuple((box, w.box(box).symbol.text) for box in used)
    return Why(walked.ids[id(node)], place, total, paths, rounding, titles)


def _finite(*numbers: float) -> bool:
    return all(map(math.isfinite, numbers))


def _asked(w: Walkthrough, walked: Walked, of: Any) -> Tensor:
    """The node that is meant by a Tensor, a name, a box, or the array in some `.grad`."""
    known = {id(n): n for n in walked.visited}
    if isinstance(of, Tensor) and id(of) in known:
        return known[id(of)]
    if isinstance(of, str):
        boxes = {name: b.id for b in w.boxes for name in (b.id, b.symbol.text)}
        found = [n for n in walked.visited if walked.ids[id(n)] == boxes.get(of)]
    else:
        found = _with_gradient(walked, of)
    if len(found) == 1:
        return found[0]
    problem = "why: this is not the gradient of " + ("one node alone" if found else "any node here")
    works = ", ".join(b.symbol.text for b in w.boxes if b.kind == "leaf")
    if of is None:
        problem = "why: None, which a .grad is before .backward(), belongs to no node"
    given = "None" if of is None else of if isinstance(of, str) else describe(of)
    raise GradientError(explain(problem, given, f"one of the Tensors, or its name: {works}"))


def _with_gradient(walked: Walked, of: Any) -> list[Tensor]:
    """The nodes whose `.grad` this is; or whose numbers these are, in `.grad` or in this walk."""
    if of is None:
        return []
    stored = [n for n in walked.visited if n._grad is not None]
    given = numbers(of)
    same = [n for n in stored if n.grad is of] or [n for n in stored if _equal(n.grad, given)]
    leaves = [n for n in walked.visited if n.op is None]
    return same or [n for n in leaves if _equal(walked.received[id(n)], given)]


def _equal(stored: Any, of: Any) -> bool:
    return np.shape(stored) == np.shape(of) and bool(np.array_equal(stored, of))


def _place(node: Tensor, index: Any) -> tuple[int, ...]:
    """The index of one entry; that of the only entry may be left out."""
    place = tuple(index) if isinstance(index, (tuple, list)) else (index,)
    if place == () and node.size == 1:
        place = (0,) * node.ndim
    try:
        return tuple(range(n)[operator.index(i)] for n, i in zip(node.shape, place, strict=True))
    except (ValueError, IndexError, TypeError):
        raise ShapeError(
            explain("why: one entry is wanted", f"index {index!r}", f"an index into {node.shape}")
        ) from None


_ENTRIES = 16  # of leaves whose paths are part of the data


def whys(w: Walkthrough) -> Iterator[Why]:
    """The paths of each entry of the leaves' gradients, as long as these are few."""
    walked: Walked = w.graph
    left = _ENTRIES
    for node in reversed(walked.visited):
        if node.op is None and node.size <= left:
            left -= node.size
            for index in np.ndindex(node.shape):
                yield why(w, node, index)
