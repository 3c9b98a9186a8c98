"""The steps of a derivation as plain data, and those to a form to compute by."""

from __future__ import annotations

from dataclasses import dataclass

from ..terms.formula import Formula


@dataclass(frozen=True)
class Step:
    """One line of a derivation.

    Attributes:
        rule: its name.
        reason: why it is true, in a sentence.
        before, after: the part that it rewrote, and what that became.
        whole: the whole expression after the step.
        used: the side conditions that were assumed for it.
        shown: the side conditions that hold, each with the reason.
    """

    rule: str
    reason: str
    before: Formula
    after: Formula
    whole: Formula
    used: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()

    @property
    def because(self) -> str:
        """Why it is true, with its side conditions."""
        assumed = [f"assumed: {fact}" for fact in self.used]
        return " ".join([self.reason, *(f"({fact})" for fact in (*self.shown, *assumed))])


@dataclass(frozen=True)
class Computation:
    """How a formula is computed: the steps to an equal one that keeps its digits.

    Attributes:
        of: "value" for the loss, or which derivative it is.
        start: the formula.
        steps: the rewrite steps, in order.
        by: the rules among them that keep digits; the others simplify.
        assumptions: what the steps rest on and the derivative does not.
    """

    of: str
    start: Formula
    steps: tuple[Step, ...] = ()
    by: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()

    @property
    def result(self) -> Formula:
        """The formula to compute by."""
        return self.steps[-1].whole if self.steps else self.start

    @property
    def title(self) -> str:
        """What is computed."""
        return "the loss is computed as" if self.of == "value" else "computed as"

    def __str__(self) -> str:
        return f"{self.title} {self.result}    {', '.join(self.by)}"
