"""Sums of products, in which what cancels is gone.

A product is what is multiplied, each with its power, which is negative for what it is divided by; a
sum has a number for each product.
"""

from __future__ import annotations

from collections import Counter

Product = frozenset[tuple[int, int]]  # what is multiplied, by its id, and its power
Sum = dict[Product, float]

ONE: Product = frozenset()
_MANY = 24  # products, beyond which a sum is not multiplied out


class UnreadableError(Exception):
    """A sum has more products than are worth a look, or a node that means two things."""


def factor(x: int, power: int = 1) -> Sum:
    """A power of one factor."""
    return {frozenset({(x, power)}): 1.0}


def times(a: Product, b: Product, sign: int = 1) -> Product:
    """The product of two, or with the sign -1 the quotient."""
    powers = Counter(dict(a))
    for x, power in b:
        powers[x] += sign * power
    return frozenset((x, p) for x, p in powers.items() if p)


def plus(a: Sum, b: Sum, sign: float = 1.0) -> Sum:
    """The sum of two, in which what cancels is gone, but for the rounding of the numbers."""
    total = dict(a)
    for product, c in b.items():
        before = total.pop(product, 0.0)
        if abs(before + sign * c) > 1e-14 * abs(c):
            total[product] = before + sign * c
    return total


def multiplied(a: Sum, b: Sum) -> Sum:
    """The product of two sums, multiplied out."""
    if len(a) * len(b) > _MANY:
        raise UnreadableError
    found: Sum = {}
    for p, c in a.items():
        for q, k in b.items():
            found = plus(found, {times(p, q): c * k})
    return found


def inverse(one: Sum) -> Sum:
    """One over a sum of one product."""
    ((product, c),) = one.items()
    return {times(ONE, product, -1): 1 / c}
