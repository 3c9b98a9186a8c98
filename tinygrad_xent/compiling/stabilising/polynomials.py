"""Sums of products read as polynomials in a picked exponential e and the sum R of the others.

At the places that an index picks, one in each row, and elsewhere; `places.py` says what for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...graph import PRIMITIVES, Tensor, op_name, shape_of
from ...ops import exp
from .interning import Interner
from .knowing import equals, is_constant_along, is_number
from .monomials import added, combined, key, linear, scaled
from .products import ONE, Sum, UnreadableError, factor, inverse, multiplied, plus
from .rows import Rows
from .shares import Shares
from .tidying import vanishes_with

_MANY_READ = 96  # nodes of a sum to read before giving up
_SUMS = ("neg", "add", "sub", "mul")


def pick_at(entry: Tensor, x: Any) -> Tensor:
    """What is picked from x where an entry is put."""
    pick: Tensor = PRIMITIVES["getitem"](x, *_arrays(entry), index=entry.params["index"])
    return pick


def _arrays(node: Tensor) -> tuple[Any, ...]:
    return node.args[2:] if op_name(node) == "put" else node.args[1:]


class Reader:
    """Reads sums as polynomials, for one index and the shares of which it picks one in each row."""

    def __init__(self, intern: Interner, shares: Shares, pick: Tensor) -> None:
        self.intern, self.shares, self.pick = intern, shares, pick
        self.rows, self.axis, self.ndim = pick.shape, shares.axis, pick.ndim + 1
        self.nodes: dict[int, Any] = {}
        self.arrays: dict[Any, np.ndarray] = {}
        self.known: dict[tuple[int, bool | None], Sum] = {}
        self.row = Rows(intern, self.rows, self.axis).without
        self.kept: list[Any] = []
        self.sums: dict[frozenset[tuple[int, float]], tuple[int, float]] = {}
        self.guards: set[int] = set()  # conditions, outside of which a product is 0
        self.wide: set[int] = set()  # what is not one number for each row
        self.exponent = linear(self.row(intern(shares.picked(pick)), False))
        self.e = self._named(self.row(intern(exp(shares.picked(pick))), False))
        self.rest = self._named(intern(shares.all_but(pick)))
        self.whole = self._named(self.row(shares.total, shares.total.params["keepdims"]))

    def _named(self, x: Any, wide: bool = False) -> int:
        if isinstance(x, np.ndarray):  # equal ones are one factor
            x = self.arrays.setdefault((x.shape, x.dtype.str, x.tobytes()), x)
        if id(x) in self.nodes and (id(x) in self.wide) != wide:
            raise UnreadableError  # numbers of the rows, which are crosswise in another product
        if wide:
            self.wide.add(id(x))
        self.nodes[id(x)] = x
        return id(x)

    # -- reading ----------------------------------------------------------------------------------

    def read(self, x: Any, at: bool) -> Sum:
        """A node at the places of the index, or elsewhere."""
        return self._once(x, at, self._read)

    def of_row(self, x: Any) -> Sum:
        """A number of each row."""
        if isinstance(x, np.ndarray) and x.size and (x == x.flat[0]).all():
            x = x.flat[0]  # as graphs have it
        return self._once(x, None, lambda x, _: self._of_row(x))

    def _once(self, x: Any, at: bool | None, read: Callable[[Any, Any], Sum]) -> Sum:
        key = id(x), at
        if key not in self.known:
            if len(self.kept) == _MANY_READ:
                raise UnreadableError
            self.kept.append(x)  # what is known by id() must stay alive
            self.known[key] = read(x, at)
        return self.known[key]

    def _read(self, x: Any, at: bool) -> Sum:
        name = op_name(x)
        if is_number(x) or is_constant_along(x, (self.axis,), self.ndim):
            return self.of_row(self.row(x, True))
        if name in _SUMS:
            return self._opened(x, lambda y: self.read(y, at))
        if name == "div":
            return multiplied(self.read(x.args[0], at), self._inverse(x.args[1], at))
        if name == "where" and _is_guard(x):
            return self.read(x.args[2], at)
        if name == "where" and equals(x.args[2], 0.0):
            return multiplied(self.read(x.args[1], at), self._guard(x.args[0], at))
        if name == "exp" and x is not self.shares.e:
            return self._share_times(x, at)
        if name in ("scatter", "put") and self._is_here(x):
            value = x.args[1 if name == "put" else 0]
            return self.of_row(self.row(value, False)) if at else (
                self.read(x.args[0], at) if name == "put" else {})  # fmt: skip
        if name == "others" and x.params["axis"] == (self.axis,):
            inner = x.args[0]
            if op_name(inner) == "scatter" and self._is_here(inner):
                return {} if at else self.of_row(self.row(inner.args[0], False))
            if inner is self.shares.e and at:
                return factor(self.rest)
        return self.of_row(self.row(self._picked(x), False)) if at else self._of_wide(x)

    def _of_row(self, x: Any) -> Sum:
        name = op_name(x)
        if is_number(x):
            return {ONE: float(x)} if x != 0 else {}
        if id(x) in (self.e, self.rest, self.whole):
            return factor(id(x))
        if name == "getitem" and op_name(x.args[0]) == "others" and self._is_here(x):
            if x.args[0].args[0] is self.shares.e and x.args[0].params["axis"] == (self.axis,):
                return factor(self.rest)
        if name == "exp":
            return self._power_of_share(x)
        if name in ("add", "sub"):
            found = self._opened(x, self.of_row)
            shares = (self.e, self.rest, self.whole)
            opened = any(y in shares for p in found for y, _ in p)
            return found if opened else self._sum_as_one(x)
        if name in ("neg", "mul"):
            return self._opened(x, self.of_row)
        if name == "div":
            return multiplied(self.of_row(x.args[0]), self._inverse_of_row(x.args[1]))
        if name == "where" and _is_guard(x):
            return self.of_row(x.args[2])
        if name == "where" and equals(x.args[2], 0.0):
            condition = self._named(x.args[0])
            self.guards.add(condition)
            return multiplied(self.of_row(x.args[1]), factor(condition))
        return factor(self._named(x))

    def _opened(self, x: Any, read: Callable[[Any], Sum]) -> Sum:
        """A sum, difference, product or negative."""
        name = op_name(x)
        if name == "neg":
            return plus({}, read(x.args[0]), -1.0)
        a, b = map(read, x.args)
        return multiplied(a, b) if name == "mul" else plus(a, b, -1.0 if name == "sub" else 1.0)

    def _of_wide(self, x: Any) -> Sum:
        return factor(self._named(x, wide=True))

    def _guard(self, c: Any, at: bool) -> Sum:
        found = self._picked(c) if at else c
        if is_number(found):
            return {ONE: 1.0} if found else {}
        condition = self._named(found, wide=not at)
        self.guards.add(condition)
        return factor(condition)

    def _picked(self, x: Any) -> Any:
        if x is self.shares.e:
            return self.nodes[self.e]
        shape = self.shares.x.shape
        whole = x if shape_of(x) == shape else self.intern.make("broadcast_to", x, shape=shape)
        index = self.pick.params["index"]
        return self.intern.make("getitem", whole, *self.pick.args[1:], index=index)

    def _inverse(self, x: Any, at: bool) -> Sum:
        if is_number(x) or is_constant_along(x, (self.axis,), self.ndim):
            return self._inverse_of_row(self.row(x, True))
        return self._inverse_of_row(self._picked(x)) if at else inverse(self._of_wide(x))

    def _inverse_of_row(self, x: Any) -> Sum:
        found = self.of_row(x)
        if found == {**factor(self.e), **factor(self.rest)}:
            return factor(self.whole, -1)
        return inverse(found if len(found) == 1 else factor(self._named(x)))

    def _power_of_share(self, x: Any) -> Sum:
        """e^(c x) is the c-th power of e^x."""
        found = linear(x.args[0])
        powers = {found[place][1] / c if place in found else 0.0
                  for place, (_, c) in self.exponent.items()}  # fmt: skip
        if len(powers) == 1 and len(found) == len(self.exponent):
            (power,) = powers
            if power in (1, 2, 3):
                return factor(self.e, int(power))
        return factor(self._named(x))

    def _share_times(self, x: Any, at: bool) -> Sum:
        """e^(x + y) is e^x e^y, where y is one number for each row."""
        more = combined(added(linear(x.args[0]), scaled(linear(self.shares.x), -1.0)))
        if is_number(more) or not is_constant_along(more, (self.axis,), self.ndim):
            return self.of_row(self.row(self._picked(x), False)) if at else self._of_wide(x)
        share = factor(self.e) if at else self._of_wide(self.shares.e)
        return multiplied(share, self.of_row(exp(self.row(more, True))))

    def _sum_as_one(self, x: Any) -> Sum:
        """A sum that is not opened, as its terms may nearly cancel; known by them."""
        terms = linear(x)
        known = self.sums.get(key(terms))
        if known is None:
            known = self.sums[key(terms)] = self._named(x), 1.0
            minus = frozenset((place, -c) for place, c in key(terms))
            self.sums[minus] = id(x), -1.0
        return {frozenset({(known[0], 1)}): known[1]}

    def _is_here(self, x: Tensor) -> bool:
        """Whether it puts or picks entries at the same places."""
        same = pick_at(x, self.shares.x.args[0])
        return self.intern(same) is self.intern(self.pick)


def _is_guard(x: Tensor) -> bool:
    """Whether it keeps 0 times something at 0, in which that is finite once it is rewritten."""
    c, zero, y = x.args
    asks = equals(zero, 0.0) and op_name(c) == "equal" and equals(c.args[1], 0.0)
    return asks and vanishes_with(y, c.args[0])
