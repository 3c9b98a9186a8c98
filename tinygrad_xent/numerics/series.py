"""What a formula is like far out: sums of c · t^p · e^(rt) as t goes to infinity.

    order      (r, p): which of two terms grows faster, compared as tuples
    error      the order of what was left out; None if nothing was
    unknown    a series that is all error: whatever cannot be decided becomes it, and stays it
    scale      what t is multiplied with in exponents, 1 unless a temperature is involved

Products such as 0 · log 0 need no rule: t · e^(-t) is of negative order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..graph import Tensor, toposort
from ..ops import exp, log, power
from ..writing.text import text
from . import coefficients as of
from .coefficients import Coefficient

Order = tuple[float, float]
CONSTANT: Order = (0.0, 0.0)
_LINEAR: Order = (0.0, 1.0)
_ANY: Order = (math.inf, math.inf)
_TERMS = 6  # that are kept


@dataclass
class Setting:
    """What is known while expansions are made.

    Attributes:
        positive: the `id` of leaves that are positive.
        scale: see above; None until an exponential is met.
        conditions: what was taken not to be zero.
        signs: what the signs are of that depend on data, by the `id` of their letter. At 0 such a
            sign may be another one, but none is larger than 1.
        letters: for what has jumps or kinks, by its text. At one random point it could look as if
            it cancelled, or were not there, so that it gets a letter with a value of its own.
    """

    positive: frozenset[int] = frozenset()
    scale: Coefficient = None
    conditions: list[Tensor] = field(default_factory=list)
    signs: dict[int, Tensor] = field(default_factory=dict)
    letters: dict[str, Tensor] = field(default_factory=dict)

    def sign(self, c: Coefficient) -> Coefficient:
        """The sign of a coefficient; the formula of it where that depends on data."""
        known = of.sign(c, self.positive)
        if known is not None:
            return known
        sign = self.letter(c.sign())
        self.signs[id(sign)] = c
        return sign

    def letter(self, c: Tensor) -> Tensor:
        """A letter that is called what a formula says."""
        name = text(c)
        if name not in self.letters:
            value = float(np.random.default_rng(len(self.letters)).uniform(0.1, 0.9))
            self.letters[name] = Tensor(value, name)
        return self.letters[name]

    def of_signs(self, c: Coefficient) -> list[Tensor]:
        """What must not be zero because the signs of it are in a formula."""
        order = toposort(c) if isinstance(c, Tensor) else []
        return [self.signs[id(n)] for n in order if id(n) in self.signs]

    def nonzero(self, c: Coefficient) -> None:
        """Note that this was taken not to be zero, unless it certainly is not."""
        if of.sign(c, self.positive) is None and not any(c is k for k in self.conditions):
            self.conditions.append(c)

    def rate(self, c: Coefficient) -> float | None:
        """A coefficient of t as a multiple of the scale, if it is one."""
        known = of.sign(c, self.positive)
        if known is None:
            return None
        if not isinstance(c, Tensor) and not isinstance(self.scale, Tensor):
            self.scale = 1.0
            return float(c)
        if self.scale is None:
            self.scale = of.mul(known, c)
        multiple = of.value(c) / of.value(self.scale)
        near = round(multiple * 12) / 12
        return near if abs(multiple - near) < 1e-9 else None


class Series:
    """An expansion.

    Args:
        terms: coefficients by order, none of them zero.
        error: the order of what was left out.
        setting: what is known.
    """

    __slots__ = ("error", "setting", "terms")

    def __init__(
        self, terms: dict[Order, Coefficient], error: Order | None, setting: Setting
    ) -> None:
        kept = sorted((o for o, c in terms.items() if not _is_zero(c)), reverse=True)
        kept = [o for o in kept if error is None or o > error]
        if len(kept) > _TERMS:
            error, kept = kept[_TERMS], kept[:_TERMS]
        self.terms = {o: terms[o] for o in kept}
        self.error, self.setting = error, setting

    def _like(self, terms: dict[Order, Coefficient], error: Order | None = None) -> Series:
        return Series(terms, error, self.setting)

    @property
    def unknown(self) -> Series:
        return self._like({}, _ANY)

    @property
    def is_constant(self) -> bool:
        """Whether t is not in it at all."""
        return self.error is None and set(self.terms) <= {CONSTANT}

    @property
    def constant(self) -> Coefficient:
        return self.terms.get(CONSTANT, 0.0)

    @property
    def lead(self) -> Order | None:
        """The order of the term that dominates; None if there is none."""
        return next(iter(self.terms), None)

    @property
    def size(self) -> Order:
        """The order that all of it is of, at most."""
        return max(self.terms, default=self.error or (-math.inf, 0.0))

    # -- sums and products --------------------------------------------------------------------

    def __add__(self, other: Any) -> Series:
        other = self._of(other)
        terms = dict(self.terms)
        for order, c in other.terms.items():
            terms[order] = of.add(terms.get(order, 0.0), c)
        return self._like(terms, _larger(self.error, other.error))

    __radd__ = __add__

    def __neg__(self) -> Series:
        return self * -1.0

    def __sub__(self, other: Any) -> Series:
        return self + self._of(other) * -1.0

    def __rsub__(self, other: Any) -> Series:
        return self._of(other) - self

    def __mul__(self, other: Any) -> Series:
        other = self._of(other)
        if self.is_zero or other.is_zero:
            return self._like({})
        terms: dict[Order, Coefficient] = {}
        for a, x in self.terms.items():
            for b, y in other.terms.items():
                order = _times(a, b)
                terms[order] = of.add(terms.get(order, 0.0), of.mul(x, y))
        error = _larger(
            None if self.error is None else _times(self.error, other.size),
            None if other.error is None else _times(other.error, self.size),
        )
        return self._like(terms, error)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Series:
        return self * self._of(other).power(-1.0)

    def __rtruediv__(self, other: Any) -> Series:
        return self._of(other) / self

    def _of(self, other: Any) -> Series:
        return other if isinstance(other, Series) else self._like({CONSTANT: other})

    @property
    def is_zero(self) -> bool:
        return not self.terms and self.error is None

    # -- functions ----------------------------------------------------------------------------

    def _split(self) -> tuple[Order, Coefficient, Series] | None:
        """The dominating term, and by what fraction of it all else differs."""
        if self.lead is None:
            return None
        order, c = self.lead, self.terms[self.lead]
        self.setting.nonzero(c)
        back, over = (-order[0], -order[1]), of.mul(1.0, 1.0 / c)
        rest = {_times(o, back): of.mul(x, over) for o, x in self.terms.items() if o != order}
        error = None if self.error is None else _times(self.error, back)
        return order, c, self._like(rest, error)

    def _expanded(self, coefficients: list[float]) -> Series:
        """Σ coefficients[k] · self^k, for a series that vanishes."""
        total, factor = self._like({}), self._like({CONSTANT: 1.0})
        for k, c in enumerate(coefficients):
            total, factor = total + factor * c, factor * self
            if factor.is_zero:
                return total
            if k == len(coefficients) - 1:
                return total + self._like({}, factor.size)
        return total

    def power(self, exponent: Coefficient) -> Series:
        """The series to a power that does not depend on t."""
        if self.is_constant and not self.is_zero:
            return self._like({CONSTANT: _powered(self.constant, exponent)})
        if isinstance(exponent, Tensor):
            return self.unknown
        if exponent >= 0 and exponent == int(exponent) and exponent < _TERMS:
            result = self._like({CONSTANT: 1.0})
            for _ in range(int(exponent)):
                result = result * self
            return result
        split = self._split()
        whole = exponent == int(exponent)
        if split is None or not (whole or of.sign(split[1], self.setting.positive) == 1.0):
            return self.unknown
        order, c, rest = split
        binomial = [1.0]
        for k in range(_TERMS):
            binomial.append(binomial[-1] * (exponent - k) / (k + 1))
        front = {(order[0] * exponent, order[1] * exponent): _powered(c, exponent)}
        return self._like(front) * rest._expanded(binomial)

    def exp(self) -> Series:
        """e to the series: what is linear in t becomes a rate."""
        if self.error is not None and self.error >= CONSTANT:
            return self.unknown
        large = {o: c for o, c in self.terms.items() if o > CONSTANT}
        rate = self.setting.rate(large.pop(_LINEAR)) if _LINEAR in large else 0.0
        if large or rate is None:
            return self.unknown
        front = exp(self.constant) if CONSTANT in self.terms else 1.0
        small = self._like({o: c for o, c in self.terms.items() if o < CONSTANT}, self.error)
        inverse = [1 / math.factorial(k) for k in range(_TERMS + 1)]
        return self._like({(rate, 0.0): front}) * small._expanded(inverse)

    def log(self) -> Series:
        """The logarithm: a rate becomes what is linear in t."""
        split = self._split()
        if split is None or split[0][1] != 0 or of.value(split[1]) <= 0:
            return self.unknown
        (rate, _), c, rest = split
        front = {CONSTANT: 0.0 if _is_one(c) else log(c)}
        if rate:
            front[_LINEAR] = of.mul(rate, self.setting.scale)
        series = [0.0, *((-1) ** (k + 1) / k for k in range(1, _TERMS + 1))]
        return self._like(front) + rest._expanded(series)

    def sign(self) -> Series:
        """What the dominating term's sign is."""
        if self.lead is None:
            return self if self.is_zero else self.unknown
        if self.is_constant and of.sign(self.constant, self.setting.positive) is None:
            return self._like({CONSTANT: self.setting.letter(self.constant.sign())})
        return self._like({CONSTANT: self.setting.sign(self.terms[self.lead])})


def _is_zero(c: Coefficient) -> bool:
    return not isinstance(c, Tensor) and c == 0


def _is_one(c: Coefficient) -> bool:
    return not isinstance(c, Tensor) and c == 1


def _powered(c: Coefficient, exponent: Coefficient) -> Coefficient:
    inverse = not isinstance(exponent, Tensor) and exponent == -1
    return 1.0 / c if inverse else power(c, exponent)


def _times(a: Order, b: Order) -> Order:
    return a[0] + b[0], a[1] + b[1]


def _larger(a: Order | None, b: Order | None) -> Order | None:
    if a is None or b is None:
        return b if a is None else a
    return max(a, b)


def series(value: Any, setting: Setting) -> Series:
    """A number or a formula as a series."""
    return value if isinstance(value, Series) else Series({CONSTANT: value}, None, setting)
