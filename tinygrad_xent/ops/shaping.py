"""Operations that move entries and compute nothing, and the two that only steer gradients.

In every rule table: g the arriving cotangent, out the result, x the argument.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ..errors import ShapeError, describe, explain
from ..graph import Blank, Tensor, as_large, dtype_of, implements, plain, primitive, shape_of
from . import samples

Axis = int | tuple[int, ...] | None

# -- shapes ---------------------------------------------------------------------------------------

_reshape = primitive(
    "reshape", lambda x, shape: np.reshape(x, shape),
    vjp=lambda g, _, x, shape: (_reshape(g, shape=shape_of(x)),),
    rows=lambda x, shape: _reshape(x, shape=shape_of(x)[:1] + shape),
    text="{0}.reshape{shape}", code="np.reshape({0}, {shape})",
    latex=r"\operatorname{{reshape}}({0})",
    sample=(samples.normal((3, 4), shape=(2, 6)), samples.normal((1,), shape=())),
    works="a shape with as many entries; one length may be -1",
)  # fmt: skip

_transpose = primitive(
    "transpose", lambda x, axes: np.transpose(x, axes),
    vjp=lambda g, _, x, axes: (_transpose(g, axes=tuple(int(i) for i in np.argsort(axes))),),
    rows=lambda x, axes: _transpose(x, axes=(0, *shifted(axes))),
    text="{0}{axes}", latex=r"{0}^{{{axes}}}",
    sample=(samples.normal((3, 4), axes=(1, 0)), samples.normal((2, 3, 4), axes=(1, 2, 0))),
    works="every axis of the argument, once",
)  # fmt: skip

_expand_dims = primitive(
    "expand_dims", lambda x, axis: np.expand_dims(x, axis),
    vjp=lambda g, _, x, axis: (_squeeze(g, axis=axis),),
    rows=lambda x, axis: _expand_dims(x, axis=shifted(axis)),
    text="{0}{new}", latex="{0}", code="{0}[{new}]",
    sample=(samples.normal((3, 4), axis=(1,)), samples.normal((3,), axis=(0, 2))),
    works="axes of the result, each once",
)  # fmt: skip

_squeeze = primitive(
    "squeeze", lambda x, axis: np.squeeze(x, axis),
    vjp=lambda g, _, x, axis: (_expand_dims(g, axis=axis),),
    rows=lambda x, axis: _squeeze(x, axis=shifted(axis)),
    text="{0}{dropped}", latex="{0}", code="np.squeeze({0}{axis})",
    sample=(samples.normal((3, 1), axis=(1,)), samples.normal((1, 3, 1), axis=(0, 2))),
    works="axes of length 1",
)  # fmt: skip


_LARGE = 4096  # entries from which a view, which writes nothing, is made faster than a copy


def _spread(x: Any, shape: tuple[int, ...]) -> Any:
    if shape == ():
        return x
    if math.prod(shape) > _LARGE or type(x) is Blank:
        return as_large(np.broadcast_to(np.asanyarray(x, dtype_of(x)), shape))
    out = np.empty(shape, dtype_of(x))
    out[...] = x
    return out


_broadcast_to = primitive(
    "broadcast_to", _spread,
    vjp=lambda g, _, x, shape: (g,),
    rows=lambda x, shape: _broadcast_to(align(x, 1 + len(shape)), shape=shape_of(x)[:1] + shape),
    text="{0}", latex="{0}", code="np.broadcast_to({0}, {shape})",
    sample=(samples.normal((3, 1), shape=(2, 3, 4)), samples.normal((), shape=(3,))),
    works="a shape that the argument broadcasts to",
)  # fmt: skip

_astype = primitive(
    "astype", lambda x, dtype: np.asanyarray(x).astype(dtype)[()],
    vjp=lambda g, _, x, dtype: (g if np.dtype(dtype).kind == "f" else None,),
    rows=lambda x, dtype: _astype(x, dtype=dtype),
    text="{0}", latex="{0}", code="{0}.astype({dtype})",
    sample=samples.normal((3, 4), dtype="float64"),
)  # fmt: skip


@implements(numpy=np.reshape, methods="reshape")
def reshape(x: Any, *shape: Any) -> Any:
    """The same entries in another shape; one length may be -1.

    >>> import tinygrad_xent as tx
    >>> tx.reshape(tx.tensor([1.0, 2.0, 3.0, 4.0]), (2, -1)).shape
    (2, 2)
    """
    wanted = shape[0] if len(shape) == 1 and not isinstance(shape[0], (int, np.integer)) else shape
    wanted = tuple(operator.index(n) for n in wanted)
    if wanted.count(-1) == 1:
        known = -int(np.prod(wanted))
        size = int(np.prod(_shape(x)))
        if known > 0 and size % known == 0:
            wanted = tuple(size // known if n == -1 else n for n in wanted)
    return _reshape(x, shape=wanted)


@implements(numpy=np.ravel, methods=("ravel", "flatten"))
def ravel(x: Any) -> Any:
    """All entries in one axis."""
    return reshape(x, (int(np.prod(_shape(x))),))


@implements(numpy=np.transpose, methods="transpose")
def transpose(x: Any, axes: Any = None, *more: int) -> Any:
    """The axes in another order; reversed if none is given.

    >>> import tinygrad_xent as tx
    >>> tx.transpose(tx.tensor([[1.0, 2.0, 3.0]])).shape
    (3, 1)
    """
    ndim = len(_shape(x))
    order = range(ndim - 1, -1, -1) if axes is None else (axes, *more) if more else axes
    order = (order,) if isinstance(order, int) else order
    return _transpose(x, axes=tuple(int(a) + ndim if -ndim <= a < 0 else int(a) for a in order))


@implements(numpy=np.swapaxes, methods="swapaxes")
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """The argument with two axes exchanged."""
    (a,), (b,) = axes("swapaxes", x, axis1), axes("swapaxes", x, axis2)
    order = list(range(len(_shape(x))))
    order[a], order[b] = b, a
    return transpose(x, order)


@implements(numpy=np.expand_dims)
def expand_dims(x: Any, axis: int | tuple[int, ...]) -> Any:
    """The argument with new axes of length 1 at these places of the result.

    >>> import tinygrad_xent as tx
    >>> tx.expand_dims(tx.tensor([1.0, 2.0]), 0).shape
    (1, 2)
    """
    chosen = axis if isinstance(axis, tuple) else (axis,)
    ndim = len(_shape(x)) + len(chosen)
    return _expand_dims(x, axis=tuple(sorted(a + ndim if a < 0 else a for a in chosen)))


@implements(numpy=np.squeeze, methods="squeeze")
def squeeze(x: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """The argument without these axes of length 1; without all of them if none is given.

    >>> import tinygrad_xent as tx
    >>> tx.squeeze(tx.tensor([[1.0, 2.0]])).shape
    (2,)
    """
    ones = tuple(i for i, n in enumerate(_shape(x)) if n == 1)
    return _squeeze(x, axis=axes("squeeze", x, ones if axis is None else axis))


@implements(numpy=np.broadcast_to)
def broadcast_to(x: Any, shape: int | tuple[int, ...]) -> Any:
    """The argument repeated along new axes and axes of length 1, up to this shape.

    >>> import tinygrad_xent as tx
    >>> tx.broadcast_to(tx.tensor([1.0, 2.0]), (2, 2)).value
    array([[1., 2.],
           [1., 2.]])
    """
    return plain(_broadcast_to(x, shape=shape if type(shape) is tuple else _lengths(shape)))


def _lengths(shape: Any) -> tuple[int, ...]:
    return (shape,) if isinstance(shape, int) else tuple(shape)


def axes(name: str, x: Any, axis: Axis) -> tuple[int, ...]:
    """The axes a caller means, from the front and in order; an error if one is not there."""
    value = x._value if type(x) is Tensor else x
    ndim = value.ndim if type(value) is np.ndarray else len(_shape(value))
    if axis is None:
        return tuple(range(ndim))
    if type(axis) is int and -ndim <= axis < ndim:
        return (axis % ndim,)
    chosen = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    whole = all(isinstance(a, (int, np.integer)) for a in chosen)
    front = tuple(sorted(int(a) + ndim if a < 0 else int(a) for a in chosen)) if whole else (-1,)
    if any(not 0 <= a < ndim for a in front) or len(set(front)) < len(front):
        works = f"distinct axes from {-ndim} to {ndim - 1}" if ndim else "axis=None: it has no axes"
        raise ShapeError(
            explain(f"{name}: axis {axis!r} is not an axis of the argument", describe(x), works)
        )
    return front


def shifted(axes: tuple[int, ...]) -> tuple[int, ...]:
    """The same axes of an array that has one more in front."""
    return tuple(a + 1 for a in axes)


def align(x: Any, ndim: int) -> Any:
    """Rows of fewer axes at `ndim` axes: those that broadcasting would add come after the first."""
    missing = ndim - len(shape_of(x))
    return _expand_dims(x, axis=tuple(range(1, 1 + missing))) if missing > 0 else x


def _shape(x: Any) -> tuple[int, ...]:
    """The shape of anything that may be an argument, nested lists among them."""
    return x.shape if hasattr(x, "shape") else np.shape(x)


@implements(methods="astype")
def astype(x: Any, dtype: Any) -> Any:
    """The entries converted to another dtype; the cotangent is converted back.

    >>> import tinygrad_xent as tx
    >>> tx.astype(tx.tensor([1.0]), "float32").dtype
    dtype('float32')
    """
    return _astype(x, dtype=np.dtype(dtype).name)


Tensor.T = property(transpose)  # type: ignore[attr-defined]

# -- steering gradients ---------------------------------------------------------------------------

stop_gradient = primitive(
    "stop_gradient", lambda x: x,
    text="stop_gradient({0})", latex="{0}", code="{0}", sample=samples.normal((3, 4)),
)  # fmt: skip

alias = primitive(
    "alias", lambda x: x,
    vjp=lambda g, _, x: (g,),
    rows=lambda x: alias(x),
    text="{0}", latex="{0}", code="{0}", sample=samples.normal((3, 4)),
)  # fmt: skip


# -- what depends on the shape and dtype only -----------------------------------------------------

implements(numpy=np.shape)(shape_of)
implements(numpy=np.ndim)(lambda x: x.ndim)
implements(numpy=np.size)(lambda x: x.size)
implements(numpy=np.zeros_like)(lambda x: np.zeros(x.shape, x.dtype))
implements(numpy=np.ones_like)(lambda x: np.ones(x.shape, x.dtype))
