"""The arguments of a compiled function: what is numbers, and what a call is known by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy import ndarray

from ..errors import CompileError, DtypeError, describe, explain
from ..graph import Tensor, constant
from ..trees import flatten, is_numbers

_USUAL = frozenset(np.dtype(kind) for kind in "?bhilqBHILQefd")  # real, in this machine's order


def is_leaf(x: Any) -> bool:
    """Whether an argument is numbers, which may be others in the next call."""
    return isinstance(x, (np.ndarray, np.generic, float, Tensor, list))


def replaced(args: Any, kwargs: Any, new: list[Any]) -> tuple[Any, Any]:
    """The arguments with others in the places of their numbers."""
    given, rebuild = flatten((args, kwargs))
    rest = iter(new)
    args, kwargs = rebuild([next(rest) if is_leaf(x) else x for x in given])
    return args, kwargs


def signature(args: Iterable[Any], leaves: list[Any]) -> tuple[Any, ...]:
    """What arguments are looked up by; the arrays among them are added to the leaves.

    The entries of all arguments are in one row, which is made fast. The first entry of each, a
    shape or a type, tells how many it has.
    """
    found: list[Any] = []
    for arg in args:
        if type(arg) is ndarray and (dtype := arg.dtype) in _USUAL:
            leaves.append(arg)
            found.append(arg.shape)
            found.append(dtype)
        else:
            found += _entries(arg, leaves)
    return tuple(found)


def _entries(arg: Any, leaves: list[Any]) -> tuple[Any, ...]:
    """The part of a signature that stands for something other than a usual array."""
    if isinstance(arg, dict):
        kinds = tuple(map(type, arg))  # 1, 1.0 and True are equal as keys
        return dict, tuple(arg), kinds, signature(arg.values(), leaves)
    if isinstance(arg, tuple) or (isinstance(arg, list) and not is_numbers(arg)):
        return type(arg), signature(arg, leaves)
    if is_leaf(arg):
        leaf = _leaf(arg)
        leaves.append(leaf)
        if type(leaf) in (float, Tensor):
            return (type(leaf),)  # that of a Tensor is for no program: it is being recorded
        return leaf.shape, leaf.dtype
    _check_lasting(arg)
    return type(arg), arg


def _check_lasting(arg: Any) -> None:
    """Raise an error for what can be another thing in the next call without a sign."""
    try:
        hash(arg)
    except TypeError:
        problem = "an argument is neither numbers nor hashable"
    else:
        by_identity = getattr(type(arg), "__hash__", None) is object.__hash__
        if callable(arg) or not by_identity or not hasattr(arg, "__dict__"):
            return
        problem = "what an object holds may have changed by the next call"
    works = "arrays, numbers, strings, None; in tuples, lists and dicts"
    raise CompileError(explain(f"compile: {problem}", describe(arg), works)) from None


def _leaf(x: Any) -> Any:
    """A Tensor, a Python float, or an array in this machine's byte order."""
    if isinstance(x, Tensor):
        return x
    if isinstance(x, float) and not isinstance(x, np.generic):
        return float(x)
    array = x if isinstance(x, np.generic) else np.asarray(constant(x, "compile"))
    if isinstance(x, list) and x and (whole := np.asarray(x)).dtype.kind == "i":
        array = whole  # labels: as part of the signature they would be recorded each time
    check_real(array)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def check_real(array: Any) -> None:
    """Raise an error unless it is floats, integers or booleans."""
    if array.dtype.kind not in "fiub":
        raise DtypeError(
            explain("compile: numbers must be real", describe(array), "floats, integers")
        )
