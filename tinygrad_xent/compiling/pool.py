"""Memory for results, used again as soon as nobody holds the result any more.

A fresh array costs as much as the computation where it is large, because the machine hands it out
page by page. An array that only the pool refers to belongs to nobody: not to a caller, and not to a
view of it, which would refer to its memory.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Tensor

_LARGE = 1 << 16  # bytes from which it is worth the bookkeeping
_KEPT = 2  # arrays for each result: one that the caller still holds, and one to write into


def empty(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """np.empty from the start of a cache line, where NumPy's loops are up to twice as fast."""
    memory = np.empty(int(np.prod(shape)) * np.dtype(dtype).itemsize + 64, np.uint8)
    start = -memory.__array_interface__["data"][0] % 64
    return np.ndarray(shape, dtype, memory, start)


class Pool:
    """Memory for the results of one program."""

    def __init__(self, outputs: Sequence[Tensor]) -> None:
        self._kinds = [_kind(o) for o in outputs]
        self._arrays: list[list[np.ndarray]] = [[] for _ in outputs]
        self._lock = threading.Lock()
        self._is_idle = not any(self._kinds)

    def take(self) -> tuple[np.ndarray | None, ...] | None:
        """For each result an array of the right kind that nobody holds, or None."""
        if self._is_idle:
            return None
        with self._lock:
            return tuple(
                _unused(kind, arrays) if kind else None
                for kind, arrays in zip(self._kinds, self._arrays, strict=True)
            )


def _kind(output: Tensor) -> tuple[tuple[int, ...], Any] | None:
    bytes_ = output.size * output.dtype.itemsize
    return (output.shape, output.dtype) if bytes_ >= _LARGE else None


def _unused(kind: Any, arrays: list[np.ndarray]) -> np.ndarray:
    """The first that only the list refers to, and the count of references itself does."""
    for i in range(len(arrays)):
        if _references(arrays, i) <= _ALONE:
            return arrays[i]
    fresh = empty(*kind)
    if len(arrays) >= _KEPT:
        arrays.pop(0)
    arrays.append(fresh)
    return fresh


def _references(arrays: list[np.ndarray], i: int) -> int:
    """How many there are to an array of a list and to its memory, to which views of it refer."""
    return sys.getrefcount(arrays[i]) + sys.getrefcount(arrays[i].base)


_ALONE = _references([empty((1,), float)], 0)
