"""What one node sends to its arguments, at their shapes and dtypes."""

from __future__ import annotations

from collections.abc import Container, Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from ..graph import PRIMITIVES, Primitive, Tensor, dtype_of, shape_of
from ..ops import astype, where

_sum, _spread = PRIMITIVES["sum"], PRIMITIVES["broadcast_to"]
Shape = tuple[int, ...]
Sent = list[tuple[int, Any]]


def contributions(
    node: Tensor,
    g: Any,
    needed: Container[Tensor] | None = None,
    record: bool = False,
    poisoned: bool = False,
) -> Iterator[tuple[int, Any]]:
    """What a node sends to its arguments when it receives `g`: their places and cotangents.

    Args:
        node: without an operation that has a rule it sends nothing.
        g: of the node's shape.
        needed: the arguments that are asked for; None for all.
        record: call the rules with Tensors.
        poisoned: whether zeros may meet infinite slopes.
    """
    op = node.op
    if op is None:
        return
    out = node if record else node._value
    for i, c in pulled(op, g, out, node.args, node.params, needed, record):
        like = node.args[i]._value
        yield i, fitted(op, g, c, like, poisoned)


def pulled(
    op: Primitive,
    g: Any,
    out: Any,
    args: Any,
    params: dict[str, Any],
    needed: Container[Tensor] | None,
    record: bool,
) -> Sent:
    """The places of the arguments that something is sent to, and that as the rules say it."""
    values = args if record else [a._value if type(a) is Tensor else a for a in args]
    try:
        return _ruled(op.vjp, g, out, args, values, params, needed)
    except ArithmeticError:
        g, out, *values = in_numpy(g, out, *values)
        return _ruled(op.vjp, g, out, args, values, params, needed)


def in_numpy(*values: Any) -> Iterator[Any]:
    """Python's numbers as NumPy's, which have an answer where Python has an ArithmeticError."""
    return (np.float64(x) if type(x) is float else x for x in values)


def _ruled(
    rules: Any, g: Any, out: Any, args: Any, values: Any, params: dict[str, Any], needed: Any
) -> Sent:
    sent: Sent = []
    pulled = rules(g, out, *values, **params) if callable(rules) else None
    for i, a in enumerate(args):
        if type(a) is Tensor and (needed is None or a in needed):
            if pulled is not None:
                c = pulled[i]
            elif rules is not None and rules[i] is not None:
                c = rules[i](g, out, *values, **params)
            else:
                continue
            if c is not None:
                sent.append((i, c))
    return sent


def fitted(op: Primitive, g: Any, c: Any, like: Any, poisoned: bool) -> Any:
    """What a rule of `op` made of `g`, as the argument that has the value `like` can take it."""
    return conform(unpoisoned(c, g) if poisoned and op.elementwise else c, like)


def conform(c: Any, like: Any) -> Any:
    """A cotangent at the shape and dtype of its argument: all broadcasting is undone here."""
    value = c._value if type(c) is Tensor else c
    if type(value) is type(like) and (
        type(value) is float or (value.shape == like.shape and value.dtype is like.dtype)
    ):
        return c
    have, shape = shape_of(value), shape_of(like)
    if have != shape:
        c = unbroadcast(c, have, shape)
    if type(like) is float:
        return c if type(c) is float or isinstance(c, Tensor) else float(c)
    return c if dtype_of(value) == like.dtype else astype(c, like.dtype)


def unbroadcast(c: Any, have: Shape, shape: Shape) -> Any:
    """Sum over the axes that broadcasting to `have`, which `c` has, from `shape` had added or
    stretched."""
    extra, stretched, narrow = _broadcast_axes(have, shape)
    if extra:
        c = _sum.alone(c, extra)
    if stretched:
        c = _sum.alone(c, stretched)
    return _spread(c, shape=shape) if narrow else c


@lru_cache
def _broadcast_axes(have: Shape, shape: Shape) -> tuple[Any, Any, bool]:
    """How to sum over the axes of `have` that `shape` lacks, and over those of what is left that it
    has as 1, if there are any; and whether what is then left has to be repeated."""
    extra = len(have) - len(shape)
    if extra < 0:
        return (), (), True
    left = list(enumerate(zip(have[extra:], shape, strict=True)))
    stretched = tuple([i for i, (n, wanted) in left if n != wanted == 1])
    narrow = any(n != wanted != 1 for _, (n, wanted) in left)
    return (
        {"axis": tuple(range(extra)), "keepdims": False} if extra else None,
        {"axis": stretched, "keepdims": True} if stretched else None,
        narrow,
    )


def unpoisoned(c: Any, g: Any) -> Any:
    """Where nothing arrives nothing leaves, even through an infinite slope: 0 * inf is 0 here.

    This keeps the branch that `where` did not take from turning the gradient into nan.
    """
    return where(g == 0, 0.0, c) if has_nan(c) else c


def has_nan(c: Any) -> bool:
    """Whether an entry is nan: a sum of squares reads an array once and writes nothing."""
    value = c._value if type(c) is Tensor else c
    whole = value if type(value) is float else np.vdot(value, value)
    return bool(whole != whole)
