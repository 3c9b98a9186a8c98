"""Sums and extremes along axes.

In every rule table: g the arriving cotangent, out the result, x the argument; `axis` is a tuple of
axes counted from the front, or None for all of them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ..graph import PRIMITIVES, implements, primitive, shape_of
from . import samples
from .selection import where
from .shaping import Axis, axes, expand_dims, shifted

broadcast_to = PRIMITIVES["broadcast_to"]  # without the wrapper, which serves the user

_SETTINGS: tuple[dict[str, Any], ...] = (
    {"axis": (0, 1), "keepdims": False},
    {"axis": (1,), "keepdims": False},
    {"axis": (0,), "keepdims": True},
)


def _samples(draw: Any) -> tuple[Any, ...]:
    extra = draw((2, 3, 2), axis=(0, 2), keepdims=False)
    return (*(draw((3, 4), **settings) for settings in _SETTINGS), extra)


def spread(g: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """`g`, shaped as a reduction of `x`, back at the shape of `x`."""
    if not keepdims and axis != tuple(range(len(axis))):
        g = expand_dims(g, axis)
    return broadcast_to.alone(g, {"shape": shape_of(x)})


_add_up: Any = np.add.reduce  # takes a third less time by position than by keyword

_sum = primitive(
    "sum", lambda x, axis, keepdims: _add_up(x, axis, None, None, keepdims),
    vjp=lambda g, _, x, axis, keepdims: (spread(g, x, axis, keepdims),),
    rows=lambda x, axis, keepdims: _sum(x, axis=shifted(axis), keepdims=keepdims),
    text="sum({0}{axis}{keepdims})", code="np.sum({0}{axis}{keepdims})",
    latex=r"\operatorname{{sum}}{axis}({0})", sample=_samples(samples.normal),
)  # fmt: skip


@lru_cache
def _settings(axis: tuple[int, ...], keepdims: bool) -> dict[str, Any]:
    return {"axis": axis, "keepdims": keepdims}


size = primitive(
    "size", lambda x, axis: float(np.prod([shape_of(x)[a] for a in axis])),
    text="size({0}{axis})", code="{lengths}", latex=r"\operatorname{{size}}{axis}({0})",
    sample=(samples.normal((3, 4), axis=(1,)), samples.normal((3, 4), axis=(0, 1))),
)  # fmt: skip


def _winners(g: Any, out: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """The cotangent goes to the extreme entry, in equal parts where several tie."""
    won = x == spread(out, x, axis, keepdims)
    count = _sum(where(won, 1.0, 0.0), axis=axis, keepdims=keepdims)
    return where(won, spread(g / count, x, axis, keepdims), 0.0)


_max = primitive(
    "max", np.max, selects=True,
    vjp=lambda g, out, x, axis, keepdims: (_winners(g, out, x, axis, keepdims),),
    text="max({0}{axis}{keepdims})", code="np.max({0}{axis}{keepdims})",
    latex=r"\max{axis}({0})", sample=_samples(samples.distinct),
    works="at least one entry along the axis",
)  # fmt: skip

_min = primitive(
    "min", np.min, selects=True,
    vjp=lambda g, out, x, axis, keepdims: (_winners(g, out, x, axis, keepdims),),
    text="min({0}{axis}{keepdims})", code="np.min({0}{axis}{keepdims})",
    latex=r"\min{axis}({0})", sample=_samples(samples.distinct),
    works="at least one entry along the axis",
)  # fmt: skip


def _sum_of_others(x: Any, axis: tuple[int, ...]) -> Any:
    """The total less the entry; for the largest entry, where that would cancel, the rest summed."""
    x, (along,) = np.asanyarray(x), axis
    out = np.add.reduce(x, along, keepdims=True) - x
    if x.size:
        largest = np.expand_dims(np.abs(x).argmax(along), along)
        rest = np.copy(x)
        np.put_along_axis(rest, largest, 0, along)
        np.put_along_axis(out, largest, np.add.reduce(rest, along, keepdims=True), along)
    return out


_others = primitive(
    "others", _sum_of_others,
    vjp=lambda g, _, x, axis: (_others(g, axis=axis),),
    rows=lambda x, axis: _others(x, axis=shifted(axis)),
    text="others({0}{axis})",
    sample=(samples.normal((3, 4), axis=(1,)), samples.normal((3, 4), axis=(0,))),
)  # fmt: skip


def others(x: Any, axis: int = -1) -> Any:
    """For each entry, the sum of the other entries along the axis: Σ x - x, without cancellation.

    Where no entry is negative, every sum keeps its digits.

    >>> import tinygrad_xent as tx
    >>> tx.others(tx.tensor([1.0, 1e-20, 2e-20])).value
    array([3.e-20, 1.e+00, 1.e+00])
    """
    return _others(x, axis=axes("others", x, axis))


@implements(numpy=(np.sum, (np.add, "reduce")), methods="sum")
def sum(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The sum over one axis, several, or all.

    >>> import tinygrad_xent as tx
    >>> tx.sum(tx.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0).value
    array([4., 6.])
    """
    return _sum.alone(x, _settings(axes("sum", x, axis), bool(keepdims)))


@implements(numpy=(np.max, np.amax, (np.maximum, "reduce")), methods="max")
def max(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The largest entry along axes; its cotangent is shared equally where several tie.

    >>> import tinygrad_xent as tx
    >>> tx.grad(tx.max)([1.0, 3.0, 3.0])
    array([0. , 0.5, 0.5])
    """
    return _max(x, axis=axes("max", x, axis), keepdims=bool(keepdims))


@implements(numpy=(np.min, np.amin, (np.minimum, "reduce")), methods="min")
def min(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The smallest entry along axes; its cotangent is shared equally where several tie.

    >>> import tinygrad_xent as tx
    >>> tx.grad(tx.min)([1.0, 3.0, 3.0])
    array([1., 0., 0.])
    """
    return _min(x, axis=axes("min", x, axis), keepdims=bool(keepdims))
