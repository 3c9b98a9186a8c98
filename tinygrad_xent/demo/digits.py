"""Handwritten digits: the 1,797 images of 8 by 8 pixels that come with scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .extras import extra

CLASSES = 10
TRAINING_SHARE = 0.8

ATTRIBUTES = {
    "even": (0, 2, 4, 6, 8),
    "prime": (2, 3, 5, 7),
    "five or more": (5, 6, 7, 8, 9),
    "has a closed loop": (0, 6, 8, 9),
}
"""What the multi-label problem asks of a digit, and the digits of which it is true."""


@dataclass(frozen=True)
class Split:
    """Images as rows of 64 numbers from 0 to 1, and their labels."""

    images: Any
    labels: Any


def load(seed: int = 0) -> tuple[Split, Split]:
    """The training and the test images, divided at random but always alike."""
    images, labels = extra("sklearn.datasets", "scikit-learn").load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(labels))
    cut = int(TRAINING_SHARE * len(labels))
    train, test = (Split(images[i] / 16, labels[i]) for i in (order[:cut], order[cut:]))
    return train, test


def attributes(labels: Any) -> Any:
    """One column per attribute: 1.0 where it is true of the digit."""
    return np.stack([np.isin(labels, digits) for digits in ATTRIBUTES.values()], axis=1) * 1.0
