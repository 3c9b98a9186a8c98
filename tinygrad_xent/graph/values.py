"""What a node may hold: numbers, and arrays that nobody else can change."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from ..errors import DtypeError, NotSupportedError, ShapeError, describe, explain
from ..memory import reused
from .large import LARGE, Large

_FLOAT64 = np.dtype(np.float64)
_FLOATS = frozenset({float, np.float64, np.float32})
_NUMBERS = _FLOATS | {int, bool}


def shape_of(value: Any) -> tuple[int, ...]:
    return getattr(value, "shape", ())


def numbers(x: Any) -> Any:
    """The value of a Tensor; anything else as it is."""
    return getattr(x, "_value", x)


def dtype_of(value: Any) -> np.dtype[Any]:
    """The dtype of a value; Python numbers count as float64 (and booleans as bool)."""
    kind = type(value)
    if kind is np.ndarray or kind is np.float64:
        return value.dtype  # type: ignore[no-any-return]
    if kind is float or kind is int:
        return _FLOAT64
    return value.dtype if hasattr(value, "dtype") else np.asarray(value).dtype


def is_float(value: Any) -> bool:
    """Whether a gradient with respect to this value means anything."""
    if type(value) is np.ndarray:
        return bool(value.dtype.kind == "f")
    return type(value) in _FLOATS or dtype_of(value).kind == "f"


def constant(value: Any, asked: str = "tensor") -> Any:
    """An operation's plain argument: a number as it is, anything else as an array of our own.

    Arrays are copied into memory that nothing can change in place: neither the caller through the
    array that was given, nor anyone through the one that the graph holds.
    """
    if type(value) in _NUMBERS:
        return value
    if type(value) is np.ndarray and value.dtype.kind in "fiub":
        return _frozen(value)
    if isinstance(value, np.ma.MaskedArray):
        raise NotSupportedError(
            explain(
                f"{asked}: the masked entries of an array have no value",
                describe(value),
                "a.filled(0.0), and tx.where(a.mask, 0.0, ...) in the formula",
            )
        )
    array = value if isinstance(value, (np.ndarray, np.generic)) else _from_sequence(value)
    if array.dtype.kind not in "fiub":
        raise DtypeError(
            explain(
                f"{asked}: numbers must be real",
                f"{type(value).__name__} of dtype {array.dtype}",
                "floating point for what is differentiated; integers and booleans as data",
            )
        )
    return array if isinstance(array, np.generic) else _frozen(array)


class _Memory(np.ndarray):
    """The memory of a large constant, which is reached through a read-only view of it only."""


def _frozen(array: np.ndarray) -> np.ndarray:
    base: Any = array.base
    while base is not None and isinstance(base, np.ndarray):
        base = base.base
    owner: Any = base.obj if type(base) is memoryview else base
    if type(owner) in (bytes, _Memory):
        return array  # a constant itself, or a view of one
    if array.nbytes < LARGE:
        return np.ndarray(array.shape, array.dtype, array.tobytes())
    memory: Any = reused(array.shape, array.dtype).view(_Memory)
    memory[...] = array
    fixed = np.frombuffer(memoryview(memory).toreadonly(), array.dtype)
    return fixed.reshape(array.shape).view(Large)


def _from_sequence(value: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
    except NotSupportedError:
        raise
    except (TypeError, ValueError) as error:
        raise ShapeError(
            explain("tensor: not a rectangular array of numbers", str(error), "rows of one length")
        ) from None
    real = array.dtype == object and all(isinstance(n, Real) for n in array.flat)
    return array.astype(np.float64) if real or array.dtype.kind in "iu" else array
