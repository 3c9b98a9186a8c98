"""A sum of exponentials as the whole of which each of them is a part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...graph import Tensor
from ...ops import exp, log, log1p, max, others, stop_gradient, sum, where
from .monomials import Exponents, exponential, spread


@dataclass(frozen=True)
class Whole:
    """What is known of a sum S of exponentials e.

    Attributes:
        exponents: what one of them has in its exponent.
        rest: S - e, the sum of the others.
        log_rest: makes the logarithm of that, which is finite where `rest` is too small a number.
    """

    exponents: Exponents
    rest: Any
    log_rest: Callable[[], Any]

    def log_share_of_rest(self, total: Any) -> Any:
        """log(1 - e / S), by what keeps its digits: there are few of e, or few of the rest."""
        e, rest = spread(exponential(self.exponents), self.rest.shape), self.rest
        return where(e < rest, -log1p(e / rest), self.log_rest() - log(total))

    def moved(self, exponents: Exponents, move: Callable[[Any], Any]) -> Whole:
        """The same of entries that are in other places."""
        return Whole(exponents, move(self.rest), lambda: move(self.log_rest()))


def whole(exponents: Exponents, part: Tensor, axis: int) -> Whole:
    """The sum along an axis of exponentials, of which the largest is 1."""
    rest = others(part, axis)
    return Whole(exponents, rest, lambda: _log_of_others(part, rest, axis))


def _log_of_others(part: Tensor, rest: Any, axis: int) -> Any:
    """log(S - e). For the largest e, it is that of the others, over the largest of these."""
    (x,) = part.args
    smaller = where(x < 0, x, -np.inf)
    second = stop_gradient(max(smaller, axis, keepdims=True))
    second = where(second == -np.inf, 0.0, second)  # there are no smaller ones
    of_smaller = second + log(sum(exp(smaller - second), axis, keepdims=True))
    alone = sum(where(x < 0, 0.0, 1.0), axis, keepdims=True) == 1
    return where(x < 0, log(rest), where(alone, of_smaller, log(rest)))
