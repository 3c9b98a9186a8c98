"""Finding what a pattern stands for in a term, whatever the order of factors and terms.

Products match as sets of factors and sums as sets of terms. A bare wildcard takes what is left
over: one of kind Constant all that fits, otherwise the last one.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from ...graph import Tensor, op_name, shape_of
from ..facts.known import Facts
from ..terms.calls import summed
from ..terms.standard import Terms
from ..terms.views import (
    PRODUCTS,
    SUMS,
    Factor,
    Product,
    Sum,
    Term,
    as_product,
    as_sum,
    exact_number,
    is_atom,
    is_number,
    scale,
    unbroadcast,
)
from .kinds import Constant, Number, Simplex
from .patterns import Pattern
from .sums import Along, Place

Env = dict[str, Any]  # what each wildcard is


class Matcher:
    """One pattern, held against terms."""

    def __init__(self, pattern: Pattern, terms: Terms, facts: Facts) -> None:
        self.pattern, self.terms, self.facts = pattern, terms, facts

    def match(self, pattern: Term, term: Term, env: Env) -> Iterator[Env]:
        """Every way to extend `env` so that the pattern is the term."""
        if is_number(pattern):
            inner = unbroadcast(term)
            if is_number(inner) and inner == pattern:
                yield env
        elif id(pattern) in self.pattern.names:
            yield from self._bind(self.pattern.names[id(pattern)], term, env)
        elif pattern is term:
            yield env
        elif op_name(pattern) in PRODUCTS and not is_atom(pattern):
            for env2, (c, rest) in self.factors(as_product(pattern), as_product(term), env):
                if c == 1 and not rest:
                    yield env2
        elif op_name(pattern) in SUMS:
            for env2, left in self.summands(as_sum(pattern), as_sum(term), env):
                if not left:
                    yield env2
        elif op_name(pattern):
            term = self.facts.meanings.get(id(term), term)
            if op_name(pattern) == op_name(term):
                yield from self._operation(pattern, term, env)

    def _operation(self, pattern: Tensor, term: Tensor, env: Env) -> Iterator[Env]:
        along = pattern.params.get("along")
        if along is not None:
            env, name = {**env}, self.pattern.sums[id(along)]
            shape, lengths = shape_of(term.args[0]), self.terms.lengths
            this = Along(**summed(term), shape=shape, lengths=lengths)
            if not self.pattern.kinds[name].fits(this):
                return
            have = env.setdefault(name, this)
            if (have.axis, have.keepdims, have.shape) != (this.axis, this.keepdims, this.shape):
                return
        elif "place" in pattern.params:
            name = self.pattern.places[id(pattern.params["place"])]
            env = {**env, name: Place(term.params["index"], term.args[1:])}
        elif pattern.params != term.params:
            return
        envs = [env]
        for p, t in zip(pattern.args, term.args, strict="place" not in pattern.params):
            envs = [e2 for e in envs for e2 in self.match(p, t, e)]
        yield from envs

    def _bind(self, name: str, term: Term, env: Env) -> Iterator[Env]:
        bare = unbroadcast(term)
        term = bare if is_number(bare) else term
        if name in env:
            have = env[name]
            if have is term or (is_number(term) and is_number(have) and have == term):
                yield env
            return
        kind = self.pattern.kinds[name]
        if issubclass(kind, Simplex) and "along" not in env:
            env = {**env, "along": self._along(term)}
        if kind.holds(term, self.facts, env):
            yield {**env, name: term}

    def _along(self, distribution: Term) -> Along:
        """The sum that is one, for a rule in which no sum says along which axis."""
        used = [*self.facts.used]
        axis = self.facts.simplex_axis(distribution) if shape_of(distribution) else None
        self.facts.used = used  # it is asked for again
        shape = shape_of(distribution)
        return Along(() if axis is None else (axis,), True, shape, self.terms.lengths)

    # -- products ---------------------------------------------------------------------------------

    def factors(self, pattern: Product, term: Product, env: Env) -> Iterator[tuple[Env, Product]]:
        """Assign pattern factors to factors; what is left over comes with each answer."""
        c, left = term[0] / pattern[0], term[1]
        needed = [f for f in pattern[1] if not self.is_absorber(f) or self._is_known(f, env)]
        for env2, rest in self._assign(needed, left, env):
            yield from self._absorb(pattern, (c, rest), env2)

    def is_absorber(self, factor: Factor) -> bool:
        name = self.pattern.names.get(id(factor[0]))
        return name is not None and factor[1] > 0 and name not in self.pattern.single

    def _is_known(self, factor: Factor, env: Env) -> bool:
        return self.pattern.names[id(factor[0])] in env

    def absorbers(self, pattern: Product, env: Env) -> list[str]:
        return [self.pattern.names[id(f[0])] for f in pattern[1]
                if self.is_absorber(f) and self.pattern.names[id(f[0])] not in env]  # fmt: skip

    def _assign(
        self, needed: list[Factor], left: tuple[Factor, ...], env: Env
    ) -> Iterator[tuple[Env, tuple[Factor, ...]]]:
        if not needed:
            yield env, left
            return
        base, sign = needed[0]
        tried: set[Any] = set()
        for i, (b, s) in enumerate(left):
            if (id(b), s) in tried:
                continue
            tried.add((id(b), s))
            whole = self._signed(b, s, sign, base)
            if whole is None:
                continue
            for env2 in self.match(base, whole, env):
                yield from self._assign(needed[1:], left[:i] + left[i + 1 :], env2)

    def _signed(self, base: Tensor, sign: int, wanted: int, pattern: Term) -> Term | None:
        """The factor as the pattern sees it: a wildcard may stand for one over something."""
        if sign == wanted:
            return base
        if wanted > 0 and id(pattern) in self.pattern.names:
            return self.terms.product(Fraction(1), ((base, -1),), base.shape)
        return None

    def _absorb(self, pattern: Product, left: Product, env: Env) -> Iterator[tuple[Env, Product]]:
        """Give what is left over to the bare wildcards, if the pattern has any."""
        names = self.absorbers(pattern, env)
        if not names:
            yield env, left
            return
        c, factors = left
        numbers = [name for name in names if self.pattern.kinds[name] is Number]
        if numbers and len(names) > 1:
            names = [name for name in names if name is not numbers[0]]
            env, c = {**env, numbers[0]: exact_number(float(c))}, Fraction(1)
        for name in names[:-1]:
            env, factors = self._take(name, factors, env)
            if name not in env:
                return
        kind = self.pattern.kinds[names[-1]]
        if not factors and not kind.empty:
            return
        rest = self.terms.product(c, factors, _broadcast(factors))
        for env2 in self._bind(names[-1], rest, env):
            yield env2, (Fraction(1), ())

    def _take(
        self, name: str, factors: tuple[Factor, ...], env: Env
    ) -> tuple[Env, tuple[Factor, ...]]:
        """What a wildcard that is not the last takes: all that is constant, or one factor."""
        kind = self.pattern.kinds[name]
        whole = [self.terms.product(Fraction(1), (f,), f[0].shape) for f in factors]
        fits = [i for i, w in enumerate(whole) if any(self._bind(name, w, env))]
        chosen = fits if kind is Constant else fits[:1]
        if not chosen:
            return env, factors
        taken = tuple(factors[i] for i in chosen)
        bound = self.terms.product(Fraction(1), taken, _broadcast(taken))
        left = tuple(f for i, f in enumerate(factors) if i not in chosen)
        return next(self._bind(name, bound, env)), left

    # -- sums -------------------------------------------------------------------------------------

    def summands(self, pattern: Sum, term: Sum, env: Env) -> Iterator[tuple[Env, Sum]]:
        """Assign pattern terms to terms; bare wildcards take the first and then the rest."""
        bare = [p for p in pattern if self.pattern.names.get(id(p[1]), None) not in (None, *env)]
        needed = [p for p in pattern if not any(p is b for b in bare)]
        for env2, found in self._assign_terms(needed, term, env):
            free = [p for p in bare if self._name(p) not in env2]
            left = self._without([p for p in bare if self._name(p) in env2], found, env2)
            if left is not None and not free:
                yield env2, left
            elif left is not None and len(left) >= len(free):
                yield from self._split(free, left, env2)

    def _name(self, term: Any) -> str:
        return self.pattern.names[id(term[1])]

    def _without(self, known: Any, terms: Sum, env: Env) -> Sum | None:
        """What is left when wildcards that are known by now are taken; None if they are not in."""
        left = {self._split_off(*term): term for term in terms}
        for number, name in ((c, self._name((c, t))) for c, t in known):
            for term in scale(number, as_sum(env[name])):
                if left.pop(self._split_off(*term), None) is None:
                    return None
        return tuple(left.values())

    def _split_off(self, number: Fraction, term: Tensor | None) -> tuple[Fraction, int]:
        """The number in front of a term, and the rest of it."""
        if term is None:
            return number, 0
        inner, factors = as_product(term)
        return number * inner, id(self.terms.product(Fraction(1), factors, term.shape))

    def _split(self, bare: Any, left: Sum, env: Env) -> Iterator[tuple[Env, Sum]]:
        """The first wildcard takes a term (of kind Constant all that fit), the last the rest."""
        envs = [env]
        for i, (number, wildcard) in enumerate(bare):
            last = i == len(bare) - 1
            part, left = (left, ()) if last else self._first(wildcard, left, env)
            if not part:
                return
            shape = _broadcast([(t, 1) for _, t in part if t is not None])
            whole = self.terms.total(scale(1 / number, part), shape)
            name = self.pattern.names[id(wildcard)]
            envs = [e2 for e in envs for e2 in self._bind(name, whole, e)]
        yield from ((e, ()) for e in envs)

    def _first(self, wildcard: Tensor, left: Sum, env: Env) -> tuple[Sum, Sum]:
        kind = self.pattern.kinds[self.pattern.names[id(wildcard)]]
        if kind is not Constant:
            return left[:1], left[1:]
        fits = [t is None or kind.holds(t, self.facts, env) for _, t in left]
        part = tuple(t for t, fit in zip(left, fits, strict=True) if fit)
        return part, tuple(t for t, fit in zip(left, fits, strict=True) if not fit)

    def _assign_terms(self, needed: Any, left: Sum, env: Env) -> Iterator[tuple[Env, Sum]]:
        if not needed:
            yield env, left
            return
        for i, t in enumerate(left):
            for env2 in self._one_term(needed[0], t, env):
                yield from self._assign_terms(needed[1:], left[:i] + left[i + 1 :], env2)

    def _one_term(self, pattern: Any, term: Any, env: Env) -> Iterator[Env]:
        (pc, p), (tc, t) = pattern, term
        if p is None or t is None:
            if p is t and pc == tc:
                yield env
            return
        (a, pattern_factors), (b, factors) = as_product(p), as_product(t)
        for env2, (c, rest) in self.factors((a * pc, pattern_factors), (b * tc, factors), env):
            if c == 1 and not rest:
                yield env2


def _broadcast(factors: Any) -> tuple[int, ...]:
    return np.broadcast_shapes(*(base.shape for base, _ in factors))
