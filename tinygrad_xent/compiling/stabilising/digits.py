"""Forms that keep their digits: what would be lost when nearly equal numbers are subtracted.

These rewrites come last, when nothing is differentiated any more. They rest on what is known of
shares e = e^x, where x = z - max z: the total is S = 1 + R, where R is the sum of the others, in
which nothing cancels; a share's complement is R where x is 0 and S - e elsewhere. So

    log S                is  log1p R
    c - e (sum c) / S    is  (c rest - e (sum c - c)) / S      softmax's vjp; rest = S - e
    w - (sum w e) / S    is  (w rest - (sum w e - w e)) / S    a deviation from the mean under e / S
    v at t - v e / S     is  -v e / S, and v R_t / S at t      where R_t is the sum of all but t

Every right-hand side equals its left-hand side over the reals. On the right, subtraction is left
only where the data themselves are subtracted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...graph import PRIMITIVES, Tensor, shape_of, toposort
from ...ops import exp, expm1, log1p, put, reshape, squeeze, sum, where
from .factors import Factors, base, factors
from .interning import Interner, rebuilt
from .knowing import is_largest_of, name_of

_MOVES = frozenset({"expand_dims", "squeeze", "broadcast_to", "reshape", "transpose", "getitem"})


def keeping_digits(roots: Iterable[Any]) -> list[Any]:
    """The graphs to compute, in forms that keep their digits."""
    intern = Interner(final=True)
    graphs = [intern(r) for r in roots]
    digits = _Digits(intern, [g for g in graphs if isinstance(g, Tensor)])
    return [digits(g) for g in graphs]


@dataclass(frozen=True)
class _Shares:
    """A sum of e^x along an axis, in which the largest x is 0."""

    x: Any
    axis: int
    total: Tensor
    picks: list[Tensor]

    @property
    def e(self) -> Any:
        return exp(self.x)

    @property
    def others(self) -> Any:
        """The sum of all but one that is largest, with the axis kept."""
        ones = sum(where(self.x == 0, 1.0, 0.0), self.axis, keepdims=True)
        return sum(where(self.x == 0, 0.0, self.e), self.axis, keepdims=True) + (ones - 1)

    @property
    def rest(self) -> Any:
        """For each share the sum of the others."""
        return where(self.x == 0, self.others, (1 + self.others) - self.e)

    def all_but(self, pick: Tensor) -> Any:
        """The sum of all but the share that an index picks from each row; without the axis."""
        return sum(self.without(pick), self.axis)

    def without(self, pick: Tensor) -> Any:
        return put(self.e, 0.0, *pick.args[1:], index=pick.params["index"])

    def picked(self, pick: Tensor) -> Any:
        """The exponent that an index picks from each row."""
        return PRIMITIVES["getitem"](self.x, *pick.args[1:], **pick.params)


class _Digits:
    """The rewrites of one set of graphs."""

    def __init__(self, intern: Interner, graphs: list[Tensor]) -> None:
        self.intern = intern
        self._known: dict[int, Any] = {}
        self._kept: list[Any] = []
        nodes = toposort(*graphs)
        self._picks = [n for n in nodes if name_of(n) == "getitem"]
        found = (self._shares_of(n) for n in nodes)
        self._shares = {id(s.total): s for s in found if s is not None}

    def __call__(self, graph: Any) -> Any:
        if not isinstance(graph, Tensor):
            return graph
        return rebuilt(graph, self._known, self._apply, self._kept, through=True)

    def _apply(self, op: Any, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        node = self.intern.apply(op, args, params)
        rule = _RULES.get(name_of(node))
        better = None if rule is None else rule(self, node)
        return node if better is None else self.intern(better)

    def _shares_of(self, node: Tensor) -> _Shares | None:
        if name_of(node) != "sum" or name_of(node.args[0]) != "exp":
            return None
        (x,), axis = node.args[0].args, node.params["axis"]
        if name_of(x) != "sub" or len(axis) != 1 or not is_largest_of(x.args[1], x.args[0]):
            return None
        if base(x.args[1]).params["axis"] != axis:
            return None
        rows = [p for p in self._picks if _picks_one_of_each(p, x.args[0], axis[0])]
        return _Shares(x, axis[0], node, rows)

    def shares(self, total: Any) -> _Shares | None:
        """What is known of a node that is such a sum."""
        return self._shares.get(id(total))


def _picks_one_of_each(pick: Tensor, x: Any, axis: int) -> bool:
    """Whether an index takes exactly one entry along the axis for each place on the others."""
    if pick.args[0] is not x:
        return False
    rows = (*x.shape[:axis], *x.shape[axis + 1 :])
    index, arrays = pick.params["index"], pick.args[1:]
    if (
        pick.shape != rows
        or len(index) != x.ndim
        or any(p[0] not in ("array", "int") for p in index)
    ):
        return False
    grids = np.ix_(*(np.arange(n) for n in rows)) if rows else ()
    places = [p for i, p in enumerate(index) if i != axis]
    return all(
        p[0] == "array" and isinstance(arrays[p[1]], np.ndarray)
        and np.array_equal(np.broadcast_to(arrays[p[1]], rows), np.broadcast_to(g, rows))
        for p, g in zip(places, grids, strict=True)
    )  # fmt: skip


# -- the rewrites ---------------------------------------------------------------------------------


def _log(d: _Digits, node: Tensor) -> Any:
    """log S = log1p R; where an entry is picked, R is counted from there."""
    moves, inner = [], node.args[0]
    while name_of(inner) in _MOVES and d.shares(inner) is None:
        moves.append(inner)
        inner = inner.args[0]
    shares = d.shares(inner)
    if shares is None:
        return None
    if shares.picks and node.size == shares.picks[0].size:
        pick = shares.picks[0]
        return reshape(log1p(expm1(shares.picked(pick)) + shares.all_but(pick)), node.shape)
    rest = shares.others if shares.total.params["keepdims"] else squeeze(shares.others, shares.axis)
    for move in reversed(moves):
        rest = move.op(rest, *move.args[1:], **move.params)
    return log1p(rest)


def _sum(d: _Digits, node: Tensor) -> Any:
    """c - e (sum c) / S, w - (sum w e) / S, and an entry less its share."""
    left, right = node.args
    sign = -1.0 if name_of(node) == "sub" else 1.0
    for first, second, front, back in ((left, right, 1.0, sign), (right, left, sign, 1.0)):
        for match in (_less_share, _less_mean):
            found = match(d, first, second, back / front, node.shape)
            if found is not None:
                return found if front == 1 else -found
    return None


def _less_share(d: _Digits, c: Any, product: Any, sign: float, shape: Any) -> Any:
    """c + sign * product, where the product is -e (sum c) / S."""
    f = factors(product)
    for place, total in f.nodes.items():
        shares = d.shares(total) if f.below[place] else None
        if shares is None or not f.above[id(d.intern(shares.e))] or shape != shares.x.shape:
            continue
        share = factors(d.intern(shares.e / shares.total))
        summed = f.over(share)
        if name_of(base(c)) == "scatter":
            return _entry_less_share(d, shares, base(c), summed, sign)
        whole = _sum_of(summed, c, shares.axis)
        if whole is not None and whole * sign == -1:
            total_c = sum(_full(c, shape), shares.axis, keepdims=True)
            return (c * shares.rest - shares.e * (total_c - c)) / (1 + shares.others)
    return None


def _sum_of(f: Factors, c: Any, axis: int) -> float | None:
    """How many times the sum of c along the axis a product is, if it is one."""
    if not isinstance(c, Tensor):
        whole = np.unique(np.asarray(c).sum(axis))
        return f.number / whole.item() if f.is_number() and whole.size == 1 and whole else None
    sums = [n for p, n in f.nodes.items() if f.above[p] and name_of(n) == "sum"]
    for s in sums:
        if s.params["axis"] == (axis,):
            per_row = factors(c).over(factors(s.args[0]))
            left = f.over(Factors(1.0, _one(s), type(f.above)(), {id(s): s})).over(per_row)
            if left.is_number():
                return left.number
    return None


def _one(node: Tensor) -> Any:
    return Counter({id(node): 1})


def _entry_less_share(d: _Digits, shares: _Shares, entry: Tensor, v: Factors, sign: float) -> Any:
    """v at the place t of each row, and everywhere -v e / S: at t, v times the rest over S."""
    pick = next((p for p in shares.picks if _same_places(p, entry)), None)
    if pick is None or entry.shape != shares.x.shape:
        return None
    ratio = v.over(factors(entry.args[0]))
    if not ratio.is_number() or ratio.number * sign != -1:
        return None
    value, rest = entry.args[0], shares.all_but(pick)
    total = rest + exp(shares.picked(pick))
    everywhere = shares.without(pick) * _kept(-(value / total), shares.axis, pick.shape)
    return put(everywhere, value * rest / total, *pick.args[1:], index=pick.params["index"])


def _same_places(pick: Tensor, entry: Tensor) -> bool:
    same = all(a is b or (isinstance(a, np.ndarray) and np.array_equal(a, b))
               for a, b in zip(pick.args[1:], entry.args[1:], strict=False))  # fmt: skip
    return same and pick.params["index"] == entry.params["index"]


def _less_mean(d: _Digits, w: Any, product: Any, sign: float, shape: Any) -> Any:
    """w k + sign * product, where the product is -k (sum w e) / S."""
    f = factors(product)
    for place, total in f.nodes.items():
        shares = d.shares(total) if f.below[place] else None
        if shares is None or shape != shares.x.shape:
            continue
        weighted = [n for p, n in f.nodes.items() if f.above[p] and name_of(n) == "sum"]
        for s in weighted:
            inner = factors(s.args[0]).over(factors(d.intern(shares.e)))
            if s.params["axis"] != (shares.axis,) or inner.below:
                continue
            mean = Factors(1.0, _one(s), _one(total), {id(s): s, id(total): total})
            k = f.over(mean)
            left = factors(w).over(k).over(inner)
            if left.is_number() and left.number * sign * -1 == 1:
                part = w * shares.e
                whole = sum(_full(part, shape), shares.axis, keepdims=True)
                return (w * shares.rest - (whole - part)) / (1 + shares.others)
    return None


def _full(x: Any, shape: Any) -> Any:
    return x if shape_of(x) == shape else PRIMITIVES["broadcast_to"](x, shape=shape)


def _kept(x: Any, axis: int, rows: Any) -> Any:
    """One number for each row, with the axis back."""
    return PRIMITIVES["expand_dims"](_full(x, rows), axis=(axis,))


_RULES: dict[str, Callable[[_Digits, Tensor], Any]] = {"log": _log, "add": _sum, "sub": _sum}
