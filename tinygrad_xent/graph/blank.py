"""Values that are not there yet: what a function is traced with before it is compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_SAME_SHAPE = frozenset({np.copy, np.zeros_like, np.ones_like, np.empty_like})


class Blank(np.ndarray):
    """An array with a shape and a dtype, and one number of memory however large it is.

    Operations give a blank of the shape and dtype that they would have had, so a function can be
    recorded without computing anything. What is asked about the entries is answered with the worst:
    there may be a zero among them, and there may be a NaN.

    >>> x = Blank.of((4096, 50257), np.float32)
    >>> (x @ np.ones((50257, 2), np.float32)).shape
    (4096, 2)
    """

    @staticmethod
    def of(shape: tuple[int, ...], dtype: Any, entry: float = 0) -> Blank:
        """A blank of this shape and dtype; an entry of 1 says that all are known to be 1."""
        return np.broadcast_to(np.asarray(entry, dtype), shape).view(Blank)

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        shapes = [np.shape(a) for a in args]
        if method == "at":
            return None
        if method == "reduce":
            axis = kwargs.get("axis", args[1] if len(args) > 1 else 0)
            return _reduced(ufunc, self, axis, kwargs.get("keepdims", False))
        shape = _product(*shapes) if ufunc is np.matmul else np.broadcast_shapes(*shapes)
        return Blank.of(shape, _dtype(ufunc, args))

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func in _SAME_SHAPE:
            return Blank.of(kwargs.get("shape", args[0].shape), kwargs.get("dtype", args[0].dtype))
        if func in _SHAPES:
            return Blank.of(*_SHAPES[func](*args, **kwargs))
        if func is np.put_along_axis:
            return None
        if func is np.vdot:
            return float("nan")
        plain = [np.asarray(a) if isinstance(a, Blank) else a for a in args]
        with np.errstate(all="ignore"):
            result = func(*plain, **kwargs)
        return Blank.of(result.shape, result.dtype) if isinstance(result, np.ndarray) else result

    def __setitem__(self, index: Any, value: Any) -> None:
        np.broadcast_to(value, self[index].shape)

    def __getitem__(self, index: Any) -> Any:
        plain = np.asarray(self)[index]
        return Blank.of(plain.shape, plain.dtype)

    def __repr__(self) -> str:
        return f"{self.dtype} {self.shape}, no numbers yet"

    def astype(self, dtype: Any, *_: Any, **__: Any) -> Any:
        return Blank.of(self.shape, dtype)

    def argmax(self, axis: Any = None, *_: Any, **__: Any) -> Any:
        return np.argmax(self, axis)

    def all(self, *_: Any, **__: Any) -> Any:
        """Whether no entry is zero for sure."""
        return bool(np.asarray(self).flat[0]) if self.size else True


def known(*values: Any) -> bool:
    """Whether all have numbers to look at, and not places for those of a later call."""
    return Blank not in map(type, values)


def veiled(x: Any, *others: Any) -> Any:
    """x, but without its numbers if one of the others has none, since the result has none either.

    NumPy asks an array what it does with others, except when these are its indices.
    """
    return x if known(*others) else Blank.of(np.shape(x), np.result_type(x))


def _dtype(ufunc: Any, args: Any) -> Any:
    """The dtype that the operation has, found by doing it once, on ones."""
    single = [np.ones((1, 1) if ufunc is np.matmul else 1, a.dtype)
              if isinstance(a, (np.ndarray, np.generic)) else a for a in args]  # fmt: skip
    with np.errstate(all="ignore"):
        return ufunc(*single).dtype


def _reduced(ufunc: Any, x: Any, axis: Any, keepdims: bool) -> Blank:
    small = np.ones((1,) * x.ndim, x.dtype)
    dtype = ufunc.reduce(small, axis, keepdims=True).dtype
    along = range(x.ndim) if axis is None else np.atleast_1d(axis) % max(x.ndim, 1)
    if ufunc.identity is None and any(x.shape[a] == 0 for a in along):
        raise ValueError("a reduction that has no value for no entries")
    kept = [1 if i in along else n for i, n in enumerate(x.shape)]
    dropped = [n for i, n in enumerate(x.shape) if i not in along]
    return Blank.of(tuple(kept if keepdims else dropped), dtype)


def _product(x: tuple[int, ...], y: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a matrix product."""
    if not x or not y or x[-1] != y[-2:][0]:
        raise ValueError(f"shapes {x} and {y} do not fit a matrix product")
    if len(x) == 1 or len(y) == 1:
        return x[:-1] + y[:-2] + y[-1:] * (len(y) > 1)
    return (*np.broadcast_shapes(x[:-2], y[:-2]), x[-2], y[-1])


def _where(c: Any, x: Any, y: Any) -> tuple[Any, Any]:
    return np.broadcast_shapes(np.shape(c), np.shape(x), np.shape(y)), np.result_type(
        *(a.dtype if hasattr(a, "dtype") else a for a in (x, y))
    )


def _concatenate(parts: Any, axis: int = 0) -> tuple[Any, Any]:
    shape = list(parts[0].shape)
    for p in parts[1:]:
        if [*p.shape[:axis], *p.shape[axis + 1 :]] != [*shape[:axis], *shape[axis + 1 :]]:
            raise ValueError("the parts differ in length along another axis")
        shape[axis] += p.shape[axis]
    return tuple(shape), np.result_type(*(p.dtype for p in parts))


def _argmax(x: Any, axis: int | None = None) -> tuple[Any, Any]:
    return _reduced(np.add, x, axis, False).shape, np.intp


def _extreme(x: Any, axis: Any = None, keepdims: bool = False) -> tuple[Any, Any]:
    return _reduced(np.maximum, x, axis, keepdims).shape, x.dtype


_SHAPES: dict[Any, Callable[..., tuple[Any, Any]]] = {
    np.where: _where,
    np.concatenate: _concatenate,
    np.argmax: _argmax,
    np.max: _extreme,
    np.min: _extreme,
}
