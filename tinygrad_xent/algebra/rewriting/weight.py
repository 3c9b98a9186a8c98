"""What falls with every rewrite, so that every derivation ends.

A weight is a tuple of natural numbers, compared from left to right, and a step is made only if it
makes the weight of the whole formula smaller. There is no endless descent in such tuples.

    in the algebra   fractions and negative exponents inside denominators; a polynomial in which
                     products weigh more than sums, sums along axes more than what they sum, and
                     the exponential of a sum more than the product of exponentials
    when tidying     letters; functions; the same polynomial
    to compute by    see computing/losing_digits.py

Definitions weigh as much as a letter.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

from ...graph import Tensor, op_name, toposort
from ..terms.views import (
    Factor,
    Term,
    as_product,
    as_sum,
    is_atom,
    is_backwards,
    is_sum,
    unbroadcast,
)

Weight = tuple[int, ...]
Measure = Callable[[Term], Weight]

_LETTER, _REMEMBERED = 3, 1 << 14
_FUNCTIONS = {"expand_dims": 0, "squeeze": 0, "less": 2}  # what these count as, others as 1


def algebraic(term: Term) -> Weight:
    """The weight that algebra lowers."""
    return _buried(unbroadcast(term), False), _polynomial(unbroadcast(term))


def tidiness(term: Term) -> Weight:
    """The weight that tidying and naming lower."""
    inner = unbroadcast(term)
    return *_letters_and_functions(inner), _polynomial(inner)


def calls(term: Term) -> Weight:
    """The weight that spelling out means and norms lowers."""
    named = [n for n in toposort(term) if op_name(n) in ("mean", "norm")]
    return (len(named),)


def forget() -> None:
    """Let go of what was remembered; a derivation does at its end."""
    for function in (_buried, _polynomial, _letters_and_functions):
        function.cache_clear()


def _is_letter(term: Term) -> bool:
    return isinstance(term, Tensor) and (term.op is None or bool(term.name))


def _factors(term: Tensor) -> tuple[Factor, ...]:
    return ((term, 1),) if is_atom(term) else as_product(term)[1]


def _terms(term: Tensor) -> list[Tensor]:
    return [unbroadcast(t) for _, t in as_sum(term) if t is not None]


@lru_cache(maxsize=_REMEMBERED)
def _buried(term: Term, inside: bool) -> int:
    """How many fractions and negative exponents there are inside denominators."""
    if not isinstance(term, Tensor) or _is_letter(term):
        return 0
    if is_sum(term):
        return sum(_buried(t, inside) for t in _terms(term))
    return sum(_buried_factor(base, sign, inside, base is term) for base, sign in _factors(term))


def _buried_factor(base: Tensor, sign: int, inside: bool, alone: bool) -> int:
    below = inside or sign < 0
    if op_name(base) == "exp" and not base.name:
        negative = _is_negative(base.args[0]) != (sign < 0)
        return (inside and negative) + _buried(unbroadcast(base.args[0]), below)
    here = int(inside and sign < 0)
    if alone:
        return here + sum(_buried(unbroadcast(a), inside) for a in base.args)
    return here + _buried(base, below)


def _is_negative(term: Term) -> bool:
    """Whether a minus sign stands in front, or would if the term was in order."""
    return as_product(term)[0] < 0 or (is_sum(term) and is_backwards(unbroadcast(term)))


@lru_cache(maxsize=_REMEMBERED)
def _polynomial(term: Term) -> int:
    """A polynomial in the weights of the letters."""
    if not isinstance(term, Tensor):
        return 1
    if _is_letter(term):
        return _LETTER
    if is_sum(term):
        return sum(_of_part(t) for _, t in as_sum(term)) + len(as_sum(term)) - 1
    if not is_atom(term):
        return math.prod([_polynomial(b) * (1 if sign > 0 else 2) for b, sign in _factors(term)])
    inner = [_polynomial(unbroadcast(a)) for a in term.args]
    if op_name(term) == "exp":
        return _of_exp(term.args[0])
    if op_name(term) in ("sum", "mean"):
        return 10 * inner[0] ** 2
    row = op_name(term) == "matmul" and term.args[0].ndim == 1
    return 2 * inner[0] ** 2 if op_name(term) == "log" else 1 + row + 2 * sum(inner)


def _of_part(term: Tensor | None) -> int:
    return 1 if term is None else _polynomial(unbroadcast(term))


def _of_exp(exponent: Term) -> int:
    """More than the product of the exponentials of the terms; most with a minus sign in front."""
    terms = as_sum(exponent)
    parts = [2 * _of_part(t) * (4 if _sign_of(c, t) < 0 else 1) for c, t in terms]
    return math.prod(parts) * (8 if len(terms) > 1 else 2) * (4 if _is_negative(exponent) else 1)


def _sign_of(number: Fraction, term: Tensor | None) -> Fraction:
    return number if term is None else number * as_product(term)[0]


@lru_cache(maxsize=_REMEMBERED)
def _letters_and_functions(term: Term) -> tuple[int, int]:
    """How many letters there are, each as often as it is written, and how many functions."""
    if not isinstance(term, Tensor):
        return 0, 0
    if _is_letter(term):
        return 1, 0
    own, parts = 0, [base for base, _ in as_product(term)[1]]
    if is_sum(term):
        parts = _terms(term)
    elif is_atom(term):
        own, parts = _FUNCTIONS.get(op_name(term), 1), [unbroadcast(a) for a in term.args]
    counted = [_letters_and_functions(p) for p in parts]
    return sum(n for n, _ in counted), own + sum(n for _, n in counted)
