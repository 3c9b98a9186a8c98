"""Shares of two: 1 / (1 + u) and u / (1 + u), where u = e^-|x|, as sigmoids are written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...graph import Tensor, op_name, shape_of
from ...ops import where
from .factors import factors
from .knowing import equals, is_nonpositive
from .monomials import added, combined, linear
from .shares import apart, may_cancel


def share_of_two_and_more(intern: Any, node: Tensor) -> Any:
    """K e / (1 + u) + c = (e (K + c) + c rest) / (1 + u), where e and rest are 1 and u."""
    terms = linear(node)
    for place, (term, _) in terms.items():
        for total, e, rest in _shares_of_two(term):
            found = apart(intern, terms, place, e, total)
            if found is not None and may_cancel(*found) and shape_of(total) == node.shape:
                k, more = found
                return (e * combined(added(k, more)) + combined(more) * rest) / total
    return None


def _shares_of_two(term: Any) -> Iterator[tuple[Any, Any, Any]]:
    """The sums 1 + u that a product is divided by, each with the factor and the other one."""
    f = factors(term)
    above = [n for place, n in f.nodes.items() if f.above[place]]
    for total in (n for place, n in f.nodes.items() if f.below[place]):
        u = second_of_two(total)
        if u is None:
            continue
        for e in above:
            if e is u:
                yield total, u, 1.0
            elif op_name(e) == "where" and equals(e.args[1], 1.0) and e.args[2] is u:
                yield total, e, where(e.args[0], u, 1.0)
            elif op_name(e) == "where" and e.args[1] is u and equals(e.args[2], 1.0):
                yield total, e, where(e.args[0], 1.0, u)
        yield total, 1.0, u


def second_of_two(total: Any) -> Any:
    """u, if it is 1 + u where u is e to something negative."""
    if op_name(total) != "add":
        return None
    for one, u in (total.args, total.args[::-1]):
        if equals(one, 1.0) and op_name(u) == "exp" and is_nonpositive(u.args[0]):
            return u
    return None
