"""Reverse mode: how a cotangent travels back through a recorded graph.

One loop, `cotangents`, walks a recorded graph backwards. Given arrays it computes; given Tensors it
records what it does, and that record is the backward graph: drawn, simplified, compiled, or
differentiated again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .errors import DtypeError, GradientError, NotSupportedError, ShapeError, describe, explain
from .graph import Tensor, dtype_of, is_float, leaf_value, shape_of, toposort
from .ops import astype, broadcast_to, sum, where

# -- the loop -------------------------------------------------------------------------------------


def cotangents(
    root: Tensor, seed: Any, wrt: tuple[Tensor, ...] | None = None, record: bool = False
) -> Iterator[tuple[Tensor, Any]]:
    """Each node on a differentiable path to `root`, results before arguments, with its cotangent.

    Args:
        root: what is differentiated.
        seed: the cotangent of `root`, of its shape.
        wrt: the nodes whose cotangents are wanted; None for every floating point leaf. Only the
            paths to them are walked.
        record: call the rules with Tensors, so that the walk itself becomes a graph.
    """
    order = toposort(root)
    needed = _needed(order, wrt)
    poisoned = not np.all(seed._value if type(seed) is Tensor else seed)
    received: dict[int, Any] = {id(root): seed}
    while order:
        node = order.pop()
        g = received.pop(id(node), None)
        if g is None:
            continue
        yield node, g
        if node.op is not None and id(node) in needed:
            poisoned = poisoned or node.op.selects  # from here on, zeros may meet infinite slopes
            send = _send_quietly if poisoned else _send
            send(node, g, needed, received, record, poisoned)


def _send(
    node: Tensor, g: Any, needed: set[int], received: dict[int, Any], record: bool, poisoned: bool
) -> None:
    """Add what `node` passes back to what its arguments have received so far."""
    for i, contribution in contributions(node, g, needed, record, poisoned):
        key = id(node.args[i])
        before = received.get(key)
        received[key] = contribution if before is None else before + contribution


_send_quietly = np.errstate(divide="ignore", invalid="ignore")(_send)


def contributions(
    node: Tensor, g: Any, needed: set[int], record: bool = False, poisoned: bool = False
) -> Iterator[tuple[int, Any]]:
    """What each needed argument of `node` receives when `node` receives `g`: (place, cotangent)."""
    op, params = node.op, node.params
    if op is None or op.vjp is None:
        return
    args = node.args if record else [a._value if type(a) is Tensor else a for a in node.args]
    out, rules = node if record else node._value, op.vjp
    every = None if type(rules) is tuple else _apply(rules, g, out, args, params)
    for i, arg in enumerate(node.args):
        if id(arg) not in needed:
            continue
        c = every[i] if every else rules[i] and _apply(rules[i], g, out, args, params)
        if c is not None:
            if poisoned and op.elementwise:
                c = _unpoisoned(c, g)
            yield i, conform(c, arg._value)


def _apply(rule: Any, g: Any, out: Any, args: Any, params: dict[str, Any]) -> Any:
    """What a rule gives, by NumPy's arithmetic where Python's would raise: at inf and nan."""
    try:
        return rule(g, out, *args, **params)
    except ArithmeticError:
        g, out, *args = (np.float64(x) if type(x) is float else x for x in (g, out, *args))
        return rule(g, out, *args, **params)


def _needed(order: list[Tensor], wrt: tuple[Tensor, ...] | None) -> set[int]:
    """The nodes through which a change in `wrt` reaches the end of `order`."""
    needed = set() if wrt is None else {id(x) for x in wrt}
    for node in order:
        if node.op is None:
            if wrt is None and is_float(node._value):
                needed.add(id(node))
        elif node.op.vjp is not None and is_float(node._value):
            for a in node.args:
                if id(a) in needed:
                    needed.add(id(node))
                    break
    return needed


def conform(c: Any, like: Any) -> Any:
    """A cotangent at the shape and dtype of its argument: all broadcasting is undone here."""
    if type(c) is float and type(like) is float:
        return c
    if shape_of(c) != shape_of(like):
        c = unbroadcast(c, shape_of(like))
    if type(like) is float:
        return c if type(c) is Tensor else float(c)
    return c if dtype_of(c) == like.dtype else astype(c, like.dtype)


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
    for node, g in list(cotangents(self, seed.value if isinstance(seed, Tensor) else seed)):
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
