"""How far what came out is from what it should be."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .exact import Truth


@dataclass
class Errors:
    """The errors of a system at one family and one kind of floating point, over all inputs.

    Attributes:
        value, gradient, product: one number for each component: its error relative to the
            `Truth.scale` of that component, infinite where the result is not finite.
        lost: how many components are not finite, of those that should be.
        sums: for each row the sum of the gradient's components, relative to their scales.
    """

    value: Any = field(default_factory=lambda: np.zeros(0))
    gradient: Any = field(default_factory=lambda: np.zeros(0))
    product: Any = field(default_factory=lambda: np.zeros(0))
    lost: int = 0
    sums: Any = field(default_factory=lambda: np.zeros(0))

    @property
    def worst(self) -> float:
        """Of all values and gradients."""
        return float(max(self.value.max(), self.gradient.max()))


def compare(parts: list[Any], truths: list[list[Truth]], dtype: str, title: str) -> Errors:
    """What a system gave for each batch, against the truth."""
    errors = Errors()
    for got, want in zip(parts, truths, strict=True):
        for name, number, truth in zip(("value", "gradient", "product"), got, want, strict=False):
            error = relative(number, truth, dtype)
            errors.lost += int(np.isinf(error).sum())
            setattr(errors, name, np.append(getattr(errors, name), error))
        if title.startswith("softmax"):
            errors.sums = np.append(errors.sums, _sums(got[1], want[1], dtype))
    return errors


def relative(number: Any, truth: Truth, dtype: str) -> Any:
    """The errors of all components that can be represented, one after the other.

    Below the smallest normal number they are relative to that: subnormal numbers have fewer digits.
    """
    if number.shape != truth.high.shape:
        raise ValueError(f"{number.shape} is not the shape {truth.high.shape}")
    limits = np.finfo(dtype)
    within = np.abs(truth.high) <= float(limits.max)
    number, high = number[within].astype(np.float64), truth.high[within]
    off = np.abs((number - high) - truth.low[within])
    error = off / np.maximum(truth.scale[within], float(limits.tiny))
    return np.where(np.isfinite(number), error, np.inf)


def _sums(gradient: Any, truth: Truth, dtype: str) -> Any:
    """The components of each row are added exactly: `fsum`. Rows that should not be finite go."""
    rows = np.isfinite(truth.high).all(axis=1) & np.isfinite(gradient).all(axis=1)
    totals = [abs(math.fsum(row)) for row in gradient[rows].astype(np.float64)]
    return totals / np.maximum(truth.scale[rows].sum(axis=1), float(np.finfo(dtype).tiny))
