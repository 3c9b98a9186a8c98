"""Products and sums of interned nodes, each in one form.

A product has one number in front, then numerator over denominator; a sum has each term once, with
its number. Both are sorted by what they print.
"""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from functools import reduce
from typing import Any

from ...graph import Tensor, op_name, shape_of
from .nodes import COMPARISONS, Nodes
from .views import (
    Factor,
    Sum,
    Term,
    as_product,
    as_sum,
    extent,
    is_backwards,
    is_number,
    is_sum,
    printed,
    scale,
    unbroadcast,
)

_LARGEST_DENOMINATOR, _SMALL, _DECIMALS, _LARGEST_CLEARED = 10_000, 9, 6, 60


class Arithmetic(Nodes):
    """What multiplies and adds up.

    Args:
        expanded: whether a number in front of a sum is multiplied into it.
    """

    def __init__(self, expanded: bool = True) -> None:
        super().__init__()
        self.expanded = expanded

    # -- products ---------------------------------------------------------------------------------

    def product(
        self, coefficient: Fraction, factors: tuple[Factor, ...], shape: tuple[int, ...]
    ) -> Term:
        """coefficient * numerator / denominator, at this shape."""
        if coefficient == 0:
            return self.broadcast(0, shape)
        coefficient, factors = self._oriented(coefficient, factors)
        if self.expanded and len(factors) == 1 and factors[0][1] == 1 and is_sum(factors[0][0]):
            if coefficient != 1:
                return self.total(scale(coefficient, as_sum(factors[0][0])), shape)
        return self.broadcast(self._assembled(coefficient, factors), shape)

    def _oriented(self, coefficient: Fraction, factors: tuple[Factor, ...]) -> Any:
        """Differences among the factors turned so that they begin with what they are made of."""
        turned = []
        for base, sign in factors:
            base = unbroadcast(base)
            if is_sum(base) and sign < 0:
                base, times = self.without_fractions(base)
                coefficient *= times
            if is_sum(base) and is_backwards(base) and len(factors) > 1:
                base, coefficient = self.total(scale(-1, as_sum(base)), base.shape), -coefficient
            turned.append((base, sign))
        return coefficient, tuple(turned)

    def without_fractions(self, base: Tensor) -> tuple[Tensor, int]:
        """A sum times the small number that clears its fractions: x + 2 for x/2 + 1, and 2."""
        numbers = (c if t is None else c * as_product(t)[0] for c, t in as_sum(base))
        times = math.lcm(*(number.denominator for number in numbers))
        if times == 1 or times > _LARGEST_CLEARED:
            return base, 1
        return unbroadcast(self.total(scale(times, as_sum(base)), base.shape)), times

    def _assembled(self, coefficient: Fraction, factors: tuple[Factor, ...]) -> Term:
        above = self._multiplied([b for b, sign in factors if sign > 0])
        below = self._multiplied([b for b, sign in factors if sign < 0])
        front, under = _split(abs(coefficient))
        if front != 1 or not above:
            above.insert(0, front)
        if under != 1:
            below.insert(0, under)
        whole = reduce(lambda x, y: self.make("mul", x, y), above)
        if below:
            whole = self.make("div", whole, reduce(lambda x, y: self.make("mul", x, y), below))
        return whole if coefficient > 0 else self._negative(whole)

    def _multiplied(self, bases: list[Tensor]) -> list[Term]:
        """Factors in the order they are printed, equal ones as a power."""
        count = Counter(map(id, bases))
        unique = {id(b): b for b in bases}.values()
        ordered = sorted(unique, key=lambda b: (extent(b), is_sum(b), printed(b)))
        return [
            b if count[id(b)] == 1 or op_name(b) in COMPARISONS  # which are 0 or 1
            else self.make("power", b, count[id(b)])
            for b in ordered
        ]  # fmt: skip

    def _times(self, x: Term, y: Term, shape: tuple[int, ...]) -> Term:
        """The product of two terms."""
        (a, xs), (b, ys) = as_product(x), as_product(y)
        return self.product(a * b, xs + ys, shape)

    # -- sums -------------------------------------------------------------------------------------

    def total(self, terms: Sum, shape: tuple[int, ...]) -> Term:
        """The sum of the terms, each once, at this shape."""
        collected = self._collected(terms)
        if not collected:
            return self.broadcast(0, shape)
        if not self.expanded:
            content = _content(collected)
            if content != 1:
                inner = self.total(scale(1 / content, tuple(collected)), shape)
                return self.product(content, ((unbroadcast(inner), 1),), shape)
        pieces = [(c, self._scaled(abs(c), t)) for c, t in sorted(collected, key=_place)]
        sign, first = pieces[0]
        whole = first if sign > 0 else self._negative(first)
        for sign, piece in pieces[1:]:
            whole = self.make("add" if sign > 0 else "sub", whole, piece)
        return self.broadcast(whole, shape)

    def _collected(self, terms: Sum) -> list[tuple[Fraction, Tensor | None]]:
        found: dict[int, list[Any]] = {}
        for c, t in terms:
            inner, factors = as_product(1 if t is None else t)
            if t is not None:
                single = len(factors) == 1 and factors[0][1] == 1
                if single and is_sum(factors[0][0]) and self.expanded:
                    nested = scale(c * inner, as_sum(factors[0][0]))
                    for c2, t2 in self._collected(nested):
                        found.setdefault(id(t2), [0, t2])[0] += c2
                    continue
                t = self._bare(factors) if factors else None
            found.setdefault(id(t), [0, t])[0] += c * inner
        return [(c, t) for c, t in found.values() if c]

    def _bare(self, factors: tuple[Factor, ...]) -> Tensor:
        bare: Tensor = unbroadcast(self.product(Fraction(1), factors, ()))
        return bare

    def _scaled(self, by: Fraction, term: Tensor | None) -> Term:
        if term is None:
            return self._assembled(by, ())
        return term if by == 1 else self._assembled(by, as_product(term)[1])

    def _negative(self, term: Term) -> Term:
        return -term if is_number(term) else self.make("neg", term)

    # -- the number and the sign in front ---------------------------------------------------------

    def _without_number(self, term: Term) -> tuple[Fraction, Term]:
        """The number in front, and the rest; a difference is turned as it would be in a product."""
        coefficient, factors = as_product(term)
        if not factors:
            return coefficient, self.broadcast(1, shape_of(term))
        if not self.expanded and is_sum(term) and is_backwards(term):
            return Fraction(-1), self.total(scale(-1, as_sum(term)), term.shape)
        return coefficient, self.product(Fraction(1), factors, term.shape)

    def bare(self, term: Term) -> tuple[int, Term]:
        """The sign of the number in front, and the term without it, a difference turned round."""
        coefficient, rest = self._without_number(term)
        if is_sum(rest) and is_backwards(rest):
            coefficient, rest = -coefficient, self.total(scale(-1, as_sum(rest)), shape_of(rest))
        return (1 if coefficient > 0 else -1), unbroadcast(rest)

    def presented(self, term: Term) -> Term:
        """A minus sign in front given to the first difference, which hides it: b - a."""
        coefficient, factors = as_product(term)
        if coefficient > 0 or not factors:
            return term
        for i, (base, sign) in enumerate(factors):
            alone = sum(b is base for b, _ in factors) == 1
            opposite = self._opposite(base) if alone else None
            if opposite is not None:
                turned = (*factors[:i], (opposite, sign), *factors[i + 1 :])
                return self.broadcast(self._assembled(-coefficient, turned), shape_of(term))
        return term

    def _opposite(self, term: Term) -> Term | None:
        """Minus the term, if turning a difference in it round says so; None if there is none."""
        inner = unbroadcast(term)
        if is_sum(inner):
            terms = as_sum(inner)
            mixed = any(c < 0 for c, _ in terms)
            return self.total(scale(-1, terms), inner.shape) if mixed else None
        if op_name(inner) in ("mul", "matmul", "sum", "expand_dims", "squeeze", "transpose"):
            for i, arg in enumerate(inner.args):
                opposite = self._opposite(arg)
                if opposite is not None:
                    opposite = self.broadcast(opposite, arg.shape)
                    args = (*inner.args[:i], opposite, *inner.args[i + 1 :])
                    return self.apply(inner.op, args, inner.params)
        return None


def _place(term: tuple[Fraction, Tensor | None]) -> tuple[bool, bool, str]:
    """Where a term stands in a sum: what is added, then a number, then what is taken away."""
    c, t = term
    return c < 0, t is None, "" if t is None else printed(t)


def _split(coefficient: Fraction) -> tuple[int | float, int]:
    """A positive number as numerator and denominator, or as a decimal where those are unwieldy."""
    numerator, denominator = coefficient.numerator, coefficient.denominator
    terminates = 10**_DECIMALS % denominator == 0
    unwieldy = denominator > _LARGEST_DENOMINATOR
    if unwieldy or (terminates and numerator > 1 and denominator > _SMALL):
        return float(coefficient), 1
    return numerator, denominator


def _content(terms: list[Any]) -> Fraction:
    """The number that can be taken out of every term, positive: 1 unless all agree."""
    sizes = {abs(c) for c, _ in terms}
    return sizes.pop() if len(sizes) == 1 and len(terms) > 1 else Fraction(1)
