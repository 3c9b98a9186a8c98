"""Sums, and the largest and smallest of many, as statements.

A sum of floats is a call of `plus`, whose terms the compiler may take in any order: several at
once. The largest number is that of the largest integer that stands for one (`order`), because a
choice between integers can be vectorised, whatever nan there may be.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .wording import Wording, dtype_name


def first(words: Wording, op: str, dtype: np.dtype[Any], total: bool = False) -> str:
    """What to begin with.

    Args:
        total: whether it is a sum of sums, which is made in float64.
    """
    if op == "sum":
        kind = "float64" if total else dtype_name(dtype)
        return f"np.{kind}(0)" if dtype.kind == "f" else "0"
    if dtype.kind == "f":
        bound = "-np.inf" if op == "max" else "np.inf"
        return words.call("order", dtype, f"np.{dtype_name(dtype)}({bound})")
    info = np.iinfo(dtype if dtype.kind in "iu" else np.int8)
    return str(info.min if op == "max" else info.max)


def held_in(op: str, dtype: np.dtype[Any]) -> str:
    """The dtype of what it comes to, if it is a sum of sums."""
    if op == "sum":
        return "float64" if dtype.kind == "f" else "int64"
    return dtype_name(dtype)


def accumulate(words: Wording, name: str, op: str, x: str, dtype: np.dtype[Any]) -> list[str]:
    """One more."""
    if op == "sum" and dtype.kind == "f":
        words.functions.add("plus")
        return [f"{name} = plus({name}, {x})"]
    if op == "sum":
        return [f"{name} += {x}"]
    key, sign = x, ">" if op == "max" else "<"
    if dtype.kind == "f":
        key = words.call("order" if op == "max" else "order_from_below", dtype, x)
    found = "key_" + name.partition("[")[0]
    return [f"{found} = {key}", f"{name} = {found} if {found} {sign} {name} else {name}"]


def last(words: Wording, op: str, dtype: np.dtype[Any], name: str) -> str:
    """What it comes to."""
    if op == "sum" or dtype.kind != "f":
        return name
    return words.call("ordered", dtype, name)


def joined(words: Wording, op: str, x: str, y: str) -> str:
    """Two numbers as one."""
    if op == "sum":
        return f"{x} + {y}"
    return words.call("larger" if op == "max" else "smaller", None, f"{x}, {y}")
