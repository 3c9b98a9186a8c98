"""Arrays of exact numbers: real, and as integers modulo primes at many points (see `worlds`)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .worlds import World

LOST = -1
_MOST_POWER, _MOST_ENTRIES = 2**10, 2**16


@dataclass(frozen=True, eq=False)
class Array:
    """Real numbers and integers for each prime, at each point; and a slope, where it is wanted.

    The points are the last axis, the primes the one before; they do not count for `shape`.
    """

    world: World
    real: Any
    mod: Any
    slope: Array | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.real.shape[:-1]  # type: ignore[no-any-return]

    @property
    def still(self) -> Array:
        return replace(self, slope=None)

    def __add__(self, o: Array) -> Array:
        limited(self.shape, o.shape)
        slope = _total(self.slope, o.slope)
        return self.world.array(1.0 * self.real + o.real, self.mod + o.mod, self, o, slope=slope)

    def __mul__(self, o: Array) -> Array:
        limited(self.shape, o.shape)
        slope = _total(*(a.slope and a.slope * b.still for a, b in ((self, o), (o, self))))
        return self.world.array(1.0 * self.real * o.real, self.mod * o.mod, self, o, slope=slope)

    def __neg__(self) -> Array:
        return self * self.world.whole(-1)

    def __sub__(self, o: Array) -> Array:
        return self + -o

    def __truediv__(self, o: Array) -> Array:
        """1/0 is lost; 1/infinity, with infinity 0 as an integer, is 0."""
        real, zero = np.divide(1.0, o.real), (o.mod == 0) & np.isfinite(o.real)[..., None, :]
        mod = np.where(zero | (o.mod == LOST), LOST, self.world.inverse(o.mod))
        one = Array(self.world, real, mod)
        return self * replace(one, slope=o.slope and -(o.slope * one * one))

    def __pow__(self, o: Array) -> Array:
        w, n = self.world, float(o.real.flat[0])
        if abs(n) <= _MOST_POWER and n == int(n) and (o.mod == w.whole(n).mod).all():
            result = _product(self, abs(int(n))) if n else w.whole(np.ones(self.real.shape))
            return w.whole(1) / result if n < 0 else result
        there = self.sign() * self.sign()  # 0 has no logarithm
        result = there * (o * (self * there + w.whole(1) - there).log()).exp()
        return replace(result, real=np.power(1.0 * self.real, o.real))

    def exp(self) -> Array:
        w, mod = self.world, np.full_like(self.mod, LOST)
        for k, table in enumerate(w.primes.powers):
            at = table[self.mod[..., k, :] * w.g[k] % w.p[k]]
            mod[..., k + 1, :] = np.where(self.mod[..., k, :] == LOST, LOST, at)
        result = Array(w, np.exp(1.0 * self.real), mod)
        return replace(result, slope=self.slope and self.slope * result)

    def log(self) -> Array:
        w, mod = self.world, np.full_like(self.mod, LOST)
        for k, table in enumerate(w.primes.exponents):
            at = table[self.mod[..., k + 1, :]]  # lost ones find the place of -1, no power
            mod[..., k, :] = np.where(at == LOST, LOST, at * w.inverse(w.g)[k] % w.p[k])
        return Array(w, np.log(1.0 * self.real), mod, self.slope and self.slope / self.still)

    def sin(self) -> Array:
        sin, cos = self._turned()
        return replace(sin, slope=self.slope and self.slope * cos)

    def cos(self) -> Array:
        sin, cos = self._turned()
        return replace(cos, slope=self.slope and -(self.slope * sin))

    def _turned(self) -> tuple[Array, Array]:
        w, one, real = self.world, self.world.whole(1), 1.0 * self.real
        mod = [table[self.mod[..., k, :] * w.g[k] % w.p[k]] for k, table in enumerate(w.primes.odd)]
        t = w.array(real, np.stack(mod, -2), self)
        sin, cos = (t + t) / (one + t * t), (one - t * t) / (one + t * t)
        return replace(sin, real=np.sin(real)), replace(cos, real=np.cos(real))

    def sign(self) -> Array:
        """-1, 0 or 1; undefined where rounding leaves it open."""
        zero = ((self.mod == 0) | (self.mod == LOST)).all(-2) & (self.mod == 0).any(-2)
        real = np.where(np.abs(self.real) > 1e-9, np.sign(1.0 * self.real), np.nan)
        return self.world.whole(np.where(zero & (np.abs(self.real) < 1e-6), 0.0, real))

    def moved(self, pick: Callable[[Any], Any]) -> Array:
        """Its entries elsewhere: `pick` moves their numbers."""
        at = pick(np.arange(math.prod(self.shape)).reshape(self.shape))
        limited(at.shape)
        real, mod = self.real.reshape(-1, self.real.shape[-1]), self.mod
        mod = mod.reshape(-1, *mod.shape[-2:])[at]
        return Array(self.world, real[at], mod, self.slope and self.slope.moved(pick))

    def sum(self, axis: tuple[int, ...], keepdims: bool = False) -> Array:
        mod = self.mod.sum(axis, keepdims=keepdims) % self.world.p
        mod = np.where((self.mod == LOST).any(axis, keepdims=keepdims), LOST, mod)
        slope = self.slope and self.slope.sum(axis, keepdims)
        return Array(self.world, self.real.sum(axis, keepdims=keepdims), mod, slope)


def limited(*shapes: tuple[int, ...]) -> None:
    """Refuse what would take too much memory."""
    if math.prod(np.broadcast_shapes(*shapes)) > _MOST_ENTRIES:
        raise ValueError(f"shapes {shapes} are too large")


def _total(a: Array | None, b: Array | None) -> Array | None:
    return a + b if a and b else a or b


def _product(a: Array, n: int) -> Array:
    """a to the n, by squaring."""
    result = a
    for bit in bin(n)[3:]:
        result = result * result * a if bit == "1" else result * result
    return result


# -- operations of whole arrays -------------------------------------------------------------------


def where(c: Array, x: Array, y: Array) -> Array:
    """x where c is not 0, and y elsewhere."""
    limited(c.shape, x.shape, y.shape)
    first, slope = c.real != 0, None
    if x.slope or y.slope:
        slope = where(c, *(a.slope or a.world.whole(0) for a in (x, y)))
    real = np.where(np.isnan(c.real), np.nan, np.where(first, x.real, y.real))
    return Array(x.world, real, np.where(first[..., None, :], x.mod, y.mod), slope)


def larger(x: Array, y: Array) -> Array:
    """The larger of two; where they are the same, x."""
    return where((x - y).sign() + x.world.whole(1), x, y)


def largest(x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
    """The largest entries along axes."""
    kept = tuple(n for i, n in enumerate(x.shape) if i not in axis)
    rows = x.moved(lambda at: np.moveaxis(at, axis, range(len(axis))).reshape(-1, *kept))
    result = reduce(larger, (rows.moved(itemgetter(i)) for i in range(rows.shape[0])))
    return result.moved(lambda at: np.expand_dims(at, axis)) if keepdims else result


def matmul(x: Array, y: Array) -> Array:
    """The matrix product, with NumPy's meaning of vectors and of axes before the last two."""
    a = x.moved(lambda at: (at if at.ndim > 1 else at[None])[..., None])
    product = a * y.moved(lambda at: (at if at.ndim > 1 else at[:, None])[..., None, :, :])
    ends = (-1,) * (len(y.shape) == 1) + (-2,) * (len(x.shape) == 1)
    return product.sum((len(product.shape) - 2,)).moved(lambda at: np.squeeze(at, ends))


