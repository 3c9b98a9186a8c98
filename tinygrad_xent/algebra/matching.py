"""Finding what a rule's pattern stands for in a term, whatever the order of factors and terms.

A pattern is an ordinary graph in which some leaves are wildcards. Products match as sets of factors
and sums as sets of terms. At the root of a pattern what is left over stays around the replacement;
further in, a bare wildcard takes it: one of kind Constant all that fits, otherwise the last one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ..graph import Tensor, op_name, toposort
from .along import Along, AlongAny, Place, PlaceAny
from .facts import Facts
from .kinds import Constant, Number, Simplex, Whole
from .naming import summed
from .terms import Terms, exact_number
from .views import (
    PRODUCTS,
    SUMS,
    Factor,
    Product,
    Sum,
    Term,
    as_product,
    as_sum,
    invert,
    is_atom,
    is_number,
    is_sum,
    outermost,
    scale,
    unbroadcast,
)

Env = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """A match: what each wildcard is, and how to put the replacement back in place."""

    env: Env
    put_back: Callable[[Term], Term]


class Rule:
    """A rewrite rule: a pattern, a replacement, side conditions, and why it is true."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.name = function.__name__.replace("_", " ")
        self.reason = function.__doc__ or ""
        self.kinds: dict[str, Any] = inspect.get_annotations(function, eval_str=True)
        wildcards = {k: _wildcard(k, kind) for k, kind in self.kinds.items()}
        with np.errstate(all="ignore"):  # the numbers of a pattern mean nothing
            self.before, _ = function(**wildcards)
        self._names = {id(w): k for k, w in wildcards.items() if isinstance(w, Tensor)}
        self._sums = {id(w): k for k, w in wildcards.items() if isinstance(w, AlongAny)}
        self._places = {id(w): k for k, w in wildcards.items() if isinstance(w, Place)}
        self._single = _repeated(self.before, self._names) - {
            name for name, kind in self.kinds.items() if kind is Whole
        }
        self.outermost = outermost(self.before)

    def matches(self, term: Term, terms: Terms, facts: Facts) -> Iterator[Found]:
        """Every way in which the pattern occurs at the root of the term."""
        yield from Matcher(self, terms, facts).at_root(self.before, term)

    def replacement(self, env: Env) -> Term:
        return self.function(**{name: env[name] for name in self.kinds})[1]

    def __repr__(self) -> str:
        return f"<rule {self.name}>"


def rule(function: Callable[..., Any]) -> Rule:
    """Make a rule of a function; see rules.py."""
    return Rule(function)


class Definition(Rule):
    """The rule that writes a definition's name for what it stands for."""

    def __init__(self, name: str, body: Term, atom: Tensor) -> None:
        self.name, self.reason = f"definition of {name}", "It is what the name stands for."
        self.of, self.body, self.atom = name, body, atom
        self.kinds, self._names, self._sums, self._places = {}, {}, {}, {}
        self._single = set()
        self.before, self._after = _solved(body, atom)
        self.outermost = outermost(self.before)

    def replacement(self, env: Env) -> Term:
        return self._after


def _solved(body: Term, atom: Tensor) -> tuple[Term, Term]:
    """What a definition rewrites, and to what: q = 1 - a says that a is 1 - q, wherever a is."""
    numbers = [c for c, t in as_sum(body) if t is None]
    terms = [(c, t) for c, t in as_sum(body) if t is not None]
    if len(numbers) == 1 and len(terms) == 1 and abs(terms[0][0]) == 1:
        (sign, t), (number,) = terms[0], numbers
        return t, (atom - exact_number(number)) * int(sign)
    return body, atom


def _wildcard(name: str, kind: Any) -> Any:
    if issubclass(kind, Along):
        return AlongAny()
    if kind is Place:
        return PlaceAny()
    example = kind.draw(np.random.default_rng(0), {"along": AlongAny()})
    return Tensor(np.ones(np.shape(example)), name)


def _repeated(pattern: Term, names: dict[int, str]) -> set[str]:
    """The wildcards that occur more than once, which therefore stand for one factor each."""
    seen: list[int] = [id(a) for node in _nodes(pattern) for a in node.args if id(a) in names]
    return {names[i] for i in seen if seen.count(i) > 1}


