"""What each loop over columns computes, and which rows of numbers are kept from one to the next.

The k-th loop does all that needs the folds of k loops before it: folds, what is stored, what is
added to sums over the rows. A wide expression is computed again in each loop that uses it, if that
is cheap. Otherwise it is kept: in the row of an output that is written later, or in a row of
scratch. A row that differs from a plain one at one column is stored plain, and *mended* there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..planning.rows import DEAR
from .expressions import Expr, apply, closure, pick
from .shifts import Shift, shifts_in

_DEAR = DEAR | {"exp_shifted"}
_CHEAP = 6  # operations up to which something is computed again rather than kept


@dataclass(eq=False, slots=True)
class Store:
    """A result written for each row: where, what, and at which column it is mended, with what."""

    name: str
    expr: Expr
    mend: tuple[Expr, Expr] | None = None


@dataclass(eq=False, slots=True)
class Gather:
    """A result added up over rows: where, how (sum, max or min), and of what."""

    name: str
    op: str
    expr: Expr

    @property
    def start(self) -> str:
        """What it is before anything was added."""
        if self.op == "sum":
            return "0"
        if self.expr.dtype.kind == "f":
            return "-np.inf" if self.op == "max" else "np.inf"
        limits = np.iinfo(self.expr.dtype)
        return str(limits.min if self.op == "max" else limits.max)


@dataclass(eq=False, slots=True)
class Columns:
    """One loop over columns: how many there are, and what it does."""

    width: int
    folds: list[Expr]
    gathers: list[Gather]
    stores: list[Store]

    @property
    def roots(self) -> list[Expr]:
        """The wide expressions that it is for."""
        made = [f.args[0] for f in self.folds] + [g.expr for g in self.gathers]
        return made + [s.expr for s in self.stores]


class Schedule:
    """The loops over columns of a kernel.

    Attributes:
        stores: the results, as they are stored.
        sections: how many loops there are one after the other.
        home: the first loop that computes a wide expression.
        kept: how to read a wide expression that is kept, as a template for the column.
        scratch: the rows of scratch, by name.
    """

    def __init__(self, stores: list[Store], gathers: list[Gather]) -> None:
        self.stores = [_mended(s) for s in stores]
        self.gathers = gathers
        stored = [s.expr for s in self.stores]
        stored += [e for s in self.stores if s.mend for e in s.mend]
        reached = list(closure([*stored, *(g.expr for g in gathers)]))
        self._folds = [e for e in reached if e.op.startswith("fold_")]
        self._shifts = self._shifts_that_pay(stored)
        self.sections = max((e.ready for e in reached), default=0) + 1
        self.home: dict[Expr, int] = {}
        self.kept: dict[Expr, str] = {}
        self.scratch: dict[str, Expr] = {}
        self._allot(self._last_uses())

    def loops(self, k: int) -> list[Columns]:
        """The k-th loop; several, if rows of different lengths are gone through."""
        folds = [f for f in self._folds if f.args[0].ready == k]
        gathers = [g for g in self.gathers if g.expr.wide and g.expr.ready == k]
        stores = [s for s in self.stores if s.expr.wide and s.expr.ready == k]
        widths = dict.fromkeys(e.width for e in Columns(0, folds, gathers, stores).roots)
        return [
            Columns(
                w,
                [f for f in folds if f.args[0].width == w],
                [g for g in gathers if g.expr.width == w],
                [s for s in stores if s.expr.width == w],
            )
            for w in widths
        ]

    def shifts(self, k: int) -> list[Shift]:
        """The shifts of section k, of which only some rows need the largest entry."""
        return [s for s in self._shifts if s.largest.ready == k]

    def _shifts_that_pay(self, stored: list[Expr]) -> list[Shift]:
        """Those that save a loop, and of which the section may be done twice."""
        found, folds = shifts_in(stored, [g.expr for g in self.gathers]), self._folds
        self._folds = [f for f in folds if all(f is not s.largest for s in found)]
        kept = [s for s in found if self._pays(s.largest)]
        self._folds = [f for f in folds if all(f is not s.largest for s in kept)]
        return kept

    def _pays(self, largest: Expr) -> bool:
        k = largest.ready
        again = any(loop.gathers for loop in self.loops(k))
        return not self.loops(k - 1) and not again and _cost(largest.args[0]) <= _CHEAP

    def order(self, loop: Columns, k: int) -> list[Expr]:
        """The wide expressions that a loop computes or reads, arguments first."""
        there = {e for e in self.kept if self.home[e] < k}
        return list(closure(loop.roots, there, lambda e: e.wide))

    # -- what is kept --------------------------------------------------------------------------

    def _last_uses(self) -> dict[Expr, int]:
        """What a loop after the first wants to have kept, and the last such loop."""
        used: dict[Expr, int] = {}
        for k in range(self.sections):
            for loop in self.loops(k):
                self._settle(loop.roots, k, used)
        return used

    def _settle(self, roots: list[Expr], k: int, used: dict[Expr, int]) -> None:
        stack, seen = list(roots), set()
        while stack:
            e = stack.pop()
            if not e.wide or e in seen:
                continue
            seen.add(e)
            if self.home.setdefault(e, k) < k and (e in used or _cost(e) > _CHEAP):
                used[e] = k
            else:
                stack += e.args

    def _allot(self, used: dict[Expr, int]) -> None:
        """A row for each expression that is kept, from its home to its last use."""
        free = [s for s in self.stores if s.expr.wide]
        for e, last in used.items():
            fits = (s for s in free if _alike(s.expr, e) and s.expr.ready >= last)
            store = next(fits, None)
            if store is not None:
                free.remove(store)
                self.kept[e] = store.name + "[i, {}]"
            else:
                name = f"kept_{len(self.scratch)}"
                self.scratch[name] = e
                self.kept[e] = name + "[{}]"


def _alike(a: Expr, b: Expr) -> bool:
    return a.dtype == b.dtype and a.width == b.width


def _cost(e: Expr) -> int:
    """About how many operations it takes to compute a wide expression again."""
    computed: dict[Any, int] = {}
    for x in closure([e], (), lambda a: a.wide):
        own = 0 if x.op in ("load", "here") else 20 if x.op in _DEAR else 1
        computed[x] = own + sum(computed[a] for a in x.args if a.wide)
    return computed[e]


def _mended(store: Store) -> Store:
    """A row that is plain but for one column, stored plain and mended there."""
    wide = closure([store.expr], (), lambda e: e.wide) if store.expr.wide else ()
    places = {e.args[0] for e in wide if e.op == "here"}
    if len(places) != 1:
        return store
    (at,) = places
    plain = _without_here(store.expr, {})
    return Store(store.name, plain, (at, pick(store.expr, at))) if plain.wide else store


def _without_here(e: Expr, done: dict[Expr, Expr]) -> Expr:
    """The expression as it is in all other columns."""
    if not e.wide or e.op == "here":
        return e
    if e not in done:
        if e.op == "where" and e.args[0].op == "here":
            done[e] = _without_here(e.args[2], done)
        else:
            args = [_without_here(a, done) for a in e.args]
            same = all(a is b for a, b in zip(args, e.args, strict=True))
            done[e] = e if same else apply(e.op, *args, dtype=e.dtype)
    return done[e]
