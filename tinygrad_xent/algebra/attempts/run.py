"""One attempt at a derivation: the phases from a recorded graph to a closed form."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ...graph import Tensor, op_name
from ...writing.text import text
from ..matching.rule import Rule
from ..rewriting.cases import choices, settle
from ..rewriting.rewrite import NoEndError, Rewrite, check, rewrite
from ..rewriting.turning import presented
from ..rewriting.weight import Measure, algebraic, tidiness
from ..rules import NAMING, TIDYING
from ..terms.formula import operations
from ..terms.standard import Terms
from ..terms.views import Term, as_sum, positions
from .ground import Ground

PATIENT, IMPATIENT = 600, 150  # rewrites that an attempt may take


class Run:
    """The start in standard form, then algebra, then tidying, then naming.

    Args:
        ground: the definitions, and what is known.
        start: the recorded graph.
        algebra, forms: the rules of the first phase.
        patience: how many rewrites it may take.
        most: how many operations are too many to be worth tidying.

    Attributes:
        steps: what was done.
        end: what it came to.

    Raises:
        NoEndError: it takes longer, or multiplying out made it too large.
    """

    def __init__(
        self,
        ground: Ground,
        start: Tensor,
        algebra: Sequence[Rule],
        forms: Sequence[Rule],
        patience: int = PATIENT,
        most: float = math.inf,
    ) -> None:
        self.ground, self.copy, self.proved = ground, ground.copy, ground.proved
        self.terms, self.facts = ground.terms, ground.facts
        self.terms.patience = patience
        self.start = ground.closed(start, self.terms)
        self.steps: list[Rewrite] = []
        self.end: Term = self.terms.standard(self.start)
        self._note("standard form", "Signs, numbers and broadcasting are collected.", self.start)
        self._algebra(forms, (*(() if ground.opened else ground.definitions), *algebra))
        if operations(self.end) > most:
            raise NoEndError("derive: another way is much shorter")
        self._tidy(ground.workshop(expanded=False), self.terms.patience)

    def _algebra(self, forms: Sequence[Rule], rules: Sequence[Rule]) -> None:
        """Cases are compared at the end, and where sums would be taken apart before that, also."""
        early = any(map(_sums_cases, positions(self.end)))
        for some in (forms, (*forms, *rules))[not early :]:
            self._phase(some)
            self.end, steps = settle(self.end, (*forms, *rules), self.terms, self.facts)
            self.steps += steps

    def _tidy(self, terms: Terms, patience: int) -> None:
        self.terms, self.facts = terms, self.ground.known(terms)
        self.terms.patience = patience
        definitions = self.ground.tidied(self.terms, self.facts)
        self._phase((*definitions, *TIDYING), tidiness, operations)
        self._phase(NAMING, tidiness)
        before, self.end = self.end, presented(self.end, self.terms)
        self._note("turn round", "Differences are turned to where they read best.", before)

    def _phase(
        self,
        rules: Sequence[Rule],
        weight: Measure = algebraic,
        measure: Callable[[Term], int] | None = None,
    ) -> None:
        before = self.end
        self.end = self.terms.standard(before)
        self._note("tidy", "Numbers that all terms share are taken out.", before)
        self.end, steps = rewrite(self.end, rules, self.terms, self.facts, weight, measure)
        self.steps += steps

    def _note(self, name: str, reason: str, before: Term) -> None:
        if text(self.end) != text(before):
            step = Rewrite(name, reason, before, self.end, self.end)
            check(before, step)
            self.steps.append(step)

    @property
    def reading(self) -> int:
        """How much there is to read, in characters."""
        return len(text(self.start)) + sum(len(text(step.root)) for step in self.steps)


def _sums_cases(term: Tensor) -> bool:
    """Whether a sum along an axis has several terms that depend on a condition."""
    terms = as_sum(term.args[0]) if op_name(term) == "sum" else ()
    return sum(t is not None and any(map(op_name, choices(t))) for _, t in terms) > 1
