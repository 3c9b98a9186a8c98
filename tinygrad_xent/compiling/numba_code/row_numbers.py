"""The numbers of a row, each written out as a statement before it is needed."""

from __future__ import annotations

from .expressions import Expr, closure, pick
from .schedule import Gather, Schedule, Store
from .wording import Wording


class RowNumbers:
    """The statements of a kernel so far, and the numbers that they have made.

    Args:
        stores, gathers: the results of the kernel.
    """

    wording = Wording

    def __init__(self, stores: list[Store], gathers: list[Gather]) -> None:
        self.plan = Schedule(stores, gathers)
        self.words = self.wording()
        self.lines: list[str] = []
        self.section = 0
        self.depth = 2  # how far the lines of a row are indented
        self.overwritten: set[str] = set()  # rows in which something was kept

    def _put(self, depth: int, line: str) -> None:
        self.lines.append("    " * (self.depth + depth) + line)

    def _indent(self, by: int) -> None:
        self.depth += by

    def _say(self, line: str) -> None:
        """A statement about the row at hand."""
        self._put(0, line)

    def _number(self, e: Expr) -> str:
        """The name of a number of the row at hand, written out before if it has to be."""
        if e not in self.words.known:
            for part in closure([e], self.words.known, lambda e: not e.wide):
                if part not in self.words.known:
                    self._write_number(part)
        return self.words.known[e]

    def _write_number(self, e: Expr) -> None:
        if e.op == "pick":
            x, at = e.args
            same = self.words.picks.setdefault((x, at), e)
            if same is not e:
                self.words.known[e] = self._number(same)
                return
            text = self._entry_at(x, at)
        else:
            text = self.words.entry(e, [self.words.known[a] for a in e.args])
        name = self.words.local(e, text)
        if name != text:
            self._say(f"{name} = {text}")
        self.words.known[e] = name

    def _entry_at(self, x: Expr, at: Expr) -> str:
        """A wide expression at one column: read where it is kept, or computed there."""
        kept = self.plan.kept.get(x)
        if kept and self.plan.home[x] < self.section and kept not in self.overwritten:
            return kept.format(self._number(at))
        if x.op == "load":
            return self.words.load(x, self._number(at))
        if x.op == "here":
            return f"{self._number(at)} == {self._number(x.args[0])}"
        return self.words.entry(x, [self._number(self._pick(a, at)) for a in x.args])

    def _pick(self, x: Expr, at: Expr) -> Expr:
        """The entry of an argument at a column, as one expression each time it is asked for."""
        if not x.wide:
            return x
        if (x, at) not in self.words.picks:
            self.words.picks[x, at] = pick(x, at)
        return self.words.picks[x, at]
