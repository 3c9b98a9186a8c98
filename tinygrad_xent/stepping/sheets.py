"""What of a walkthrough stands in one drawing: its nodes, with blocks of them as single boxes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from .marks import Marks
from .records import Box, Step
from .sheet import Card, Link, Looks, clipped, sheet, shortened
from .walkthrough import Walkthrough

_TITLE = 44  # characters


class Sheets:
    """The drawings of one walkthrough: of the whole, and of the inside of each block."""

    def __init__(self, w: Walkthrough, marks: Marks) -> None:
        self._w, self._marks = w, marks
        self._blocks = {block.id: block for block in w.blocks}
        self._nodes = [b for b in w.boxes if b.kind != "constant"]
        self.last = {block: box.id for box in self._nodes for block in box.block}
        self._members: dict[str, list[tuple[Box, str]]] = {}
        for box in self._nodes:
            chain = ["", *box.block, box.id]
            for outer, inner in pairwise(chain):
                self._members.setdefault(outer, []).append((box, inner))

    def svg(self, inside: str = "", at: Step | None = None) -> str:
        """The drawing of the whole, or of the inside of a block; at a step, or after the last."""
        here = {box.id: unit for box, unit in self._members[inside]}
        number = len(self._w) if at is None else at.number
        cards = [self._card(unit, number) for unit in dict.fromkeys(here.values())]
        name = self._blocks[inside].title if inside else self._w.loss.text
        looks = Looks() if at is None else self._looks(at, here)
        return sheet(cards, list(self._links(here)), f"The graph of {clipped(name, 200)}", looks)

    def _looks(self, step: Step, here: dict[str, str]) -> Looks:
        lit = {(here.get(tail, ""), here.get(head, ""), place): kind
               for kind, ends in self._marks.lit(step).items()
               for tail, head, place in ends}  # fmt: skip
        return Looks(here.get(step.box, ""), step.phase != "forward", lit)

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

    def _card(self, unit: str, step: int) -> Card:
        block = self._blocks.get(unit)
        box = self._w.box(self.last[unit] if block else unit)
        title = f"{block.title} ({block.count:,} operations)" if block else box.title
        full, kind = shortened(box.value.brief), "block" if block else box.kind
        value, arrived, size = self._marks.at(box.id, step)
        return Card(unit, kind, clipped(title, _TITLE), value, arrived, size,
                    self._marks.room(box.id), len(full) if kind != "gap" else 0)  # fmt: skip
