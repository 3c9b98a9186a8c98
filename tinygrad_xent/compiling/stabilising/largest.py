"""The largest exponent of a sum of exponentials, by which it is shifted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...graph import shape_of
from ...ops import max, minimum, squeeze, stop_gradient, where
from .knowing import is_positive
from .monomials import Monomial, spread


def largest_exponent(
    intern: Callable[[Any], Any], exponent: Any, x: Monomial, axis: tuple[int, ...]
) -> tuple[Any, Any]:
    """The exponents of what is there at all, and the largest of them along the axes.

    Args:
        exponent: the exponents of a sum.
        x: what is summed. A term whose weight is zero is not there.
    """
    exponent = intern(spread(exponent, x.shape))
    doubtful = tuple(f for f in x.above if not is_positive(f))
    if not doubtful:
        return exponent, intern(trimmed(stop_gradient(max(exponent, axis, keepdims=True))))
    weight = Monomial(x.shape, 1.0, doubtful).ordinary()
    there = intern(where(weight == 0, -np.inf, exponent))
    largest = max(there, axis, keepdims=True)
    finite = stop_gradient(where(largest == -np.inf, 0.0, largest))  # nothing is there
    absent = minimum(exponent, finite + _room(exponent))
    return intern(where(weight == 0, absent, exponent)), intern(trimmed(finite))


def _room(exponent: Any) -> float:
    """How far above the largest the exponent of a weight of 0 may be, as that of its slope is."""
    return float(np.floor(0.98 * np.log(np.finfo(exponent.dtype).max)))


def trimmed(x: Any) -> Any:
    """Without leading axes of length 1, which broadcasting brings back."""
    shape = shape_of(x)
    ones = next((i for i, n in enumerate(shape) if n != 1), len(shape))
    return squeeze(x, tuple(range(ones)))