def _nodes(pattern: Term) -> list[Tensor]:
    return toposort(pattern) if isinstance(pattern, Tensor) else []


class Matcher:
    """One rule, held against one term."""

    def __init__(self, rule: Rule, terms: Terms, facts: Facts) -> None:
        self.rule, self.terms, self.facts = rule, terms, facts

    # -- the root, around which the rest of a product or sum stays --------------------------------

    def at_root(self, pattern: Term, term: Term) -> Iterator[Found]:
        name = op_name(pattern)
        if name in PRODUCTS and op_name(term) in PRODUCTS:
            yield from self._product_root(pattern, term)
        elif name in SUMS and op_name(term) in SUMS:
            yield from self._sum_root(pattern, term)
        elif name == op_name(term):
            for env in self.match(pattern, term, {}):
                yield Found(env, lambda new: self._sized(new, term))

    def _product_root(self, pattern: Term, term: Tensor) -> Iterator[Found]:
        """As a part of the product; a plain product also below, for if a = b then 1/a = 1/b."""
        number, factors = as_product(pattern)
        plain = all(sign > 0 and not is_sum(base) for base, sign in factors)
        for power in (1, -1) if plain else (1,):
            shape = (number**power, factors if power > 0 else invert(factors))
            for env, (c, rest) in self._factors(shape, as_product(term), {}):
                if not self._absorbers(shape, env):
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
            for env, rest in self._terms(scale(sign, as_sum(pattern)), as_sum(term), {}):

                def put_back(new: Term, rest: Sum = rest, sign: int = sign) -> Term:
                    found = scale(sign, as_sum(self.terms.standard(new)))
                    return self.terms.total(rest + found, term.shape)

                yield Found(env, put_back)

    def _is_fixed(self, pattern: Sum) -> bool:
        """Whether no term of the pattern can take any number, and with it a minus sign."""
        factors = [f for _, t in pattern if t is not None for f in as_product(t)[1]]
        free = [self.rule._names[id(f[0])] for f in factors if self._is_absorber(f)]
        return all(self.rule.kinds[name] is Whole for name in free)

    def _sized(self, new: Term, term: Tensor) -> Term:
        return self.terms.broadcast(self.terms.standard(new), term.shape)

    # -- further in, where everything has to be accounted for -------------------------------------

    def match(self, pattern: Term, term: Term, env: Env) -> Iterator[Env]:
        """Every way to extend `env` so that the pattern is the term."""
        if is_number(pattern):
            inner = unbroadcast(term)
            if is_number(inner) and inner == pattern:
                yield env
        elif id(pattern) in self.rule._names:
            yield from self._bind(self.rule._names[id(pattern)], term, env)
        elif pattern is term:
            yield env
        elif op_name(pattern) in PRODUCTS and not is_atom(pattern):
            for env2, (c, rest) in self._factors(as_product(pattern), as_product(term), env):
                if c == 1 and not rest:
                    yield env2
        elif op_name(pattern) in SUMS:
            for env2, left in self._terms(as_sum(pattern), as_sum(term), env):
                if not left:
                    yield env2
        elif op_name(pattern):
            term = self.facts.meanings.get(id(term), term)
            if op_name(pattern) == op_name(term):
                yield from self._operation(pattern, term, env)

    def _operation(self, pattern: Tensor, term: Tensor, env: Env) -> Iterator[Env]:
        along = pattern.params.get("along")
        if along is not None:
            env, name = {**env}, self.rule._sums[id(along)]
            shape, lengths = _shape(term.args[0]), self.terms.lengths
            this = Along(**summed(term), shape=shape, lengths=lengths)
            if not self.rule.kinds[name].fits(this):
                return
            have = env.setdefault(name, this)
            if (have.axis, have.keepdims, have.shape) != (this.axis, this.keepdims, this.shape):
                return
        elif "place" in pattern.params:
            name = self.rule._places[id(pattern.params["place"])]
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
        kind = self.rule.kinds[name]
        if issubclass(kind, Simplex) and "along" not in env:
            env = {**env, "along": self._along(term)}
        if kind.holds(term, self.facts, env):
            yield {**env, name: term}

    def _along(self, distribution: Term) -> Along:
        """The sum that is one, for a rule in which no sum says along which axis."""
        used = [*self.facts.used]
        axis = self.facts.simplex_axis(distribution) if _shape(distribution) else None
        self.facts.used = used  # it is asked for again
        shape = _shape(distribution)
        return Along(() if axis is None else (axis,), True, shape, self.terms.lengths)

    # -- products ---------------------------------------------------------------------------------

    def _factors(self, pattern: Product, term: Product, env: Env) -> Iterator[tuple[Env, Product]]:
        """Assign pattern factors to factors; what is left over comes with each answer."""
        c, left = term[0] / pattern[0], term[1]
        needed = [f for f in pattern[1] if not self._is_absorber(f) or self._is_known(f, env)]
        for env2, rest in self._assign(needed, left, env):
            yield from self._absorb(pattern, (c, rest), env2)

    def _is_absorber(self, factor: Factor) -> bool:
        name = self.rule._names.get(id(factor[0]))
        return name is not None and factor[1] > 0 and name not in self.rule._single

    def _is_known(self, factor: Factor, env: Env) -> bool:
        return self.rule._names[id(factor[0])] in env

    def _absorbers(self, pattern: Product, env: Env) -> list[str]:
        return [self.rule._names[id(f[0])] for f in pattern[1]
                if self._is_absorber(f) and self.rule._names[id(f[0])] not in env]  # fmt: skip

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
        if wanted > 0 and id(pattern) in self.rule._names:
            return self.terms.product(Fraction(1), ((base, -1),), base.shape)
        return None

    def _absorb(self, pattern: Product, left: Product, env: Env) -> Iterator[tuple[Env, Product]]:
        """Give what is left over to the bare wildcards, if the pattern has any."""
        names = self._absorbers(pattern, env)
        if not names:
            yield env, left
            return
        c, factors = left
        numbers = [name for name in names if self.rule.kinds[name] is Number]
        if numbers and len(names) > 1:
            names = [name for name in names if name is not numbers[0]]
            env, c = {**env, numbers[0]: exact_number(float(c))}, Fraction(1)
        for name in names[:-1]:
            env, factors = self._take(name, factors, env)
            if name not in env:
                return
        kind = self.rule.kinds[names[-1]]
        if not factors and not kind.empty:
            return
        rest = self.terms.product(c, factors, _broadcast(factors))
        for env2 in self._bind(names[-1], rest, env):
            yield env2, (Fraction(1), ())

    def _take(
        self, name: str, factors: tuple[Factor, ...], env: Env
    ) -> tuple[Env, tuple[Factor, ...]]:
        """What a wildcard that is not the last takes: all that is constant, or one factor."""
        kind = self.rule.kinds[name]
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

    def _terms(self, pattern: Sum, term: Sum, env: Env) -> Iterator[tuple[Env, Sum]]:
        """Assign pattern terms to terms; bare wildcards take the first and then the rest."""
        bare = [p for p in pattern if self.rule._names.get(id(p[1]), None) not in (None, *env)]
        needed = [p for p in pattern if not any(p is b for b in bare)]
        for env2, found in self._assign_terms(needed, term, env):
            free = [p for p in bare if self._name(p) not in env2]
            left = self._without([p for p in bare if self._name(p) in env2], found, env2)
            if left is not None and not free:
                yield env2, left
            elif left is not None and len(left) >= len(free):
                yield from self._split(free, left, env2)

    def _name(self, term: Any) -> str:
        return self.rule._names[id(term[1])]

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
            name = self.rule._names[id(wildcard)]
            envs = [e2 for e in envs for e2 in self._bind(name, whole, e)]
        yield from ((e, ()) for e in envs)

    def _first(self, wildcard: Tensor, left: Sum, env: Env) -> tuple[Sum, Sum]:
        kind = self.rule.kinds[self.rule._names[id(wildcard)]]
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
        for env2, (c, rest) in self._factors((a * pc, pattern_factors), (b * tc, factors), env):
            if c == 1 and not rest:
                yield env2


def _shape(term: Term) -> tuple[int, ...]:
    return term.shape if isinstance(term, Tensor) else ()


def _broadcast(factors: Any) -> tuple[int, ...]:
    return np.broadcast_shapes(*(base.shape for base, _ in factors))
