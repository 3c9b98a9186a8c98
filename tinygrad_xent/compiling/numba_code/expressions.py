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

from collections.abc import Callable, Container, Iterator
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
    if x.op == "spread":
        (one,) = x.args
        return apply("mul", one, number(x.width, one)) if op == "fold_sum" else one
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


def is_shifted(x: Expr) -> bool:
    """Whether it is a row, or an entry of one, less the largest of that row."""
    if x.op != "sub" or x.args[1].op != "fold_max":
        return False
    (row,) = x.args[1].args
    return x.args[0] is row or picked(x.args[0], row) is not None


def picked(y: Expr, x: Expr) -> Expr | None:
    """The place of a row x of which y is the entry, by the same operations; None if it is none."""
    if y.op == "pick" and y.args[0] is x:
        return y.args[1]
    if (y.op, y.dtype, y.wide, len(y.args)) != (x.op, x.dtype, False, len(x.args)) or not x.args:
        return None
    pairs = list(zip(y.args, x.args, strict=True))
    places = {picked(a, b) for a, b in pairs if b.wide}
    alike = all(a is b or _same_literal(a, b) for a, b in pairs if not b.wide)
    return places.pop() if alike and len(places) == 1 else None


def _same_literal(a: Expr, b: Expr) -> bool:
    if a.source is None or b.source is None or not a.op == b.op == "literal":
        return False
    return a.dtype == b.dtype and bool(a.source.data == b.source.data)


def literal(data: Any, dtype: np.dtype[Any]) -> Expr:
    return Expr("literal", (), dtype, source=Value("constant", (), {}, (), dtype, data))


def quotient(x: Expr, y: Expr, dtype: Any) -> Expr:
    """x / y; of a row and a number, by one division and a product for each entry.

    By a number that is known an entry of a row is divided as the row is, so that both are equal.
    """
    if y.wide or np.dtype(dtype).kind != "f" or y.dtype != dtype:
        return apply("div", x, y, dtype=dtype)
    if y.op == "literal" and y.source is not None:
        with np.errstate(all="ignore"):
            times = 1 / np.asarray(y.source.data, dtype)
        if np.isfinite(times) and abs(times) >= np.finfo(dtype).tiny:
            return apply("mul", x, number(float(times), y), dtype=dtype)
        return apply("div", x, y, dtype=dtype)
    if not x.wide:
        return apply("div", x, y, dtype=dtype)
    scale = apply("scale", y)
    inverse = apply("div", number(1.0, y), apply("mul", y, scale))
    return apply("mul", apply("mul", x, scale, dtype=dtype), inverse, dtype=dtype)


def closure(
    roots: list[Expr], stop: Container[Expr] = (), through: Callable[[Expr], bool] = bool
) -> Iterator[Expr]:
    """What expressions depend on, arguments first.

    Args:
        roots: what to begin with.
        stop: those of which the arguments are not wanted.
        through: which arguments are.
    """
    seen: set[Expr] = set()
    stack: list[tuple[Expr, bool]] = [(r, False) for r in reversed(roots)]
    while stack:
        e, done = stack.pop()
        if done:
            yield e
        elif e not in seen:
            seen.add(e)
            stack.append((e, True))
            if e not in stop:
                stack += [(a, False) for a in reversed(e.args) if through(a)]
