"""Sums, products and powers.

In every rule table: g the arriving cotangent, out the result, x and y the arguments.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ..graph import Tensor, implements, primitive
from . import samples
from .elementwise import log
from .selection import where

_PAIRS = (samples.normal((3, 4), (3, 4)), samples.normal((3, 1), (4,)), samples.normal((), (2, 3)))
_NONZERO_PAIRS = (samples.nonzero((3, 4), (3, 4)), samples.nonzero((3, 1), (4,)))
_BROADCAST = "shapes that broadcast: from the right, each axis equal or one of them 1"

add = primitive(
    "add", operator.add, scalar=operator.add, numpy=np.add, elementwise=True,
    methods=("__add__", "__radd__"),
    vjp=(lambda g, _, x, y: g, lambda g, _, x, y: g),
    text="{0} + {1}", latex="{0} + {1}", precedence=2, sample=_PAIRS, works=_BROADCAST,
)  # fmt: skip

sub = primitive(
    "sub", operator.sub, scalar=operator.sub, numpy=np.subtract, elementwise=True,
    methods=("__sub__", "__rsub__"),
    vjp=(lambda g, _, x, y: g, lambda g, _, x, y: -g),
    text="{0} - {1}", latex="{0} - {1}", precedence=2, sample=_PAIRS, works=_BROADCAST,
)  # fmt: skip

mul = primitive(
    "mul", operator.mul, scalar=operator.mul, numpy=np.multiply, elementwise=True,
    methods=("__mul__", "__rmul__"),
    vjp=(lambda g, _, x, y: g * y, lambda g, _, x, y: g * x),
    text="{0}*{1}", latex=r"{0} \odot {1}", precedence=3, sample=_PAIRS, works=_BROADCAST,
)  # fmt: skip


def _divisor(g: Any, out: Any, _: Any, y: Any) -> Any:
    """-g out / y. It divides in place, for one array less where they are large."""
    c = -g * out
    c /= y
    return c


div = primitive(
    "div", np.true_divide, scalar=operator.truediv, numpy=np.divide, elementwise=True,
    methods=("__truediv__", "__rtruediv__"),
    vjp=(lambda g, _, x, y: g / y, _divisor),
    text="{0}/{1}", latex=r"\frac{{{0}}}{{{1}}}", precedence=3, sample=_NONZERO_PAIRS,
    works=_BROADCAST,
)  # fmt: skip

neg = primitive(
    "neg", operator.neg, scalar=operator.neg, numpy=np.negative, elementwise=True,
    methods="__neg__", vjp=lambda g, _, x: (-g,),
    text="-{0}", latex="-{0}", precedence=4, sample=samples.normal((3, 4)),
)  # fmt: skip


# `power` and not `**` in what follows: for a negative Python float, `**` would turn complex.


def _power_base(g: Any, _: Any, x: Any, y: Any) -> Any:
    """y x^(y-1); at x = 0 with 0 < y < 1, where that is infinite, 0 is chosen (as for sqrt)."""
    if isinstance(y, (Tensor, np.ndarray)):
        steep = (x == 0) * ((y > 0) * (y < 1))
        return g * y * power(where(y == 0, 1.0, where(steep, np.inf, x)), y - 1)
    if y == 0:
        return g * 0.0
    if y == 1:
        return g
    if y == 2:
        return g * 2 * x
    return g * y * power(where(x == 0, np.inf, x) if 0 < y < 1 else x, y - 1)


def _power_exponent(g: Any, out: Any, x: Any, y: Any) -> Any:
    """x^y log x; at x = 0 it is 0, its limit for y > 0."""
    return g * out * log(where(x == 0, 1.0, x))


power = primitive(
    "power", np.power, scalar=math.pow, numpy=np.power, elementwise=True,
    methods=("__pow__", "__rpow__"), vjp=(_power_base, _power_exponent),
    text="{0}**{1}", latex="{0}^{{{1}}}", precedence=5, works=_BROADCAST,
    sample=(samples.positive((3, 4), (3, 4)), samples.positive((3, 1), (4,))),
)  # fmt: skip


@implements(numpy=np.positive, methods="__pos__")
def positive(x: Any) -> Any:
    """The argument itself."""
    return x
