"""Rewrite rules, and where in a term they apply.

A pattern is an ordinary graph in which some leaves are wildcards. At the root of a pattern, what
is left over of a product or a sum stays around the replacement.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ...graph import Tensor, op_name
from ..facts.known import Facts
from ..terms.standard import Terms
from ..terms.views import (
    PRODUCTS,
    SUMS,
    Factor,
    Sum,
    Term,
    as_product,
    as_sum,
    exact_number,
    invert,
    is_sum,
    scale,
)
from .kinds import Whole
from .matcher import Env, Matcher
from .patterns import Pattern, wildcard


@dataclass(frozen=True)
class Found:
    """A match: what each wildcard is, and how to put the replacement back in place."""

    env: Env
    put_back: Callable[[Term], Term]


class Rule(Pattern):
    """A rewrite rule: a pattern, a replacement, side conditions, and why it is true."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.name = function.__name__.replace("_", " ")
        self.reason = function.__doc__ or ""
        kinds = inspect.get_annotations(function, eval_str=True)
        wildcards = {k: wildcard(k, kind) for k, kind in kinds.items()}
        with np.errstate(all="ignore"):  # the numbers of a pattern mean nothing
            before, _ = function(**wildcards)
        super().__init__(before, wildcards, kinds)

    def matches(self, term: Term, terms: Terms, facts: Facts) -> Iterator[Found]:
        """Every way in which the pattern occurs at the root of the term."""
        return _Root(self, terms, facts).matches(term)

    def replacement(self, env: Env) -> Term:
        """What the pattern becomes, given what its wildcards are."""
        return self.function(**{name: env[name] for name in self.kinds})[1]

    def __repr__(self) -> str:
        return f"<rule {self.name}>"


def rule(function: Callable[..., Any]) -> Rule:
    """Make a rule of a function; see `rules/`."""
    return Rule(function)


class Definition(Rule):
    """The rule that writes a definition's name for what it stands for."""

    def __init__(self, name: str, body: Term, atom: Tensor) -> None:
        self.name, self.reason = f"definition of {name}", "It is what the name stands for."
        self.of, self.body, self.atom = name, body, atom
        before, self._after = _solved(body, atom)
        Pattern.__init__(self, before, {}, {})

    def replacement(self, env: Env) -> Term:
        """The definition's name."""
        return self._after


def _solved(body: Term, atom: Tensor) -> tuple[Term, Term]:
    """What a definition rewrites, and to what: q = 1 - a says that a is 1 - q, wherever a is."""
    numbers = [c for c, t in as_sum(body) if t is None]
    terms = [(c, t) for c, t in as_sum(body) if t is not None]
    if len(numbers) == 1 and len(terms) == 1 and abs(terms[0][0]) == 1:
        (sign, t), (number,) = terms[0], numbers
        return t, (atom - exact_number(number)) * int(sign)
    return body, atom


class _Root:
    """One pattern, held against one term, around which the rest of a product or sum stays."""

    def __init__(self, pattern: Pattern, terms: Terms, facts: Facts) -> None:
        self.pattern, self.terms = pattern, terms
        self.inside = Matcher(pattern, terms, facts)

    def matches(self, term: Term) -> Iterator[Found]:
        """Every way in which the pattern occurs there."""
        pattern = self.pattern.before
        name = op_name(pattern)
        if name in PRODUCTS and op_name(term) in PRODUCTS:
            yield from self._product_root(pattern, term)
        elif name in SUMS and op_name(term) in SUMS:
            yield from self._sum_root(pattern, term)
        elif name == op_name(term):
            for env in self.inside.match(pattern, term, {}):
                yield Found(env, lambda new: self._sized(new, term))

    def _product_root(self, pattern: Term, term: Tensor) -> Iterator[Found]:
        """As a part of the product; a plain product also below, for if a = b then 1/a = 1/b."""
        number, factors = as_product(pattern)
        plain = all(sign > 0 and not is_sum(base) for base, sign in factors)
        for power in (1, -1) if plain else (1,):
            shape = (number**power, factors if power > 0 else invert(factors))
            for env, (c, rest) in self.inside.factors(shape, as_product(term), {}):
                if not self.inside.absorbers(shape, env):
                    yield Found(env, self._into_product(c, rest, power, term))

    def _into_product(
        self, c: Fraction, rest: tuple[Factor, ...], power: int, term: Tensor
    ) -> Callable[[Term], Term]:
        def put_back(new: Term) -> Term:
            b, factors = as_product(self.terms.standard(new))
            factors = factors if power > 0 else invert(factors)
            return self.terms.product(c * b**power, rest + factors, term.shape)

        return put_back

    def _sum_root(self, pattern: Term, term: Tensor) -> Iterator[Found]:
        """As some of the terms; if a - b = c then b - a = -c."""
        for sign in (1, -1) if self._is_fixed(as_sum(pattern)) else (1,):
            for env, rest in self.inside.summands(scale(sign, as_sum(pattern)), as_sum(term), {}):

                def put_back(new: Term, rest: Sum = rest, sign: int = sign) -> Term:
                    found = scale(sign, as_sum(self.terms.standard(new)))
                    return self.terms.total(rest + found, term.shape)

                yield Found(env, put_back)

    def _is_fixed(self, pattern: Sum) -> bool:
        """Whether no term of the pattern can take any number, and with it a minus sign."""
        factors = [f for _, t in pattern if t is not None for f in as_product(t)[1]]
        free = [self.pattern.names[id(f[0])] for f in factors if self.inside.is_absorber(f)]
        return all(self.pattern.kinds[name] is Whole for name in free)

    def _sized(self, new: Term, term: Tensor) -> Term:
        return self.terms.broadcast(self.terms.standard(new), term.shape)
