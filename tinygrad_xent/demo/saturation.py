"""What reaches a logit that has gone far out, for each loss: limits, found symbolically.

z   logits        y   target        T   temperature        e   how much is smoothed
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tinygrad_xent as tx


@dataclass(frozen=True)
class Saturation:
    """A loss, and what its gradient at a logit tends to as that logit goes to either infinity."""

    loss: str
    rising: str
    falling: str

    @property
    def stuck(self) -> bool:
        """Whether nothing comes back, whatever the target is."""
        return self.rising == self.falling == "0"


Loss = Callable[[Any, Any, Any, Any], Any]

LOSSES: dict[str, Loss] = {
    "softmax, cross-entropy": lambda z, y, T, e: -tx.sum(y * tx.log(tx.softmax(z))),
    "… at temperature T": lambda z, y, T, e: -tx.sum(y * tx.log(tx.softmax(z / T))),
    "… with smoothed labels": lambda z, y, T, e: -tx.sum(
        ((1 - e) * y + e / 2) * tx.log(tx.softmax(z))
    ),
    "… focal": lambda z, y, T, e: -tx.sum(y * (1 - tx.softmax(z)) ** 2 * tx.log(tx.softmax(z))),
    "softmax, squared error": lambda z, y, T, e: tx.sum((tx.softmax(z) - y) ** 2) / 2,
    "softmax, absolute error": lambda z, y, T, e: tx.sum(tx.abs(tx.softmax(z) - y)),
    "sigmoid, cross-entropy": lambda z, y, T, e: tx.sum(
        tx.binary_cross_entropy(y, tx.sigmoid(z))
    ),
    "sigmoid, squared error": lambda z, y, T, e: tx.sum((tx.sigmoid(z) - y) ** 2) / 2,
}  # fmt: skip


def saturations() -> list[Saturation]:
    """The limits for each loss, of two classes.

    >>> row = saturated("softmax, squared error", LOSSES["softmax, squared error"])
    >>> row.rising, row.falling, row.stuck
    ('0', '0', True)
    """
    return [saturated(name, loss) for name, loss in LOSSES.items()]


def saturated(name: str, loss: Loss) -> Saturation:
    """What the first logit receives as it goes to plus and to minus infinity."""
    z, y = tx.tensor([0.3, -0.4], name="z"), tx.tensor([0.35, 0.65], name="y")
    T, e = tx.tensor(2.0, name="T"), tx.tensor(0.1, name="e")
    targets = [tx.Simplex(y)] if "softmax" in name or "…" in name else []
    found = tx.limits(loss(z, y, T, e), z, of=0, assume=[*targets, tx.Positive(T)])
    return Saturation(name, found[0, "+inf", 0], found[0, "-inf", 0])
