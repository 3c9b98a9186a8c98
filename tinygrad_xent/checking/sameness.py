"""Whether two formulas agree at a point, to within what rounding can do there."""

from __future__ import annotations

import numpy as np

from .points import EXTENDED, Point

_RTOL = 1e-9 if EXTENDED else 1e-6


def same_at(point: Point) -> bool:
    """Whether the formula is the gradient here, wherever both have a value.

    What ordinary and long numbers disagree on is rounding. An overflow is no disagreement, but
    where nothing has a value nothing agrees.
    """
    long = point.extended()
    values = [point.gradient, long.gradient, point.hand, long.hand]
    shape = point.wrt.shape
    g, right, h, hand = (np.broadcast_to(v, shape) for v in values)
    with np.errstate(invalid="ignore"):
        apart = g - right, h - hand
    known = np.isfinite(right) & np.isfinite(hand)
    lost = sum(np.nan_to_num(np.abs(x), posinf=0.0) for x in apart)
    allowed = _RTOL * (np.abs(right) + np.abs(hand)) + 4 * lost
    with np.errstate(invalid="ignore"):
        return bool(known.any() and np.all((np.abs(right - hand) <= allowed)[known]))
