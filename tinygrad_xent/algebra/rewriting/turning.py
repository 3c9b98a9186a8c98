"""The last touch: differences and comparisons are turned to where they read best."""

from __future__ import annotations

from ...graph import Tensor, op_name
from ..terms.nodes import COMPARISONS
from ..terms.standard import Terms
from ..terms.views import Term, as_sum, is_sum, positions, scale
from .rewrite import replace


def presented(term: Term, terms: Terms) -> Term:
    """The same term with s*t < 1 for 1 - s*t > 0, and b - a for -(a - b)."""
    for place in list(positions(term)):
        if op_name(place) in COMPARISONS and is_sum(place.args[0]):
            term = replace(term, place, _two_sided(place, terms), terms)
    return terms.presented(term)


def _two_sided(comparison: Tensor, terms: Terms) -> Term:
    """A comparison of a difference with zero as one of what is added with what is taken away."""
    difference = comparison.args[0]
    added = tuple((c, t) for c, t in as_sum(difference) if c > 0)
    taken = tuple((c, t) for c, t in as_sum(difference) if c < 0)
    left, right = terms.total(added, ()), terms.total(scale(-1, taken), ())
    if not taken or not added:
        return comparison
    name = comparison.op.name if comparison.op else ""
    if added[0][1] is None and len(added) == 1:
        return terms.make(terms.mirrored(name), right, left)
    return terms.make(name, left, right)