def softmax(x: Array, axis: int, **_: Any) -> Array:
    """exp x over its sum along the axis."""
    e = x.exp()
    return e / e.sum((axis,), True)


def index_of(index: Any, arrays: tuple[Array, ...]) -> Any:
    """An index, from its description."""
    kinds: dict[str, Callable[..., Any]] = {
        "slice": slice, "int": int, "new": lambda: None, "rest": lambda: Ellipsis,
        "array": lambda i: arrays[i].real[..., 0],
    }  # fmt: skip
    return tuple(kinds[kind](*rest) for kind, *rest in index)


def scatter(x: Array, *arrays: Array, index: Any, shape: tuple[int, ...]) -> Array:
    """Zeros of a shape, with entries added at an index."""
    at = np.arange(math.prod(shape)).reshape(shape)
    there = at[..., None, None] == at[index_of(index, arrays)].ravel()[:, None]
    return (x.world.whole(1.0 * there) * x.moved(np.ravel)).sum((len(shape),))


def joined(*parts: Array, axis: int) -> Array:
    """Arrays, one after the other along an axis."""
    slope, zero = None, parts[0].world.whole(0)
    if any(a.slope for a in parts):
        slope = joined(*(a.slope or a.still * zero for a in parts), axis=axis)
    real, mod = ([getattr(a, key) for a in parts] for key in ("real", "mod"))
    return Array(zero.world, np.concatenate(real, axis), np.concatenate(mod, axis), slope)
