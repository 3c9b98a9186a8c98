"""The smallest readable values at which a formula is not the gradient: few and round numbers.

Variables are as short as the loss allows. Values are tried in the order of how plain they are; the
variable that is differentiated by is 0 first, all else 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..algebra.loss.sizes import Sizes
from ..errors import TinygradXentError
from ..graph import Tensor, shape_of
from .longer import at_lengths
from .points import Point
from .subject import Subject

_LENGTHS = (2, 3)
_MOST = 250  # points that are tried
_READABLE = 16  # entries of a variable that is told
_PATTERNS: tuple[Any, ...] = (
    lambda i: 0.0 * i,
    lambda i: 0.0 * i + 1,
    lambda i: 1.0 * (i == 0),
    lambda i: i + 1.0,
    lambda i: 1.0 - 2 * (i % 2),
    lambda i: 0.0 * i + 0.5,
    lambda i: 2.0 - i,
    lambda i: (i + 1.0) / 2,
    lambda i: 0.0 * i - 1,
    lambda i: 0.0 * i + 2,
)
_VARIABLE = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)  # the order of the patterns
_DATA = (1, 3, 5, 2, 7, 4, 9, 8, 6, 0)


@dataclass(frozen=True)
class Counterexample:
    """Values of the variables, and what both gradients are there.

    Attributes:
        values: the variables by name.
        gradient, hand: the two.
        words: what they are called.
    """

    values: tuple[tuple[str, Any], ...]
    gradient: Any
    hand: Any
    words: tuple[str, str] = ("gradient", "yours")

    def __str__(self) -> str:
        at = ", ".join(f"{name} = {shown(value)}" for name, value in self.values)
        first, second = self.words
        return f"{at}: {first} {shown(self.gradient)}, {second} {shown(self.hand)}"


def shown(value: Any) -> str:
    """Numbers as a person writes them: (0, 0.5), and ((1, 0), (0, 1)) for rows.

    >>> shown(np.array([0.0, -0.5])), shown(np.float64(1 / 3))
    ('(0, -0.5)', '0.3333')
    """
    if shape_of(value) == ():
        return f"{float(value) + 0.0:.4g}"
    return f"({', '.join(map(shown, value))}{',' * (len(value) == 1)})"


def smallest(subject: Subject) -> Counterexample | None:
    """The plainest values that were found at which the formula is wrong."""
    for sizes in _lengths(subject):
        for point in _points(subject, sizes):
            if _is_one(point):
                return _told(point)
    for point in subject.scattered(6, sizes=subject.sizes):
        if _is_one(point):
            return _told(point)
    return None


def _told(point: Point) -> Counterexample:
    subject = point.subject
    shown_ones = [n for n in _in_order(subject) if n.size <= _READABLE]
    values = tuple((subject.name(n), np.asarray(point.of(n)._value)) for n in shown_ones)
    hand = np.broadcast_to(point.hand, point.gradient.shape)
    return Counterexample(values, point.gradient, np.array(hand))


def _in_order(subject: Subject) -> list[Tensor]:
    """The variable first that is differentiated by."""
    return sorted(subject.leaves, key=lambda n: n is not subject.wrt)


def _lengths(subject: Subject) -> Iterator[Sizes | None]:
    """Ever longer axes, where they are free; then the sample's own."""
    try:
        whole = Sizes(subject.whole)
    except TinygradXentError:
        yield None
        return
    if whole.free():
        for length in _LENGTHS:
            yield at_lengths(whole, dict.fromkeys(whole.free(), length))
    yield None


def _points(subject: Subject, sizes: Sizes | None) -> Iterator[Point]:
    leaves = subject.leaves
    for ranks in _by_total(len(leaves)):
        values = {}
        for leaf, rank in zip(leaves, ranks, strict=True):
            order = _VARIABLE if leaf is subject.wrt else _DATA
            values[id(leaf)] = _pattern(order[rank], subject.shape(leaf, sizes))
        yield Point(subject, values)


def _pattern(which: int, shape: tuple[int, ...]) -> Any:
    return _PATTERNS[which](np.arange(int(np.prod(shape, dtype=int)))).reshape(shape)


def _by_total(count: int) -> Iterator[Sequence[int]]:
    """Tuples of ranks, the smallest total first."""
    found = 0
    for total in range(len(_PATTERNS) * count):
        for ranks in _splits(total, count):
            yield ranks
            found += 1
            if found >= _MOST:
                return


def _splits(total: int, count: int) -> Iterator[tuple[int, ...]]:
    if count == 0:
        if total == 0:
            yield ()
        return
    for first in range(min(total, len(_PATTERNS) - 1) + 1):
        yield from ((first, *rest) for rest in _splits(total - first, count - 1))


def _is_one(point: Point) -> bool:
    """Whether both have values here that differ, and not only because the loss has a kink."""
    if not (point.is_regular and all(point.holds(a) for a in point.subject.facts)):
        return False
    try:
        hand = np.broadcast_to(point.hand, point.gradient.shape)
    except Exception:  # the user's function may not work for other lengths
        return False
    if not np.isfinite(hand).all():
        return False
    apart = np.abs(hand - point.gradient)
    return bool((apart > 1e-6 * (np.abs(hand) + np.abs(point.gradient))).any()) and _is_smooth(
        point
    )


def _is_smooth(point: Point) -> bool:
    """Whether the gradient is nearly the same beside the point."""
    x = np.asarray(point.wrt._value, float)
    rng = np.random.default_rng(0)
    for _ in range(2):
        beside = point.moved({id(point.subject.wrt): x + 1e-7 * rng.normal(size=x.shape)})
        scale = 1 + np.abs(point.gradient).max(initial=0)
        if np.abs(beside.gradient - point.gradient).max(initial=0) > 1e-4 * scale:
            return False
    return True
