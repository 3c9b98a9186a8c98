"""Applying rules until none applies, and checking each step as it is made.

Every node carries its value at a random point at which the assumptions hold, so a step that changes
the value is caught at once: a rule that is not sound never reaches a person's page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DeriveError
from ...graph import Tensor, op_name
from ...writing.text import text
from ..facts.assumptions import Assumption
from ..facts.known import Facts
from ..matching.rule import Rule
from ..terms.standard import Terms
from ..terms.views import (
    PRODUCTS,
    SUMS,
    Term,
    as_product,
    as_sum,
    is_atom,
    outermost,
    parts,
    positions,
    unbroadcast,
)
from .weight import Measure, algebraic

_ROOM = 30  # how many parts a term may grow by, besides its own number


class NoEndError(DeriveError):
    """The rules went on for too long; another order may not."""


@dataclass(frozen=True)
class Rewrite:
    """One application of a rule: at `before`, giving `after`, which makes the whole `root`.

    Its side conditions were assumed (`used`) or shown to hold.
    """

    rule: str
    reason: str
    before: Term
    after: Term
    root: Term
    used: tuple[Assumption, ...] = ()
    shown: tuple[str, ...] = ()


def rewrite(
    root: Term,
    rules: Sequence[Rule],
    terms: Terms,
    facts: Facts,
    weight: Measure = algebraic,
    measure: Callable[[Term], int] | None = None,
) -> tuple[Term, list[Rewrite]]:
    """Apply the rules until none makes the whole lighter.

    Args:
        root: where to start.
        rules: the first that fits is applied, at the innermost place.
        terms, facts: what builds terms, and what is known of them.
        weight: what every step has to lower.
        measure: instead, of all that fit the one is applied that makes this smallest.
    """
    root = terms.standard(root)
    room = _ROOM + 2 * _parts(root)
    measure = measure if _parts(root) <= _ROOM else None  # trying all would take too long
    steps: list[Rewrite] = []
    while (step := _choice(root, rules, terms, facts, weight, measure)) is not None:
        check(root, step)
        steps.append(step)
        root = step.root
        terms.patience -= 1
        if terms.patience < 0 or _parts(root) > room:
            raise NoEndError(f"derive: no end after {len(steps)} steps")
    return root, steps


def _choice(
    root: Term,
    rules: Sequence[Rule],
    terms: Terms,
    facts: Facts,
    weight: Measure,
    measure: Callable[[Term], int] | None,
) -> Rewrite | None:
    now = weight(root)
    fitting = _fitting(root, rules, terms, facts)
    found = (step for step in fitting if weight(step.root) < now)
    if measure is None:
        return next(found, None)
    return min(found, key=lambda step: measure(step.root), default=None)


def _fitting(root: Term, rules: Sequence[Rule], terms: Terms, facts: Facts) -> Iterator[Rewrite]:
    """Every way to apply a rule, in order of the rules and then from inner to outer places."""
    places: dict[str, list[Tensor]] = {}
    for place in positions(root):
        places.setdefault(outermost(place), []).append(place)
    for rule in rules:
        for place in places.get(rule.outermost, ()):
            facts.used = []
            for found in rule.matches(place, terms, facts):
                after = found.put_back(rule.replacement(found.env))
                if after is not place:
                    whole = replace(root, place, after, terms)
                    used = tuple(dict.fromkeys(facts.used))
                    shown = () if used else tuple(shown_by(rule, found.env, facts))
                    yield Rewrite(rule.name, rule.reason, place, after, whole, used, shown)
                facts.used = []


def shown_by(rule: Rule, env: dict[str, Any], facts: Facts) -> Iterator[str]:
    """The side conditions of a rule, each with why it holds of what was matched."""
    for name, kind in rule.kinds.items():
        term = env.get(name)
        if kind.claim and isinstance(term, Tensor):
            causes = " and ".join(dict.fromkeys(facts.causes(term)))
            yield kind.claim.format(text(term)) + (f", because {causes}" if causes else "")


def _parts(root: Term) -> int:
    return sum(1 for _ in positions(root))


def replace(root: Term, old: Tensor, new: Term, terms: Terms) -> Term:
    """The whole in standard form, with one subterm replaced wherever it occurs."""
    done: dict[int, Term] = {id(old): new}
    for term in positions(root):
        if id(term) not in done:
            done[id(term)] = _rebuilt(term, done, terms)
    outer = unbroadcast(root)
    return terms.broadcast(done[id(outer)], root.shape)


def _rebuilt(term: Tensor, done: dict[int, Term], terms: Terms) -> Term:
    def new(part: Term) -> Term:
        inner = unbroadcast(part)
        result = done.get(id(inner), inner)
        shape = getattr(part, "shape", None)
        return result if shape is None else terms.broadcast(result, shape)

    if all(done.get(id(unbroadcast(p)), p) is unbroadcast(p) for p in parts(term) if _is_node(p)):
        return term
    if op_name(term) in SUMS:
        pieces = tuple((c, t if t is None else new(t)) for c, t in as_sum(term))
        return unbroadcast(terms.total(_flat(pieces), term.shape))
    if op_name(term) in PRODUCTS and not is_atom(term):
        return unbroadcast(_product(term, new, terms))
    assert term.op is not None
    args = tuple(new(a) for a in term.args)
    return unbroadcast(terms.build(term.op, args, term.params, term.shape))


def _is_node(part: Any) -> bool:
    return isinstance(part, Tensor)


def _flat(pieces: Any) -> Any:
    return tuple(
        (c * a, t) for c, piece in pieces for a, t in as_sum(1 if piece is None else piece)
    )


def _product(term: Tensor, new: Any, terms: Terms) -> Term:
    coefficient, factors = as_product(term)
    rebuilt: Any = ()
    for base, sign in factors:
        c, inner = as_product(new(base))
        if c == 0 and sign < 0:
            raise DeriveError("derive: a denominator became zero")
        coefficient *= c**sign
        rebuilt += tuple((b, s * sign) for b, s in inner)
    return terms.product(coefficient, rebuilt, term.shape)


def check(root: Term, step: Rewrite) -> None:
    """A step may not change the value."""
    if not same_value(root, step.root):
        raise DeriveError(
            f"derive: the step '{step.rule}' changed the value; this is a bug, please report it"
        )


def same_value(a: Term, b: Term) -> bool:
    """Whether two terms have one value, to rounding, where both have one."""
    x, y = (np.asarray(getattr(t, "_value", t), dtype=float) for t in (a, b))
    known = np.isfinite(x) & np.isfinite(y)
    scale = np.abs(x[known]).max(initial=1.0)
    return x.shape == y.shape and bool(np.all(np.abs(x[known] - y[known]) <= 1e-7 * scale))
