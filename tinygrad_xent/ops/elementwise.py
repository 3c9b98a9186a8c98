"""Functions of one number, applied to every entry.

In every rule table: g the arriving cotangent, out the result, x the argument.
"""

from __future__ import annotations

import math
import operator

import numpy as np

from ..graph import primitive
from . import samples
from .selection import where

_ANY = samples.normal((3, 4))

exp = primitive(
    "exp", np.exp, scalar=math.exp, numpy=np.exp, methods="exp", elementwise=True,
    vjp=lambda g, out, x: (g * out,),
    latex=r"e^{{{0}}}", sample=_ANY,
)  # fmt: skip

log = primitive(
    "log", np.log, scalar=math.log, numpy=np.log, methods="log", elementwise=True,
    vjp=lambda g, _, x: (g / x,),
    latex=r"\log({0})", sample=samples.positive((3, 4)),
)  # fmt: skip

expm1 = primitive(
    "expm1", np.expm1, scalar=math.expm1, numpy=np.expm1, methods="expm1", elementwise=True,
    vjp=lambda g, _, x: (g * exp(x),),  # out + 1 would cancel where out is near -1
    sample=_ANY,
)  # fmt: skip

log1p = primitive(
    "log1p", np.log1p, scalar=math.log1p, numpy=np.log1p, methods="log1p", elementwise=True,
    vjp=lambda g, _, x: (g / (1 + x),),
    sample=samples.positive((3, 4)),
)  # fmt: skip

# At 0 the slope of sqrt is infinite. Dividing by infinity there chooses 0, which is what makes
# the gradient of a norm at the origin its least subgradient, 0, and not inf * 0 = nan.
sqrt = primitive(
    "sqrt", np.sqrt, scalar=math.sqrt, numpy=np.sqrt, methods="sqrt", elementwise=True,
    vjp=lambda g, out, x: (g / (2 * where(out == 0, np.inf, out)),),
    latex=r"\sqrt{{{0}}}", sample=samples.positive((3, 4)),
)  # fmt: skip

sin = primitive(
    "sin", np.sin, scalar=math.sin, numpy=np.sin, methods="sin", elementwise=True,
    vjp=lambda g, _, x: (g * cos(x),),
    latex=r"\sin({0})", sample=_ANY,
)  # fmt: skip

cos = primitive(
    "cos", np.cos, scalar=math.cos, numpy=np.cos, methods="cos", elementwise=True,
    vjp=lambda g, _, x: (-g * sin(x),),
    latex=r"\cos({0})", sample=_ANY,
)  # fmt: skip


def _sign(x: float) -> float:
    return 1.0 if x > 0 else -1.0 if x < 0 else x + 0.0


sign = primitive(
    "sign", np.sign, scalar=_sign, numpy=np.sign, methods="sign", elementwise=True,
    latex=r"\operatorname{{sign}}({0})", sample=samples.nonzero((3, 4)),
)  # fmt: skip

abs = primitive(
    "abs", operator.abs, scalar=operator.abs, numpy=(np.absolute, np.fabs),
    methods=("__abs__", "abs"), elementwise=True,
    vjp=lambda g, _, x: (g * sign(x),),  # at 0 the subgradient 0
    latex=r"\left|{0}\right|", sample=samples.nonzero((3, 4)),
)  # fmt: skip
