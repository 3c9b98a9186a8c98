"""Walking over tokens: what a reader of formulas sees, takes and expects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from .latex_tokens import Token, unreadable
from .latex_tree import Tree

RELATED = frozenset(["=", "≈", "<", ">", "≤", "≥", "≠", "∈", "~", "∝", "⟹", "⟺", "→", "←", "∉"])
OPEN = {"(": ")", "[": "]", "\\{": "\\}"}


@dataclass(frozen=True)
class Scope:
    """What the whole document says about its letters.

    Attributes:
        functions: names that are applied: `f` where the document defines f(x).
        labels: letters that are not indices where they are subscripts.
        indices: letters that are indices where they stand in a superscript in brackets.
        delta: whether a delta with two subscripts is Kronecker's.
    """

    functions: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    indices: frozenset[str] = frozenset()
    delta: bool = True


@dataclass
class Cursor:
    """One run of tokens, and how far it has been read."""

    given: Sequence[Token]
    scope: Scope
    end: int = 0
    i: int = 0
    bars: int = 0

    def __post_init__(self) -> None:
        self.given = [t for t in self.given if t.kind not in ("space", "amp")]

    @property
    def next(self) -> Token:
        return self.given[self.i] if self.i < len(self.given) else Token("end", "", self.end)

    def peek(self, offset: int = 1) -> Token:
        at = self.i + offset
        return self.given[at] if at < len(self.given) else Token("end", "", self.end)

    def take(self) -> Token:
        token = self.next
        self.i += 1
        return token

    def sees(self, *texts: str) -> bool:
        return self.next.is_(*texts)

    def expect(self, text: str) -> None:
        if not self.sees(text):
            shown = self.next.text or "the end"
            raise unreadable(f"expected {text} and found {shown}", self.next.at)
        self.i += 1

    def over(self, given: Sequence[Token], at: int) -> Self:
        """A reader of other tokens, with the same scope."""
        return type(self)(given, self.scope, at)

    def inside(self, token: Token) -> Self:
        return self.over(token.inside, token.at)

    def argument(self) -> Self:
        """What a script or a command takes: one group or one token."""
        token = self.take()
        if token.kind == "end":
            raise unreadable("something is missing at the end", self.end)
        inside = token.inside if token.kind == "group" else (token,)
        return self.over(inside, token.at)

    def until(self, close: str) -> Sequence[Token]:
        start = self.i
        while not self.sees(close):
            if self.take().kind == "end":
                raise unreadable(f"expected {close} and found the end", self.end)
        self.i += 1
        return self.given[start : self.i - 1]

    # -- what the readers of the other files provide -----------------------------------------------

    def whole(self) -> Tree:
        raise NotImplementedError

    def sum(self) -> Tree:
        raise NotImplementedError

    def signed(self) -> Tree:
        raise NotImplementedError

    def product(self) -> Tree:
        raise NotImplementedError

    def factor(self) -> Tree:
        raise NotImplementedError

    def atom(self) -> Tree:
        raise NotImplementedError

    def entry(self) -> Tree:
        raise NotImplementedError

    def indicator(self, token: Token) -> Tree:
        raise NotImplementedError

    def starts_factor(self) -> bool:
        raise NotImplementedError

    def scripted(self, base: Tree) -> Tree:
        raise NotImplementedError
