"""By what a gradient that is right but for a factor was multiplied: -1, 2, n, 1/n, T ...

A factor has to be the same for all entries, and to mean the same at every point: the length of an
axis follows the axis, a temperature follows the temperature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..graph import Tensor
from ..writing.text import number
from .points import Point
from .subject import Subject

_CLOSE = 1e-7


class Factor(NamedTuple):
    """A factor by name: how far from simple it is, and what to say about it."""

    cost: float
    name: str
    saying: str


class Probe(NamedTuple):
    """A point, and what the user's gradient is there."""

    point: Point
    hand: Any


def ratio(hand: Any, other: Any, rtol: float = _CLOSE) -> float | None:
    """The number by which an array has to be multiplied to give another, if there is one.

    It is nan where both are 0, so that any number does.
    """
    hand, other = np.asarray(hand, float), np.asarray(other, float)
    if not (np.isfinite(hand).all() and np.isfinite(other).all()):
        return None
    weight = float(np.sum(other * other))
    if weight < 1e-200:
        return None if np.any(hand) else np.nan
    r = float(np.sum(hand * other)) / weight
    allowed = rtol * np.abs(hand) + 1e-12 * np.abs(hand).max(initial=0)
    return r if bool(np.all(np.abs(hand - r * other) <= allowed)) and r else None


def named(ratios: list[float], probes: list[Probe]) -> Factor | None:
    """What the factors at several points have in common."""
    points = [p.point for p, r in zip(probes, ratios, strict=True) if not np.isnan(r)]
    ratios = [r for r in ratios if not np.isnan(r)]
    if not ratios:
        return None
    for factor, value in _known(points[0].subject):
        if all(np.isclose(r, value(p), rtol=_CLOSE) for r, p in zip(ratios, points, strict=True)):
            return factor
    same = all(np.isclose(r, ratios[0], rtol=_CLOSE) for r in ratios)
    if same and points[0].wrt.size > 1:
        shown = number(round(ratios[0], 10))
        return Factor(3.5, shown, f"a constant factor: yours = {shown} x the gradient")
    return None


def _known(subject: Subject) -> Iterator[tuple[Factor, Callable[[Point], float]]]:
    for c in (1.0, -1.0):
        yield _constant(c), lambda p, c=c: c  # type: ignore[misc]
    for c in (2.0, 0.5, -2.0, -0.5):
        yield _constant(c), lambda p, c=c: c  # type: ignore[misc]
    for factor, value in _lengths(subject):
        yield factor, value
        yield _negative(factor), lambda p, value=value: -value(p)  # type: ignore[misc]
    for c in (3.0, 4.0, 1 / 3, 0.25, -3.0, -4.0):
        yield _constant(c), lambda p, c=c: c  # type: ignore[misc]
    for factor, value in _scalars(subject):
        yield factor, value
        yield _negative(factor), lambda p, value=value: -value(p)  # type: ignore[misc]


def _constant(c: float) -> Factor:
    name = {0.5: "1/2", -0.5: "-1/2", 0.25: "1/4", 1 / 3: "1/3"}.get(c, number(c))
    if c == 1:
        return Factor(0.0, "", "")
    if c == -1:
        return Factor(1.0, "-1", "your sign is flipped (yours = -1 x the gradient)")
    kind = f"a factor of {name}"
    signed = "; the sign is flipped too" if c < 0 else ""
    return Factor(
        1.0 + (c < 0) + (abs(c) > 2), name, f"{kind}: yours = {name} x the gradient{signed}"
    )


def _negative(factor: Factor) -> Factor:
    name = f"-{factor.name}"
    saying = factor.saying.replace(f"yours = {factor.name} x", f"yours = {name} x")
    return Factor(factor.cost + 1, name, f"{saying}; the sign is flipped too")


# -- lengths --------------------------------------------------------------------------------------


def _lengths(subject: Subject) -> Iterator[tuple[Factor, Callable[[Point], float]]]:
    """The lengths of axes, whole sizes, and what they give with 2 or one less."""
    for name, what, length in _counts(subject):
        many = f"the division by {name} is missing, sum for mean"
        one = f"divided by {name} once too often, mean for sum"
        lost = "the count is one less than it should be (n - 1 in place of n)"
        more = "the count is one more than it should be (n in place of n - 1)"
        forms: list[tuple[float, str, str, Callable[[float], float]]] = [
            (1.2, name, many, lambda n: n),
            (1.2, f"1/{name}", one, lambda n: 1 / n),
            (2.2, f"2*{name}", many, lambda n: 2 * n),
            (2.2, f"{name}/2", many, lambda n: n / 2),
            (2.2, f"2/{name}", one, lambda n: 2 / n),
            (2.2, f"1/(2*{name})", one, lambda n: 1 / (2 * n)),
            (2.4, f"{name}/({name} - 1)", lost, lambda n: n / (n - 1) if n > 1 else np.nan),
            (2.4, f"({name} - 1)/{name}", more, lambda n: (n - 1) / n),
            (3.0, f"{name}**2", "the count is multiplied in twice", lambda n: n * n),
            (3.0, f"1/{name}**2", "the count is divided by twice", lambda n: 1 / (n * n)),
        ]
        for cost, form, why, f in forms:
            saying = f"yours = {form} x the gradient, where {what}: {why}"
            yield Factor(cost, form, saying), lambda p, f=f, length=length: f(length(p))  # type: ignore[misc]


def _counts(subject: Subject) -> Iterator[tuple[str, str, Callable[[Point], float]]]:
    """What can be counted: entries along an axis, and all entries of an array."""
    letters = iter("nmkdhabc")
    seen: set[Any] = set()
    for leaf in subject.leaves:
        for axis in range(leaf.ndim):
            key = _class(subject, leaf, axis)
            if key not in seen and leaf.shape[axis] > 1:
                seen.add(key)
                letter = next(letters, "n")
                where = f"the length of axis {axis} of {subject.name(leaf)}"
                where = f"the length of {subject.name(leaf)}" if leaf.ndim == 1 else where
                what = f"{letter} = {leaf.shape[axis]} is {where}"
                yield letter, what, lambda p, leaf=leaf, axis=axis: float(p.of(leaf).shape[axis])  # type: ignore[misc]
    for leaf in subject.leaves:
        if leaf.ndim > 1 and ("all", leaf.shape) not in seen:
            seen.add(("all", leaf.shape))
            what = f"N = {leaf.size} is the number of entries of {subject.name(leaf)}"
            yield "N", what, lambda p, leaf=leaf: float(p.of(leaf).size)  # type: ignore[misc]


def _class(subject: Subject, leaf: Tensor, axis: int) -> Any:
    """Axes that have to be equally long count once."""
    classes = subject.sizes.classes.get(id(leaf))
    return subject.sizes._find(classes[axis]) if classes else ("length", leaf.shape[axis])


def _scalars(subject: Subject) -> Iterator[tuple[Factor, Callable[[Point], float]]]:
    """Numbers that the loss contains, and one over them."""
    for n in subject.order[:60]:
        if n.shape == () and n is not subject.loss and n is not subject.wrt:
            name = subject.name(n)
            if len(name) > 40:
                continue
            saying = "yours = {0} x the gradient"
            yield (Factor(2.0, name, saying.format(name)),
                   lambda p, n=n: float(p.of(n)._value))  # type: ignore[misc]  # fmt: skip
            yield (Factor(2.0, f"1/({name})", saying.format(f"1/({name})")),
                   lambda p, n=n: 1 / float(p.of(n)._value or np.nan))  # type: ignore[misc]  # fmt: skip
