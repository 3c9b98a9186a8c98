"""Maxima of rows that are only subtracted, for which another entry of the row will do.

Softmax is the same whatever is taken off all logits of a row. The largest is taken so that no
exponential overflows, which costs a loop over the columns before the first exponential. Where an
index picks an entry t of each row, as labels do, x_t does as well unless another entry is far
larger; the sum of the exponentials tells. So a kernel shifts by x_t, and only rows whose sum is too
large, or nan, are done again with their largest entry.

That the results do not depend on the shift is found, not assumed: each expression is asked how it
changes if the shift grows by d. It may

    grow by    amount * d            x - shift, log S
    scale by   e^(amount * d)        e^(x - shift), sums, products and quotients of these
    be a scaling number less 1       expm1(x - shift)

or change in another way, such as a comparison with the largest; then the largest it has to be. With
x_t nothing is lost: while S < 2^24 the largest is within 17 of x_t, so x - shift is rounded by that
much at most, and x_t - shift is exactly 0, as log1p and expm1 want it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .expressions import Expr, closure, is_shifted, pick, picked

LIMIT = 2.0**24  # of a sum of exponentials
_POWER = 3  # up to which powers of a sum stay in range, in float32 too


@dataclass(frozen=True)
class Shift:
    """The largest of a row, for which one of its entries may stand.

    Attributes:
        largest: what it is in the formula.
        entry: what is tried first.
        sums: which sums have to stay small.
    """

    largest: Expr
    entry: Expr
    sums: list[Expr]


def shifts_in(stored: Iterable[Expr], gathered: Iterable[Expr]) -> list[Shift]:
    """The maxima in what is computed for a row that need not be the largest.

    Args:
        stored: results of each row. They keep the digits of small numbers.
        gathered: what is added up over rows.
    """
    stored, gathered = list(stored), list(gathered)
    reached = list(closure([*stored, *gathered]))
    found = (_shift(m, reached) for m in reached if m.op == "fold_max" and m.args[0].wide)
    return [s for s in found if s is not None and _is_free(s, reached, stored, gathered)]


def _shift(largest: Expr, reached: list[Expr]) -> Shift | None:
    """What may stand for a maximum, if an index picks an entry of such rows."""
    x = largest.args[0]
    for at in (e.args[-1] for e in reached if e.op in ("here", "pick")):
        if at.op == "place" and at.ready <= x.ready and _length(at) == x.width:
            sums = [f for f in reached if f.op == "fold_sum" and _is_share(f.args[0], largest, at)]
            if sums:
                return Shift(largest, pick(x, at), sums)
    return None


def _length(place: Expr) -> Any:
    """How long the rows are that a place is in."""
    source = place.args[1].source
    return source.data if source else None


def _is_share(e: Expr, largest: Expr, at: Expr) -> bool:
    """Whether it is e^(x - largest), but for the entry at a place, which may be 0."""
    if (
        e.op == "where"
        and e.args[0].op == "here"
        and e.args[0].args[0] is at
        and is_zero(e.args[1])
    ):
        e = e.args[2]
    return e.op == "exp_shifted" and e.args[0].args[1] is largest


def is_zero(e: Expr) -> bool:
    """Whether it is the number 0."""
    return e.op == "literal" and e.source is not None and not e.source.data


# -- whether results depend on the shift -----------------------------------------------------------


@dataclass(frozen=True)
class _Change:
    """How a number changes with the shift.

    Attributes:
        kind: "grow", "scale" or "scale less 1".
        amount: how much. What neither grows nor scales is fixed.
        rough: whether it is a difference of two that grow, with an error of the size of these.
    """

    kind: str = "grow"
    amount: float = 0.0
    rough: bool = False

    @property
    def is_fixed(self) -> bool:
        return self.kind != "scale less 1" and abs(self.amount) < 1e-12


def _is_free(shift: Shift, reached: list[Expr], stored: list[Expr], gathered: list[Expr]) -> bool:
    """Whether no result depends on the shift."""
    changes = _Changes(shift)
    for e in reached:
        changes.note(e)
    found = changes.found
    exact = (found[e] for e in stored)
    return all(c and c.is_fixed and not c.rough for c in exact) and all(
        (c := found[e]) is not None and c.is_fixed for e in gathered
    )


class _Changes:
    """How expressions change with a shift, arguments before results; None is "in another way"."""

    def __init__(self, shift: Shift) -> None:
        self.shift = shift
        self.found: dict[Expr, _Change | None] = {}

    def note(self, e: Expr) -> None:
        """Find how an expression changes."""
        args = [self.found[a] for a in e.args]
        if e is self.shift.largest:
            self.found[e] = None  # but for what it is taken off
        elif e.op == "sub" and e.args[1] is self.shift.largest and args[0]:
            self.found[e] = _Change("grow", -1.0) if args[0].is_fixed else None
        else:
            self.found[e] = self._of(e, args)

    def _of(self, e: Expr, args: list[_Change | None]) -> _Change | None:
        if any(a is None for a in args):
            return None
        known = [a for a in args if a is not None]
        rough = any(a.rough for a in known)
        if all(a.is_fixed for a in known):
            return _Change(rough=rough)
        rule = getattr(self, f"_of_{e.op}", None)
        change: _Change | None = rule(e, *known) if rule else None
        if change is None or (change.kind != "grow" and abs(change.amount) > _POWER):
            return None
        return _Change(change.kind, change.amount, rough or change.rough)

    # -- numbers that grow and scale -------------------------------------------------------------

    def _of_exp(self, e: Expr, x: _Change) -> _Change | None:
        return _Change("scale", x.amount) if x.kind == "grow" else None

    _of_exp_shifted = _of_exp

    def _of_expm1(self, e: Expr, x: _Change) -> _Change | None:
        return _Change("scale less 1", x.amount) if x.kind == "grow" else None

    def _of_log(self, e: Expr, x: _Change) -> _Change | None:
        return _Change("grow", x.amount) if x.kind == "scale" else None

    def _of_log1p(self, e: Expr, x: _Change) -> _Change | None:
        return _Change("grow", x.amount) if x.kind == "scale less 1" else None

    def _of_add(self, e: Expr, x: _Change, y: _Change) -> _Change | None:
        return self._sum(e, x, y, 1.0)

    def _of_sub(self, e: Expr, x: _Change, y: _Change) -> _Change | None:
        return self._sum(e, x, y, -1.0)

    def _sum(self, e: Expr, x: _Change, y: _Change, sign: float) -> _Change | None:
        for a, b, zero in ((x, y, e.args[1]), (y, x, e.args[0])):
            if is_zero(zero):
                return a
            if a.kind == "scale less 1" and b == _Change("scale", a.amount, b.rough):
                return a if a is x or sign > 0 else None
        if x.kind == y.kind == "grow" or (x.is_fixed and y.kind == "grow"):
            total = _Change("grow", x.amount + sign * y.amount)
            return _Change(rough=not self._is_exact(e)) if total.is_fixed else total
        return x if x.kind == y.kind == "scale" and x.amount == y.amount else None

    def _is_exact(self, e: Expr) -> bool:
        """Whether one of the two is the distance of the entry from the shift, which is 0."""
        x, at = self.shift.entry.args
        return any(is_shifted(a) and picked(a.args[0], x) is at for a in e.args)

    def _of_mul(self, e: Expr, x: _Change, y: _Change) -> _Change | None:
        return self._product(e, x, y, 1.0)

    def _of_div(self, e: Expr, x: _Change, y: _Change) -> _Change | None:
        return self._product(e, x, y, -1.0)

    def _product(self, e: Expr, x: _Change, y: _Change, sign: float) -> _Change | None:
        if (x.kind == "scale" or x.is_fixed) and (y.kind == "scale" or y.is_fixed):
            return _Change("scale", x.amount + sign * y.amount)
        for a, factor in ((x, e.args[1]), (y, e.args[0])):
            if a.kind == "grow" and factor.op == "literal" and factor.source is not None:
                number = float(factor.source.data)
                if a is x or sign > 0:
                    return _Change("grow", a.amount * (number if sign > 0 else 1 / number))
        return None

    def _of_where(self, e: Expr, c: _Change, x: _Change, y: _Change) -> _Change | None:
        if not c.is_fixed:
            return None
        for a, b in ((e.args[1], y), (e.args[2], x)):
            if is_zero(a) and b.kind == "scale":
                return b
        return x if x == y else None

    def _of_neg(self, e: Expr, x: _Change) -> _Change | None:
        if x.kind == "grow":
            return _Change("grow", -x.amount)
        return x if x.kind == "scale" else None

    def _of_fold_sum(self, e: Expr, x: _Change) -> _Change | None:
        if x.kind == "grow":
            return _Change("grow", x.amount * e.args[0].width)
        return x if x.kind == "scale" else None

    def _of_pick(self, e: Expr, x: _Change, at: _Change) -> _Change | None:
        return x

    def _of_spread(self, e: Expr, x: _Change) -> _Change | None:
        return x

    def _of_astype(self, e: Expr, x: _Change) -> _Change | None:
        return x if e.dtype.kind == "f" else None

    def _of_scale(self, e: Expr, x: _Change) -> _Change | None:
        """A power of 2 that the quotient which it is for is multiplied by, and divided by."""
        return _Change()
