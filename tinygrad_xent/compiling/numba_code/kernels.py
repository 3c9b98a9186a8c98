"""Expressions over rows, written out as one function with a loop over rows.

For each row there are sections. Section k has the numbers that need the folds of k loops over
columns, and then the k-th of these loops. A section may be done twice, with another shift. Long
sums are sums of those of blocks of columns, which is more accurate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import sums
from .expressions import Expr
from .frames import Frame, Kernel
from .schedule import Columns, Store
from .shifts import LIMIT, Shift
from .wording import SMALL, dtype_name

_BLOCK = 2048


class Writer(Frame):
    """Writes a kernel."""

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
        return self._framed()

    def _cell(self, store: Store, column: str) -> str:
        """An entry of the row at hand of a result."""
        return f"{store.name}[i, {column}]"

    def _results_of_row(self, depth: int = 0) -> None:
        """The numbers of the row at hand, stored or added to those of other rows."""
        narrow = [s for s in self.plan.stores if not s.expr.wide]
        exprs = [s.expr for s in narrow] + [g.expr for g in self.totals]
        numbers = [self._number(e) for e in exprs]
        for s, number in zip(narrow, numbers, strict=False):
            self._put(depth, f"{s.name}[{self.words.row}] = {number}")
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
