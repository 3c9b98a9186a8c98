"""Functions in, functions out: grad, vjp, jvp, Jacobians and Hessians, nestable to any order.

Forward mode is the transpose of reverse mode; no operation has a second rule for it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import numpy as np

from .batching import side_by_side
from .differentiate import Walk, cotangents, not_recorded, ones_like, seed_for
from .errors import DtypeError, GradientError, ShapeError, describe, explain
from .graph import Tensor, constant, is_float, known, leaf_value, observer, recording, shape_of
from .ops import alias, reshape, stack, sum
from .trees import flatten

_depth: ContextVar[int] = ContextVar("depth", default=0)


def is_inside() -> bool:
    """Whether a function is being differentiated right now."""
    return _depth.get() > 0


class Trace:
    """One call of a user's function on fresh variables, and what came out.

    Inside another transform everything is recorded, because the outer one will differentiate it;
    outside, arrays go in and arrays come out. Passing a Tensor asks for a recorded result.
    """

    def __init__(
        self, name: str, f: Callable[..., Any], args: Any, kwargs: Any, argnums: Any = None
    ):
        self.name, self.record = name, is_inside()
        depth = _depth.get()
        self.leaves: list[Tensor] = []
        self.rebuilders: list[tuple[int, Callable[[list[Any]], Any]]] = []
        inner = list(args)
        for i in _chosen(name, argnums, args):
            inner[i] = self._open(args[i])
        token = _depth.set(depth + 1)
        try:
            with recording():
                self.out = f(*inner, **kwargs)
        finally:
            _depth.reset(token)

    def _open(self, arg: Any) -> Any:
        leaves, rebuild = flatten(arg)
        fresh = [self._variable(x) for x in leaves]
        self.leaves += fresh
        self.rebuilders.append((len(leaves), rebuild))
        return rebuild(fresh)

    def _variable(self, x: Any) -> Tensor:
        self.record = self.record or isinstance(x, Tensor)
        node: Tensor = alias(x) if isinstance(x, Tensor) else Tensor(constant(x, self.name))
        if not is_float(node._value):
            raise DtypeError(
                explain(
                    f"{self.name}: there is no derivative with respect to integers or booleans",
                    describe(x),
                    "x.astype(float), or argnums=... for another argument",
                )
            )
        return node

    def close(self, per_leaf: list[Any], record: bool = False) -> list[Any]:
        """Results for the leaves, put back into the containers that the arguments came in."""
        seen: set[int] = set()
        rest = []
        for x in per_leaf:
            rest.append(self.outside(x, record, fresh=id(x) not in seen))
            seen.add(id(x))
        closed = []
        for n, rebuild in self.rebuilders:
            closed.append(rebuild(rest[:n]))
            rest = rest[n:]
        return closed

    def outside(self, x: Any, record: bool = False, fresh: bool = False) -> Any:
        """A result as the caller gets it: a Tensor if all is recorded, else an array to keep.

        `fresh`: if it owns its memory, nobody else does: a rule has just made it.
        """
        if record or self.record:
            return x if isinstance(x, Tensor) else Tensor(x)
        value = x._value if isinstance(x, Tensor) else x
        if type(value) is not np.ndarray:
            return value
        flags = value.flags
        fresh = fresh and flags.owndata and flags.writeable and value.ndim > 0
        return value if fresh else np.array(value)[()]

    def slopes(self) -> tuple[Any, list[Any]]:
        """The one number that came out, and its derivative by each leaf; the graph is used up."""
        out = self.scalar()
        value, seed = self.outside(out), ones_like(out)
        walk = Walk(out, tuple(self.leaves), self.record)
        self.out = out = None  # type: ignore[assignment]
        if not self.record:
            return value, self._per_leaf(walk.cotangents(seed, last=True))
        with recording():
            return value, self._per_leaf(walk.cotangents(seed, last=True))

    def _per_leaf(self, found: dict[Tensor, Any]) -> list[Any]:
        return [found[x] if x in found else _zeros(x) for x in self.leaves]

    def pull(self, out: Tensor, *seeds: Any, record: bool = False) -> list[list[Any]]:
        """For each seed: the cotangent of each leaf when `out` receives it; zeros for nothing."""
        walk = Walk(out, tuple(self.leaves), record or self.record)
        with recording():
            return [self._per_leaf(walk.cotangents(seed)) for seed in seeds]

    def result(self, out: Any = None) -> Tensor:
        """What the function returned, or a part of it; a constant counts as a Tensor."""
        out = self.out if out is None else out
        if type(out) is not Tensor:
            if not isinstance(out, (float, int, np.generic, np.ndarray)):
                raise not_recorded(self.name, out)
            return Tensor(out)
        return observer.get().differentiated(out)  # type: ignore[no-any-return]

    def scalar(self) -> Tensor:
        """What the function returned, which has to be one number."""
        out = self.result()
        if shape_of(out._value) and out.size != 1:
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
    if type(argnums) is int and 0 <= argnums < len(args):
        return (argnums,)
    numbers = range(len(args)) if argnums is None else argnums
    chosen = (numbers,) if isinstance(numbers, int) else tuple(numbers)
    if any(not -len(args) <= i < len(args) for i in chosen):
        raise GradientError(
            explain(
                f"{name}: argnums={argnums} is not an argument",
                f"{len(args)} arguments",
                f"from {-len(args)} to {len(args) - 1}, or a tuple of such",
            )
        )
    return tuple(i % len(args) for i in chosen)


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
        value, slopes = trace.slopes()
        grads = trace.close(slopes)
        return value, grads[0] if isinstance(argnums, int) else tuple(grads)

    return transformed


def grad(f: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
    """A function that returns the gradient of `f`; nests to any order. See `value_and_grad`.

    >>> grad(grad(lambda x: x**3))(2.0)
    12.0
    """
    both = value_and_grad(f, argnums)
    return lambda *args, **kwargs: both(*args, **kwargs)[1]


def elementwise_grad(f: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
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
    out = trace.result()

    def pull(cotangent: Any) -> tuple[Any, ...]:
        seed = seed_for(out, cotangent, "vjp")
        record = isinstance(seed, Tensor)
        return tuple(trace.close(trace.pull(out, seed, record=record)[0], record))

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
    out = trace.result()
    along = [t for tangent in tangents for t in flatten(tangent)[0]]
    _check_tangents("jvp", trace.leaves, along)
    record = trace.record or any(isinstance(t, Tensor) for t in along)
    seed = ones_like(out)
    dummy = alias(seed) if isinstance(seed, Tensor) else Tensor(seed)
    with recording():
        total = _inner(trace.pull(out, dummy, record=True)[0], along)
        found: dict[Tensor, Any] = {}
        if isinstance(total, Tensor):
            found = cotangents(total, ones_like(total), (dummy,), record)
    tangent = found[dummy] if dummy in found else _zeros(out)
    return trace.outside(out), trace.outside(tangent, record)


def _check_tangents(name: str, leaves: list[Any], tangents: list[Any]) -> None:
    have, given = [np.shape(x) for x in leaves], [np.shape(t) for t in tangents]
    if have != given:
        raise ShapeError(
            explain(f"{name}: each tangent has the shape of its argument", f"{given}", f"{have}")
        )


def _inner(xs: list[Any], ys: list[Any]) -> Any:
    """The sum of all products of entries."""
    total: Any = 0.0
    for x, y in zip(xs, ys, strict=True):
        product = x * (y if isinstance(y, Tensor) else leaf_value(y))
        total = total + (sum(product) if shape_of(product) else product)
    return total


def jacobian(f: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
    """All derivatives of all entries: shape `f(x).shape + x.shape`.

    Where arguments or results come in containers, there is one such array for each pair of them.

    >>> import numpy as np
    >>> jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """

    def transformed(*args: Any, **kwargs: Any) -> Any:
        trace = Trace("jacobian", f, args, kwargs, argnums)
        outs, rebuild = flatten(trace.out)
        blocks = [trace.close(_blocks(trace, trace.result(out))) for out in outs]
        return rebuild([b[0] if isinstance(argnums, int) else tuple(b) for b in blocks])

    return transformed


def _blocks(trace: Trace, out: Tensor) -> list[Any]:
    """For each leaf, the derivatives of `out` with respect to it."""
    if not out.size:
        return [np.zeros(out.shape + x.shape, x.dtype) for x in trace.leaves]
    with recording():
        rows = _side_by_side(trace, out) or _one_by_one(trace, out)
        return [reshape(r, out.shape + x.shape) for x, r in zip(trace.leaves, rows, strict=True)]


def _side_by_side(trace: Trace, out: Tensor) -> Any:
    """What each leaf receives for each entry of `out`, from one walk; None if that cannot be."""
    if out.size == 1 or not known(out._value):  # without numbers nobody sees a 0 * inf
        return None
    seed = Tensor(ones_like(out))
    with np.errstate(all="ignore"):
        results = trace.pull(out, seed, record=True)[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        return side_by_side(results, seed, _basis(out), trace.record)


def _one_by_one(trace: Trace, out: Tensor) -> list[Any]:
    """The same from a walk for each entry."""
    seeds = _basis(out) if out.shape else [ones_like(out)]
    return [stack(rows) for rows in zip(*trace.pull(out, *seeds), strict=True)]


def _basis(like: Tensor) -> np.ndarray:
    """For each entry an array of the shape of `like` that is 1 there and 0 elsewhere."""
    return np.eye(like.size, dtype=like.dtype).reshape(-1, *like.shape)


def hessian(f: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
    """The second derivatives of a scalar function: shape `x.shape + x.shape`.

    >>> import numpy as np
    >>> hessian(lambda x: (x * x * x).sum())(np.array([1.0, 2.0]))
    array([[ 6.,  0.],
           [ 0., 12.]])
    """
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
    """A function of `(x, ..., v)` that returns the Hessian of `f` times `v`, without the Hessian.

    >>> import numpy as np
    >>> hvp(lambda x: (x * x * x).sum())(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """

    def transformed(*args: Any, **kwargs: Any) -> Any:
        *point, v = args
        along, slope = flatten(v)[0], grad(f, argnums)

        def directed(*xs: Any) -> Any:
            slopes = flatten(slope(*xs, **kwargs))[0]
            _check_tangents("hvp", slopes, along)
            return _inner(slopes, along)

        return grad(directed, argnums)(*point)

    return transformed
