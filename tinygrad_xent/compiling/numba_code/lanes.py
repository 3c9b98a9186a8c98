"""Kernels for short rows: several rows side by side.

A processor does the same to 8 or 16 numbers at once. Rows of ten logits do not fill that, and what
is one number for each row (a logarithm, a division) is done alone. So short rows are done in tiles
of 16. The tile is turned, so that the numbers of 16 rows in one column lie side by side, and each
statement about a row becomes a loop over the rows of the tile, which a compiler vectorises.

    first   the first row of the tile     r    a row of the tile     i[r]   the same of all rows
    x_t     x turned: x_t[j, r] is x[i[r], j]

Where fewer rows are left, the last one stands for those that are not there, without results.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from .expressions import Expr, closure
from .kernels import Writer
from .schedule import Columns, Gather, Schedule, Store
from .shifts import Shift
from .wording import Wording, dtype_name

LANES = 16  # rows in a tile
_SHORT = 15  # columns up to which rows are done side by side
_STACK = 3 << 14  # bytes that arrays may take on the stack, of which a thread may have 64 KiB
_OVER_ROWS = f"for r in range({LANES}):"
_ROWS_THERE = f"for r in range(min({LANES}, stop - first)):"


def suits(rows: int, stores: list[Store], gathers: list[Gather]) -> bool:
    """Whether rows are short, and enough of them to be done side by side."""
    reached = closure([*(s.expr for s in stores), *(g.expr for g in gathers)])
    return 1 < max((e.width for e in reached), default=1) <= _SHORT and rows >= LANES // 2


class LaneWording(Wording):
    """Names of numbers, of which there is one for each row of the tile.

    Attributes:
        lanes: these numbers, with their dtypes.
        turned: the arrays of which rows are turned, with one expression that reads them.
    """

    row = "i[r]"

    def __init__(self) -> None:
        super().__init__()
        self.lanes: dict[str, np.dtype[Any]] = {}
        self.turned: dict[str, Expr] = {}

    def name(self, e: Expr) -> str:
        name = super().name(e)
        return name if e.wide else self._lane(name, _held_in(e))

    def shift(self, largest: Expr) -> str:
        return self._lane(super().shift(largest), largest.dtype)

    def of_row(self, f: Expr) -> str:
        return self._lane(super().name(f) + "_of_row", f.dtype)

    def _lane(self, name: str, dtype: np.dtype[Any]) -> str:
        self.lanes[name] = dtype
        return f"{name}[r]"

    def load(self, e: Expr, column: str) -> str:
        text = super().load(e, column)
        if not (e.wide and e.by_row and column == "j"):
            return text
        name = text.partition("[")[0]
        self.turned[name] = e
        return f"{name}_t[j, r]"


def _held_in(e: Expr) -> np.dtype[Any]:
    """The dtype of the variable: a maximum of floats is found as that of integers.

    A place in a short row is a small integer, so that as many are compared at once as floats.
    """
    if e.op == "place":
        return np.dtype(np.int32)
    if e.op in ("fold_max", "fold_min") and e.dtype.kind == "f":
        return np.dtype(f"i{e.dtype.itemsize}")
    return e.dtype


class LaneWriter(Writer):
    """Writes a kernel that does the rows of a tile side by side."""

    wording = LaneWording
    words: LaneWording

    def __init__(
        self, name: str, stores: list[Store], gathers: list[Gather], is_shared: bool
    ) -> None:
        super().__init__(name, stores, gathers, is_shared)
        self.plan.kept = _turned(self.plan)
        self.loop = 0  # over the rows of the tile: how many there were, and which line is in which
        self.loop_of: list[int] = []
        self.open = False  # whether the last line is in a loop to which statements may be added

    # -- statements, those apart that a compiler cannot vectorise ------------------------------

    def _say(self, line: str) -> None:
        if not self.open:
            self._put(0, _OVER_ROWS)
            self.open = True
        self._put(1, line, same=True)

    def _replace(self, line: str) -> None:
        self.open = False
        self._say(line)
        self.open = False

    def _write_number(self, e: Expr) -> None:
        super()._write_number(e)
        self.open = self.open and e.op != "place"

    def _indent(self, by: int) -> None:
        super()._indent(by)
        self.open = False

    def _put(self, depth: int, line: str, same: bool = False) -> None:
        super()._put(depth, line)
        self.open = self.open and same
        self.loop += not same
        self.loop_of.append(self.loop)

    def _cell(self, store: Store, column: str) -> str:
        return f"{store.name}_t[{column}, r]"

    def _over_columns(self, loop: Columns) -> int:
        self._put(0, f"for j in range({loop.width}):")
        self._put(1, _ROWS_THERE if loop.gathers else _OVER_ROWS)
        return 2

    def _largest_instead(self, f: Expr, text: str) -> str:
        again = [s for s in self.plan.shifts(self.section) if s.largest is f]
        return f"{self.words.known[f]} if {super()._are_small(again)} else {text}"

    def _are_small(self, shifts: list[Shift]) -> str:
        self._put(0, "small = True")
        self._put(0, _OVER_ROWS)
        self._put(1, f"small = small and {super()._are_small(shifts)}")
        return "small"

    # -- around them ---------------------------------------------------------------------------

    def _results_of_row(self, depth: int = 0) -> None:
        wide = [s for s in self.plan.stores if s.expr.wide]
        exprs = [s.expr for s in self.plan.stores] + [g.expr for g in self.totals]
        for e in exprs:
            if not e.wide:
                self._number(e)
        if wide:
            self._turn_back(wide)
        if len(wide) < len(exprs):
            self._put(0, _ROWS_THERE)
            super()._results_of_row(1)

    def _turn_back(self, wide: list[Store]) -> None:
        """Write the rows of results; all of the tile, if those that are not there are alike."""
        gathers = any(g.expr.wide for g in self.plan.gathers)
        self._put(0, _ROWS_THERE if gathers else _OVER_ROWS)
        for s in wide:
            self._put(1, f"for j in range({s.expr.width}):")
            self._put(2, f"{s.name}[{self.words.row}, j] = {self._cell(s, 'j')}")

    def _start_of_row(self) -> list[str]:
        written, self.lines = self._localised(), []
        self.words.lanes["i"] = np.dtype(np.intp)
        self._put(0, _OVER_ROWS)
        self._put(1, "i[r] = min(first + r, stop - 1)")
        for name, e in self.words.turned.items():
            self._put(1, f"for j in range({e.width}):")
            self._put(2, f"{name}_t[j, r] = {name}[i[r], j]")
        turned, self.lines = self.lines, written
        return [f"    for first in range(start, stop, {LANES}):", *turned]

    def _localised(self) -> list[str]:
        """The lines, in which what is used in one loop only is a number and no array."""
        lines = self.lines
        for name in list(self.words.lanes):
            entry = re.compile(rf"\b{name}\[r\]")
            used = [n for n, line in enumerate(lines) if entry.search(line)]
            if len({self.loop_of[n] for n in used}) <= 1:
                del self.words.lanes[name]
                for n in used:
                    lines[n] = entry.sub(name, lines[n])
        return lines

    def _memory(self) -> list[str]:
        """Arrays for a tile, on the stack unless they are too many for it."""
        rows = {f"{name}_t": e for name, e in self.words.turned.items()}
        rows |= {f"{s.name}_t": s.expr for s in self.plan.stores if s.expr.wide}
        rows |= self.plan.scratch
        made: list[tuple[str, tuple[int, ...], np.dtype[Any]]] = [
            *((name, (e.width, LANES), e.dtype) for name, e in rows.items()),
            *((name, (LANES,), dtype) for name, dtype in self.words.lanes.items()),
        ]
        empty = "np.empty"
        if sum(math.prod(shape) * dtype.itemsize for _, shape, dtype in made) <= _STACK:
            empty = "scratch"
            self.words.functions.add(empty)
        return [f"    {name} = {empty}({shape}, np.{dtype_name(dtype)})"
                for name, shape, dtype in made]  # fmt: skip


def _turned(plan: Schedule) -> dict[Expr, str]:
    """How to read what is kept, in turned rows."""
    return {
        e: f"{name}[{{}}, r]" if name in plan.scratch else f"{name}_t[{{}}, r]"
        for e, name in ((e, kept.partition("[")[0]) for e, kept in plan.kept.items())
    }
