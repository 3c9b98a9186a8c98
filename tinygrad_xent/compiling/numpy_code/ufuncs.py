"""Elementwise operations as NumPy's ufuncs, with the dtype that a node has."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph import PRIMITIVES
from ..planning.values import Value

_CALLED = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "neg": np.negative,
    "abs": np.absolute, "equal": np.equal, "not_equal": np.not_equal, "less": np.less,
    "less_equal": np.less_equal, "greater": np.greater, "greater_equal": np.greater_equal,
    "logical_and": np.logical_and, "logical_or": np.logical_or, "logical_not": np.logical_not,
}  # fmt: skip


def ufunc_of(op: str) -> np.ufunc | None:
    """The ufunc that computes a primitive, if one does."""
    array = PRIMITIVES[op].array if op in PRIMITIVES else None
    found = array if isinstance(array, np.ufunc) else _CALLED.get(op)
    return found if found is not None and getattr(np, found.__name__, None) is found else None


def natural(value: Value, weak: tuple[bool, ...] | None = None) -> Any:
    """The dtypes that NumPy computes an elementwise value with, arguments first.

    Args:
        value: of an operation that is a ufunc.
        weak: which arguments are taken for Python numbers; by default those that are.
    """
    ufunc = ufunc_of(value.op)
    assert ufunc is not None
    flags = tuple(a.weak for a in value.args) if weak is None else weak
    given = [_kind(a) if w else a.dtype for a, w in zip(value.args, flags, strict=True)]
    return ufunc.resolve_dtypes((*given, None))


def forced(value: Value) -> bool:
    """Whether NumPy left to itself would choose another dtype than the node's."""
    return bool(natural(value)[-1] != value.dtype)


def may_be_weak(value: Value, place: int) -> bool:
    """Whether a constant among the arguments can be written as a plain number."""
    flags = [a.weak for a in value.args]
    flags[place] = True
    return bool(natural(value) == natural(value, tuple(flags)))


def _kind(value: Value) -> Any:
    """The type of a Python number, as which a value is taken."""
    if value.op == "constant" and value.weak and type(value.data) is not bool:
        return type(value.data)
    return {"f": float, "i": int, "u": int}.get(value.dtype.kind, value.dtype)
