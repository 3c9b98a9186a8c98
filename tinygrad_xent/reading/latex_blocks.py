"""Sums, expectations, cases, matrices and indicators."""

from __future__ import annotations

from collections.abc import Sequence

from .latex_cursor import OPEN, Cursor
from .latex_splitting import rows, split_at, split_case
from .latex_tokens import Token, unreadable
from .latex_tree import At, Big, Call, Cases, Dots, Mul, Name, Rows, Test, Tree

BIG = {"sum": "sum", "prod": "prod"}
_MATRICES = frozenset(["bmatrix", "pmatrix", "matrix", "vmatrix", "smallmatrix", "array"])


class Blocks(Cursor):
    """Reads what has parts of its own."""

    def environment(self, token: Token) -> Tree:
        if token.text == "cases":
            return self._cases(token)
        if token.text not in _MATRICES:
            raise unreadable(f"the environment {token.text}", token.at)
        lines = [row for row in rows(token.inside) if row]
        entries = tuple(
            tuple(e for cell in split_at(line, "amp") if cell for e in self._entries(cell))
            for line in lines
        )
        return Rows(entries)

    def _cases(self, token: Token) -> Tree:
        from .latex_statements import condition

        values, conditions = [], []
        for row in rows(token.inside):
            if row:
                value, rest = split_case(row)
                values.append(self.over(value, token.at).whole())
                conditions.append(condition(rest, self.scope))
        if not values:
            raise unreadable("cases without a case", token.at)
        return Cases(tuple(values), tuple(conditions))

    def indicator(self, token: Token) -> Tree:
        from .latex_statements import condition

        if self.sees("_"):
            self.take()
            inside: Sequence[Token] = self.argument().given
        elif self.next.text in OPEN:
            inside = self.until(OPEN[self.take().text])
        else:
            return Name(r"\mathbf{1}")
        found = condition(inside, self.scope)
        if found is None:
            raise unreadable("an indicator without a condition", token.at)
        return Test(found)

    def big(self, kind: str) -> Tree:
        from .latex_scripts import bound

        token = self.take()
        under: Sequence[Token] = ()
        high = None
        while self.sees("_", "^"):
            if self.take().text == "_":
                under = self.argument().given
            else:
                high = self.argument().whole()
        found, low, where = bound(under, self.scope, token.at)
        body = self.signed()
        for index in reversed(found[1:]):
            body = Big(kind, index, None, high, None, body)
        return Big(kind, found[0], low, high, where, body)

    def expectation(self) -> Tree:
        """The expectation over a distribution is the sum of what it gives times what is there."""
        token = self.take()
        self.expect("_")
        under = list(self.argument().given)
        if len(under) < 3 or under[0].kind != "letter" or not under[1].is_("~"):
            raise unreadable("an expectation that does not say over what", token.at)
        weight = self.over(under[2:], token.at).whole()
        if not isinstance(weight, Name | Call):
            raise unreadable("an expectation over something without a name", token.at)
        if self.next.text not in OPEN:
            raise unreadable("an expectation without brackets", token.at)
        index = under[0].text
        body = Mul(At(weight, (Name(index),)), self.atom())
        return Big("sum", index, None, None, None, body)

    def _entries(self, cell: Sequence[Token]) -> list[Tree]:
        """The entries of a cell; wide spaces and dots separate them where there is no &."""
        pieces: list[list[Token]] = [[]]
        for token in cell:
            if token.kind == "space" or token.is_("ldots", ","):
                pieces += [[token], []] if token.is_("ldots") else [[]]
            else:
                pieces[-1].append(token)
        found: list[Tree] = []
        for piece in pieces:
            if piece and (piece[0].is_("ldots") or all(t.is_(".") for t in piece)):
                found.append(Dots())
            elif piece:
                found.append(self.over(piece, piece[0].at).whole())
        return found
