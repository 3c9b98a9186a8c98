"""Functions whose slopes vanish far out.

In the rule table: g the arriving cotangent, out the result, x the argument.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..graph import numbers, primitive
from . import samples
from .arithmetic import sub

_FAR = 1.0  # from where on 1 - tanh² loses digits


def _complement(out: Any, x: Any) -> Any:
    """1 - tanh², computed far out as 1/cosh²."""
    square, x = out * out, numbers(x)
    if type(x) is float:
        tail = 1.0 - numbers(square) if abs(x) < _FAR else math.cosh(min(abs(x), 700.0)) ** -2
        return sub.giving(tail, 1, square)
    value = 1 - numbers(square)
    far = np.abs(x) > _FAR
    if np.count_nonzero(far):
        value, x = np.asarray(value), np.asarray(x)
        with np.errstate(over="ignore"):
            value[far] = np.square(1 / np.cosh(x[far]))  # hardly slower than 1 - tanh² for few
        value = value[()]
    return sub.giving(value, 1, square)


tanh = primitive(
    "tanh", np.tanh, scalar=math.tanh, numpy=np.tanh, methods="tanh", elementwise=True,
    vjp=lambda g, out, x: (g * _complement(out, x),),
    latex=r"\tanh({0})", sample=samples.normal((3, 4)),
)  # fmt: skip
