"""Where a walk starts, and `backward()`, which stores gradients on the nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from ..errors import DtypeError, GradientError, NotSupportedError, ShapeError, describe, explain
from ..graph import (
    PRIMITIVES,
    Blank,
    Tensor,
    dtype_of,
    is_float,
    known,
    leaf_value,
    record,
    shape_of,
)
from .walk import Walk

_spread = PRIMITIVES["broadcast_to"]
_ONE = np.float64(1.0)


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
    seed = seed.value if isinstance(seed, Tensor) else seed
    for node, g in Walk(self).pairs(seed):
        held = node._grad
        if held is not None:
            g = (held[0] if type(held) is tuple else held) + g
        node._grad = (g,) if isinstance(g, ndarray) else g  # `shared`, without a call


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
