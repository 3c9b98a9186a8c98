"""Labels: whole numbers that name classes, checked where they come in."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DtypeError, ShapeError, describe, explain
from ..graph import known, primitive
from . import samples


def check_labels(labels: Any, classes: int, asked: str) -> Any:
    """The labels, as integers to index with; an error that names who asked if one is no class."""
    array = np.asanyarray(labels)
    if array.dtype.kind not in "iu" and array.size:
        raise DtypeError(
            explain(f"{asked}: labels must be integers", describe(array), "labels.astype(int)")
        )
    if not known(array):
        return array.astype(np.intp)
    if array.size and not (array.min() >= 0 and array.max() < classes):
        raise ShapeError(
            explain(
                f"{asked}: labels must be from 0 to {classes - 1}",
                f"labels from {array.min()} to {array.max()}",
                f"{classes} classes; labels that count from 1 want labels - 1",
            )
        )
    return array.astype(np.intp)


checked_labels = primitive(
    "checked_labels", check_labels,
    text="{0}", latex="{0}", code="{0}",
    sample=samples.data(np.array([0, 2, 1]), classes=3, asked="labels"),
)  # fmt: skip
