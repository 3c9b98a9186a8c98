"""Random inputs: logits of all sizes, with ties and masks, and targets of three kinds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

SCALES = tuple(10.0**k for k in range(-3, 5))
ROWS = {2: 680, 3: 480, 10: 600, 100: 200, 1000: 40}
"""For each number of classes, how many rows: 2,000 in all."""
QUICK = {3: 16, 10: 16}
HVP_CLASSES = 10
"""Products with the Hessian are compared at this number of classes only: they are slow to check."""


@dataclass(frozen=True)
class Batch:
    """Rows with one number of classes, in one type of floating point.

    Attributes:
        logits: (B, C); a quarter of the rows has -inf at some entries other than the label's.
        labels: (B,); in half of the rows the largest logit's, as for a fitted model.
        dense: (B, C) targets that sum to 1 but for rounding, and are 0 where a logit is -inf.
        along: (B, C), what the Hessian is multiplied with.
    """

    logits: Any
    labels: Any
    dense: Any
    along: Any

    @property
    def one_hot(self) -> Any:
        rows = self.labels[:, None] == np.arange(self.logits.shape[1])
        return rows.astype(self.logits.dtype)

    def targets(self, kind: str) -> Any:
        """Targets as `labels` or `dense`; all other kinds are rows with a single 1."""
        return {"labels": self.labels, "dense": self.dense}.get(kind, self.one_hot)


def batches(dtype: str, quick: bool = False) -> Iterator[Batch]:
    """The inputs of the benchmark: the same whenever they are drawn.

    >>> [batch.logits.shape for batch in batches("float32", quick=True)]
    [(16, 3), (16, 10)]
    """
    rng = np.random.default_rng(0)
    for classes, rows in (QUICK if quick else ROWS).items():
        yield _draw(rng, rows, classes, dtype)


def _draw(rng: np.random.Generator, rows: int, classes: int, dtype: str) -> Batch:
    z = rng.normal(size=(rows, classes))
    z[1::4] = np.round(2 * z[1::4]) / 2  # ties
    z *= np.resize(SCALES, rows)[rng.permutation(rows), None]
    labels = np.where(np.arange(rows) % 8 < 4, z.argmax(axis=1), rng.integers(classes, size=rows))
    masked = rng.random(z.shape) < 0.25
    masked[np.arange(rows) % 4 != 2] = False
    masked[np.arange(rows), labels] = False
    dense = np.where(masked, 0, rng.gamma(0.5, size=z.shape) + 1e-12)
    dense /= dense.sum(axis=1, keepdims=True)
    z, dense, along = (a.astype(dtype) for a in (z, dense, rng.normal(size=z.shape)))
    z[masked] = -np.inf
    return Batch(z, labels, dense, along)
