"""What is computed for one row, as expressions.

Within a row a value is a number, or *wide*: a number for each column. Wide expressions have no
memory of their own; they are written out where a loop over columns needs them. A *fold* (a sum, the
largest, the smallest) makes a number of a wide one, and needs a loop of its own before what depends
on it: `ready` counts the loops over columns that come before an expression can be computed.

    load       an entry of an array          literal    a number in the source
    fold_sum, fold_max, fold_min             pick       a wide expression at one column
    here       whether a column is the one   columns    how many there are
    spread     one number in all columns     and the names of primitives
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..planning.values import Value


class NotInLoops(Exception):  # noqa: N818
    """Something that these loops cannot do, so that another back end does it."""


@dataclass(eq=False, slots=True)
class Expr:
    """A number of each row, or (`width` > 1) one for each of its columns."""

    op: str
    args: tuple[Expr, ...]
    dtype: np.dtype[Any]
    width: int = 1
    ready: int = 0
    source: Value | None = None  # of a load, or of a literal
    by_row: bool = False

    @property
    def wide(self) -> bool:
        return self.width > 1


@dataclass(eq=False, slots=True)
class Spike:
    """A row that is `value` at column `at` and zero elsewhere."""

    value: Expr
    at: Expr
    width: int


INT = np.dtype(np.int64)
BOOL = np.dtype(np.bool_)


def apply(op: str, *args: Expr, dtype: Any = None) -> Expr:
    """An operation entry by entry."""
    width = max(a.width for a in args)
    if any(a.width not in (1, width) for a in args):
        raise NotInLoops(op)
    ready = max(a.ready for a in args)
    return Expr(op, args, np.dtype(dtype or args[0].dtype), width, ready)


def fold(op: str, x: Expr) -> Expr:
    """One number of a row: the sum of its entries, the largest, the smallest."""
    return Expr(op, (x,), x.dtype, 1, x.ready + 1) if x.wide else x


def pick(x: Expr, at: Expr) -> Expr:
    """The entry of a row at a column."""
    if not x.wide or x.op == "spread":
        return x.args[0] if x.wide else x
    if x.op == "where" and x.args[0].op == "here" and x.args[0].args[0] is at:
        return pick(x.args[1], at)
    return Expr("pick", (x, at), x.dtype, 1, max(x.ready, at.ready))


def spread(x: Expr, width: int) -> Expr:
    """The same number in each column."""
    return Expr("spread", (x,), x.dtype, width, x.ready)


def cast(x: Expr, dtype: np.dtype[Any]) -> Expr:
    """The same number in another dtype."""
    return x if x.dtype == dtype else apply("astype", x, dtype=dtype)


def number(x: float, like: Expr) -> Expr:
    return literal(np.asarray(x, like.dtype), like.dtype)


def literal(data: Any, dtype: np.dtype[Any]) -> Expr:
    return Expr("literal", (), dtype, source=Value("constant", (), {}, (), dtype, data))


def quotient(x: Expr, y: Expr, dtype: Any) -> Expr:
    """x / y; of a row and a number, by one division and a product for each entry."""
    if y.wide or not x.wide or np.dtype(dtype).kind != "f" or y.dtype != dtype:
        return apply("div", x, y, dtype=dtype)
    scale = apply("scale", y)
    inverse = apply("div", number(1.0, y), apply("mul", y, scale))
    scaled = x if y.op == "literal" else apply("mul", x, scale, dtype=dtype)
    return apply("mul", scaled, inverse, dtype=dtype)
