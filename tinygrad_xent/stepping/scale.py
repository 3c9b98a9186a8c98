"""Colours for sizes: a log scale of the norms of cotangents, readable by the colour-blind."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from .numbers import Numbers

STEPS = 7  # colours, from dark blue over green to yellow: lightness alone tells them apart
NONE, ODD = "none", "odd"  # a norm of 0; NaN or an infinity


@dataclass(frozen=True)
class Scale:
    """Powers of ten from `low` to `high`, in seven steps."""

    low: float
    high: float

    def step(self, numbers: Numbers) -> str:
        """The class of the colour: s0 to s6, none, or odd.

        >>> from tinygrad_xent.stepping.numbers import numbers
        >>> scale = Scale(-3.0, 3.0)
        >>> [scale.step(numbers(x)) for x in (1e-3, 1.0, 1e3, 0.0, math.nan)]
        ['s0', 's3', 's6', 'none', 'odd']
        """
        if not numbers.finite:
            return ODD
        return f"s{round(self.place(numbers.norm) * (STEPS - 1))}" if numbers.norm else NONE

    def place(self, norm: float) -> float:
        """Where a norm lies: 0 at the low end, 1 at the high one."""
        return min(1.0, max(0.0, (math.log10(norm) - self.low) / (self.high - self.low)))


def scale(norms: Iterable[float]) -> Scale:
    """The scale that has room for these norms, with whole powers of ten at its ends."""
    logs = [math.log10(n) for n in norms if n > 0]
    low, high = math.floor(min(logs, default=0)), math.ceil(max(logs, default=0))
    return Scale(float(low), float(high if high > low else low + 1))
