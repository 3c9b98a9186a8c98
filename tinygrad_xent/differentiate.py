"""Reverse mode: how a cotangent travels back through a recorded graph.

One loop, `cotangents`, walks a recorded graph backwards. Given arrays it computes; given Tensors it
records what it does, and that record is the backward graph: drawn, simplified, compiled, or
differentiated again.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import numpy as np

from .errors import DtypeError, GradientError, NotSupportedError, ShapeError, describe, explain
from .graph import Tensor, dtype_of, is_float, leaf_value, shape_of, toposort
from .ops import astype, broadcast_to, sum, where

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
    order, wanted = toposort(root), None if wrt is None else set(wrt)
    needed = _needed(order, wrt)
    received = {root: seed}
    zeros, poisoned = _has_zeros(seed), False
    with ExitStack() as quiet:
        while order:
            node = order.pop()
            g = received.get(node)
            if g is None:
                continue
            if wanted is not None and node not in wanted:
                del received[node]
            op = node.op
            if op is None or node not in needed:
                continue
            if (zeros or op.selects) and not poisoned:  # zeros may meet infinite slopes from here
                poisoned = True
                quiet.enter_context(np.errstate(divide="ignore", invalid="ignore"))
            send = _send_both if op.pairwise and not (poisoned or record) else _send
            send(node, g, needed, received, record, poisoned)
    return received


def _needed(order: list[Tensor], wrt: tuple[Tensor, ...] | None) -> set[Tensor]:
    """The nodes through which a change in `wrt` reaches the end of `order`."""
    needed = set() if wrt is None else set(wrt)
    for node in order:
        if node.op is None:
            if wrt is None and is_float(node._value):
                needed.add(node)
        elif node.op.vjp is not None and is_float(node._value):
            for a in node.args:
                if type(a) is Tensor and a in needed:
                    needed.add(node)
                    break
    return needed


def _has_zeros(seed: Any) -> bool:
    value = seed._value if type(seed) is Tensor else seed
    return not (value.all() if type(value) is np.ndarray else value)


def _send(
    node: Tensor,
    g: Any,
    needed: set[Tensor],
    received: dict[Tensor, Any],
    record: bool,
    poisoned: bool,
) -> None:
    """Add what `node` passes back to what its arguments have received so far."""
    for a, c in contributions(node, g, needed, record, poisoned):
        received[a] = received[a] + c if a in received else c


def _send_both(
    node: Tensor, g: Any, needed: set[Tensor], received: dict[Tensor, Any], *general: bool
) -> None:
    """`_send` for an operation of two arguments, which is what most are, without its detours."""
    a, b = node.args
    x = a._value if type(a) is Tensor else a
    y = b._value if type(b) is Tensor else b
    left, right = node.op.vjp
    try:
        c = left(g, node._value, x, y) if type(a) is Tensor and a in needed else None
        d = right(g, node._value, x, y) if type(b) is Tensor and b in needed else None
    except ArithmeticError:
        return _send(node, g, needed, received, *general)
    if c is not None:
        if type(c) is not float or type(x) is not float:
            c = conform(c, x)
        received[a] = received[a] + c if a in received else c
    if d is not None:
        if type(d) is not float or type(y) is not float:
            d = conform(d, y)
        received[b] = received[b] + d if b in received else d


def contributions(
    node: Tensor, g: Any, needed: set[Tensor], record: bool = False, poisoned: bool = False
) -> list[tuple[Tensor, Any]]:
    """What each needed argument of `node` receives when `node` receives `g`."""
    out, args = node, node.args
    if not record:
        out, args = node._value, [a._value if type(a) is Tensor else a for a in args]
    try:
        pulled = _pull(node, g, out, args, needed)
    except ArithmeticError:  # Python's, at inf and nan, where NumPy has an answer
        g, out, *args = (np.float64(x) if type(x) is float else x for x in (g, out, *args))
        pulled = _pull(node, g, out, args, needed)
    if poisoned and node.op.elementwise:
        pulled = [(a, _unpoisoned(c, g)) for a, c in pulled]
    return [(a, conform(c, a._value)) for a, c in pulled]


def _pull(
    node: Tensor, g: Any, out: Any, args: Any, needed: set[Tensor]
) -> list[tuple[Tensor, Any]]:
    """What the rules of `node` give for its needed arguments, as they give it."""
    rules = node.op.vjp
    places = [(i, a) for i, a in enumerate(node.args) if type(a) is Tensor and a in needed]
    if type(rules) is tuple:
        pulled = [(a, rules[i] and rules[i](g, out, *args, **node.params)) for i, a in places]
    else:
        every = rules(g, out, *args, **node.params)
        pulled = [(a, every[i]) for i, a in places]
    return [(a, c) for a, c in pulled if c is not None]


def conform(c: Any, like: Any) -> Any:
    """A cotangent at the shape and dtype of its argument: all broadcasting is undone here."""
    if type(c) is type(like) and (type(c) is float or _alike(c, like)):
        return c
    if shape_of(c) != shape_of(like):
        c = unbroadcast(c, shape_of(like))
    if type(like) is float:
        return c if type(c) is Tensor else float(c)
    return c if dtype_of(c) == like.dtype else astype(c, like.dtype)


def _alike(x: np.ndarray, y: np.ndarray) -> bool:
    return x.shape == y.shape and x.dtype == y.dtype


def unbroadcast(c: Any, shape: tuple[int, ...]) -> Any:
    """Sum over the axes that broadcasting to `shape_of(c)` from `shape` had added or stretched."""
    have = shape_of(c)
    extra = len(have) - len(shape)
    if extra < 0:
        return broadcast_to(c, shape=shape)
    if extra:
        c = sum(c, axis=tuple(range(extra)))
    stretched = tuple(
        i for i, (n, m) in enumerate(zip(have[extra:], shape, strict=True)) if m == 1 and n != 1
    )
    if stretched:
        c = sum(c, axis=stretched, keepdims=True)
    return c if shape_of(c) == shape else broadcast_to(c, shape=shape)


def _unpoisoned(c: Any, g: Any) -> Any:
    """Where nothing arrives nothing leaves, even through an infinite slope: 0 * inf is 0 here.

    This keeps the branch that `where` did not take from turning the gradient into nan.
    """
    value = c._value if type(c) is Tensor else c
    bad = value != value if type(value) is float else np.isnan(value).any()
    return where(g == 0, 0.0, c) if bad else c


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
        if root.size != 1:
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
    return 1.0 if type(like._value) is float else np.ones(like.shape, like.dtype)[()]


def not_recorded(name: str, out: Any) -> Exception:
    return NotSupportedError(
        explain(
            f"{name}: the result is not a Tensor",
            describe(out),
            "a result composed of tx operations",
        )
    )
