"""Under which conditions a formula is the gradient although it is not in general.

Two sources: the factors of the difference in closed form, (1 - sum(p))*softmax(z), each of which
makes it vanish where it vanishes itself; and a list of what people take for granted without a word,
tried one by one on random points at which it holds, the weakest first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from ..algebra.deriving.residual import Algebra, vanishing_factors
from ..algebra.facts.assumptions import Assumption, OneHot, Positive, Simplex, SumsToOne, Symmetric
from ..algebra.terms.views import Term, as_product, as_sum, unbroadcast
from ..graph import Tensor, op_name, toposort
from ..writing.text import text
from .deciding import decide
from .sameness import same_at
from .subject import Subject

_POINTS = 6


@dataclass(frozen=True)
class Condition:
    """What has to hold.

    Attributes:
        needs: the conditions, as text.
        facts: the same as assumptions, where they can be written as such.
        only_if: whether it was shown that the formula is wrong wherever they fail.
    """

    needs: tuple[str, ...]
    facts: tuple[Assumption, ...] = ()
    only_if: bool = False


def infer(
    subject: Subject, residual: Term, algebra: Algebra | None, original: Any
) -> Condition | None:
    """The weakest condition that can be found, or None.

    Args:
        subject: what is checked.
        residual: the difference in closed form, tidied.
        algebra: where that was done.
        original: the user's node for one of the residual's, by `id`.
    """
    if algebra is not None:
        found = _from_factors(subject, residual, algebra, original)
        if found is not None:
            return found
    tried = ((fact,) for fact in _candidates(subject))
    pairs = combinations([f for f in _candidates(subject) if type(f) is SumsToOne], 2)
    for facts in (*tried, *pairs):
        if _holds(subject, facts):
            return Condition(tuple(map(str, facts)), tuple(facts))
    return _symmetric(subject)


def _holds(subject: Subject, facts: tuple[Assumption, ...]) -> bool:
    """Whether the formula is the gradient at random points at which the facts hold."""
    points = list(subject.scattered(_POINTS, facts, sizes=subject.sizes))
    if not points or not all(map(same_at, points)):
        return False
    doubtful = decide(subject, [*subject.facts, *facts]) is False
    return not doubtful or all(same_at(point, finely=True) for point in points)


# -- from the difference itself -------------------------------------------------------------------


def _from_factors(
    subject: Subject, residual: Term, algebra: Algebra, original: Any
) -> Condition | None:
    factors = vanishing_factors(residual, algebra)
    for factor in factors:
        if any(original.get(id(n)) is subject.wrt for n in toposort(factor)):
            continue  # no data, of which something could be taken for granted
        found = _sum_that_is_one(factor, original)
        if found is not None:
            return Condition((str(found),), (found,), only_if=len(factors) == 1)
        total = _fixed_sum(factor)
        if total:
            return Condition((total,), only_if=len(factors) == 1)
    return None


def _pieces(factor: Term) -> tuple[Any, Any] | None:
    """A factor c (1 - s), as 1 and s."""
    numbers = [c for c, t in as_sum(factor) if t is None]
    terms = [(c, t) for c, t in as_sum(factor) if t is not None]
    if len(numbers) == 1 and len(terms) == 1 and numbers[0] == -terms[0][0]:
        return 1, terms[0][1]
    return None


def _total(term: Term) -> Tensor | None:
    """The sum at the bottom of axes that were only moved."""
    while op_name(term) in ("expand_dims", "squeeze", "broadcast_to"):
        term = term.args[0]
    return term if op_name(term) == "sum" else None


def _sum_that_is_one(factor: Term, original: Any) -> SumsToOne | None:
    pieces = _pieces(factor)
    total = pieces and _total(pieces[1])
    if total is None or len(total.params["axis"]) != 1:
        return None
    of = original.get(id(unbroadcast(total.args[0])))
    if of is None or of.ndim != total.args[0].ndim or of.op is not None:
        return None
    return SumsToOne(of, total.params["axis"][0])


def _fixed_sum(factor: Term) -> str:
    """`sum(p*w) = 1`: the sum of something computed."""
    pieces = _pieces(factor)
    if pieces is None or pieces[1] is None:
        return ""
    factors = as_product(pieces[1])[1]
    sums = len(factors) == 1 and _total(factors[0][0]) is not None
    return f"{text(pieces[1])} = 1" if sums else ""


# -- what people take for granted -----------------------------------------------------------------


def _candidates(subject: Subject) -> Iterator[Assumption]:
    """The weaker ones first."""
    known = {id(a.of) for a in subject.facts}
    leaves = [n for n in subject.leaves if n.name and id(n) not in known]
    data = [n for n in leaves if n is not subject.wrt]
    for n in data:
        yield from (SumsToOne(n, axis) for axis in range(n.ndim))
    yield from (Positive(n) for n in leaves if not _decides(subject, n))
    for kind in (Simplex, OneHot):
        for n in data:
            yield from (kind(n, axis) for axis in range(n.ndim))


def _decides(subject: Subject, leaf: Tensor) -> bool:
    """Whether a choice in the loss depends on a leaf: to drop a gate is no assumption."""
    gates = [n for n in toposort(subject.loss) if op_name(n) in ("where", "maximum", "minimum")]
    return any(n is leaf for gate in gates for n in toposort(gate))


def _symmetric(subject: Subject) -> Condition | None:
    """A matrix of which the loss uses only the symmetric part may as well be symmetric."""
    for leaf in subject.leaves:
        square = leaf.ndim == 2 and leaf.shape[0] == leaf.shape[1]
        if leaf.name and square and leaf is not subject.wrt and _only_symmetric_part(subject, leaf):
            fact = Symmetric(leaf)
            if _holds(subject, (fact,)):
                return Condition((str(fact),), (fact,))
    return None


def _only_symmetric_part(subject: Subject, leaf: Tensor) -> bool:
    points = list(subject.scattered(_POINTS))
    turned = [p.moved({id(leaf): np.transpose(p.of(leaf)._value)}) for p in points]
    pairs = zip(points, turned, strict=True)
    return bool(points) and all(np.allclose(p.loss._value, t.loss._value) for p, t in pairs)
