"""What a drawing of a graph shows, as plain data: boxes and the arrows between them.

Boxes are numbered in the order in which their values were computed, so the same graph gives the
same picture in every process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..differentiate import cotangents, seed_for
from ..graph import Tensor, shape_of, toposort
from ..writing.text import text
from .rules import argument_names, local_rules
from .titles import leaf_names, note, title
from .values import MISSING, brief

LARGEST = 3000  # nodes; of a larger graph only the two ends are shown
_END = 8  # nodes shown at each end of such a graph


@dataclass(frozen=True)
class Box:
    """One node. `kind` is leaf, constant, definition, operation or gap (nodes left out).

    A marked one is set off from the others.
    """

    id: str
    kind: str
    title: str
    note: str = ""
    value: str = ""
    cotangent: str = ""
    marked: bool = False


@dataclass(frozen=True)
class Arrow:
    """One argument of one operation.

    `kind` is value, cotangent or blocked (nothing flows back here); `place` is what the operation
    calls this argument, `rule` what it receives, and `note` what happens to that on the way.
    """

    tail: str
    head: str
    kind: str
    place: str = ""
    rule: str = ""
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """A whole drawing, before any layout."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    backward: bool = False


def picture(roots: tuple[Tensor, ...], backward: bool, mark: tuple[Tensor, ...] = ()) -> Picture:
    """The graph that `roots` depend on; or the walk of their cotangents back through it."""
    order = toposort(*roots)
    shown = order if len(order) <= LARGEST else order[:_END] + order[-_END:]
    received = _received(roots, shown) if backward else {id(n): n.grad for n in shown}
    sketch = _Sketch(shown, len(order), received, backward, frozenset(map(id, mark)))
    return Picture(tuple(sketch.boxes()), tuple(sketch.arrows()), backward)


def _received(roots: tuple[Tensor, ...], shown: list[Tensor]) -> dict[int, Any]:
    """The cotangents of the nodes shown, computed here: the user's `.grad` stays as it is."""
    wanted = {id(node) for node in shown}
    total: dict[int, Any] = {}
    with np.errstate(all="ignore"):  # an infinity is drawn, which says more than a warning
        for root, seed in [(root, seed_for(root, None)) for root in roots]:
            for node, g in cotangents(root, seed).items():
                key = id(node)
                if key in wanted:
                    total[key] = total[key] + g if key in total else g
    return total


class _Sketch:
    """The nodes that are shown, with their ids, names and cotangents."""

    def __init__(
        self,
        shown: list[Tensor],
        count: int,
        received: dict[int, Any],
        backward: bool,
        marked: frozenset[int],
    ) -> None:
        self.marked = marked
        self.shown, self.received, self.backward = shown, received, backward
        self.hidden = count - len(shown)
        places = [i if i < _END or not self.hidden else i + self.hidden for i in range(len(shown))]
        self.ids = {id(node): f"n{i}" for node, i in zip(shown, places, strict=True)}
        self.names = leaf_names(shown)

    # -- boxes ------------------------------------------------------------------------------------

    def boxes(self) -> list[Box]:
        boxes = [box for node in self.shown for box in (self._box(node), *self._constants(node))]
        if self.hidden:
            boxes.append(Box("gap", "gap", f"... {self.hidden:,} more nodes ..."))
        return boxes

    def _box(self, node: Tensor) -> Box:
        kind = "leaf" if node.op is None else "definition" if node.name else "operation"
        g = self.received.get(id(node))
        return Box(
            self.ids[id(node)], kind, title(node, self.names), note(node), brief(node._value),
            MISSING if g is None else brief(g), id(node) in self.marked,
        )  # fmt: skip

    def _constants(self, node: Tensor) -> list[Box]:
        return [
            Box(self._id(node, i), "constant", *_written(a))
            for i, a in enumerate(node.args)
            if type(a) is not Tensor
        ]

    def _id(self, node: Tensor, i: int) -> str:
        """The box of argument `i`: a constant belongs to the operation that it is written in."""
        arg = node.args[i]
        constant = f"{self.ids[id(node)]}c{i}"
        return self.ids.get(id(arg), "gap") if type(arg) is Tensor else constant

    # -- arrows -----------------------------------------------------------------------------------

    def arrows(self) -> list[Arrow]:
        draw = self._backward if self.backward else self._forward
        arrows = [arrow for node in self.shown if node.op is not None for arrow in draw(node)]
        return arrows + self._into_gap(arrows) if self.hidden else arrows

    def _forward(self, node: Tensor) -> list[Arrow]:
        here = self.ids[id(node)]
        return [
            Arrow(self._id(node, i), here, "value", place) for i, place in enumerate(_places(node))
        ]

    def _backward(self, node: Tensor) -> list[Arrow]:
        """What flows back from `node`: an arrow to each argument, with its rule."""
        g = self.received.get(id(node))
        here, n = self.ids[id(node)], len(node.args)
        rules = [None] * n if g is None else local_rules(node, g)
        arrows = []
        for i, (arg, place, rule) in enumerate(zip(node.args, _places(node), rules, strict=True)):
            head = self._id(node, i)
            if rule is None or (id(arg) not in self.received and head != "gap"):
                arrows.append(Arrow(here, head, "blocked", place))
            else:
                after = _undone(rule.shape, shape_of(arg))
                arrows.append(Arrow(here, head, "cotangent", place, rule.text, after))
        return arrows

    def _into_gap(self, arrows: list[Arrow]) -> list[Arrow]:
        """From the nodes before the gap that only nodes inside it use."""
        used = {arrow.head if self.backward else arrow.tail for arrow in arrows}
        loose = [n for n in [self.ids[id(node)] for node in self.shown[:_END]] if n not in used]
        if self.backward:
            return [Arrow("gap", n, "cotangent") for n in loose]
        return [Arrow(n, "gap", "value") for n in loose]


def _written(constant: Any) -> tuple[str, str]:
    """A number as formulas print it; an array briefly, with its shape."""
    if np.ndim(constant) == 0:
        return text(constant), ""
    return brief(constant), str(np.shape(constant))


def _places(node: Tensor) -> list[str]:
    """What the operation calls its arguments; a single one needs no name."""
    n = len(node.args)
    return [""] * n if node.op is None or n < 2 else argument_names(node.op, n)


def _undone(given: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """How broadcasting is undone, which no rule mentions."""
    return "" if given == wanted else f"then {'summed' if given else 'spread'} to {wanted}"
