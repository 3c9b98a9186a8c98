"""Whether a formula is zero, or positive, wherever it has a value: as a quotient of polynomials.

Rules simplify as a person would; this decides what they may miss. All is brought over one
denominator and multiplied out. Parts such as exp(z) or a sum are letters, so what holds for another
reason is not found to: the answer is yes or not known.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

from ...graph import Tensor
from ..facts.known import Facts
from ..terms.standard import Terms
from ..terms.views import Term, as_product, as_sum, is_atom, is_sum, positions, unbroadcast
from .rewrite import replace

Monomial = tuple[tuple[int, int], ...]  # letters by id, with their powers
Polynomial = dict[Monomial, Fraction]

_MOST_TERMS = 2_000
_ONE: Polynomial = {(): Fraction(1)}


class _TooLargeError(Exception):
    """The numerator is not worth multiplying out."""


def vanishes(term: Term, terms: Terms, facts: Facts) -> bool:
    """Whether a term is zero for every value of its letters, definitions being opened.

    Args:
        term: any formula.
        terms, facts: what builds terms, and what the definitions in it stand for.
    """
    try:
        numerator, _ = _fraction(_opened(terms.standard(term), terms, facts), {})
    except _TooLargeError:
        return False
    return not numerator


def is_positive(term: Term, terms: Terms, facts: Facts) -> bool:
    """Whether a term is a quotient of sums of positive letters with positive coefficients.

    Args:
        term: any formula.
        terms, facts: what builds terms, and what is known of the letters.
    """
    letters: dict[int, Tensor] = {}
    try:
        parts = _fraction(_opened(terms.standard(term), terms, facts), letters)
    except _TooLargeError:
        return False
    plus = all(part and all(c > 0 for c in part.values()) for part in parts)
    return plus and all(map(facts.positive, letters.values()))


def _opened(term: Term, terms: Terms, facts: Facts) -> Term:
    """The term with each definition replaced by what it stands for."""
    while isinstance(term, Tensor):
        atoms = [n for n in positions(term) if id(n) in facts.definitions]
        if not atoms:
            break
        body = facts.definitions[id(atoms[-1])]
        term = body if atoms[-1] is unbroadcast(term) else replace(term, atoms[-1], body, terms)
    return term


def _fraction(term: Term, letters: dict[int, Tensor]) -> tuple[Polynomial, Polynomial]:
    """Numerator and denominator, not reduced; the letters in them are noted."""
    if is_sum(term):
        return _added([(c, _fraction(1 if t is None else t, letters)) for c, t in as_sum(term)])
    coefficient, factors = as_product(term)
    if is_atom(term):
        letter = unbroadcast(term)
        letters[id(letter)] = letter
        return {((id(letter), 1),): Fraction(1)}, _ONE
    above: Polynomial = {(): coefficient} if coefficient else {}
    below = _ONE
    for base, sign in factors:
        up, down = _fraction(base, letters)
        if sign < 0:
            up, down = down, up
        above, below = _times(above, up), _times(below, down)
    return above, below


def _added(
    pieces: list[tuple[Fraction, tuple[Polynomial, Polynomial]]],
) -> tuple[Polynomial, Polynomial]:
    above: Polynomial = {}
    below = _ONE
    for c, (up, down) in pieces:
        if down != below:
            above, up, below = _times(above, down), _times(up, below), _times(below, down)
        for monomial, value in up.items():
            above[monomial] = above.get(monomial, Fraction(0)) + c * value
    return {m: c for m, c in above.items() if c}, below


def _times(x: Polynomial, y: Polynomial) -> Polynomial:
    if len(x) * len(y) > _MOST_TERMS:
        raise _TooLargeError
    result: Polynomial = {}
    for a, c in x.items():
        for b, d in y.items():
            powers = Counter(dict(a))
            powers.update(dict(b))
            monomial = tuple(sorted(powers.items()))
            result[monomial] = result.get(monomial, Fraction(0)) + c * d
    return {m: c for m, c in result.items() if c}
