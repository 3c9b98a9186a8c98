"""Expressions over rows, written out as one function with a loop over rows.

For each row there are sections. Section k has the numbers that need the folds of k loops over
columns, and then the k-th of these loops. A section may be done twice, with another shift. Long
sums are sums of those of blocks of columns, which is more accurate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..planning.values import Value
from . import sums
from .expressions import Expr
from .row_numbers import RowNumbers
from .schedule import Columns, Gather, Store
from .shifts import LIMIT, Shift
from .wording import SMALL, dtype_name

_BLOCK = 2048
_BEGIN = ["    if leads:", "        announce(signals)", "    chunk = taken(job)"]
_CHUNK = [
    "while chunk < chunks:",
    "    start, stop = rows * chunk // chunks, rows * (chunk + 1) // chunks",
]
_WAIT = ["    if leads:", "        wait(signals)"]


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


class Writer(RowNumbers):
    """Writes a kernel.

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

    def write(self) -> Kernel:
        """The function."""
        for k in range(self.plan.sections):
            self.section = k
            self._mend(k)
            shifts = self.plan.shifts(k)
            if shifts:
                self._shifted(k, shifts)
            else:
                self._loops(k)
        self.section = self.plan.sections
        self._mend(self.section)
        self._results_of_row()
        words = self.words
        text = "\n".join(self._shared() if self.is_shared else self._alone()) + "\n"
        return Kernel(self.name, text, words.loads, words.numbers, words.widths, words.functions,
                      self.is_shared)  # fmt: skip

    def _cell(self, store: Store, column: str) -> str:
        """An entry of the row at hand of a result."""
        return f"{store.name}[i, {column}]"

    # -- around the loop over rows ---------------------------------------------------------------

    def _alone(self) -> list[str]:
        """The function for one processor."""
        rows = [g.name for g in self.plan.gathers if g.expr.wide]
        found = [text for _, text in self._found()]
        end = [f"    return {', '.join(found)}"] if found else []
        return [*self._head(["start", "stop"], rows), *self._over_rows(), *end]

    def _shared(self) -> list[str]:
        """The function that several processors run at the same time."""
        self.words.functions |= {"announce", "taken", "wait"}
        of_all = {g: g.name.replace("total", "totals") for g in self.plan.gathers}
        rows = [f"{g.name} = {of_all[g]}[chunk]" for g in of_all if g.expr.wide]
        found = [f"{of_all[g]}[chunk] = {text}" for g, text in self._found()]
        chunk = [*_CHUNK, *(f"    {line}" for line in rows), *self._over_rows(),
                 *(f"    {line}" for line in found), "    chunk = taken(job)"]  # fmt: skip
        return [
            *self._head(["signals", "job", "rows", "chunks", "leads"], list(of_all.values())),
            *_BEGIN,
            *(f"    {line}" for line in chunk),
            *_WAIT,
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

    def _results_of_row(self, depth: int = 0) -> None:
        """The numbers of the row at hand, stored or added to those of other rows."""
        narrow = [s for s in self.plan.stores if not s.expr.wide]
        exprs = [s.expr for s in narrow] + [g.expr for g in self.totals]
        numbers = [self._number(e) for e in exprs]
        for s, number in zip(narrow, numbers, strict=False):
            self._put(depth, f"{s.name}[i] = {number}")
        for g, number in zip(self.totals, numbers[len(narrow) :], strict=True):
            self._accumulate(depth, g.name, g.op, number, g.expr.dtype)

    def _mend(self, k: int) -> None:
        """What is put at a column of a row that is stored plain, once loop k - 1 has stored it."""
        for s in self.plan.stores:
            if s.mend and max(s.expr.ready + 1, s.mend[1].ready) == k:
                at, value = s.mend
                place, number = self._number(at), self._number(value)
                self._replace(f"{self._cell(s, place)} = {number}")

    def _replace(self, line: str) -> None:
        """A statement that puts a number at a column that only the row knows."""
        self._say(line)

    # -- loops over columns ----------------------------------------------------------------------

    def _loops(self, k: int) -> None:
        for loop in self.plan.loops(k):
            self._loop(loop)

    def _shifted(self, k: int, shifts: list[Shift]) -> None:
        """A section shifted by an entry of the row, and again by the largest if that is far off."""
        for s in shifts:
            entry = self._number(self._pick(*s.entry.args))
            name = self.words.known[s.largest] = self.words.shift(s.largest)
            self._say(f"{name} = {entry}")
        searches = [Columns(s.largest.args[0].width, [s.largest], [], []) for s in shifts]
        for search in searches:
            self._prepare(search)
        self._put(0, "for attempt in range(2):  # with this entry, and else with the largest")
        self._put(1, "if attempt == 1:")
        self._indent(2)
        for search in searches:
            self._loop(search)
        self._indent(-1)
        self._loops(k)
        self._put(0, f"if {self._are_small(shifts)}:")
        self._put(1, "break")
        self._indent(-1)

    def _largest_instead(self, f: Expr, text: str) -> str:
        """The shift of a row that is done again."""
        return text

    def _are_small(self, shifts: list[Shift]) -> str:
        """Whether the shifts at hand will do."""
        return " and ".join(f"{self.words.name(f)} < {LIMIT}" for s in shifts for f in s.sums)

    def _loop(self, loop: Columns) -> None:
        order = self._prepare(loop)
        blocks = loop.width > SMALL and any(_adds(f) for f in loop.folds)
        for f in loop.folds:
            start = sums.first(self.words, _kind(f), f.dtype, total=blocks and _adds(f))
            self._say(f"{self.words.name(f)} = {start}")
        if blocks:
            self._in_blocks(loop, order)
        else:
            self._body(self._over_columns(loop), loop, order, "j", "")
        for f in loop.folds:
            self._close(f, blocks and _adds(f))
        self.overwritten.update(self._cell(s, "{}") for s in loop.stores)

    def _over_columns(self, loop: Columns) -> int:
        """The head of a loop, and how deep its body is."""
        self._put(0, f"for j in range({self.words.columns(loop.width)}):")
        return 1

    def _prepare(self, loop: Columns) -> list[Expr]:
        """Numbers that a loop needs; what it computes for each column."""
        order = self.plan.order(loop, self.section)
        for e in order:
            for a in e.args:
                if not a.wide:
                    self._number(a)
        self._prepare_mends(loop.stores)
        return order

    def _prepare_mends(self, stores: Sequence[Store]) -> None:
        """Numbers that may be read from a row before it is overwritten."""
        for s in stores:
            if s.mend and s.mend[1].ready <= self.section:
                for e in s.mend:
                    self._number(e)

    def _in_blocks(self, loop: Columns, order: list[Expr]) -> None:
        """Columns are counted from the start of a block: only so are the loops vectorised."""
        columns = self.words.columns(loop.width)
        names = [self.words.name(f) for f in loop.folds if _adds(f)]
        self._put(0, f"for block in range(0, {columns}, {_BLOCK}):")
        for f in filter(_adds, loop.folds):
            start = sums.first(self.words, "sum", f.dtype)
            self._put(1, f"{self.words.name(f)}_part = {start}")
        for e in order:
            if e.op == "here":
                at = self._number(e.args[0])
                self._put(1, f"{at}_here = {at} - block")
        self._put(1, f"for k in range(min({_BLOCK}, {columns} - block)):")
        self._put(2, "j = np.uint64(block + k)")
        self._body(2, loop, order, "k", "_here")
        for name in names:
            self._put(1, f"{name} += {name}_part")

    def _body(self, depth: int, loop: Columns, order: list[Expr], j: str, here: str) -> None:
        plan, local = self.plan, dict[Expr, str]()
        for e in order:
            kept = plan.kept.get(e)
            if kept and plan.home[e] < self.section:
                text = kept.format("j")
            elif e.op == "here":
                text = f"np.int32({j}) == np.int32({self._number(e.args[0])}{here})"
            else:
                parts = [local[a] if a.wide else self._number(a) for a in e.args]
                text = self.words.entry(e, parts)
            local[e] = self.words.local(e, text)
            if local[e] != text:
                self._put(depth, f"{local[e]} = {text}")
            if kept and plan.home[e] == self.section:
                self._put(depth, f"{kept.format('j')} = {local[e]}")
        for f in loop.folds:
            name = self.words.name(f) + ("_part" if here and _adds(f) else "")
            self._accumulate(depth, name, _kind(f), local[f.args[0]], f.dtype)
        for g in loop.gathers:
            sum_ = sums.joined(self.words, g.op, f"{g.name}[j]", local[g.expr])
            self._put(depth, f"{g.name}[j] = {sum_}")
        for s in loop.stores:
            self._put(depth, f"{self._cell(s, 'j')} = {local[s.expr]}")

    def _accumulate(self, depth: int, name: str, op: str, x: str, dtype: np.dtype[Any]) -> None:
        for line in sums.accumulate(self.words, name, op, x, dtype):
            self._put(depth, line)

    def _close(self, f: Expr, blocks: bool) -> None:
        name = self.words.name(f)
        text = sums.last(self.words, _kind(f), f.dtype, name)
        if f in self.words.known:  # a shift
            self._say(f"{self.words.known[f]} = {self._largest_instead(f, text)}")
            return
        if blocks and f.dtype != np.float64:
            text = f"np.{dtype_name(f.dtype)}({name})"
        if text != name:
            name = self.words.of_row(f)
            self._say(f"{name} = {text}")
        self.words.known[f] = name


def _kind(f: Expr) -> str:
    return f.op.removeprefix("fold_")


def _adds(f: Expr) -> bool:
    return f.op == "fold_sum" and f.dtype.kind == "f"
