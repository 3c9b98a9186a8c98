"""Softmax with cross-entropy as a numba kernel written by hand: what there is to be reached.

The exponential is a polynomial, so that LLVM can do several at once; that of the C library would be
called for each entry. exp(x) = 2^k exp(r) with k whole and |r| <= log(2)/2. A row is exponentiated
as it is; only if its sum says that this went wrong, it is done again with its maximum taken off.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..case import Call, MissingError
from ._tasks import Task

_LOG2E, _LN2 = np.float32(1.4426950408889634), np.float32(0.6931471805599453)
_LEAST, _MOST = np.float32(-87.0), np.float32(88.0)  # beyond these 2^k is no float32
_SMALL, _LARGE = np.float32(1e-30), np.float32(1e30)
_POLYNOMIAL = [np.float32(1 / n) for n in (5040, 720, 120, 24, 6, 2, 1, 1)]  # Taylor's series


def kernel(task: Task, shape: tuple[int, ...], dtype: str) -> Call:
    """The value and gradient into memory that is there already."""
    if dtype != "float32":
        raise MissingError("written for float32")
    z, y = task.data(shape, dtype)
    g, partial_sums = np.empty_like(z), np.empty(len(z), np.float32)
    run = _compiled()
    return lambda: (run(z, y, g, partial_sums), g)


def _compiled() -> Any:
    from numba import njit, prange

    a7, a6, a5, a4, a3, a2, a1, a0 = _POLYNOMIAL
    half, one = np.float32(0.5), np.float32(1)

    @njit(inline="always")
    def exp(x: Any) -> Any:
        x = min(max(x, _LEAST), _MOST)
        k = np.floor(x * _LOG2E + half)
        r = x - k * _LN2
        e = ((((((a7 * r + a6) * r + a5) * r + a4) * r + a3) * r + a2) * r + a1) * r + a0
        bits = (np.int32(k) + np.int32(127)) << np.int32(23)
        return e * np.int32(bits).view(np.float32)

    @njit(inline="always")
    def exponentiate(row: Any, shift: Any, out: Any) -> Any:
        total = np.float32(0)
        for j in range(len(row)):
            e = exp(row[j] - shift)
            out[j] = e
            total += e
        return total

    @njit(parallel=True, fastmath={"contract", "reassoc", "nnan", "nsz"})
    def run(z: Any, y: Any, g: Any, losses: Any) -> Any:
        for i in prange(len(z)):
            shift = np.float32(0)
            total = exponentiate(z[i], shift, g[i])
            if not _SMALL < total < _LARGE:
                shift = z[i].max()
                total = exponentiate(z[i], shift, g[i])
            scale = one / total
            for j in range(z.shape[1]):
                g[i, j] *= scale
            g[i, y[i]] -= one
            losses[i] = np.log(total) - (z[i, y[i]] - shift)
        return losses.sum()

    return run
