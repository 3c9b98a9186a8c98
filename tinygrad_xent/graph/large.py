"""Large values: arrays whose operations write into memory that an earlier value has left.

Rules and operations are written as for any array, and small ones do not pay for it.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from numpy import ndarray

from ..memory import reused

LARGE = 2**20  # bytes from which this is worth the bookkeeping
_CACHED = 2**18  # bytes that stay in the cache of a processor
Shape = tuple[int, ...]


class Large(ndarray):
    """An array of `LARGE` bytes or more inside a graph. Callers get `plain` arrays.

    >>> x = np.ones((512, 512)).view(Large)
    >>> type(x * x).__name__, type(plain(x * x)).__name__
    ('Large', 'ndarray')
    """

    def __array_ufunc__(self, ufunc: Any, method: Any, *args: Any, **kwargs: Any) -> Any:
        args = tuple([plain(a) for a in args])
        if method == "__call__" and not kwargs:
            result = _computed(ufunc, args)
            if result is not None:
                return result
        if "out" not in kwargs:
            return super().__array_ufunc__(ufunc, method, *args, **kwargs)
        given = kwargs["out"]
        kwargs["out"] = tuple([plain(out) for out in given])
        made = super().__array_ufunc__(ufunc, method, *args, **kwargs)
        if len(given) == 1:
            return given[0]
        return tuple([y if out is None else out for out, y in zip(given, made, strict=True)])

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        out = _chosen(*[plain(a) for a in args]) if func is np.where and len(args) == 3 else None
        return as_large(
            super().__array_function__(func, types, args, kwargs) if out is None else out
        )


def as_large(x: Any) -> Any:
    """An array of `LARGE` bytes or more as one of this class; anything else as it is."""
    return x.view(Large) if type(x) is ndarray and x.nbytes >= LARGE else x


def plain(x: Any) -> Any:
    """The same array as one of NumPy's own class; anything else as it is."""
    return x.view(ndarray) if type(x) is Large else x


def zeros(shape: Shape, dtype: np.dtype[Any]) -> ndarray:
    """np.zeros, for a large array in memory used before."""
    if prod(shape) * dtype.itemsize < LARGE:
        return np.zeros(shape, dtype)
    out: ndarray = reused(shape, dtype, Large)
    out.fill(0)
    return out


def copied(x: ndarray) -> ndarray:
    """A copy for a caller."""
    if x.nbytes < LARGE:
        return np.array(x)
    copy: ndarray = reused(x.shape, x.dtype)
    copy[...] = x
    return copy


def is_own(x: ndarray) -> bool:
    """Whether the array can be changed, and is all that there is of what it shows."""
    flags: Any = x.flags
    return flags.writeable and (flags.owndata or (type(x) is Large and _is_whole(x.base)))


def _is_whole(base: Any) -> bool:
    """Whether a view of this shows all of its memory: memory of ours, or else of its own."""
    return type(base) is ndarray and (isinstance(base.base, memoryview) or base.flags.owndata)


# -- what an operation gives, or None where that is left to NumPy ---------------------------------


def _computed(ufunc: np.ufunc, args: tuple[Any, ...]) -> Any:
    kinds = [_kind(a) for a in args]
    shape = None if object in kinds else _shape(ufunc, args)
    dtype = None if shape is None else _dtype(ufunc, *kinds)
    out = None if shape is None or dtype is None else _memory(shape, dtype, args)
    if out is not None:
        ufunc(*args, out=plain(out))
    return out


def _shape(ufunc: np.ufunc, args: tuple[Any, ...]) -> Shape | None:
    if ufunc.signature is None:
        return np.broadcast(*args).shape
    if ufunc is np.matmul and all(np.ndim(a) == 2 for a in args):
        return (len(args[0]), args[1].shape[1])
    return None


def _chosen(c: Any, x: Any, y: Any) -> Any:
    """np.where, which takes no memory to write into: so of some rows, and these copied, in turn."""
    if object in map(_kind, (c, x, y)):
        return None
    shape, dtype = np.broadcast(c, x, y).shape, np.result_type(x, y)
    out = _memory(shape, dtype, (c, x, y))
    if out is None:
        return None
    choices = [a if type(a) is ndarray else np.asarray(a, dtype) for a in (x, y)]
    parts = [plain(out), *[np.broadcast_to(a, shape) for a in (c, *choices)]]
    if not out.flags.c_contiguous:
        parts = [part.T for part in parts]
    rows = max(1, len(parts[0]) * _CACHED // out.nbytes)
    for i in range(0, len(parts[0]), rows):
        written, *read = [part[i : i + rows] for part in parts]
        written[...] = np.where(*read)
    return out


def _kind(x: Any) -> Any:
    """What decides on the dtype of a result; Python's numbers take that of the others."""
    if type(x) is ndarray or isinstance(x, np.generic):
        return x.dtype
    return type(x) if type(x) in (float, int) else object


@lru_cache
def _dtype(ufunc: np.ufunc, *kinds: Any) -> np.dtype[Any] | None:
    try:
        (dtype,) = ufunc.resolve_dtypes((*kinds, *[None] * ufunc.nout))[ufunc.nin :]
    except (TypeError, ValueError):  # not for these, or of several results
        return None
    return dtype


def _memory(shape: Shape, dtype: np.dtype[Any], args: tuple[Any, ...]) -> Any:
    """An array whose axes lie in memory as those of the arguments do."""
    if prod(shape) * dtype.itemsize < LARGE:
        return None
    whole = [a for a in args if np.shape(a) == shape and any(a.strides)]
    if not whole or any(map(_lies_in_rows, whole)):
        return reused(shape, dtype, Large)
    in_columns = all(_lies_in_rows(a.T) for a in whole)
    return reused(shape[::-1], dtype, Large).T if in_columns else None


def _lies_in_rows(x: ndarray) -> bool:
    """Whether the steps from entry to entry are shortest along the last axis, longest along the
    first."""
    steps = [abs(n) for n in x.strides if n]
    return x.flags.c_contiguous or steps == sorted(steps, reverse=True)
