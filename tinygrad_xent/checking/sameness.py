"""Whether two formulas agree at a point, to within what rounding can do there."""

from __future__ import annotations

import numpy as np

from .points import EXTENDED, Point

_RTOL = 1e-9 if EXTENDED else 1e-6


_FINER = 256  # how many times long numbers are more exact, to be on the safe side


def same_at(point: Point, finely: bool = False) -> bool:
    """Whether the formula is the gradient here, wherever both have a value.

    Args:
        point: where.
        finely: to within what rounding does to long numbers.

    What ordinary and long numbers disagree on is rounding. An overflow is no disagreement, but
    where nothing has a value nothing agrees.
    """
    near, long = point.shaken(0), point.extended()
    values = [point.gradient, near.gradient, long.gradient, point.hand, near.hand, long.hand]
    g, off, right, h, away, hand = (np.broadcast_to(v, point.wrt.shape) for v in values)
    known = np.isfinite(right) & np.isfinite(hand)
    with np.errstate(invalid="ignore"):
        apart = [x - y for x, y in ((g, right), (off, right), (h, hand), (away, hand))]
        lost = sum(np.nan_to_num(np.abs(x), posinf=0.0) for x in apart)
        size = np.abs(right) + np.abs(hand)
        allowed = 4e-18 * size + lost / _FINER if finely and EXTENDED else _RTOL * size + 4 * lost
        return bool(known.any() and np.all((np.abs(right - hand) <= allowed)[known]))
