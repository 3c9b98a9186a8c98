"""Two gradients in numbers, entry by entry, in units of the rounding that is unavoidable there.

The reference is the engine's own gradient, which takes no step, in the longest floating point
numbers that there are. What a correct formula may lose is estimated for each entry by itself, so
that an error of 1e-5 in an entry of 1e-8 is seen, and the cancellation in q - p is not called one:

* how far the engine's walk in ordinary numbers is from the reference, also when all that is
  computed on the way is off by a random last digit (Vignes's stochastic arithmetic);
* how far the user's function in ordinary numbers is from the same in long ones, and how much it
  changes when its arguments, or all that it computes from them, are off by a last digit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from ..algebra import derive
from ..errors import TinygradXentError
from ..graph import Tensor
from .points import Point
from .shaky import shaken
from .subject import Subject
from .walk import Sent, Walk, passed

RTOL = {8: 1e-6, 4: 1e-4, 2: 1e-2}  # of what a formula gives, by the bytes of its numbers
_SLACK = 16.0  # how many times the estimated rounding is still rounding
_SHAKES = 3
_NEAR = 1e-7  # how far from a point its neighbours are, where a kink is looked for
_MOST_AXES = 12
_MOST_KINKS = 4  # entries whose slopes are looked at together


@dataclass(frozen=True)
class Entry:
    """One entry of both gradients.

    Attributes:
        index: its place.
        gradient, hand: what each of the two says.
        error: the difference, relative to the gradient.
        between: at a kink, the one-sided derivatives between which every answer is right.
    """

    index: tuple[int, ...]
    gradient: float
    hand: float
    error: float
    between: tuple[float, float] | None = None


@dataclass(frozen=True)
class Comparison:
    """Two gradients at a point.

    Attributes:
        entries: all entries, the worst first.
        wrong: how many of them differ by more than rounding.
        kinks: those at which the derivative does not exist, and any one between two is right.
        lost: how many entries the user's formula cannot compute although they exist: it overflows.
    """

    entries: tuple[Entry, ...]
    wrong: int
    kinks: tuple[Entry, ...] = ()
    lost: int = 0


def reference(point: Point) -> Any:
    """The gradient at a point as exactly as it can be computed; nan where it has no value."""
    found = np.asarray(point.extended().walk.gradient)
    return found if np.isfinite(found).all() else _by_closed_form(point, found)


def _by_closed_form(point: Point, found: Any) -> Any:
    """What the walk cannot compute, from the formula that it simplifies to."""
    subject = point.subject
    try:
        formula = derive(subject.loss, subject.wrt, subject.facts).result.node
    except TinygradXentError:
        return found
    if not isinstance(formula, Tensor):
        return np.full(found.shape, formula, found.dtype)
    again = Subject(subject.loss, subject.wrt, formula).at(point.values, np.longdouble)
    return np.where(np.isfinite(found), found, np.broadcast_to(again.hand, found.shape))


def compare(point: Point, hand: Any, rtol: float | None = None) -> Comparison:
    """Hold an array against the gradient at a point.

    Args:
        point: where.
        hand: the array, of the gradient's shape.
        rtol: how much an entry may be off, relative to itself; by its dtype if not given.
    """
    right, hand = reference(point), np.asarray(hand)
    hand = hand if hand.dtype.kind == "f" else hand.astype(np.float64)
    limit = rtol if rtol is not None else RTOL.get(hand.dtype.itemsize, 1e-6)
    coarse = max(1.0, float(np.finfo(hand.dtype).eps / np.finfo(point.gradient.dtype).eps))
    lost = ~np.isfinite(hand) & np.isfinite(right)
    off = np.abs(np.asarray(hand, right.dtype) - right)
    bad = ~(off <= limit * np.abs(right) + coarse * _SLACK * noise(point, right)) & ~lost
    low, high, kink = right, right, np.zeros(right.shape, bool)
    if bad.any():
        low, high, kink, near = one_sided(point)
        slack = limit * (1 + np.abs(low) + np.abs(high))
        inside = kink & (hand >= low - slack) & (hand <= high + slack)
        inside = inside & _together(hand, near, kink, float(slack.max()))
        shaky = off <= limit * np.abs(right) + _SLACK * _sensitivity(point, hand)
        bad = bad & ~inside & ~(shaky & ~kink)
    entries = list(_entries(right, hand, off, low, high, kink))
    order = np.argsort([-_rank(e, bool(bad[e.index])) for e in entries], kind="stable")
    kinks = tuple(e for e in entries if e.between is not None and not bad[e.index])
    return Comparison(tuple(entries[i] for i in order), int(bad.sum()), kinks, int(lost.sum()))


def _entries(right: Any, hand: Any, off: Any, low: Any, high: Any, kink: Any) -> Iterator[Entry]:
    for i in np.ndindex(right.shape):
        error = float(off[i] / np.abs(right[i])) if right[i] else float(np.inf) * bool(off[i])
        between = (float(low[i]), float(high[i])) if kink[i] else None
        error = 0.0 if np.isnan(error) and not off[i] else error
        yield Entry(i, float(right[i]), float(hand[i]), error, between)


def _rank(entry: Entry, bad: bool) -> float:
    """What is wrong comes first, then what is furthest off; infinite errors before all others."""
    error = 1e300 if not np.isfinite(entry.error) else min(entry.error, 1e299)
    return error + 1e301 * bad


# -- rounding -------------------------------------------------------------------------------------


def noise(point: Point, right: Any) -> Any:
    """What rounding may do to each entry of a gradient computed in ordinary numbers."""
    plain = point.gradient
    far = [np.abs(plain - right), np.finfo(plain.dtype).eps * np.abs(right)]
    for seed in range(_SHAKES):
        there, rng = point.shaken(seed), np.random.default_rng(seed)
        far.append(np.abs(Walk(there.loss, there.wrt, _shaking(rng)).gradient - right))
    return np.nan_to_num(np.max(far, axis=0), nan=0.0, posinf=0.0)


def _shaking(rng: np.random.Generator) -> Any:
    def send(node: Tensor, g: Any, walk: Walk) -> Sent:
        for arg, c in passed(node, g, walk):
            yield arg, shaken(c, rng)

    return send


def _sensitivity(point: Point, hand: Any) -> Any:
    """How far off the user's own formula is for the same reason: rounding, inside or before it."""
    subject = point.subject
    if subject.function is None and subject.formula is None:
        return np.zeros(np.shape(hand))
    rng = np.random.default_rng(0)
    near = [point.extended(), *(_nearby(point, rng) for _ in range(_SHAKES))]
    near += map(point.shaken, range(_SHAKES))
    unseen = 0.0 if _is_shaken_through(near[-1]) else np.finfo(hand.dtype).eps
    found = [unseen * np.abs(hand).max(initial=0)]
    found += [np.abs(np.broadcast_to(_tried(p, hand), np.shape(hand)) - hand) for p in near]
    return np.nan_to_num(reduce(np.maximum, found), nan=0.0, posinf=0.0)


