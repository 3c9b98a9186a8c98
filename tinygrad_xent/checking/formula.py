"""A hand-written gradient that is a formula: proved, decided, or explained.

Named rules that bring the difference to 0 are a proof for every size. Where they do not get there,
random points tell at once whether there is a difference at all, and exact arithmetic decides
whether there is none.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..algebra.deriving.gradients import derivation, gradient_graph, simplify
from ..algebra.deriving.higher import derive
from ..algebra.deriving.residual import Algebra
from ..algebra.facts.assumptions import Assumption, Nonzero
from ..algebra.facts.stating import of_the_loss
from ..algebra.loss.copying import Copy
from ..algebra.terms.views import Term, is_number, unbroadcast
from ..errors import DeriveError
from ..graph import Tensor
from ..writing.text import text
from .conditions import Condition, infer
from .counterexample import smallest
from .deciding import decide
from .diagnose import Look, diagnose, usual_facts
from .factors import Probe
from .longer import other_lengths
from .numbers import Comparison, compare, one_sided, reference
from .remarks import remarks
from .sameness import same_at
from .subject import Subject
from .titles import Titles
from .verdict import Diagnosis, Verdict

_POINTS = 9
_LARGEST = 400  # nodes of a loss whose difference is brought into closed form
_LONG, _LONGER = 80, 150  # characters of a closed form for which a shorter one is looked for
_LONGEST = 240  # of both that are still worth showing


class _Closed(NamedTuple):
    """The gradient and the difference in closed form, and what a condition needs of them."""

    algebra: Algebra
    original: dict[int, Tensor]
    gradient: Term
    difference: Term


def by_formula(subject: Subject, title: str, rtol: float | None, explained: bool = True) -> Verdict:
    """The verdict on a formula; if it is different, with the mistake that explains it."""
    facts = [*subject.facts, *subject.implied]
    with derivation():
        closed = _closed(subject, [*facts, *_of_the_formula(subject)])
        how, visible = _how_equal(subject, closed, facts)
        verdict = _at_values(subject, title, rtol)
        if how:
            return replace(verdict, equal=True, needs=_domain(subject), how=how)
        verdict = _with_difference(subject, closed, verdict)
        condition = _condition(subject, closed) if visible else None
        if condition is not None:
            only_if = condition.only_if
            return replace(verdict, equal=True, needs=condition.needs, only_if=only_if)
        found = _diagnosed(subject) if explained else []
        best, others = (found[0], tuple(found[1:])) if found else (None, ())
        return replace(verdict, diagnosis=best, alternatives=others, explained=explained)


def _at_values(subject: Subject, title: str, rtol: float | None) -> Verdict:
    """What there is to say at the user's values."""
    comparison = _at_sample(subject, rtol)
    verdict = Verdict(False, title=title, loss=subject.loss, remarks=remarks(subject, comparison))
    if comparison is None:
        return verdict
    return replace(verdict, table=comparison.entries, wrong=comparison.wrong)


def _with_difference(subject: Subject, closed: _Closed | None, verdict: Verdict) -> Verdict:
    """The verdict with the difference in closed form, and a counterexample."""
    verdict = replace(verdict, counterexample=smallest(subject))
    if closed is None:
        return verdict
    tidied = (closed.algebra.tidied(term) for term in (closed.gradient, closed.difference))
    return replace(verdict, **_presented(subject, *map(text, tidied)))  # type: ignore[arg-type]


def _condition(subject: Subject, closed: _Closed | None) -> Condition | None:
    if closed is None:
        return infer(subject, None, None, {})
    residual = closed.algebra.tidied(closed.difference)
    return infer(subject, residual, closed.algebra, closed.original)


