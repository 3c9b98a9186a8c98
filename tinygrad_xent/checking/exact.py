"""Numbers on which formulas can be compared exactly, with exp and log among the operations.

A Number has a value at each of many points: a real one, which decides signs and branches and where
a formula is defined, and for exactness an integer modulo each of the primes p0 < p1 < p2 < p3. Each
prime is twice the one before plus one. Modulo it 4 has as many powers as there are integers modulo
the one before: exp is a -> 4^(ca), from one prime to the next, with random c, and log the way back,
so that e^(a+b) = e^a e^b and log(ab) = log a + log b hold exactly. As -1 has no root, 2t/(1+t²) and
(1-t²)/(1+t²), with a random odd function t, make a sine and a cosine. An integer that is not known,
such as the logarithm of what is no power of 4, is nan. Primes, c, t and pi are drawn once.
"""

from __future__ import annotations

import math
from contextvars import ContextVar
from fractions import Fraction
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np

ANY, POINTS = 96, 160  # points with any numbers; with those where variables are small and whole
WORK: ContextVar[int] = ContextVar("numbers that may still be made", default=10**9)
_FIRST = (57839, 71399, 101399, 107279, 112919, 126839)  # the smallest of four such primes
_RNG = np.random.default_rng()


@cache
def _drawn() -> Any:
    """The primes, and functions of the integers from -p/2 to p/2 modulo each, as tables."""
    first = int(_RNG.choice(_FIRST))
    primes = [2**k * (first + 1) - 1 for k in range(4)]
    inverse, exp, log, odd = np.full((4, 4, primes[-1]), np.nan, np.float32)
    for k, p in enumerate(primes):
        powers = np.ones(1, int)
        while len(powers) < p:  # the powers of -2 are all integers but 0
            powers = np.append(powers, powers * pow(-2, len(powers), p) % p)
        powers, half = _centred(powers[: p - 1], p), _RNG.integers(1 - p // 2, p // 2, p // 2)
        inverse[k, powers] = np.roll(powers[::-1], 1)
        odd[k, : p // 2 + 1], odd[k, -(p // 2) :] = np.r_[0, half], -half[::-1]
        if k:
            a = _centred(np.arange(p // 2), primes[k - 1])
            exp[k, a], log[k - 1, powers[::2]] = powers[::2], a
    p = np.array(primes)[:, None]
    c, pi = (_centred(_RNG.integers(1, p, (4, POINTS)) * 1.0, p) for _ in range(2))
    return SimpleNamespace(p=p, inverse=inverse, exp=exp, log=log, odd=odd, c=c, pi=pi)


def _centred(n: Any, p: Any) -> Any:
    """Integers modulo p, from -p/2 to p/2; exact below 2^53."""
    return n - p * np.rint(n / p).astype(n.dtype)


def _look(table: Any, n: Any) -> Any:
    return table[np.arange(4)[:, None], np.nan_to_num(n).astype(int)] + 0 * n  # nan for nan


def _times(x: Any, slope: Any) -> Any:
    return np.where(slope == 0, 0, x * slope)  # also where x is not known


class Number:
    """A number at each point, and the slope at which it changes with what is differentiated by.

    `values` are the two; the first row of each is real, the others are the integers. In NumPy's
    arrays of objects Numbers broadcast, add up and multiply as matrices do.
    """

    def __init__(self, values: Any) -> None:
        WORK.set(WORK.get() - 1)
        if WORK.get() < 0:
            raise ValueError("it would take too long")
        values[:, 1:] = _centred(values[:, 1:], _drawn().p)
        self.values, self.real, self.integers = values, values[0, 0], values[0, 1:]

    def __add__(self, other: Any) -> Number:
        return Number(self.values + number(other).values)

    def __mul__(self, other: Any) -> Number:
        (x, dx), (y, dy) = self.values, number(other).values
        return Number(np.stack((x * y, _times(x, dy) + _times(y, dx))))

    def __neg__(self) -> Number:
        return Number(-self.values)

    def __pow__(self, other: Any) -> Number:
        o = number(other)
        n = o.real[0]
        if abs(n) <= 1000 and n == int(n) and (o.values == [[[n]], [[0]]]).all():
            return math.prod([self if n > 0 else self.inverse()] * abs(int(n)), start=number(1))
        there = self.sign() ** 2  # 0 has no logarithm
        power = there * (o * (self * there + -there + 1).log()).exp()
        power.real[:] = np.power(self.real, o.real)
        power.integers[:, (there.real == 0) & (power.real != 0)] = np.nan
        return power

    def inverse(self) -> Number:
        """1/x; not known as an integer for 0."""
        integers = _look(_drawn().inverse, self.integers)
        return self._function(1 / self.real, integers, lambda one: -one * one)

    def exp(self) -> Number:
        """A power of e."""
        integers = _look(_drawn().exp, np.roll(self._times_c(), 1, 0))
        return self._function(np.exp(self.real), integers, lambda power: power)

    def log(self) -> Number:
        """The exponent of e that gives this number."""
        integers = _look(_drawn().log, np.roll(self.integers, -1, 0))
        integers *= _look(_drawn().inverse, _drawn().c)
        return self._function(np.log(self.real), integers, lambda _: self.inverse())

    def tan_of_half(self) -> Number:
        """What sine and cosine are made of."""
        integers = _look(_drawn().odd, self._times_c())
        return self._function(np.tan(self.real / 2), integers, lambda t: (t * t + 1) * 0.5)

    def _times_c(self) -> Any:
        return _centred(self.integers * _drawn().c, _drawn().p)

    def _function(self, real: Any, integers: Any, derivative: Any) -> Number:
        """A function of this number, given its value and how the derivative depends on that."""
        infinite = np.isinf(self.real) & np.isnan(self.integers).all(0)
        integers[:, infinite & (real == 0)] = 0
        found = constant(np.concatenate((real[None], integers)))
        if self.values[1].any():
            found.values[1] = _times(derivative(found).values[0], self.values[1])
        return Number(found.values)

    def sign(self) -> Number:
        """-1, 0 or 1; not known where rounding leaves it open."""
        size, lost = abs(self.real), np.isnan(self.integers)
        zero = ((self.integers == 0) | lost).all(0) & ~lost.all(0) & (size < 1e-6)
        sign = np.where(zero, 0, np.where(size > 1e-9, np.sign(self.real), np.nan))
        return constant(np.tile(sign, (5, 1)))

    def __abs__(self) -> Number:
        """As an integer it is known where it is a power of 4, as the root of a square is."""
        size = self * self.sign()
        size.integers[np.isnan(size.log().exp().integers) & (size.integers != 0)] = np.nan
        return size


def choose(c: Number, x: Number, y: Number) -> Number:
    """x where c is not 0, and y elsewhere."""
    which = c.sign().real
    return Number(np.where(which == 0, y.values, x.values) + 0 * which)


def constant(value: Any) -> Number:
    """A number that does not change."""
    return Number(np.stack((value, np.zeros_like(value))))


def number(c: Any) -> Number:
    """A Number as it is; of a float the simple fraction, or multiple of pi, that it rounds."""
    return c if isinstance(c, Number) else _fraction(c)


@lru_cache(2**10)
def _fraction(c: float) -> Number:
    integers = np.full((4, POINTS), np.nan)
    if math.isfinite(c):
        exact, turns = (Fraction(x).limit_denominator(10_000) for x in (c, c / math.pi))
        simple = math.isclose(exact, c, rel_tol=4e-16)  # 0.7 - 1 is -3/10
        times_pi = not simple and math.isclose(turns * math.pi, c, rel_tol=4e-16)
        if not simple:
            exact = turns if times_pi else Fraction(repr(c))
        n, d = exact.numerator, exact.denominator
        integers[:] = [[n * pow(d, -1, p) % p] for p in _drawn().p.ravel().tolist()]
        integers *= _drawn().pi if times_pi else 1
    return constant(np.concatenate((np.full((1, POINTS), float(c)), integers)))


def variable(shape: tuple[int, ...], facts: dict[str, int], moves: bool) -> Any:
    """Random Numbers that add up as facts say, in an array, with random slopes if it moves.

    At the last points they are small and whole: there may be wrong what is right elsewhere.
    """
    few, entries = POINTS - ANY, (*shape, 1, POINTS)
    spread = _RNG.choice([0.1, 0.9, 2], POINTS)
    least = np.r_[_RNG.choice([-1, 0, 1], few - 1), 0]
    signs = np.where(spread < 2, 1, _RNG.choice([-1, 1], entries))
    real = spread * signs * _RNG.uniform(0.05, 1, entries)
    value, slope = (
        np.concatenate((row, _RNG.integers(1, _drawn().p, (*shape, 4, POINTS))), -2)
        for row in (real, _RNG.uniform(-1, 1, entries))
    )
    value[..., 1:, :] = _centred(value[..., 1:, :] ** 2, _drawn().p) * np.sign(real)  # have a log
    value[..., ANY:] = _RNG.integers(least, np.r_[[3] * (few - 1), 1], (*shape, 1, few))
    for fact in facts.keys() & {"SumsToOne", "Simplex", "OneHot"}:
        rows = np.moveaxis(value, range(len(shape))[facts[fact]], 0)
        if fact != "SumsToOne":
            share = _RNG.uniform(0.1, 1, rows[..., :1, :].shape)
            rows[..., :1, :] = share / share.sum(0)
            some = slice(0 if fact == "OneHot" else ANY, None)
            rows[..., some] = (share == share.max(0))[..., some]
        rows[-1] = -rows[:-1].sum(0) + 1
    array = np.empty(shape, object)
    for i in np.ndindex(shape):
        j = tuple(sorted(i)) if "Symmetric" in facts else i
        array[i] = Number(np.stack((value[j], slope[i] * moves)))
    return array
