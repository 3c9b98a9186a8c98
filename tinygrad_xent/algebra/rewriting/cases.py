"""Formulas with conditions in them that come to the same either way.

A stable composition often chooses between two forms of one function: the sigmoid is 1/(1 + e^-x)
where x > 0 and e^x/(1 + e^x) elsewhere. A rule cannot see that; simplifying each case does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...graph import Tensor, op_name, shape_of
from ..facts.known import Facts
from ..matching.rule import Rule
from ..terms.formula import operations
from ..terms.standard import Terms
from ..terms.views import PRODUCTS, SUMS, Term, as_sum, parts, positions, scale, unbroadcast
from .rewrite import Rewrite, check, replace, rewrite, same_value
from .vanishing import vanishes

_MOST_CONDITIONS = 8


def settle(
    root: Term, rules: Sequence[Rule], terms: Terms, facts: Facts
) -> tuple[Term, list[Rewrite]]:
    """Replace what is the same in both cases of a condition, wherever that can be shown."""
    steps: list[Rewrite] = []
    while (step := _next(root, rules, terms, facts)) is not None:
        check(root, step)
        steps.append(step)
        root = step.root
    return root, steps


def _next(root: Term, rules: Sequence[Rule], terms: Terms, facts: Facts) -> Rewrite | None:
    for place in reversed(list(positions(root))):
        for condition in _conditions(place)[:_MOST_CONDITIONS]:
            yes, no = (_case(place, condition, i, rules, terms, facts) for i in (1, 2))
            if yes is no or _equal(yes, no, terms, facts):
                after = min(yes, no, key=operations)
                whole = replace(root, place, after, terms)
                name, reason = "both cases", "Whether or not the condition holds, it is the same."
                return Rewrite(name, reason, place, after, whole)
    return None


def _equal(x: Term, y: Term, terms: Terms, facts: Facts) -> bool:
    difference = terms.total((*as_sum(x), *scale(-1, as_sum(y))), shape_of(x))
    return same_value(x, y) and vanishes(difference, terms, facts)


def _case(
    place: Tensor, condition: Tensor, branch: int, rules: Sequence[Rule], terms: Terms, facts: Facts
) -> Term:
    """The term where the condition holds (branch 1) or fails (branch 2), simplified."""
    term: Term = place
    while isinstance(term, Tensor):
        meant = [w for w in choices(term) if w.args[0] is condition]
        if not meant:
            break
        term = replace(term, meant[0], meant[0].args[branch], terms)
    return rewrite(term, rules, terms, facts)[0] if isinstance(term, Tensor) else term


def _conditions(place: Tensor) -> list[Tensor]:
    """The conditions on which the term depends, entry by entry."""
    found = {id(w.args[0]): w.args[0] for w in choices(place) if isinstance(w.args[0], Tensor)}
    return list(found.values())


def choices(place: Term) -> Iterator[Tensor]:
    """The `where` nodes that reach the term through operations on single entries only.

    Through a sum over an axis the two cases could be mixed, so the search stops there.
    """
    place = unbroadcast(place)
    if not isinstance(place, Tensor) or place.op is None:
        return
    if op_name(place) == "where":
        yield place
    if place.op.elementwise or op_name(place) in PRODUCTS | SUMS:
        for part in parts(place):
            yield from choices(part)
