"""Memory for large arrays, used again as soon as nobody refers to the array in it any more.

The system hands memory out page by page, and for a large array that takes longer than the
arithmetic. What is kept is bounded twice: by `KEPT`, and because fresh memory comes in place of
what is free. So used and kept memory together never take more than was in use at once.
"""

from __future__ import annotations

import threading
import weakref
from functools import partial
from math import prod
from typing import Any

import numpy as np

KEPT = 2**29  # bytes that are kept at most while nobody uses them


def empty(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """np.empty from the start of a cache line, where NumPy's loops are up to twice as fast."""
    memory = np.empty(int(np.prod(shape)) * np.dtype(dtype).itemsize + 64, np.uint8)
    start = -memory.__array_interface__["data"][0] % 64
    return np.ndarray(shape, dtype, memory, start)


def reused(shape: tuple[int, ...], dtype: np.dtype[Any], kind: Any = np.ndarray) -> Any:
    """An array of some kind to write into. It may have been used before: its entries are anything.

    >>> x = reused((2, 3), np.dtype(float))
    >>> x.shape, x.dtype
    ((2, 3), dtype('float64'))
    """
    if dtype.hasobject:  # what was left there are no objects
        return np.empty(shape, dtype).view(kind)
    memory = _take(prod(shape) * dtype.itemsize)
    # Every view refers to the array at the end of its chain of bases. This is that array: its own
    # base is no array. So it goes when the last view has gone, and the memory stays.
    last: np.ndarray = np.frombuffer(memory, np.uint8)
    _used[id(memory)] = weakref.ref(last, partial(_give, memory))
    return kind(shape, dtype, last)


def release() -> None:
    """Give the memory that is kept, and that nobody uses, back to the system.

    >>> release()
    """
    with _busy:
        _free.clear()


_free: dict[int, list[memoryview]] = {}  # by size; where some was left last comes last
_used: dict[int, Any] = {}  # who tells when the last array in some memory has gone
_busy = threading.Lock()  # whoever finds it taken does without: nobody waits


def _take(size: int) -> memoryview:
    if _busy.acquire(blocking=False):
        try:
            if _free.get(size):
                return _free[size].pop()
            _drop(size)
        finally:
            _busy.release()
    return empty((size,), np.uint8).data


def _give(memory: memoryview, _: Any) -> None:
    """May come at any time, even in the midst of `_take`: from the cyclic collector."""
    _used.pop(id(memory), None)
    if _busy.acquire(blocking=False):
        try:
            _free[memory.nbytes] = [*_free.pop(memory.nbytes, ()), memory]
            _drop(sum(size * len(free) for size, free in _free.items()) - KEPT)
        finally:
            _busy.release()


def _drop(size: int) -> None:
    """Give so many bytes back to the system or more, first of a size that was not left for long."""
    while size > 0 and _free:
        oldest = next(iter(_free))
        if _free[oldest]:
            _free[oldest].pop()
            size -= oldest
        else:
            del _free[oldest]
