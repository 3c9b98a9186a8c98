"""What is around the loop over rows of a kernel: the function's head, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..planning.values import Value
from . import sums
from .row_numbers import RowNumbers
from .schedule import Gather, Store
from .wording import dtype_name

_CHUNK = [
    "while chunk < chunks:",
    "    start, stop = rows * chunk // chunks, rows * (chunk + 1) // chunks",
]


@dataclass(frozen=True)
class Kernel:
    """One function over rows: its text, and what to call it with.

    Attributes:
        loads: the arrays and numbers that it reads, with whether only the row at hand is read.
        numbers: further numbers, by name.
        widths: lengths of rows, by name.
        functions: the functions that it calls.
        is_shared: whether several processors may do it together, each some chunks of the rows.
    """

    name: str
    text: str
    loads: dict[str, tuple[Value, bool]]
    numbers: dict[str, Any]
    widths: dict[str, int]
    functions: set[str]
    is_shared: bool


class Frame(RowNumbers):
    """The function around the statements of a row.

    Args:
        name: of the function.
        stores, gathers: its results, arrays that it is given after everything else. Those that are
            one number for all rows are returned.
        is_shared: whether it is for several processors. What it gathers is given then for each
            chunk of rows, in arrays that come last.
    """

    def __init__(
        self, name: str, stores: list[Store], gathers: list[Gather], is_shared: bool
    ) -> None:
        super().__init__(stores, gathers)
        self.name, self.is_shared = name, is_shared
        self.totals = [g for g in gathers if not g.expr.wide]

    def _framed(self) -> Kernel:
        """The function, once all statements are there."""
        words = self.words
        text = "\n".join(self._shared() if self.is_shared else self._alone()) + "\n"
        return Kernel(self.name, text, words.loads, words.numbers, words.widths, words.functions,
                      self.is_shared)  # fmt: skip

    def _alone(self) -> list[str]:
        """The function for one processor."""
        rows = [g.name for g in self.plan.gathers if g.expr.wide]
        found = [text for _, text in self._found()]
        end = [f"    return {', '.join(found)}"] if found else []
        return [*self._head(["start", "stop"], rows), *self._over_rows(), *end]

    def _shared(self) -> list[str]:
        """The function that several processors run at the same time."""
        self.words.functions |= {"begin", "taken", "end"}
        of_all = {g: g.name.replace("total", "totals") for g in self.plan.gathers}
        rows = [f"{g.name} = {of_all[g]}[chunk]" for g in of_all if g.expr.wide]
        found = [f"{of_all[g]}[chunk] = {text}" for g, text in self._found()]
        chunk = [*_CHUNK, *(f"    {line}" for line in rows), *self._over_rows(),
                 *(f"    {line}" for line in found), "    chunk = taken(job)"]  # fmt: skip
        return [
            *self._head(["signals", "job", "rows", "chunks", "leads"], list(of_all.values())),
            "    begin(signals, job, leads)",
            "    chunk = taken(job)",
            *(f"    {line}" for line in chunk),
            "    end(signals, job, leads)",
        ]

    def _head(self, first: list[str], last: list[str]) -> list[str]:
        words = self.words
        stores = [s.name for s in self.plan.stores]
        names = [*first, *words.loads, *words.numbers, *words.widths, *stores, *last]
        return ["@kernel", f"def {self.name}({', '.join(names)}):"]

    def _over_rows(self) -> list[str]:
        """The loop over rows, and what comes before it."""
        start = self._start_of_row()
        totals = [f"    {g.name} = {sums.first(self.words, g.op, g.expr.dtype, total=True)}"
                  for g in self.totals]  # fmt: skip
        return [*self._memory(), *totals, *start, *self.lines]

    def _found(self) -> list[tuple[Gather, str]]:
        """What is one number for all rows."""
        return [(g, sums.last(self.words, g.op, g.expr.dtype, g.name)) for g in self.totals]

    def _memory(self) -> list[str]:
        """Rows of scratch."""
        return [f"    {name} = np.empty({self.words.columns(e.width)}, np.{dtype_name(e.dtype)})"
                for name, e in self.plan.scratch.items()]  # fmt: skip

    def _start_of_row(self) -> list[str]:
        return ["    for i in range(start, stop):"]
