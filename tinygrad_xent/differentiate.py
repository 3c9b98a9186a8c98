"""Reverse mode, and everything that follows from it.

One loop, `cotangents`, walks a recorded graph backwards. Given arrays it computes; given Tensors it
records what it does, and that record is the backward graph: drawn, simplified, compiled, or
differentiated again. Forward mode is the transpose of reverse mode; no operation has a second rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

import numpy as np

from .errors import DtypeError, GradientError, NotSupportedError, ShapeError, describe, explain
from .graph import Tensor, dtype_of, is_float, leaf_value, recording, shape_of, toposort
from .ops import alias, astype, broadcast_to, reshape, stack, sum, where
from .trees import flatten

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
    received: dict[int, Any] = {id(root): seed}
    poisoned = any(n.op is not None and n.op.selects for n in order)
    with _quiet() if poisoned else nullcontext():
        while order:
            node = order.pop()
            g = received.pop(id(node), None)
            if g is None:
                continue
            yield node, g
            if node.op is not None and id(node) in needed:
                _send(node, g, needed, received, record, poisoned)


def _send(
    node: Tensor, g: Any, needed: set[int], received: dict[int, Any], record: bool, poisoned: bool
) -> None:
    """Add what `node` passes back to what its arguments have received so far."""
    for i, contribution in contributions(node, g, needed, record, poisoned):
        key = id(node.args[i])
        before = received.get(key)
        received[key] = contribution if before is None else before + contribution


def contributions(
    node: Tensor, g: Any, needed: set[int], record: bool = False, poisoned: bool = False
) -> Iterator[tuple[int, Any]]:
    """What each needed argument of `node` receives when `node` receives `g`: (place, cotangent)."""
    op = node.op
    assert op is not None
    args = node.args if record else [a._value if type(a) is Tensor else a for a in node.args]
    out = node if record else node._value
    pulled: Any = (
        None if type(op.vjp) is tuple or op.vjp is None else op.vjp(g, out, *args, **node.params)
    )
    for i, arg in enumerate(node.args):
        if type(arg) is not Tensor or id(arg) not in needed:
            continue
        c = op.pull(i, g, out, args, node.params) if pulled is None else pulled[i]
        if c is not None:
            if poisoned and op.elementwise:
                c = _unpoisoned(c, g)
            yield i, conform(c, arg._value)


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
    shape = shape_of(like)
    if shape_of(c) != shape:
        c = unbroadcast(c, shape)
    if type(like) is not float:
        value = c._value if type(c) is Tensor else c
        if dtype_of(value) != like.dtype:
            c = astype(c, like.dtype)
    return c


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
    if np.isnan(c._value if type(c) is Tensor else c).any():
        return where(g == 0, 0.0, c)
    return c


@contextmanager
def _quiet() -> Iterator[None]:
    with np.errstate(divide="ignore", invalid="ignore"):
        yield


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
    seed = _seed(self, cotangent)
    for node, g in list(cotangents(self, seed)):
        total = g if node._grad is None else node._grad + g
        if type(total) is np.ndarray:
            total.setflags(write=False)
        node._grad = total


Tensor.backward = backward


def _seed(root: Tensor, cotangent: Any) -> Any:
    if not isinstance(root, Tensor):
        raise _not_recorded("backward", root)
    if not is_float(root._value):
        raise DtypeError(
            explain(
                "backward: only floating point results have gradients", describe(root), "float64"
            )
        )
    if cotangent is None:
        if root.size != 1:
            raise GradientError(
                explain(
                    "backward: the gradient of a non-scalar needs a cotangent",
                    f"a result of shape {root.shape}",
                    "a scalar, such as loss.sum(); or backward(cotangent) with that shape; "
                    "or tx.jacobian for all of it",
                )
            )
        return _ones(root)
    value = cotangent._value if isinstance(cotangent, Tensor) else leaf_value(cotangent)
    if shape_of(value) != root.shape:
        raise ShapeError(
            explain(
                "backward: the cotangent has the shape of the result",
                describe(value),
                f"{root.shape}",
            )
        )
    return cotangent if isinstance(cotangent, Tensor) else _cast(value, root)


def _cast(value: Any, like: Tensor) -> Any:
    same = type(like._value) is float or dtype_of(value) == like.dtype
    return value if same else np.asarray(value).astype(like.dtype)[()]


def _ones(like: Tensor) -> Any:
    return 1.0 if type(like._value) is float else np.ones(like.shape, like.dtype)[()]


# -- transforms: functions in, functions out ------------------------------------------------------

_depth: ContextVar[int] = ContextVar("depth", default=0)


class Trace:
    """One call of a user's function on fresh variables, and what came out.

    Inside another transform everything is recorded, because the outer one will differentiate it;
    outside, arrays go in and arrays come out. Passing a Tensor asks for a recorded result.
    """

    def __init__(
        self, name: str, f: Callable[..., Any], args: Any, kwargs: Any, argnums: Any = None
    ):
        self.name, self.args = name, args
        self.chosen = _chosen(name, argnums, args)
        self.record = _depth.get() > 0
        self.leaves: list[Tensor] = []
        self.rebuilders: list[Callable[[list[Any]], Any]] = []
        inner = list(args)
        for i in self.chosen:
            inner[i] = self._open(args[i])
        token = _depth.set(_depth.get() + 1)
        try:
            with recording():
                self.out = f(*inner, **kwargs)
        finally:
            _depth.reset(token)

    def _open(self, arg: Any) -> Any:
        leaves, rebuild = flatten(arg)
        fresh = [self._variable(x) for x in leaves]
        self.leaves += fresh
        self.rebuilders.append(lambda new: rebuild(new))
        return rebuild(fresh)

    def _variable(self, x: Any) -> Tensor:
        self.record = self.record or isinstance(x, Tensor)
        node: Tensor = alias(x) if isinstance(x, Tensor) else Tensor(x)
        if not is_float(node._value):
            raise DtypeError(
                explain(
                    f"{self.name}: there is no derivative with respect to integers or booleans",
                    describe(x),
                    "x.astype(float), or argnums=... for another argument",
                )
            )
        return node

    def close(self, per_leaf: list[Any]) -> list[Any]:
        """Results for the leaves, put back into the containers that the arguments came in."""
        rest, closed = list(per_leaf), []
        for arg, rebuild in zip([self.args[i] for i in self.chosen], self.rebuilders, strict=True):
            n = len(flatten(arg)[0])
            closed.append(rebuild(rest[:n]))
            rest = rest[n:]
        return closed

    def outside(self, x: Any) -> Any:
        """A result as the caller gets it: a Tensor if everything is recorded, else its value."""
        return x.value if isinstance(x, Tensor) and not self.record else x

    def pull(self, seed: Any, record: bool = False, out: Any = None) -> list[Any]:
        """The cotangent of each leaf when the result receives `seed`; zeros where nothing does."""
        out = self.out if out is None else out
        found: dict[int, Any] = {}
        if isinstance(out, Tensor):
            with recording():
                for node, g in cotangents(out, seed, tuple(self.leaves), record or self.record):
                    found[id(node)] = g
        return [found.get(id(x), _zeros(x)) for x in self.leaves]

    def scalar(self) -> Tensor:
        """The result, which has to be one number that depends on Tensors, or a constant."""
        out = self.out
        if not isinstance(out, Tensor):
            if isinstance(out, (float, int, np.generic, np.ndarray)) and np.size(out) == 1:
                return Tensor(out)
            raise _not_recorded(self.name, out)
        if out.size != 1:
            raise GradientError(
                explain(
                    f"{self.name}: the function must return one number",
                    f"a result of shape {out.shape}",
                    "tx.jacobian, tx.elementwise_grad, or a sum or mean at the end",
                )
            )
        return out


def _zeros(x: Tensor) -> Any:
    return 0.0 if type(x._value) is float else np.zeros(x.shape, x.dtype)[()]


def _chosen(name: str, argnums: Any, args: Any) -> tuple[int, ...]:
    numbers = range(len(args)) if argnums is None else argnums
    chosen = (numbers,) if isinstance(numbers, int) else tuple(numbers)
    if any(not -len(args) <= i < len(args) for i in chosen):
        raise GradientError(
            explain(f"{name}: argnums={argnums} is not an argument", f"{len(args)} arguments")
        )
    return tuple(i % len(args) for i in chosen)


def _not_recorded(name: str, out: Any) -> Exception:
    return NotSupportedError(
        explain(
            f"{name}: the result is not a Tensor",
            describe(out),
            "a result composed of tx operations",
        )
    )


def value_and_grad(f: Callable[..., Any], argnums: Any = 0) -> Callable[..., tuple[Any, Any]]:
    """A function that returns `f(...)` and its gradient, from one forward pass.

    Args:
        f: returns one number. Its arguments may be numbers, arrays, or tuples, lists and dicts of
            them; the gradient comes back in the same containers.
        argnums: which positional argument(s) to differentiate; a tuple of them gives a tuple.

    Raises:
        GradientError: the result is not one number.
        DtypeError: the argument holds integers.

    >>> value_and_grad(lambda x: x * x)(3.0)
    (9.0, 6.0)
    """

    def transformed(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        trace = Trace("grad", f, args, kwargs, argnums)
        out = trace.scalar()
        grads = trace.close([trace.outside(g) for g in trace.pull(_ones(out), out=out)])
        return trace.outside(out), grads[0] if isinstance(argnums, int) else tuple(grads)

    return transformed


def grad(f: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
    """A function that returns the gradient of `f`; nests to any order. See `value_and_grad`.

    >>> grad(grad(lambda x: x**3))(2.0)
    12.0
    """
    both = value_and_grad(f, argnums)
    return lambda *args, **kwargs: both(*args, **kwargs)[1]


def elementwise_grad(f: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """The derivative of each entry of `f` with respect to the same entry: for elementwise `f`.

    >>> import numpy as np
    >>> elementwise_grad(np.square)(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    return grad(lambda *args, **kwargs: sum(f(*args, **kwargs)), argnums)


def vjp(f: Callable[..., Any], *args: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """`f(*args)`, and the function that pulls a cotangent of it back to each argument.

    >>> out, pull = vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> out, pull(1.0)
    (6.0, (3.0, 2.0))
    """
    trace = Trace("vjp", f, args, {})
    out = trace.out
    if not isinstance(out, Tensor):
        raise _not_recorded("vjp", out)

    def pull(cotangent: Any) -> tuple[Any, ...]:
        seed = _seed(out, cotangent)
        recorded = isinstance(seed, Tensor)
        back = trace.pull(seed, record=recorded)
        return tuple(trace.close(back if recorded else [trace.outside(g) for g in back]))

    return trace.outside(out), pull


def jvp(f: Callable[..., Any], args: Any, tangents: Any) -> tuple[Any, Any]:
    """`f(*args)`, and its derivative along `tangents`.

    The vjp is linear in its cotangent, and its transpose is the jvp: one more reverse pass, through
    the backward graph, and no second rule for any operation.

    >>> jvp(lambda x: x * x, (3.0,), (1.0,))
    (9.0, 6.0)
    """
    args = args if isinstance(args, (tuple, list)) else (args,)
    tangents = tangents if isinstance(tangents, (tuple, list)) else (tangents,)
    trace = Trace("jvp", f, tuple(args), {})
    out = trace.out
    if not isinstance(out, Tensor):
        return out, np.zeros(np.shape(out))[()]
    along = [t for tangent in tangents for t in flatten(tangent)[0]]
    _check_tangents(trace.leaves, along)
    dummy = Tensor(_ones(out))
    with recording():
        pulled = trace.pull(dummy, record=True)
        parts = [_total(c * t) for c, t in zip(pulled, along, strict=True) if isinstance(c, Tensor)]
    total = _added(parts)
    tangent: Any = _zeros(out)
    if total is not None:
        nested = trace.record or any(isinstance(t, Tensor) for t in along)
        for node, g in cotangents(total, _ones(total), (dummy,), nested):
            tangent = g if node is dummy else tangent
        return trace.outside(out), tangent.value if isinstance(
            tangent, Tensor
        ) and not nested else tangent
    return trace.outside(out), tangent


def _check_tangents(leaves: list[Tensor], tangents: list[Any]) -> None:
    have = [x.shape for x in leaves]
    given = [np.shape(t._value if isinstance(t, Tensor) else t) for t in tangents]
    if have != given:
        raise ShapeError(
            explain("jvp: each tangent has the shape of its argument", f"{given}", f"{have}")
        )


def _total(x: Any) -> Any:
    return sum(x) if shape_of(x) else x


def _added(parts: list[Any]) -> Any:
    total = None
    for part in parts:
        total = part if total is None else total + part
    return total


def jacobian(f: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """All derivatives of all entries: shape `f(x).shape + x.shape`.

    >>> import numpy as np
    >>> jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """

    def transformed(*args: Any, **kwargs: Any) -> Any:
        trace = Trace("jacobian", f, args, kwargs, argnums)
        if not isinstance(trace.out, Tensor):
            raise _not_recorded("jacobian", trace.out)
        if len(trace.leaves) != 1:
            raise NotSupportedError(explain("jacobian: the argument must be one array"))
        x, out = trace.leaves[0], trace.out
        if out.size == 0:
            return np.zeros(out.shape + x.shape, out.dtype)
        rows = [trace.pull(e)[0] for e in _basis(out)]
        return trace.outside(reshape(stack(rows), out.shape + x.shape))

    return transformed


def _basis(like: Tensor) -> Iterator[Any]:
    if not like.shape:
        yield _ones(like)
        return
    for i in np.ndindex(like.shape):
        e = np.zeros(like.shape, like.dtype)
        e[i] = 1
        yield e


def hessian(f: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """The second derivatives of a scalar function: shape `x.shape + x.shape`.

    >>> import numpy as np
    >>> hessian(lambda x: (x * x * x).sum())(np.array([1.0, 2.0]))
    array([[ 6.,  0.],
           [ 0., 12.]])
    """
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """A function of `(x, ..., v)` that returns the Hessian of `f` times `v`, without the Hessian.

    >>> import numpy as np
    >>> hvp(lambda x: (x * x * x).sum())(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """

    def transformed(*args: Any, **kwargs: Any) -> Any:
        *point, v = args
        along = v if isinstance(v, Tensor) else leaf_value(v)
        slope = grad(f, argnums)
        directed = grad(lambda *xs: _total(slope(*xs, **kwargs) * along), argnums)
        return directed(*point)

    return transformed
