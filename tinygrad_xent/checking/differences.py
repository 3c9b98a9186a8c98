"""Derivatives from values alone, by differences, with a bound on how far off they may be.

Central differences at ever smaller steps, extrapolated to step 0 (Ridders 1982), in the longest
floating point numbers that the function works with. The tableau's own spread says how good an entry
is. One-sided differences that disagree, and go on to at a shorter step, say that there is a kink.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from .points import EXTENDED

_STARTS = (
    2.0**-5,
    2.0**-12,
    2.0**-20,
    2.0**-28,
)  # first steps; a shorter one where the longer is no good
_SHRINK, _ROUNDS = 2.0, 6
_FINE, _GOOD = 1e-9, 1e-7  # bounds, relative to the derivative, that are good enough
_SHORT = (2.0**-18, 2.0**-24)  # one-sided steps
_FLOOR = 1e-14 if EXTENDED else 1e-10  # rounding, relative to the function's value


Sides = tuple[float, float]  # behind and ahead


class Slopes(NamedTuple):
    """The derivative along one direction, with a bound on its error.

    At a kink `low` and `high` are the slopes on its two sides, else both are the derivative.
    """

    value: float
    error: float
    low: float
    high: float


def slopes(f: Callable[[Any], Any], x: Any, along: Any) -> Slopes:
    """The derivative of f at x along a direction.

    Args:
        f: a function of one array that returns one number.
        x: where.
        along: the direction, of the shape of x. Its length sets the first step.
    """
    best, error = np.nan, np.inf
    for start in _starts(x, along):
        for value, spread in _extrapolated(f, x, along, start):
            if spread < error:
                best, error = value, spread
            if error <= _FINE * abs(best):
                break
        if error <= _GOOD * abs(best):
            break
    error += _FLOOR * abs(float(f(x)))
    long, short = (step * (_reach(x, along) or 1.0) for step in _SHORT)
    behind, ahead = _sides(f, x, along, short)
    wider = _sides(f, x, along, long)
    if _jumps(f, x, along, short, (behind, ahead), wider):
        return Slopes(best, np.inf, -np.inf, np.inf)
    if _apart(behind, ahead) and _apart(*wider):
        return Slopes(best, error, min(behind, ahead), max(behind, ahead))
    return Slopes(best, error, best, best)


def _reach(x: Any, along: Any) -> float:
    """How large what is varied is, where it is so small or large that steps have to follow."""
    largest = float(np.abs(np.asarray(x)[along != 0]).max(initial=0))
    return 0.0 if 1e-3 < largest < 1e3 else largest


def _starts(x: Any, along: Any) -> Iterator[float]:
    """First steps: relative to x, where that makes a difference, then to 1."""
    reach = _reach(x, along)
    yield from (start * reach for start in _STARTS if reach)
    yield from _STARTS


def _extrapolated(
    f: Callable[[Any], Any], x: Any, along: Any, start: float
) -> Iterator[tuple[float, float]]:
    """Ever better values, with how far each is from those that it was made from."""
    before: list[float] = []
    digits = float(np.finfo(np.longdouble).eps) * abs(float(f(x)))
    for k in range(_ROUNDS):
        h = start / _SHRINK**k
        row = [float((f(x + h * along) - f(x - h * along)) / (2 * h))]
        for m in range(1, k + 1):
            weight = _SHRINK ** (2 * m)
            row.append((weight * row[m - 1] - before[m - 1]) / (weight - 1))
            spread = max(abs(row[m] - row[m - 1]), abs(row[m] - before[m - 1]))
            yield row[m], spread + digits / h  # which may be small by chance
        before = row


def _sides(f: Callable[[Any], Any], x: Any, along: Any, h: float) -> Sides:
    """The slopes behind and ahead, by differences of second order."""
    at = f(x)
    ahead = (4 * f(x + h * along) - f(x + 2 * h * along) - 3 * at) / (2 * h)
    behind = (3 * at - 4 * f(x - h * along) + f(x - 2 * h * along)) / (2 * h)
    return float(behind), float(ahead)


def _jumps(
    f: Callable[[Any], Any], x: Any, along: Any, h: float, near: Sides, wider: Sides
) -> bool:
    """Whether f itself jumps: its slopes grow as fast as the step shrinks."""
    steep, before = (max(map(abs, sides)) for sides in (near, wider))
    height = max(abs(float(f(x + side * h * along))) for side in (-1, 0, 1))
    return steep > 16 * before and steep * h > 1e-6 * height


def _apart(behind: float, ahead: float) -> bool:
    return abs(ahead - behind) > 1e-3 * (abs(ahead) + abs(behind)) + 1e-9
