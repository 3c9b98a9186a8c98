"""Functions in, functions out: grad, vjp, jvp, Jacobians and Hessians, nestable to any order.

Forward mode is the transpose of reverse mode; no operation has a second rule for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .batching import basis, side_by_side
from .calling import Trace, zeros_like
from .differentiate import cotangents, ones_like, seed_for
from .errors import ShapeError, explain
from .graph import Tensor, known, leaf_value, recording, shape_of
from .ops import alias, stack, sum
from .trees import flatten


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
    tangent = found[dummy] if dummy in found else zeros_like(out)
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
        return [r.reshape(out.shape + x.shape) for x, r in zip(trace.leaves, rows, strict=True)]


def _side_by_side(trace: Trace, out: Tensor) -> Any:
    """What each leaf receives for each entry of `out`, from one walk; None if that cannot be."""
    if out.size == 1 or not known(out._value):  # without numbers nobody sees a 0 * inf
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        return side_by_side(out, trace.leaves, trace.record)


def _one_by_one(trace: Trace, out: Tensor) -> list[Any]:
    """The same from a walk for each entry."""
    seeds = basis(out, 0, out.size) if out.shape else [ones_like(out)]
    return [stack(rows) for rows in zip(*trace.pull(out, *seeds), strict=True)]


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
