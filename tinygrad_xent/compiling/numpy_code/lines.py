"""The lines of which statements are made: calls, copies and subscripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...writing.indices import index_part
from ..planning.values import Value
from .forms import is_foreseen
from .ufuncs import forced, ufunc_of

SYMBOLS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}


def may_raise(value: Value) -> bool:
    """Whether Python's own division may get to see a zero, which it takes for an error."""
    if value.op != "div" or (value.args[1].op == "constant" and value.args[1].data != 0):
        return False
    return all(a.weak or a.op in (*SYMBOLS, "neg") for a in value.args)


def call(value: Value, args: Sequence[str], more: str) -> str:
    """A ufunc, with the dtype of the node where NumPy would choose another."""
    ufunc = ufunc_of(value.op)
    assert ufunc is not None
    dtype = f", dtype=np.{value.dtype.type.__name__}" if forced(value) else ""
    return f"np.{ufunc.__name__}({', '.join(args)}{dtype}{more})"


def turned(value: Value, code: str) -> str:
    """The transpose of a matrix; a vector as it is."""
    return f"{code}.T" if value.args[0].ndim == 2 else code


def product(value: Value, x: str, y: str, out: str) -> str:
    """A product of matrices; where `out` is one piece of memory, by what is called faster."""
    alike = all(a.ndim <= 2 and a.dtype == value.dtype for a in value.args)
    if alike and out.isidentifier():
        return f"{x}.dot({y}, out={out})"
    return f"np.matmul({x}, {y}, out={out})"


def put_where(value: Value, place: int, x: str, mask: str, out: str) -> str:
    """One side of a choice where a mask says so; faster if that need not be spread."""
    fits = value.args[0].shape == value.shape and value.args[place].shape in ((), value.shape)
    if fits and not is_foreseen(value.args[0]):
        return f"np.putmask({out}, {mask}, {x})"
    return f"np.copyto({out}, {x}, where={mask})"


def copied(x: str, out: str) -> list[str]:
    """What puts x into `out`, unless it is there."""
    return [] if x == out else [f"np.copyto({out}, {x})"]


def added(value: Value, first: int, out: str, index: str, v: str, sign: str) -> str:
    """Entries added, one by one where an index may name one of them twice."""
    once = all(a.ndim <= 1 for a in value.args[first:])
    return f"{out}[{index}] {sign} {v}" if once else f"np.add.at({out}, ({index},), {v})"


def subscript(index: Sequence[Any], arrays: Sequence[str]) -> str:
    """An index as it stands in brackets."""
    return ", ".join(index_part(part, arrays) for part in index)