def _is_shaken_through(point: Point) -> bool:
    try:
        return point.is_shaken_through
    except Exception:  # the user's function takes no such arrays
        return False


def _nearby(point: Point, rng: np.random.Generator) -> Point:
    """The point with the last digit of every variable off."""
    moved = {}
    for leaf in point.subject.leaves:
        moved[id(leaf)] = shaken(np.asarray(point.of(leaf)._value), rng)
    return point.moved(moved)


def _tried(point: Point, otherwise: Any) -> Any:
    """What the user's formula gives here, if it gives anything."""
    try:
        found = point.hand
    except Exception:
        return otherwise
    return found if found.dtype.kind == "f" else otherwise


# -- kinks ----------------------------------------------------------------------------------------


def one_sided(point: Point) -> tuple[Any, Any, Any, Any]:
    """The least and the greatest derivative beside a point, where the two stay apart, and all.

    A jump is a kink if it does not shrink with the distance at which it is seen.
    """
    far, near = (_around(point, _NEAR * scale, few=True) for scale in (1.0, 1 / 64))
    if _jumps(far, near).any():  # it is worth a closer look
        far, near = (_around(point, _NEAR * scale) for scale in (1.0, 1 / 64))
    return near.min(0), near.max(0), _jumps(far, near), near


def _jumps(far: Any, near: Any) -> Any:
    """Where slopes differ, as much at the short distance as at the long one."""
    low, high = near.min(0), near.max(0)
    jump, wider = high - low, far.max(0) - far.min(0)
    return (jump > 1e-4 * (np.abs(low) + np.abs(high))) & (jump > 0.5 * wider)


def _together(hand: Any, near: Any, kink: Any, slack: float) -> bool:
    """Whether entries that are possible one by one are so together: at a tie of two, (1, 1) is not.

    A subgradient h has h·d at most the largest slope along d, for every direction d. Where many
    entries are at kinks, the slopes that were seen are too few to say.
    """
    if not 0 < kink.sum() <= _MOST_KINKS:
        return True
    signs = np.stack(np.meshgrid(*[[-1.0, 0.0, 1.0]] * int(kink.sum())), -1)
    directions = signs.reshape(-1, int(kink.sum()))
    most = (near[:, kink] @ directions.T).max(0)
    return bool(np.all(directions @ np.asarray(hand, float)[kink] <= most + 4 * slack))


def _around(point: Point, distance: float, few: bool = False) -> Any:
    """The gradients at neighbours of a point, and at the point itself."""
    subject, rng = point.subject, np.random.default_rng(0)
    x = np.asarray(point.wrt._value, np.longdouble)
    size = max(1, x.size)
    ahead = rng.normal(size=(2, size))
    steps = [*ahead, *-ahead]
    if not few:
        for k in rng.permutation(size)[:_MOST_AXES]:
            steps += [1.0 * (np.arange(size) == k), -1.0 * (np.arange(size) == k)]
        steps += list(rng.normal(size=(32, size)))
    found = [reference(point)]
    for step in steps:
        beside = x + distance * (1 + np.abs(x).max(initial=0)) * step.reshape(x.shape)
        found.append(np.asarray(point.moved({id(subject.wrt): beside}, np.longdouble).gradient))
    whole = [g for g in found if np.isfinite(g).all()]
    return np.array(whole or found[:1])
