"""Numbers on which formulas can be compared exactly, with exp and log among the operations.

At each of many points a variable is a random real number, which decides what depends on order
(signs, branches, maxima, and where a formula is defined), and for exactness also a random integer
modulo each of the primes p0 < p1 < p2 < p3. Each is twice the one before plus one, and so:

* modulo it there are g with just as many powers as there are integers modulo the one before. exp is
  a -> g^a, from one prime to the next, and log is the way back: e^(a+b) = e^a e^b, e^(log a) = a
  and log(ab) = log a + log b hold exactly. Where a number should have a logarithm and is no such
  power, and where it would have to come from beyond the last prime, the integer is lost;
* -1 has no root, so that 2t/(1+t²) and (1-t²)/(1+t²), with a random odd function t, make a sine and
  a cosine.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from .arrays import LOST, Array, where

_LEVELS, _ANY, _SMALL = 4, 96, 62  # primes; points with any numbers, with small whole ones
_POINTS = _ANY + _SMALL + 2


class Primes:
    """Four primes, each twice the one before plus one, from p0 between 2^15 and 2^18."""

    def __init__(self, rng: np.random.Generator) -> None:
        chain = [0]
        while not all(map(_is_prime, chain)):
            first = 60 * int(rng.integers(2**15 // 60, 2**18 // 60))  # else 3 or 5 divides one
            chain = [2**k * first - 1 for k in range(_LEVELS)]
        self.rng = rng
        self.all = np.array(chain)[:, None]

    @cached_property
    def powers(self) -> list[Any]:
        """For each prime but the first, the powers of 4, in order."""
        return [_powers(4, int(p), int(p) // 2) for p in self.all[1:, 0]]

    @cached_property
    def odd(self) -> list[Any]:
        """For each prime, a random odd function of integers."""
        halves = [self.rng.integers(1, p, p // 2) for p in self.all[:, 0]]
        return [np.r_[0, h, p - h[::-1]] for h, p in zip(halves, self.all[:, 0], strict=True)]

    @cached_property
    def exponents(self) -> list[Any]:
        """For each prime but the first, the exponent of 4 that gives each integer, if one does."""
        tables = [np.full(int(p), LOST) for p in self.all[1:, 0]]
        for table, powers in zip(tables, self.powers, strict=True):
            table[powers] = np.arange(len(powers))
        return tables


def _is_prime(n: int) -> bool:
    """Miller and Rabin's test, for n = 3 mod 4; with these bases it is certain below 2^31."""
    return n > 7 and all(pow(b, n // 2, n) in (1, n - 1) for b in (2, 3, 5, 7))


def _powers(g: int, p: int, count: int) -> Any:
    powers = np.ones(1, np.int64)
    while len(powers) < count:
        powers = np.append(powers, powers * pow(g, len(powers), p) % p)
    return powers[:count]


class World:
    """Points, one meaning for exp, log, sin, cos and pi at each of them, and values for variables.

    At the last points variables are small whole numbers, 0 if possible at the last of all: there
    may be wrong what is right elsewhere.

    Args:
        primes: what integers are taken modulo.
        rng: draws everything random.
    """

    def __init__(self, primes: Primes, rng: np.random.Generator) -> None:
        self.primes, self.rng, self.p = primes, rng, primes.all
        self.g, self.pi = self._random(()), self._random(())  # g: the exponent of 4 in exp's base
        self.any = np.arange(_POINTS) < _ANY
        self._spread = rng.choice([0.1, 0.9, 2.0], _POINTS)

    def _random(self, shape: tuple[int, ...]) -> Any:
        return self.rng.integers(1, self.p, (*shape, _LEVELS, _POINTS))

    # -- numbers ----------------------------------------------------------------------------------

    def array(self, real: Any, mod: Any, *of: Array, slope: Array | None = None) -> Array:
        """An array; what is made of a lost integer is lost."""
        mod = mod % self.p
        for a in of:
            if (a.mod == LOST).any():
                mod = np.where(a.mod == LOST, LOST, mod)
        return Array(self, real, mod, slope)

    def whole(self, real: Any) -> Array:
        """Whole numbers at each point; what is not finite is 0 as an integer."""
        real = np.broadcast_to(real, (*np.shape(real)[:-1], _POINTS))
        mod = np.where(np.isfinite(real), real, 0).astype(np.int64)
        return self.array(real, np.repeat(mod[..., None, :], _LEVELS, -2))

    def constants(self, real: Any) -> Array:
        """Numbers of a formula."""
        real = np.asarray(real)
        if real.dtype.kind not in "fiub":
            raise TypeError("numbers that are none")
        mod = [self._constant(c) for c in real.ravel().tolist()]
        real = np.repeat(real[..., None], _POINTS, -1)
        return Array(self, real, np.array(mod).reshape(*real.shape[:-1], _LEVELS, _POINTS))

    def _constant(self, c: float) -> Any:
        """The simplest fraction that rounds to a number, or a multiple of pi."""
        if not math.isfinite(c):
            return 0 * self.pi
        exact, turns = (Fraction(x).limit_denominator(10_000) for x in (c, c / math.pi))
        times_pi = float(exact) != c and float(turns) * math.pi == c
        if float(exact) != c:
            exact = turns if times_pi else Fraction(repr(c))
        n, d, unit = exact.numerator, exact.denominator, self.pi if times_pi else self.pi**0
        return unit * np.array([[n * pow(d, -1, p) % p] for p in self.p[:, 0].tolist()]) % self.p

    def variable(self, shape: tuple[int, ...], facts: dict[str, int]) -> Array:
        """A variable for which facts hold, as far as that can be arranged."""
        rng, positive, size = self.rng, "Positive" in facts, (*shape, _POINTS)
        pool = [1, 2] if positive else [1, 2, -1] if "Nonzero" in facts else [0, 0, 1, -1, 2]
        small = rng.choice(pool, size)
        small[..., _ANY + _SMALL :] = pool[0]
        real = self._spread * rng.uniform(0.05, 1, size)
        if not positive:
            real = np.where(self._spread > 1, real * rng.choice([1, -1], size), real)
        anything = Array(self, real, self._random(shape))
        value = where(self.whole(1.0 * self.any), anything, self.whole(small))
        for fact in facts.keys() & {"SumsToOne", "Simplex", "OneHot"}:
            value = self._to_one(value, facts[fact] % len(shape), fact == "OneHot")
        return value

    def _to_one(self, x: Array, axis: int, hot: bool) -> Array:
        """The same, but along the axis it sums to one."""
        share = self.rng.uniform(0.1, 1, x.real.shape)
        rows = np.moveaxis(x.mod.copy(), axis, 0)
        rows[-1] = (1 - rows[:-1].sum(0)) % self.p
        parts = Array(self, share / share.sum(axis, keepdims=True), np.moveaxis(rows, 0, axis))
        one = self.whole(1.0 * (share == share.max(axis, keepdims=True)))
        return where(self.whole(1.0 * (self.any & (not hot))), parts, one)

    def sloping(self, x: Array) -> Array:
        """A variable with a random slope."""
        slope = Array(self, self.rng.uniform(-1, 1, x.real.shape), self._random(x.shape))
        return replace(x, slope=slope)

    def inverse(self, mod: Any) -> Any:
        """1/a by Fermat's theorem; 0 for 0."""
        n, result = self.p - 2, np.ones_like(mod)
        while n.any():
            result = np.where(n % 2, result * mod % self.p, result)
            mod, n = mod * mod % self.p, n // 2
        return result
