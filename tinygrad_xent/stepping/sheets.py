"""What of a walkthrough stands in one drawing: its nodes, with blocks of them as single boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from .records import Box
from .sheet import Card, Link, clipped, sheet
from .walkthrough import Walkthrough

_TITLE, _LINE = 44, 38  # characters

Marks = dict[str, dict[str, list[tuple[Any, ...]]]]


class Sheets:
    """The drawings of one walkthrough: of the whole, and of the inside of each block.

    Args:
        w: the walkthrough.
        size: the class of the colour of a box.
        marks: what is ever written below a box, from which step on; it has room for all of it.
    """

    def __init__(self, w: Walkthrough, size: Callable[[str], str], marks: Marks) -> None:
        self._w, self._size, self._marks = w, size, marks
        self._arrived = {step.box: step.arriving.brief for step in w.backward}
        self._blocks = {block.id: block for block in w.blocks}
        self._nodes = [b for b in w.boxes if b.kind != "constant"]
        self.last = {block: box.id for box in self._nodes for block in box.block}
        self._members: dict[str, list[tuple[Box, str]]] = {}
        for box in self._nodes:
            chain = ["", *box.block, box.id]
            for outer, inner in pairwise(chain):
                self._members.setdefault(outer, []).append((box, inner))

    def svg(self, inside: str = "") -> str:
        """The drawing of the inside of a block, or of the whole."""
        members = self._members[inside]
        here = {box.id: unit for box, unit in members}
        cards = [self._card(unit) for unit in dict.fromkeys(here.values())]
        name = self._blocks[inside].title if inside else self._w.loss.text
        return sheet(cards, list(self._links(here)), f"The graph of {clipped(name, 200)}")

    def _links(self, here: dict[str, str]) -> Iterator[Link]:
        drawn = set()
        for box, _ in ((self._w.box(id), unit) for id, unit in here.items()):
            for i, arg in enumerate(box.args):
                tail, head = here.get(arg, ""), here[box.id]
                whole = tail == arg and head == box.id  # of blocks, one arrow stands for several
                key = (tail, head, i if whole else -1)
                if tail and tail != head and key not in drawn:
                    drawn.add(key)
                    yield Link(tail, head, i)

    def _card(self, unit: str) -> Card:
        block = self._blocks.get(unit)
        box = self._w.box(self.last[unit] if block else unit)
        title = f"{block.title} ({block.count:,} operations)" if block else box.title
        value = "" if box.kind == "gap" else box.value.brief
        arrived = self._arrived.get(box.id, "")
        kind = "block" if block else box.kind
        room = max(
            (len(text) for mark in self._marks[box.id]["c"] for text in mark[1:3]), default=0
        )
        return Card(unit, kind, clipped(title, _TITLE), clipped(value, _LINE),
                    clipped(arrived, _LINE), self._size(box.id), room)  # fmt: skip
