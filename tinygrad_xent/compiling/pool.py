"""Memory for the results of a program, which is used again as soon as nobody holds the result."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..graph import Tensor
from ..memory import reused

_LARGE = 1 << 16  # bytes from which it is worth the bookkeeping


class Pool:
    """Memory for the results of one program."""

    def __init__(self, outputs: Sequence[Tensor]) -> None:
        sizes = [o.size * o.dtype.itemsize for o in outputs]
        self._kinds = [(o.shape, o.dtype) if size >= _LARGE else None
                       for o, size in zip(outputs, sizes, strict=True)]  # fmt: skip
        self._is_idle = not any(self._kinds)

    def take(self) -> tuple[np.ndarray | None, ...] | None:
        """For each result an array of the right kind that nobody holds, or None."""
        if self._is_idle:
            return None
        return tuple([reused(*kind) if kind else None for kind in self._kinds])
