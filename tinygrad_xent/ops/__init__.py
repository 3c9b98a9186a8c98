"""The table of primitives, declared once each."""

from .arithmetic import add, div, mul, neg, power, sub
from .elementwise import abs, cos, exp, expm1, log, log1p, sign, sin, sqrt
from .indexing import concatenate, getitem, put, scatter, stack
from .labels import checked_labels
from .linear import matmul
from .reduction import max, min, others, sum
from .saturating import tanh
from .selection import (
    equal,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    not_equal,
    where,
)
from .shaping import (
    alias,
    astype,
    broadcast_to,
    expand_dims,
    reshape,
    squeeze,
    stop_gradient,
    transpose,
)

__all__ = [
    "abs",
    "add",
    "alias",
    "astype",
    "broadcast_to",
    "checked_labels",
    "concatenate",
    "cos",
    "div",
    "equal",
    "exp",
    "expand_dims",
    "expm1",
    "getitem",
    "greater",
    "greater_equal",
    "less",
    "less_equal",
    "log",
    "log1p",
    "logical_and",
    "logical_not",
    "logical_or",
    "matmul",
    "max",
    "maximum",
    "min",
    "minimum",
    "mul",
    "neg",
    "not_equal",
    "others",
    "power",
    "put",
    "reshape",
    "scatter",
    "sign",
    "sin",
    "sqrt",
    "squeeze",
    "stack",
    "stop_gradient",
    "sub",
    "sum",
    "tanh",
    "transpose",
    "where",
]