def _closed(subject: Subject, facts: list[Assumption]) -> _Closed | None:
    """The difference in closed form, if that can be had."""
    if len(subject.order) > _LARGEST:
        return None
    assert subject.formula is not None
    try:
        copy = Copy(subject.whole, None, facts)
        algebra = Algebra(copy)
        loss = copy.of(subject.loss)
        loss = algebra.decided(loss) if subject.wrt.op is None else loss
        gradient = algebra.reduced(gradient_graph(loss, copy.of(subject.wrt)))
        hand = algebra.reduced(copy.of(subject.formula))
        return _Closed(algebra, copy.original, gradient, algebra.difference(hand, gradient))
    except DeriveError:
        return None


def _presented(subject: Subject, gradient: str, residual: str) -> dict[str, str]:
    """Both closed forms as text; where one is long, a derivation's, with its names, may not be."""
    if _LONG < len(gradient) < _LONGER:
        with suppress(DeriveError):
            told = str(derive(subject.loss, subject.wrt, subject.facts).result)
            gradient = min(gradient, told, key=len)
    if _LONG < len(residual) < _LONGER and subject.formula is not None:
        with suppress(DeriveError):
            difference = subject.formula - gradient_graph(subject.loss, subject.wrt)
            told = str(simplify(difference, subject.facts))
            residual = min(residual, told, key=len)
    fits = len(gradient) + len(residual) <= _LONGEST
    return {"gradient": gradient, "residual": residual} if fits else {}


def _how_equal(
    subject: Subject, closed: _Closed | None, facts: list[Assumption]
) -> tuple[str, bool]:
    """How the formula is known to be the gradient, "" if it is not; whether numbers show that."""
    if closed is not None and _is_zero(closed.difference):
        return "proved by named rules, for every size", False
    points = list(subject.scattered(_POINTS, sizes=subject.sizes))
    if not all(map(same_at, points)):
        return "", True
    known = decide(subject, [*facts, *_of_the_formula(subject)])
    if known is False and not all(same_at(point, finely=True) for point in points):
        return "", False
    how = "decided in exact arithmetic" if known else "in numbers"
    return f"{how}, at random points", False


def _is_zero(term: Term) -> bool:
    bare = unbroadcast(term)
    return is_number(bare) and bool(bare == 0)


def _of_the_formula(subject: Subject) -> list[Assumption]:
    return [] if subject.formula is None else of_the_loss(subject.formula)


def _domain(subject: Subject) -> tuple[str, ...]:
    """Where the formula has no value although the gradient has one."""
    if not any(type(fact) is Nonzero for fact in _of_the_formula(subject)):
        return ()
    return tuple(f"{subject.name(n)} != 0" for n in subject.leaves if _fails_at_zero(subject, n))


def _fails_at_zero(subject: Subject, leaf: Tensor) -> bool:
    point = subject.sample.moved({id(leaf): np.zeros(leaf.shape)})
    undefined = point.is_regular and not bool(np.isfinite(point.hand).all())
    return undefined and not one_sided(point)[2].any()  # at a kink the gradient is no better


def _at_sample(subject: Subject, rtol: float | None) -> Comparison | None:
    point = subject.sample
    if not np.isfinite(reference(point)).all():
        return None
    return compare(point, np.broadcast_to(point.hand, subject.wrt.shape), rtol)


# -- diagnosis ------------------------------------------------------------------------------------


def _diagnosed(subject: Subject) -> list[Diagnosis]:
    """Mistakes that explain a formula, or that do where something sums to one."""
    looks = [Look(_probes(subject))]
    looks += [Look(_probes(subject, fact), str(fact)) for fact in usual_facts(subject)]
    return diagnose(subject, looks, Titles(subject))


def _probes(subject: Subject, *facts: Assumption) -> list[Probe]:
    """Points at two choices of lengths, and what the formula gives where it has a value."""
    found: list[Probe] = []
    for count, sizes in ((2, subject.sizes), (1, other_lengths(subject))):
        for point in subject.scattered(count, facts, sizes=sizes, seed=len(found) + 1):
            hand = np.broadcast_to(point.hand, point.wrt.shape)
            found += [Probe(point, hand)] if np.isfinite(hand).all() else []
    return found
