"""Operations against rounding, which exact arithmetic would not need.

Of an array with zeros at the places, `relative` is that array; of one whose rows have the sum 0,
so is `balanced`. What else they do is done to rounding errors, and makes each the transpose of the
other.
In every rule table: g the arriving cotangent, out the result, x the argument.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph import primitive, shape_of
from .shaping import shifted

SETTLING = frozenset({"relative", "balanced"})


class Places:
    """One entry of each of some rows of an array.

    Args:
        at: an array of whole numbers for each axis of the array.
        axis: the axes along which the rows lie.
    """

    __slots__ = ("at", "axis", "rows")

    def __init__(self, at: tuple[np.ndarray, ...], axis: tuple[int, ...]) -> None:
        self.at, self.axis = at, axis
        self.rows = tuple([where for i, where in enumerate(at) if i not in axis])

    def others(self, x: Any) -> tuple[Any, Any]:
        """A copy of x with zeros at the places, and the sums of their rows in it.

        >>> places = Places((np.array([1]), np.array([0])), (1,))
        >>> places.others(np.array([[1.0, 2.0], [3.0, 4.0]]))[1]
        array([4.])
        """
        rest = np.array(x)
        rest[self.at] = 0
        return rest, np.asarray(np.add.reduce(rest, self.axis))[self.rows]

    def in_each(self, n: int) -> Places:
        """The same places in each of `n` arrays, joined along a new axis in front."""
        which = np.repeat(np.arange(n), len(self.at[0]))
        return Places((which, *(np.tile(at, n) for at in self.at)), shifted(self.axis))


def _relative(x: Any, places: Places) -> Any:
    at = x[places.at]
    if not np.count_nonzero(at):
        return x
    base = np.zeros_like(x)
    base[places.at] = at
    out = x - np.add.reduce(base, places.axis, keepdims=True)
    out[places.at] = 0
    return out


def _balanced(x: Any, places: Places) -> Any:
    out, sums = places.others(x)
    out[places.at] = 0 - sums
    return out


def _with_zeros(rng: np.random.Generator) -> Any:
    mask = np.array([[0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]])
    return (rng.normal(size=(3, 4)) * (1 - mask),), {"places": Places(np.nonzero(mask), (1,))}


def _of_sum_zero(rng: np.random.Generator) -> Any:
    x = rng.normal(size=(3, 4))
    return (x - x.mean(0),), {"places": Places((np.array([1]), np.array([2])), (0,))}


relative = primitive(
    "relative", _relative,
    vjp=lambda g, _, x, places: (balanced(g, places=places),),
    rows=lambda x, places: relative(x, places=places.in_each(shape_of(x)[0])),
    text="{0}", latex="{0}", code="{0}", sample=_with_zeros,
)  # fmt: skip

balanced = primitive(
    "balanced", _balanced, selects=True,
    vjp=lambda g, _, x, places: (relative(g, places=places),),
    rows=lambda x, places: balanced(x, places=places.in_each(shape_of(x)[0])),
    text="{0}", latex="{0}", code="{0}", sample=_of_sum_zero,
)  # fmt: skip
