"""How much in a formula may lose digits or overflow: what falls towards a form to compute by.

Counted are denominators that may become too small; logarithms, which overflow where their arguments
do; then, in every sum of which some terms are taken away, the terms that often nearly equal others.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...graph import Tensor, op_name
from ..facts.assumptions import SumsToOne
from ..facts.known import Facts
from ..rewriting.weight import Weight, algebraic
from ..terms.views import (
    Factor,
    Sum,
    Term,
    as_product,
    as_sum,
    is_atom,
    is_number,
    is_sum,
    positions,
    unbroadcast,
)

_NEAR_ONE = frozenset({"softmax", "sigmoid", "tanh", "exp", "sqrt", "cos"})
_ABOVE = frozenset({"softplus", "logsumexp"})  # log(... + e^x), which is nearly x
_TOTALS = frozenset({"sum", "mean"})
_NEAR, _TOTAL, _NUMBER = 3, 1, 1


class Exposure:
    """The weight that forms to compute by lower.

    Args:
        facts: what is known, such as what sums to one.
    """

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    def __call__(self, term: Term) -> Weight:
        nodes = list(positions(term))
        small = sum(map(self._small, nodes))
        logs = sum(map(_logarithms, nodes))
        differences = [as_sum(n) for n in nodes if is_sum(n)]
        exposed = sum(map(self._difference, differences))
        return small, logs, exposed, len(differences), algebraic(term)[1]

    def _small(self, n: Tensor) -> int:
        """How many denominators may underflow."""
        return 0 if is_atom(n) else sum(self._is_near((b, -s), ()) for b, s in as_product(n)[1])

    def _difference(self, terms: Sum) -> int:
        """How many terms of a difference may be nearly equal to others, and then 1 for a number."""
        if not _takes_away(terms):
            return 0
        exposed = sum(0 if t is None else self._exposed(t, terms) for _, t in terms)
        return exposed + bool(exposed and any(t is None for _, t in terms)) * _NUMBER

    def _exposed(self, term: Tensor, terms: Sum) -> int:
        factors = as_product(term)[1]
        if len(factors) == 1 and op_name(factors[0][0]) in _TOTALS:
            return _TOTAL
        rest = [f for f in factors if not self._is_near(f, terms)]
        return _NEAR if len(rest) < len(factors) and all(map(_is_plain, rest)) else 0

    def _is_near(self, factor: Factor, terms: Sum) -> bool:
        base, sign = factor
        meant = self.facts.meanings.get(id(base), base)
        if sign < 0:
            return False
        if op_name(meant) in _ABOVE:
            return any(t is not None and _contains(t, meant.args[0]) for _, t in terms)
        if op_name(meant) in ("power", "diag", "matmul"):
            return self._is_near((meant.args[0], 1), ())
        return op_name(meant) in _NEAR_ONE or self._is_distribution(base)

    def _is_distribution(self, term: Tensor) -> bool:
        """Whether this was computed, and sums to one; one less what was given is exact."""
        known = self.facts.known.get(id(term), ())
        return self.facts.computed(term) and any(isinstance(f, SumsToOne) for f in known)


def _logarithms(n: Tensor) -> int:
    """A logarithm counts more than those of the factors, less than a power, more than log1p."""
    if op_name(n) not in ("log", "log1p", "power") or not is_atom(n):
        return 0
    if op_name(n) == "log1p":
        return 1
    number, factors = as_product(n.args[0])
    several: int = 3 ** (len(factors) + (number != 1))
    return several if op_name(n) == "log" else 3 * several


def _is_plain(factor: Factor) -> bool:
    """Whether a factor is a total, or has a total or a number among its terms."""
    terms = as_sum(factor[0])
    counted = any(t is None or op_name(t) in _TOTALS for _, t in terms)
    return counted and not _takes_away(terms)


def _takes_away(terms: Sum) -> bool:
    """Whether there are minus signs in a sum, and others."""
    return len({c * (1 if t is None else as_product(t)[0]) > 0 for c, t in terms}) > 1


def _contains(term: Tensor, part: Term) -> bool:
    """Whether a part is a factor of a term, or of what the term sums up."""
    return any(f is unbroadcast(part) for f in _factors(term))


def _factors(term: Term) -> Iterator[Tensor]:
    for base, _ in () if is_number(term) else as_product(term)[1]:
        yield base
        if op_name(base) in ("sum", "mean", "matmul", "getitem"):
            for arg in base.args:
                yield from _factors(arg)
