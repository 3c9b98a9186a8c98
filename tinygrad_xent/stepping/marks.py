"""What stands in each box of a drawing from which step on, and which arrows a step lights up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .numbers import Math, Numbers
from .records import Backward, Forward, Step
from .scale import Scale
from .sheet import clipped, shortened
from .walkthrough import Walkthrough

_FORMULA = 34  # characters of a formula in a box; in the panel it stands in full
_UNKNOWN = (0, "", "", "")

Mark = tuple[int, str, str, str]  # from this step on: the numbers, the formula, the class
Ends = tuple[str, str, int]  # an arrow: the argument, the operation, and which argument it is


class Marks:
    """The marks of one walkthrough.

    Args:
        w: the walkthrough.
        sizes: the scale of the colours.

    Attributes:
        values, arrived: for each box its marks, in the order of the steps.
    """

    def __init__(self, w: Walkthrough, sizes: Scale) -> None:
        self._w, self._sizes = w, sizes
        self.values: dict[str, list[Mark]] = {box.id: [] for box in w.boxes}
        self.arrived: dict[str, list[Mark]] = {box.id: [] for box in w.boxes}
        self._senders: dict[str, list[Ends]] = {}
        for step in w.forward:
            value = w.box(step.box).value
            bad = "" if value.finite else "bad"
            self.values[step.box].append((step.number, shortened(value.brief), "", bad))
        for walked in w.backward:
            self._add(walked)

    def _add(self, step: Backward) -> None:
        if not self.arrived[step.box]:  # the loss, or the first node after a gap
            self.arrived[step.box].append(self._mark(step.number, step.arriving, step.formula))
        for i, e in enumerate(step.edges):
            if e.after is not None:
                which = f" ({e.index} of {e.count})" if e.index < e.count else ""
                mark = self._mark(step.number, e.after, e.after_formula, which)
                self.arrived[e.to].append(mark)
                self._senders.setdefault(e.to, []).append((e.to, step.box, i))

    def _mark(self, step: int, numbers: Numbers, formula: Math | None, which: str = "") -> Mark:
        symbols = clipped(formula.text if formula else numbers.brief, _FORMULA)
        return step, shortened(numbers.brief) + which, symbols + which, self._sizes.step(numbers)

    def data(self) -> dict[str, Any]:
        """All marks, for the script of a page."""
        return {id: {"v": self.values[id], "c": self.arrived[id]} for id in self.values}

    def at(self, box: str, step: int) -> tuple[str, str, str]:
        """What stands in a box at a step: its value, its cotangent, and how these look."""
        value, arrived = _latest(self.values[box], step), _latest(self.arrived[box], step)
        looks = f"{arrived[3] or 'none'} {value[3]}".strip()
        return value[1], arrived[1], looks

    def room(self, box: str) -> int:
        """How many characters its cotangent ever has."""
        return max((len(text) for mark in self.arrived[box] for text in mark[1:3]), default=0)

    def lit(self, step: Step) -> dict[str, Sequence[Ends]]:
        """The arrows along which something arrives, and leaves."""
        if isinstance(step, Forward):
            return {"in": [(a, step.box, i) for i, a in enumerate(self._w.box(step.box).args)]}
        if isinstance(step, Backward):
            out = [(e.to, step.box, i) for i, e in enumerate(step.edges) if e.contribution]
            return {"in": self._senders.get(step.box, []), "out": out}
        return {}


def _latest(marks: list[Mark], step: int) -> Mark:
    return next((mark for mark in reversed(marks) if mark[0] <= step), _UNKNOWN)
