"""Shares: e^x over the sum of such along an axis, where the largest x is 0."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...graph import PRIMITIVES, Tensor, op_name, shape_of
from ...ops import astype, expand_dims, put, sum, where
from .factors import base
from .knowing import is_largest_of, is_number, is_positive
from .monomials import Exponents, combined, linear, spread


@dataclass(frozen=True)
class Shares:
    """What is known of a sum S of e = e^x along an axis.

    Attributes:
        x: the exponents; the largest is 0.
        axis: what is summed along.
        total: the node S.
        picks: nodes with the indices by which one x is taken from each row.
    """

    x: Any
    axis: int
    total: Tensor
    picks: list[Tensor]

    @property
    def e(self) -> Any:
        return self.total.args[0]

    @property
    def others(self) -> Any:
        """S - 1, summed without the 1: all but one that is largest, with the axis kept."""
        ones = sum(astype(self.x == 0, self.x.dtype), self.axis, keepdims=True)
        return sum(where(self.x == 0, 0.0, self.e), self.axis, keepdims=True) + (ones - 1)

    @property
    def whole(self) -> Any:
        """S, with the axis kept."""
        return 1 + self.others

    @property
    def rest(self) -> Any:
        """S - e, for each e the sum of the others: nothing cancels, and the largest e are 1."""
        return self.others + (1 - self.e)

    def sum_of_others(self, part: Any) -> Any:
        """For each entry of a multiple of e the sum of the others; of the largest, those alone.

        Where one is largest, `top - part` is 0 there.
        """
        largest, part = self.x == 0, spread(part, self.x.shape)
        top = sum(where(largest, part, 0.0), self.axis, keepdims=True)
        below = sum(where(largest, 0.0, part), self.axis, keepdims=True)
        return below + (top - part)

    def without(self, pick: Tensor) -> Any:
        """e, with 0 where an index picks."""
        return put(self.e, 0.0, *pick.args[1:], index=pick.params["index"])

    def all_but(self, pick: Tensor) -> Any:
        """The sum of e without what an index picks; without the axis."""
        return sum(self.without(pick), self.axis)

    def picked(self, pick: Tensor) -> Any:
        """The exponent that an index picks from each row."""
        return _picked(self.x, pick)


def shares_in(intern: Callable[[Any], Any], nodes: Iterable[Tensor]) -> dict[int, Shares]:
    """All such sums in a graph, by the id of the sum."""
    there = {id(n): n for n in nodes}
    found = (_shares_of(intern, n, there) for n in list(there.values()))
    return {id(s.total): s for s in found if s is not None}


def _shares_of(
    intern: Callable[[Any], Any], node: Tensor, there: dict[int, Tensor]
) -> Shares | None:
    if op_name(node) != "sum" or op_name(node.args[0]) != "exp":
        return None
    (x,), axis = node.args[0].args, node.params["axis"]
    if op_name(x) != "sub" or len(axis) != 1 or not is_largest_of(x.args[1], x.args[0]):
        return None
    if base(x.args[1]).params["axis"] != axis:
        return None
    picks = [n for n in there.values() if picks_one_of_each(n, x.args[0], axis[0])]
    mine = [p for p in picks if id(intern(_picked(x.args[0], p))) in there]
    return Shares(x, axis[0], node, mine)


def _picked(x: Any, pick: Tensor) -> Any:
    """What an index picks from x, which of a sum are the sums of what it picks."""
    return PRIMITIVES["getitem"](x, *pick.args[1:], **pick.params)


def picks_one_of_each(pick: Tensor, x: Any, axis: int) -> bool:
    """Whether an index takes exactly one entry along the axis for each place on the others."""
    rows = (*x.shape[:axis], *x.shape[axis + 1 :])
    if op_name(pick) != "getitem" or pick.shape != rows:
        return False
    index, arrays = pick.params["index"], pick.args[1:]
    if shape_of(pick.args[0]) != x.shape or len(index) != x.ndim:
        return False
    if any(part[0] not in ("array", "int") for part in index):
        return False
    grids = np.ix_(*(np.arange(n) for n in rows)) if rows else ()
    places = [p for i, p in enumerate(index) if i != axis]
    return all(_are_equal(arrays, p, g, rows) for p, g in zip(places, grids, strict=True))


def _are_equal(arrays: Any, part: Any, grid: Any, shape: Any) -> bool:
    if part[0] != "array" or not isinstance(arrays[part[1]], np.ndarray):
        return False
    given = np.broadcast_to(arrays[part[1]], shape)
    return np.array_equal(given, np.broadcast_to(grid, shape))


def apart(
    intern: Callable[[Any], Any], terms: Exponents, place: int, e: Any, total: Any
) -> tuple[Exponents, Exponents] | None:
    """K and c of a sum K e / S + c of which one term is a share; None if it is not one.

    Args:
        terms: the sum.
        place: which of them may be the share.
        e: the factor, or 1.
        total: the divisor S.
    """
    term, times = terms[place]
    k = _over_share(term, e, total) if len(terms) > 1 else None
    if k is None:
        return None
    return linear(intern(k), times), {p: t for p, t in terms.items() if p != place}


def may_cancel(k: Exponents, c: Exponents) -> bool:
    """Whether the two of such a sum could have opposite signs."""
    return not (is_positive(combined(c)) and is_positive(combined(k)))


def _over_share(term: Any, e: Any, total: Any) -> Any:
    """The term without the factor e and the divisor S; None if it is not such a product."""
    found = Counter[str]()

    def walk(x: Any, above: bool) -> Any:
        name = op_name(x)
        if x is e and above:
            found["e"] += 1
            return 1.0
        if x is total and not above:
            found["total"] += 1
            return 1.0
        if name == "mul":
            return walk(x.args[0], above) * walk(x.args[1], above)
        if name == "div":
            return walk(x.args[0], above) / walk(x.args[1], not above)
        if name == "neg":
            return -walk(x.args[0], above)
        if name in ("expand_dims", "squeeze", "broadcast_to"):
            inner = walk(x.args[0], above)
            missing = x.args[0].ndim - len(shape_of(inner))  # those of the divisor
            if not shape_of(inner):
                return inner
            return x.op(expand_dims(inner, tuple(range(missing))), **x.params)
        return x

    quotient = walk(term, True)
    wanted = {"total": 1} if is_number(e) else {"e": 1, "total": 1}
    return quotient if found == wanted else None
