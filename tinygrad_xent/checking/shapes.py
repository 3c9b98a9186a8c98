"""Gradients of the wrong shape that a usual mistake gives: turned, or not summed back."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from .mistakes import path
from .subject import Subject
from .titles import Titles
from .verdict import Diagnosis

_RTOL = 1e-6


def explained(subject: Subject, hand: Any) -> Diagnosis | None:
    """What makes the user's array of the wrong shape out of the gradient, if anything does."""
    return next(_explanations(subject, np.asarray(hand, float)), None)


def _explanations(subject: Subject, hand: Any) -> Iterator[Diagnosis]:
    point, wanted = subject.sample, subject.wrt.shape
    right, name = point.gradient, subject.name(subject.wrt)
    shapes = f"yours has the shape {hand.shape}, {name} has {wanted}"
    if hand.size == right.size and _close(np.reshape(hand, wanted), right):
        if hand.shape[::-1] != wanted:
            yield Diagnosis("shape", f"the numbers are right, the shape is not: {shapes}")
    if hand.shape[::-1] == wanted:
        same = "" if _close(hand.T, right) else ", and other numbers"
        yield Diagnosis("transpose", f"yours is the transpose of the gradient{same}: {shapes}")
    for axes in _extra_axes(hand.shape, wanted):
        total = hand.sum(axes).reshape(wanted)
        for word, found in (("", total), ("; and the sign is flipped", -total)):
            if _close(found, right):
                along = ", ".join(map(str, axes))
                yield Diagnosis("not summed back", f"yours is not summed back over axis {along}, "
                                f"along which {name} is broadcast: {shapes}{word}")  # fmt: skip
    for node in path(subject):
        received = point.walk.received[id(point.of(node))]
        if np.shape(received) == hand.shape and _close(hand, received):
            other = f"{Titles(subject)(node)}, not {name}"
            sentence = f"this is the derivative with respect to {other}: {shapes}"
            yield Diagnosis("prediction for logits", sentence, node=node)
    for axes in _extra_axes(hand.shape, wanted):
        along = f"axis {', '.join(map(str, axes))}, along which {name} is broadcast"
        sentence = f"yours is not summed back over {along}; its numbers are off as well: {shapes}"
        yield Diagnosis("not summed back", sentence)


def _close(x: Any, y: Any) -> bool:
    return bool(np.allclose(x, y, rtol=_RTOL, atol=1e-12 * (1 + np.abs(y).max(initial=0))))


def _extra_axes(shape: tuple[int, ...], wanted: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Axes without which one shape is the other."""
    bare = tuple(n for n in wanted if n != 1)
    for count in range(1, len(shape) + 1):
        for axes in combinations(range(len(shape)), count):
            left = tuple(n for i, n in enumerate(shape) if i not in axes and n != 1)
            if left == bare and all(shape[i] > 1 for i in axes):
                yield axes
