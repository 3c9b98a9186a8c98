"""Logits less the largest of their row: what softmax and its relatives exponentiate.

Where one entry outweighs all others of its row, 1 - q and -log q of it are smaller than what
rounds off q, and subtracting would lose them. Both are sums over the other entries, and that is how
they are computed there.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import ShapeError, describe, explain
from ..graph import PRIMITIVES, known, numbers, shape_of
from ..ops import log, stop_gradient
from ..ops.settling import Places, relative
from ..ops.shaping import axes
from .care import any_of, difference

_max, _sum = PRIMITIVES["max"], PRIMITIVES["sum"]  # whose axes are known to be right
_SMALL = math.log(2.0**-8)  # of the largest entry of a row


class Shifted:
    """Logits less the largest of their row; no derivative flows through that shift.

    Attributes:
        top: the largest logits.
        below: the logits less these, so that the largest is 0.
        places: the entries that outweigh all others of their rows, if any does.
    """

    def __init__(self, name: str, z: Any, axis: Any) -> None:
        if not shape_of(z):
            works = "shape (classes,)"
            raise ShapeError(explain(f"{name}: a scalar has no class axis", describe(z), works))
        self.axis = axes(name, z, axis)
        self.top = stop_gradient(_max(z, axis=self.axis, keepdims=True))
        self.below = difference(z, self.top)
        self.places = _outweighing(numbers(self.below), self.axis)

    def settled(self) -> Any:
        """`below`, for a result that does not change when all logits of a row do by the same.

        What it sends back to the entries of a row then has the sum 0, so that for one of them it
        is minus the sum of the others.
        """
        if self.places is None:
            return self.below
        return relative(self.below, places=self.places)

    def log_total(self, e: Any) -> Any:
        """log Σ e, where e is exp of `below`: the total is 1 for the largest, and the others'."""
        total = _sum(e, axis=self.axis, keepdims=True)
        if self.places is None:
            return log(total)
        value = np.log(numbers(total))
        _, others = self.places.others(numbers(e))
        value.squeeze(self.axis)[self.places.rows] = np.log1p(others)
        return log.giving(value, total)


def _outweighing(below: Any, axis: tuple[int, ...]) -> Places | None:
    """The entries beside which every other of their row is small; None if there are none.

    Where another is not, 1 - q is so large that rounding costs it 8 bits at most. Where all are,
    the entry has so large a part of its row that a sum over the others costs it as little.
    """
    if not known(below):
        return None
    near = below >= _SMALL
    count = np.add.reduce(near, axis, np.intp, keepdims=True)
    alone = count == 1
    return Places(np.nonzero(near & alone), axis) if any_of(alone) else None
