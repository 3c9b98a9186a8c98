"""What comes to fewer passes over an array: what differentiation leaves behind."""

from __future__ import annotations

from typing import Any

from ...graph import Tensor, op_name, shape_of
from ...ops import getitem, where
from .knowing import equals


def choices(node: Tensor) -> Any:
    """(a if c else b) + (e if c else f) is one choice of sums, which are cheaper than choices."""
    assert node.op is not None
    x, y = node.args
    if op_name(x) != "where" or op_name(y) != "where" or x.args[0] is not y.args[0]:
        return None
    return where(x.args[0], *(node.op(a, b) for a, b in zip(x.args[1:], y.args[1:], strict=True)))


def given_back(node: Tensor) -> Any:
    """(a - b) + b = a."""
    for x, b in (node.args, node.args[::-1]):
        if op_name(x) == "sub" and x.args[1] is b:
            return x.args[0]
    return None


def taken_twice(node: Tensor) -> Any:
    """(a - b) - b = a - 2 b, in which the 2 meets what is small; and its negative."""
    x, y = node.args
    if op_name(x) == "sub" and x.args[1] is y and op_name(y) == "mul":
        return x.args[0] - (2.0 * y.args[0]) * y.args[1]
    if op_name(y) == "sub" and y.args[1] is x and op_name(x) == "mul":
        return (2.0 * x.args[0]) * x.args[1] - y.args[0]
    return None


def inverse_times(node: Tensor) -> Any:
    """(1 / a) b = b / a."""
    for x, b in (node.args, node.args[::-1]):
        if op_name(x) == "div" and equals(x.args[0], 1.0) and shape_of(x.args[1]) == shape_of(b):
            return b / x.args[1]
    return None


def entries_of_row(node: Tensor) -> Any:
    """One entry from each of many equal rows is taken from the one row."""
    x, *arrays = node.args
    if op_name(x) != "broadcast_to" or len(shape_of(x.args[0])) + 1 != x.ndim:
        return None
    index, row = node.params["index"], x.args[0]
    if shape_of(row) != x.shape[1:] or x.ndim != 2 or [part[0] for part in index] != ["array"] * 2:
        return None
    rows, places = (arrays[part[1]] for part in index)
    return getitem(row, places) if shape_of(rows) == shape_of(places) else None
