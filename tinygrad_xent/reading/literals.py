"""What is written out and not computed: numbers, lists of them, settings and indices."""

from __future__ import annotations

import ast
import math
from typing import Any

import numpy as np

from .grammar import Source

_WHOLE = "whole numbers, None, True or False, written out: axis=1, axis=(0, 1), keepdims=True"
_INDEX = "whole numbers, slices and lists of whole numbers, written out: x[0], x[:, 1], x[[0, 2]]"


def number(source: Source, node: ast.Constant) -> float:
    """A number as a float: arithmetic on floats ends at infinity and never takes long."""
    if type(node.value) not in (int, float):
        source.refuse(f"read: {node.value!r} is not a real number", node)
    try:
        value = float(node.value)  # type: ignore[arg-type]
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        source.refuse("read: this number is too large", node, "numbers below 1e308")
    return value


def array(source: Source, node: ast.List | ast.Tuple) -> np.ndarray:
    """A list of numbers, or of lists of them, as an array."""
    rows = _nested(source, node)
    try:
        return np.array(rows, dtype=np.float64)
    except ValueError:
        source.refuse("read: the rows are not of one length", node, "[[1, 0], [0, 1]]")


def _nested(source: Source, node: ast.expr) -> Any:
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_nested(source, part) for part in node.elts]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_scalar(source, node.operand)
    return _scalar(source, node)


def _scalar(source: Source, node: ast.expr) -> float:
    if not isinstance(node, ast.Constant):
        works = "numbers in the list; stack([x, y]) for formulas"
        source.refuse("read: a list holds numbers only", node, works)
    return number(source, node)


def setting(source: Source, name: str, node: ast.expr) -> Any:
    """The value of `axis=`, `keepdims=` and their like.

    Raises:
        ParseError: a formula; so that `max(x, y)` is not taken for `max(x, axis=y)`.
    """
    match node:
        case ast.Constant(value=bool() | int() | None):
            return _small(source, node)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int())):
            return -_small(source, node.operand)  # type: ignore[arg-type]
        case ast.Tuple() | ast.List():
            return tuple(_place(source, part, f"{name} is", _WHOLE) for part in node.elts)
        case ast.Name(id="inf") | ast.Attribute(attr="inf") if name == "ord":
            return math.inf
    works = _WHOLE + ("; maximum(x, y) for the larger of two" if name == "axis" else "")
    source.refuse(f"read: {name} is not written out", node, works)


def _small(source: Source, node: ast.Constant) -> Any:
    if node.value and abs(node.value) > 2**31:  # type: ignore[arg-type]
        source.refuse("read: this number is too large here", node, _WHOLE)
    return node.value


def index(source: Source, node: ast.expr) -> Any:
    """What stands between the brackets of x[...]."""
    if isinstance(node, ast.Tuple):
        return tuple(_index(source, part) for part in node.elts)
    return _index(source, node)


def _index(source: Source, node: ast.expr) -> Any:
    match node:
        case ast.Slice():
            ends = (node.lower, node.upper, node.step)
            return slice(*(None if end is None else _place(source, end) for end in ends))
        case ast.Constant(value=None):
            return None
        case ast.Constant(value=value) if value is ...:
            return ...
        case ast.List():
            return [_place(source, part) for part in node.elts]
    return _place(source, node)


def _place(source: Source, node: ast.expr, what: str = "an index is", works: str = _INDEX) -> int:
    match node:
        case ast.Constant(value=int()) if node.value is not True and node.value is not False:
            return int(_small(source, node))
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int())):
            return -int(_small(source, node.operand))  # type: ignore[arg-type]
    source.refuse(f"read: {what} not written out", node, works)
