"""Tokens of LaTeX as trees: sums and products, with the field's habits about what binds how far.

A sum reaches to the next + or - of its level. A function without brackets takes one factor; where
more than one reading is usual, the formula is refused, with its place, and not guessed at.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from .latex_blocks import BIG, Blocks
from .latex_cursor import OPEN, RELATED, Scope
from .latex_names import Names
from .latex_tokens import Token, unreadable
from .latex_tree import (
    ONE,
    ZERO,
    Add,
    Call,
    Delta,
    Dots,
    Frac,
    Mul,
    Name,
    Neg,
    Norm,
    Num,
    Rel,
    Rows,
    Test,
    Tree,
    negated,
)

_TIMES = {"*": "*", "cdot": "\\cdot", "times": "\\times", "odot": "\\odot", "circ": "\\odot"}


class Formulas(Names, Blocks):
    """A reader of one run of tokens."""

    def whole(self) -> Tree:
        """All tokens as one expression."""
        if not self.given:
            raise unreadable("nothing here", self.end)
        tree = self.sum()
        if self.i < len(self.given):
            raise unreadable(f"cannot read {self.next.text}", self.next.at)
        return tree

    def sum(self) -> Tree:
        terms = [self.signed()]
        while self.sees("+", "-"):
            minus = self.take().text == "-"
            term = self.signed()
            terms.append(negated(term) if minus else term)
        if self.next.is_("pm", "mp"):
            raise unreadable("one of two signs", self.next.at)
        return terms[0] if len(terms) == 1 else Add(tuple(terms))

    def signed(self) -> Tree:
        if self.sees("+"):
            self.take()
            return self.signed()
        if self.sees("-"):
            self.take()
            return negated(self.signed())
        return self.product()

    def product(self) -> Tree:
        tree = self.factor()
        while True:
            if self.next.is_(*_TIMES):
                dot = _TIMES[self.take().text]
                tree = Mul(tree, self.signed_factor(), dot)
            elif self.sees("/"):
                self.take()
                under = self.signed_factor()
                fraction = isinstance(tree, Num)  # 1/2 x
                if isinstance(under, Num) and self.starts_factor() and not fraction:
                    raise unreadable("what / divides by is open here: brackets", self.next.at)
                tree = Frac(tree, under)
            elif self.starts_factor():
                tree = Mul(tree, self.factor())
            else:
                return tree

    def signed_factor(self) -> Tree:
        if self.sees("-"):
            self.take()
            return Neg(self.signed_factor())
        return self.factor()

    def starts_factor(self) -> bool:
        token = self.next
        if token.kind in ("letter", "number", "func", "group", "env"):
            return True
        if token.kind == "macro":
            return token.text not in ("ldots",) and token.text not in _TIMES
        return token.text in OPEN or (token.text in ("|", "‖") and not self.bars)

    def factor(self) -> Tree:
        from .latex_calculus import derivative

        token = self.next
        if token.kind == "func":
            return self.function()
        if token.kind == "macro" and token.text in BIG:
            return self.big(BIG[token.text])
        if token.kind == "letter" and token.text == r"\mathbb{E}":
            return self.expectation()
        found = derivative(self)
        if found is not None:
            return self.scripted(found)
        if token.kind == "letter":
            return self.letter()
        return self.scripted(self.atom())

    def atom(self) -> Tree:
        token = self.take()
        if token.kind == "number":
            digits = len(token.text.split(".")[1]) if "." in token.text else None
            return Num(Fraction(token.text), digits)
        if token.kind == "group":
            return self.inside(token).whole()
        if token.kind == "env":
            return self.environment(token)
        if token.text in ("|", "‖"):
            return self._between_bars(token)
        if token.text in OPEN:
            return self._bracket(token)
        if token.is_("frac") and self.next.kind == self.peek().kind == "group":
            return Frac(self.inside(self.take()).whole(), self.inside(self.take()).whole())
        if token.is_("sqrt") and self.next.kind == "group":
            return Call("sqrt", (self.inside(self.take()).whole(),))
        if token.is_("infty"):
            return Name("\\infty")
        if token.is_("ones"):
            return self.indicator(token)
        if token.kind == "end":
            raise unreadable("something is missing at the end", self.end)
        raise unreadable(f"cannot read {_shown(token)}", token.at)

    def _bracket(self, token: Token) -> Tree:
        close, bars, self.bars = OPEN[token.text], self.bars, 0
        entries = [self.entry()]
        while self.sees(",", ";"):
            self.take()
            entries.append(self.entry())
        if token.text == "[" and len(entries) == 1 and self.next.text in RELATED:
            relation = self.take().text
            entries = [Test(Rel(relation, entries[0], self.sum()))]
        self.expect(close)
        self.bars = bars
        return entries[0] if len(entries) == 1 else Rows((tuple(entries),))

    def entry(self) -> Tree:
        if self.sees("ldots"):
            self.take()
            return Dots()
        return self.sum()

    def _between_bars(self, token: Token) -> Tree:
        double = token.text == "‖" or (token.text == "|" and self.sees("|"))
        if double and token.text == "|":
            self.take()
        self.bars += 1
        of = self.sum()
        self.bars -= 1
        self.expect(token.text)
        if not double:
            return Call("abs", (of,))
        if token.text == "|":
            self.expect("|")
        order = 2
        for _ in range(2):  # the subscript may stand after the square
            if self.sees("_"):
                order = self._order()
            if self.sees("^") and self.peek(2).is_("_"):
                power = self.given[self.i : self.i + 2]
                self.given = [*self.given[: self.i], *self.given[self.i + 2 :]]
                order = self._order()
                self.given = [*self.given[: self.i], *power, *self.given[self.i :]]
        return Norm(of, order)

    def _order(self) -> int:
        at = self.take().at
        order = self.argument().whole()
        if order not in (ONE, Num(Fraction(2)), Name("F")):
            raise unreadable("a norm that is not the first, the second or Frobenius's", at)
        return 1 if order == ONE else 2

    def scripted(self, base: Tree) -> Tree:
        from .latex_scripts import scripted

        return scripted(self, base)


def _shown(token: Token) -> str:
    return "\\" + token.text if token.kind == "macro" else token.text


def sum_of(terms: Sequence[Tree]) -> Tree:
    """Terms, added."""
    return terms[0] if len(terms) == 1 else Add(tuple(terms)) if terms else ZERO


def kronecker(base: Tree, at: tuple[Tree, ...], scope: Scope) -> Tree | None:
    """A delta with two subscripts, unless the document uses it for something else."""
    if base == Name("\\delta") and len(at) == 2 and scope.delta:
        return Delta(*at)
    return None
