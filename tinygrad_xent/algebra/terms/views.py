"""A node seen as a product of factors or as a sum of terms, whatever tree it was written as.

    coefficient   a Fraction: the number in front
    factor        (base, sign): the base itself (+1) or one over it (-1); x**3 is three factors
    term          (coefficient, node) with node None for a plain number

Broadcasting is implicit in both views: `broadcast_to` is looked through.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from ...graph import Tensor, op_name
from ...writing.text import text

Term = Any  # a Tensor or a Python number
Factor = tuple[Tensor, int]
Product = tuple[Fraction, tuple[Factor, ...]]
Sum = tuple[tuple[Fraction, Tensor | None], ...]

PRODUCTS = frozenset({"mul", "div", "neg", "power", "broadcast_to"})
SUMS = frozenset({"add", "sub"})
_LARGEST_POWER = 8
_REMEMBERED = 1 << 14
_LARGEST_DENOMINATOR = 1000
_ROUNDING = 2.0**-53  # what one subtraction of numbers near 1 leaves behind


def is_number(term: Term) -> bool:
    return isinstance(term, (int, float, np.number, np.bool_)) and math.isfinite(term)


def exact(value: Any) -> Fraction:
    """The simplest fraction that has this value to rounding, or else the decimal that is printed.

    >>> exact(1 / 6), exact(0.7 - 1), exact(3.14159265358979)
    (Fraction(1, 6), Fraction(-3, 10), Fraction(314159265358979, 100000000000000))
    """
    number = float(str(value)) if isinstance(value, np.floating) else float(value)
    simple = Fraction(number).limit_denominator(_LARGEST_DENOMINATOR)
    near = simple and abs(float(simple) - number) <= _ROUNDING * max(1.0, abs(number))
    return simple if near or number == 0 else Fraction(repr(number))


def exact_number(value: Any) -> int | float:
    """A number as a whole one if it is one: 2.0 as 2."""
    number = value.item() if isinstance(value, np.generic) else value
    return int(number) if float(number).is_integer() else float(number)


def outermost(term: Term) -> str:
    """What a term is in the first place: a product, a sum, or the operation of this name."""
    name = op_name(term)
    return "a product" if name in PRODUCTS else "a sum" if name in SUMS else name


def unbroadcast(term: Term) -> Term:
    """The term without the broadcasting around it."""
    while op_name(term) == "broadcast_to":
        term = term.args[0]
    return term


@lru_cache(maxsize=_REMEMBERED)
def as_product(term: Term) -> Product:
    """The number in front and the factors."""
    if is_number(term):
        return exact(term), ()
    name = op_name(term)
    if name == "broadcast_to":
        return as_product(term.args[0])
    if name == "neg":
        coefficient, factors = as_product(term.args[0])
        return -coefficient, factors
    if name == "mul":
        (a, xs), (b, ys) = map(as_product, term.args)
        return a * b, xs + ys
    if name == "div":
        (a, xs), (b, ys) = map(as_product, term.args)
        if b:
            return a / b, xs + invert(ys)
    if name == "power" and is_whole(term.args[1]):
        return _power(as_product(term.args[0]), int(term.args[1]), term)
    return Fraction(1), ((term, 1),)


def is_whole(exponent: Term) -> bool:
    """Whether a power with this exponent is shown as a product of factors."""
    small = is_number(exponent) and abs(exponent) <= _LARGEST_POWER
    return small and float(exponent).is_integer() and exponent != 0


def _power(base: Product, exponent: int, term: Tensor) -> Product:
    coefficient, factors = base
    if coefficient == 0:
        return Fraction(1), ((term, 1),)
    times = abs(exponent)
    repeated = tuple(f for f in factors for _ in range(times))
    return coefficient**exponent, repeated if exponent > 0 else invert(repeated)


def invert(factors: tuple[Factor, ...]) -> tuple[Factor, ...]:
    return tuple((base, -sign) for base, sign in factors)


@lru_cache(maxsize=_REMEMBERED)
def as_sum(term: Term) -> Sum:
    """The terms, each with the number in front of it."""
    if is_number(term):
        return ((exact(term), None),)
    name = op_name(term)
    if name == "broadcast_to":
        return as_sum(term.args[0])
    if name == "neg":
        return scale(-1, as_sum(term.args[0]))
    if name in SUMS:
        left, right = map(as_sum, term.args)
        return left + (right if name == "add" else scale(-1, right))
    return ((Fraction(1), term),)


def is_atom(term: Term) -> bool:
    """Whether, as a product, this is one factor: itself."""
    factors = as_product(term)[1]
    return len(factors) == 1 and factors[0][0] is term


def scale(by: Fraction | int, terms: Sum) -> Sum:
    return tuple((by * c, t) for c, t in terms)


def is_sum(term: Term) -> bool:
    """Whether, broadcasting aside, this is a sum of several terms."""
    return op_name(unbroadcast(term)) in SUMS


def positions(root: Term) -> Iterator[Tensor]:
    """The subterms of a term, inner ones first; a product or sum counts as one, not as a tree."""
    seen: set[int] = set()
    stack: list[tuple[Term, bool]] = [(root, False)]
    while stack:
        term, ready = stack.pop()
        term = unbroadcast(term)
        if not isinstance(term, Tensor) or id(term) in seen:
            continue
        if ready:
            seen.add(id(term))
            yield term
        else:
            stack.append((term, True))
            stack.extend((part, False) for part in reversed(parts(term)))


def parts(term: Tensor) -> list[Any]:
    """What a term is made of: its factors, its terms, or its arguments."""
    if op_name(term) in SUMS:
        return [t for _, t in as_sum(term) if t is not None]
    if op_name(term) in PRODUCTS and not is_atom(term):
        return [base for base, _ in as_product(term)[1]]
    return list(term.args)


@lru_cache(maxsize=_REMEMBERED)
def printed(term: Term) -> str:
    """What a term prints: terms are sorted by it."""
    return text(term)


def forget() -> None:
    """Let go of what was remembered; a derivation does at its end."""
    for view in (as_product, as_sum, printed):
        view.cache_clear()


def extent(term: Term) -> int:
    """Along how many axes a term can vary."""
    return sum(n != 1 for n in getattr(term, "shape", ()))


def is_backwards(term: Term) -> bool:
    """Whether a sum begins with what it takes away: first numbers, then what varies most."""
    terms = as_sum(term)
    numbers = [c for c, t in terms if t is None]
    first = min((-extent(t), printed(t), c) for c, t in terms if t is not None)
    return (numbers[0] if numbers else first[2]) < 0
