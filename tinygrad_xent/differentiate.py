"""Reverse mode: how a cotangent travels back through a recorded graph.

One loop, `cotangents`, walks a recorded graph backwards. Given arrays it computes; given Tensors it
records what it does, and that record is the backward graph: drawn, simplified, compiled, or
differentiated again.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from .errors import DtypeError, GradientError, NotSupportedError, ShapeError, describe, explain
from .graph import (
    ALONE,
    PRIMITIVES,
    Blank,
    Primitive,
    Tensor,
    dtype_of,
    is_float,
    known,
    leaf_value,
    record,
    shape_of,
    toposort,
)
from .ops import astype, broadcast_to, where

_sum, _spread = PRIMITIVES["sum"], PRIMITIVES["broadcast_to"]
Shape = tuple[int, ...]
_ONE = np.float64(1.0)

# -- the loop -------------------------------------------------------------------------------------


def cotangents(
    root: Tensor, seed: Any, wrt: tuple[Tensor, ...] | None = None, record: bool = False
) -> dict[Tensor, Any]:
    """What each wanted node receives when `root` receives `seed`; no entry where nothing arrives.

    Args:
        root: what is differentiated.
        seed: the cotangent of `root`, of its shape.
        wrt: the nodes whose cotangents are wanted; only the paths to them are walked. None for
            every node on a path from a floating point leaf.
        record: call the rules with Tensors, so that the walk itself becomes a graph.
    """
    return Walk(root, wrt, record).cotangents(seed, last=True)


class Walk:
    """The way back from a root, which may be walked several times.

    needed     the nodes through which a change in what is wanted reaches the root, arguments
               before results, each with None
    order      those still to visit
    received   what each needed node has received so far, or None
    poisoned   whether zeros may meet infinite slopes: a zero arrived, or an operation that selects
               has been passed
    """

    __slots__ = ("needed", "order", "poisoned", "received", "record", "root", "wanted")

    order: list[Tensor]
    poisoned: bool
    received: dict[Tensor, Any]

    def __init__(self, root: Tensor, wrt: tuple[Tensor, ...] | None, record: bool) -> None:
        self.root: Any = root
        self.record = record
        self.wanted = None if wrt is None else frozenset(wrt)
        self.needed = _needed(root, self.wanted)

    def cotangents(self, seed: Any, last: bool = False) -> dict[Tensor, Any]:
        """What each wanted node receives when the root receives `seed`.

        On the `last` walk nothing is kept of what is behind: a node that nobody else has is freed.
        """
        root = self.root
        if root not in self.needed:
            return {root: seed} if self.wanted is None else {}
        self.received = self.needed if last else self.needed.copy()
        self.order = list(self.received)
        self.received[root] = seed
        if last:
            root = self.root = None
            self.needed = {}
        if not _has_zeros(seed):
            self.go()
        if self.order:
            with np.errstate(divide="ignore", invalid="ignore"):
                self.go(poisoned=True)
        return self.received

    def go(self, poisoned: bool = False) -> None:
        """Visit the nodes; not poisoned, only as far as the first that selects."""
        order, received, wanted = self.order, self.received, self.wanted
        self.poisoned = poisoned
        while order:
            node = order.pop()
            g, op = received[node], node.op
            if g is None:
                del received[node]
                continue
            if op is None or op.vjp is None:
                continue
            if op.selects and not poisoned:
                order.append(node)
                return
            if wanted is not None and node not in wanted:
                del received[node]  # it may be large, and nobody asks again
            if op.pairwise:
                self.send_both(node, op, g)
            elif node._second is ALONE and len(node._first) == 1 and callable(op.vjp):
                self.send_one(node, op, g)
            else:
                self.send(node, g)

    def send(self, node: Tensor, g: Any) -> None:
        """Give each needed argument of `node` what its rule says."""
        received, record, poisoned = self.received, self.record, self.poisoned
        for i, c in contributions(node, g, received, record, poisoned):
            before = received[node.args[i]]
            received[node.args[i]] = c if before is None else before + c

    def send_one(self, node: Tensor, op: Primitive, g: Any) -> None:
        """`send` for operations of one argument, without its detours."""
        (a,) = node._first
        if a in self.received:
            out, x = (node, a) if self.record else (node._value, a._value)
            rule, params = op.vjp, node.params
            try:
                (c,) = rule(g, out, x, **params) if params else rule(g, out, x)
            except ArithmeticError:
                return self.send(node, g)
            if c is not None:
                self.give(op, g, a, c)

    def send_both(self, node: Tensor, op: Primitive, g: Any) -> None:
        """`send` for operations of two arguments, which most are, as short as it can be."""
        a, b = node._first, node._second
        if self.record:
            out, x, y = node, a, b
        else:
            out = node._value
            x = a._value if type(a) is Tensor else a
            y = b._value if type(b) is Tensor else b
        left, right = op.vjp
        received = self.received
        try:
            c = left(g, out, x, y) if type(a) is Tensor and a in received else None
            d = right(g, out, x, y) if type(b) is Tensor and b in received else None
        except ArithmeticError:
            return self.send(node, g)
        if type(c) is float and type(x) is float and c == c:
            before = received[a]
            received[a] = c if before is None else before + c
        elif c is not None:
            self.give(op, g, a, c)
        if type(d) is float and type(y) is float and d == d:
            before = received[b]
            received[b] = d if before is None else before + d
        elif d is not None:
            self.give(op, g, b, d)

    def give(self, op: Primitive, g: Any, a: Tensor, c: Any) -> None:
        """Add `c`, which a rule of `op` made of `g`, to what the argument `a` has received."""
        if self.poisoned and op.elementwise:
            c = unpoisoned(c, g)
        c = conform(c, a._value)
        before = self.received[a]
        self.received[a] = c if before is None else before + c


def _needed(root: Tensor, wanted: Container[Tensor] | None) -> dict[Tensor, None]:
    """The nodes through which a change in what is wanted reaches the root, in order."""
    needed: dict[Tensor, None] = {}
    for node in toposort(root):
        op = node.op
        if op is None:
            if is_float(node._value) if wanted is None else node in wanted:
                needed[node] = None
        elif wanted is not None and node in wanted:
            needed[node] = None
        elif op.vjp is not None and (type(node._value) is float or is_float(node._value)):
            a, b = node._first, node._second
            for x in a if b is ALONE else (a, b):
                if type(x) is Tensor and x in needed:
                    needed[node] = None
                    break
    return needed


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
    if op is None or op.vjp is None:
        return
    asked = [type(a) is Tensor and (needed is None or a in needed) for a in node.args]
    out: Any = node
    args: Any = node.args
    if not record:
        out, args = node._value, [a._value if type(a) is Tensor else a for a in args]
    try:
        pulled = _pulled(op, asked, g, out, args, node.params)
    except ArithmeticError:  # Python's, at inf and nan, where NumPy has an answer
        g, out, *args = (np.float64(x) if type(x) is float else x for x in (g, out, *args))
        pulled = _pulled(op, asked, g, out, args, node.params)
    for i, (a, c) in enumerate(zip(node.args, pulled, strict=True)):
        if asked[i] and c is not None:
            yield i, conform(unpoisoned(c, g) if poisoned and op.elementwise else c, a._value)


def _pulled(
    op: Primitive, asked: list[bool], g: Any, out: Any, args: Any, params: dict[str, Any]
) -> Any:
    """What the rule gives for each argument, and None for one that nobody asks for."""
    if type(op.vjp) is not tuple:
        return op.vjp(g, out, *args, **params)
    return [
        rule(g, out, *args, **params) if wanted and rule is not None else None
        for wanted, rule in zip(asked, op.vjp, strict=True)
    ]


def _has_zeros(seed: Any) -> bool:
    value = seed._value if type(seed) is Tensor else seed
    return not (value.all() if isinstance(value, np.ndarray) else value)


def conform(c: Any, like: Any) -> Any:
    """A cotangent at the shape and dtype of its argument: all broadcasting is undone here."""
    value = c._value if type(c) is Tensor else c
    if type(value) is type(like) and (
        type(value) is float or (value.shape == like.shape and value.dtype is like.dtype)
    ):
        return c
    if shape_of(c) != shape_of(like):
        c = unbroadcast(c, shape_of(like))
    if type(like) is float:
        return c if type(c) is Tensor else float(c)
    return c if dtype_of(c) == like.dtype else astype(c, like.dtype)


def unbroadcast(c: Any, shape: tuple[int, ...]) -> Any:
    """Sum over the axes that broadcasting to `shape_of(c)` from `shape` had added or stretched."""
    extra, stretched = _broadcast_axes(shape_of(c), shape)
    if extra:
        c = _sum(c, axis=extra, keepdims=False)
    if stretched:
        c = _sum(c, axis=stretched, keepdims=True)
    return c if shape_of(c) == shape else broadcast_to(c, shape=shape)


@lru_cache
def _broadcast_axes(have: Shape, shape: Shape) -> tuple[Shape, Shape]:
    """The axes of `have` that `shape` lacks, and those of what is left that it has as 1."""
    extra = len(have) - len(shape)
    if extra < 0:
        return (), ()
    stretched = [i for i, n in enumerate(shape) if n == 1 and have[extra + i] != 1]
    return tuple(range(extra)), tuple(stretched)


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


# -- backward(): gradients stored on the nodes ----------------------------------------------------


def backward(self: Tensor, cotangent: Any = None) -> None:
    """Add the gradient of this node to `.grad` of every node it was made from.

    Args:
        cotangent: what to multiply the Jacobian with from the left, of this node's shape; needed
            unless the node has exactly one entry.

    A second call adds a second time, as does another loss with the same leaves; set `x.grad = None`
    to start afresh. The graph is kept. `.grad` is None where nothing arrived: integers, nodes
    behind `stop_gradient`, nodes that the loss does not depend on.

    >>> x = Tensor([1.0, 2.0])
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4.])
    """
    seed = seed_for(self, cotangent)
    for node, g in cotangents(self, seed.value if isinstance(seed, Tensor) else seed).items():
        total = g if node._grad is None else node._grad + g
        if type(total) is np.ndarray:
            total.setflags(write=False)
        node._grad = total


Tensor.backward = backward


def seed_for(root: Tensor, cotangent: Any, name: str = "backward") -> Any:
    """The cotangent to start from: the one given, or 1 for a result of one entry."""
    if not isinstance(root, Tensor):
        raise not_recorded(name, root)
    if not is_float(root._value):
        raise DtypeError(
            explain(
                f"{name}: only floating point results have gradients", describe(root), "float64"
            )
        )
    if cotangent is None:
        if shape_of(root._value) and root.size != 1:
            raise GradientError(
                explain(
                    f"{name}: the gradient of a non-scalar needs a cotangent",
                    f"a result of shape {root.shape}",
                    "a scalar, such as loss.sum(); or a cotangent of that shape; "
                    "or tx.jacobian for all of it",
                )
            )
        return ones_like(root)
    value = cotangent._value if isinstance(cotangent, Tensor) else leaf_value(cotangent)
    if shape_of(value) != root.shape:
        raise ShapeError(
            explain(
                f"{name}: the cotangent has the shape of the result",
                describe(value),
                f"{root.shape}",
            )
        )
    return cotangent if isinstance(cotangent, Tensor) else _cast(value, root)


def _cast(value: Any, like: Tensor) -> Any:
    same = type(like._value) is float or dtype_of(value) == like.dtype
    return value if same else np.asarray(value).astype(like.dtype)[()]


def ones_like(like: Tensor) -> Any:
    if type(like._value) is float:
        return 1.0
    if type(like._value) is np.float64:
        return _ONE
    if not known(like._value):
        one = (like.dtype.type(1),)
        return record(_spread, one, {"shape": like.shape}, Blank.of(like.shape, like.dtype, 1))
    return np.ones(like.shape, like.dtype) if like.shape else like.dtype.type(1)


def not_recorded(name: str, out: Any) -> Exception:
    return NotSupportedError(
        explain(
            f"{name}: the result is not a Tensor",
            describe(out),
            "a result composed of tx operations",
        )
    )
