"""Sums of the others in rows of exponentials, by the place of the largest.

What keeps digits is written with a mask of the largest in each row (`shares.py`). NumPy goes
through all of a mask to change one entry of a row; at a known place that costs next to nothing.
Below, k is the place of the largest of a row (of the first, if several are), e its exponentials, of
which the one at k is 1, R the sum of the others, and S = 1 + R.

    sum(e, not the largest) + (how many are largest - 1)   sum(e with 0 at k), which is R
    sum(e)                                                 S
    R + (1 - e)                                            S - e, and R at k: called the rest
    sum(x, not there) + (sum(x, where e is largest) - x)   sum(x) - x, at k the sum of the others
    e (K + c) + c rest                                     e K + c S, at k (K + c) + c R
    x / S                                                  x (1 / S)

The sides are equal whatever x, K and c are, and wherever else entries are as large. What the right
side subtracts may nearly be equal only at k, where another number stands: elsewhere e is at most
half of S, and then e K + c S is off by at most three times as much as the left side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..planning.values import Program, Value, in_order
from .forms import is_foreseen

_INT = np.dtype(np.int64)
_ALONG_ROWS: dict[str, Any] = {"axis": (1,), "keepdims": False}


def by_place(program: Program) -> None:
    """Put places where masks of the largest are read."""
    found = {value: e for value in program.values if (e := _summed_but_largest(value))}
    if found:
        _Rewriting(program, found).run()


@dataclass(frozen=True)
class _Row:
    """The new values of rows of exponentials: e, k, R and S."""

    e: Value
    place: Value
    others: Value
    whole: Value


class _Rewriting:
    """One program on the way to another.

    Args:
        others: those of its values that are R, and of which e.
    """

    def __init__(self, program: Program, others: dict[Value, Value]) -> None:
        self.program, self.others = program, others
        self.largest = {_largest(e.args[0]): e for e in others.values()}
        self.places: dict[Value, Value] = {}
        self.rows: dict[Value, _Row] = {}  # by e
        self.rests: dict[Value, _Row] = {}
        self.now: dict[Value, Value] = {}

    def run(self) -> None:
        """Rewrite value by value, arguments before results."""
        for value in self.program.values[:]:
            self.now[value] = self._better(value) or self._same(value)
        self.program.outputs = [self.now.get(v, v) for v in self.program.outputs]
        self.program.values = in_order(self.program.values)
        self.program.drop_unused()

    def _same(self, v: Value) -> Value:
        args = tuple(self._new(a) for a in v.args)
        return v if args == v.args else self.program.made(v.op, args, v.params, v.shape, v.dtype)

    def _better(self, v: Value) -> Value | None:
        if v in self.largest:
            return self._peak(v)
        if v in self.others:
            return self.rows[self.others[v]].others
        if v.op == "exp" and v in self.others.values():
            return self._exponentials(v)
        rule = {"sum": self._sum, "div": self._quotient, "add": self._sum_of_two,
                "sub": self._sum_of_two}.get(v.op)  # fmt: skip
        return rule(v) if rule is not None and v.ndim else None

    # -- new values ----------------------------------------------------------------------------

    def _new(self, v: Value) -> Value:
        return self.now.get(v, v)

    def _of(self, op: str, *args: Value, like: Value) -> Value:
        """An elementwise operation."""
        return self.program.made(op, args, {}, like.shape, like.dtype)

    def _put(self, x: Value, v: Value, place: Value) -> Value:
        return self.program.placed("put_at", (x, v, place), {}, x.shape, x.dtype)

    def _at(self, x: Value, place: Value) -> Value:
        """The entry of each row at a place."""
        if not x.ndim:
            return x
        if x.op == "expand_dims" and x.shape[1] == 1 and place.shape == x.args[0].shape:
            return x.args[0]
        return self.program.placed("entry_at", (x, place), {}, place.shape, x.dtype)

    def _summed(self, x: Value) -> Value:
        return self.program.made("sum", (x,), _ALONG_ROWS, x.shape[:1], x.dtype)

    def _column(self, x: Value) -> Value:
        return self.program.made("expand_dims", (x,), {"axis": (1,)}, (*x.shape, 1), x.dtype)

    # -- rows ----------------------------------------------------------------------------------

    def _peak(self, v: Value) -> Value:
        """The largest of each row, by its place."""
        x = self._new(v.args[0])
        place = self.program.placed("peak", (x,), {}, v.shape, _INT)
        self.places[v] = place
        return self._at(x, place)

    def _exponentials(self, e: Value) -> Value:
        """All that is known of them, and themselves: the 0 at k is taken back."""
        largest = _largest(e.args[0])
        place, peak = self.places[largest], self._new(largest)
        nothing = self._of("sub", peak, peak, like=peak)  # but nan if that is what is there
        without = self._put(self._same(e), nothing, place)
        others = self._summed(without)
        whole = self._of("add", self.program.constant(1), others, like=others)
        self.rows[e] = _Row(
            self._put(without, self.program.constant(1.0), place), place, others, whole
        )
        return self.rows[e].e

    def _sum(self, v: Value) -> Value | None:
        is_whole = v.args[0] in self.rows and v.params == _ALONG_ROWS
        return self.rows[v.args[0]].whole if is_whole else None

    def _quotient(self, v: Value) -> Value | None:
        """A matrix over S."""
        x, s = (self._new(a) for a in v.args)
        if x.shape != v.shape or s.op != "expand_dims":
            return None
        if not any(s.args[0] is row.whole for row in self.rows.values()):
            return None
        inverse = self._of("div", self.program.constant(1.0), s.args[0], like=s.args[0])
        return self._of("mul", x, self._column(inverse), like=v)

    # -- sums and differences ------------------------------------------------------------------

    def _sum_of_two(self, v: Value) -> Value | None:
        ways = [v.args] if v.op == "sub" else [v.args, v.args[::-1]]
        found = (rule(v, *way) for way in ways
                 for rule in (self._rest, self._others_of_part, self._share_and_more))  # fmt: skip
        return next((f for f in found if f is not None), None)

    def _rest(self, v: Value, r: Value, b: Value) -> Value | None:
        """R + (1 - e)."""
        e = b.args[1] if b.op == "sub" else None
        row = self.rows.get(e) if e else None
        if v.op != "add" or row is None or not _is_one(b.args[0]) or r.op != "expand_dims":
            return None
        if self._new(r.args[0]) is not row.others:
            return None
        less = self._of("sub", self._column(row.whole), row.e, like=v)
        self.rests[v] = row
        return self._put(less, row.others, row.place)

    def _others_of_part(self, v: Value, below: Value, b: Value) -> Value | None:
        """The sum of x where not largest, and the sum of x where largest, less x."""
        if v.op != "add" or b.op != "sub" or {below.op, b.args[0].op} != {"expand_dims"}:
            return None
        part, (mask, x) = b.args[1], _chosen(b.args[0].args[0], largest=True)
        if x is not part or _chosen(below.args[0], largest=False) != (mask, part):
            return None
        place = self.places.get(_largest(mask.args[0]))
        if place is None or part.shape != v.shape:
            return None
        new = self._new(part)
        without = self._put(new, self.program.constant(0.0), place)
        others = self._summed(without)
        total = self._of("add", others, self._at(new, place), like=others)
        less = self._of("sub", self._column(total), without, like=v)
        return self._put(less, others, place)

    def _share_and_more(self, v: Value, a: Value, b: Value) -> Value | None:
        """e (K + c) + c rest, or with minus twice."""
        for (e, both), (c, rest) in _pairs_of_factors(a, b):
            row = self.rests.get(rest)
            if row is None or self.rows.get(e) is not row or both.op != v.op:
                continue
            k, same = both.args
            if same is c and c.shape == v.shape and _has_rows(k, v.shape):
                return self._apart(v, row, self._new(k), self._new(c))
        return None

    def _apart(self, v: Value, row: _Row, k: Value, c: Value) -> Value:
        first = row.e if _is_one(k) else self._of("mul", row.e, k, like=v)
        second = self._of("mul", c, self._column(row.whole), like=v)
        k, c = self._at(k, row.place), self._at(c, row.place)
        both, more = (self._of(op, *args, like=row.others) for op, args in
                      ((v.op, (k, c)), ("mul", (c, row.others))))  # fmt: skip
        at_peak = self._of(v.op, both, more, like=row.others)
        return self._put(self._of(v.op, first, second, like=v), at_peak, row.place)


# -- what is looked for -------------------------------------------------------------------------


def _summed_but_largest(v: Value) -> Value | None:
    """The exponentials of which a value is the sum of all but one of the largest."""
    if v.op != "add" or v.ndim != 1:
        return None
    for a, b in (v.args, v.args[::-1]):
        mask, e = _chosen(a, largest=False)
        if mask is not None and e.op == "exp" and e.args == mask.args[:1] and _excess(b, mask):
            found: Value = e
            return found
    return None


def _chosen(v: Value, largest: bool) -> tuple[Any, Any]:
    """The mask and x of a sum along rows of x where it is the largest, or where it is not."""
    if v.op != "sum" or v.params != _ALONG_ROWS or v.args[0].op != "where":
        return None, None
    mask, x, y = v.args[0].args
    x, zero = (x, y) if largest else (y, x)
    fits = zero.is_zero and _is_of_rows(mask) and x.shape == mask.shape
    return (mask, x) if fits else (None, None)


def _is_of_rows(mask: Value) -> bool:
    """Whether a mask is of the largest in each row of a matrix."""
    if not is_foreseen(mask) or mask.ndim != 2:
        return False
    x, largest = mask.args[0].args[0], _largest(mask.args[0])
    return largest.params == _ALONG_ROWS and x.shape == mask.shape


def _largest(below: Value) -> Value:
    """The maxima of x - max(x)."""
    found = below.args[1]
    while found.op != "max":
        (found,) = found.args
    return found


def _excess(v: Value, mask: Value) -> bool:
    """Whether a value is how many are largest, less one."""
    if v.op != "sub" or not _is_one(v.args[1]) or v.args[0].op != "sum":
        return False
    ones = v.args[0].args[0]
    return v.args[0].params == _ALONG_ROWS and ones.op == "astype" and ones.args == (mask,)


def _has_rows(v: Value, shape: tuple[int, ...]) -> bool:
    """Whether it is a number, one for each row, or one for each entry."""
    is_column = v.op == "expand_dims" and v.shape == (shape[0], 1)
    return not v.ndim or is_column or v.shape == shape


def _is_one(v: Value) -> bool:
    return v.op == "constant" and not v.ndim and bool(v.data == 1)


def _pairs_of_factors(a: Value, b: Value) -> Iterator[Any]:
    """The factors of two products, in each order."""
    if a.op == b.op == "mul":
        for first in (a.args, a.args[::-1]):
            for second in (b.args, b.args[::-1]):
                yield first, second
