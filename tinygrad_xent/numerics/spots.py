"""Which non-finite numbers a non-finite number was made of, entry by entry.

spot       one entry of a node's value, or of the cotangent that arrives at it
consumer   a node that uses another as an argument, and so sends it a cotangent
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..differentiate import contributions, cotangents, seed_for
from ..graph import Tensor, is_float, shape_of, toposort

Index = tuple[int, ...]
_MOST = 16  # odd entries of one array that are followed


class Spot(NamedTuple):
    """One entry of a value, or (`back`) of a cotangent."""

    node: Tensor
    entry: Index
    back: bool = False


class Spots:
    """The values of a graph, and the cotangents that arrive from a loss.

    Args:
        loss: one number.

    Attributes:
        order: the nodes, arguments before results.
        arrived: the cotangents, by node.
    """

    def __init__(self, loss: Tensor) -> None:
        self.order = toposort(loss)
        self.place = {id(n): i for i, n in enumerate(self.order)}
        self.uses: dict[int, list[tuple[Tensor, int]]] = {}
        for node in self.order:
            for k, a in enumerate(node.args):
                if type(a) is Tensor:
                    self.uses.setdefault(id(a), []).append((node, k))
        self._sent: dict[int, dict[int, Any]] = {}
        self._guarded: set[int] = set()
        self.arrived: dict[Tensor, Any] = {}
        if is_float(loss._value):
            self._walk(loss)

    def _walk(self, loss: Tensor) -> None:
        """The engine's own walk; remember from which node on it guards zeros, as it does."""
        with np.errstate(all="ignore"):
            self.arrived = cotangents(loss, seed_for(loss, None, "why_nan"))
        guarded = False
        for node in reversed(self.order):
            if node in self.arrived:
                guarded = guarded or (node.op is not None and node.op.selects)
                if guarded:
                    self._guarded.add(id(node))

    def time(self, spot: Spot) -> int:
        """Values are there before cotangents, which come in the opposite order."""
        place = self.place[id(spot.node)]
        return 2 * len(self.order) - place if spot.back else place

    def number(self, spot: Spot) -> float:
        """What stands at a spot."""
        whole = self.arrived[spot.node] if spot.back else spot.node._value
        return float(np.asarray(whole)[spot.entry])

    def causes(self, spot: Spot) -> list[Spot]:
        """The non-finite spots that this one was computed from; none if it was born here."""
        return [*(self._back(spot) if spot.back else self._forward(spot))]

    def _forward(self, spot: Spot) -> Iterator[Spot]:
        for k, a in enumerate(spot.node.args):
            if type(a) is Tensor:
                for index in odd(a._value, feeds(spot.node, spot.entry, k)):
                    yield Spot(a, index)

    def sent(self, node: Tensor) -> dict[int, Any]:
        """What a node sends to its arguments, by place."""
        if id(node) not in self._sent:
            with np.errstate(all="ignore"):
                guarded = id(node) in self._guarded
                there = contributions(node, self.arrived[node], poisoned=guarded)
                self._sent[id(node)] = dict(there)
        return self._sent[id(node)]

    def senders(self, spot: Spot) -> Iterator[tuple[Tensor, int]]:
        """The consumers whose contribution to a cotangent is not finite here."""
        for consumer, k in self.uses.get(id(spot.node), []):
            if consumer in self.arrived and k in self.sent(consumer):
                if not np.isfinite(np.asarray(self.sent(consumer)[k])[spot.entry]):
                    yield consumer, k

    def _back(self, spot: Spot) -> Iterator[Spot]:
        for consumer, k in self.senders(spot):
            found = self._arriving(consumer, k, spot.entry)
            yield from found or self._used(consumer, k, spot.entry)

    def _arriving(self, consumer: Tensor, k: int, index: Index) -> list[Spot]:
        """Non-finite entries of what arrives at a consumer that concern an argument's entry."""
        g = self.arrived[consumer]
        return [Spot(consumer, j, True) for j in odd(g) if feeds(consumer, j, k)[index]]

    def _used(self, consumer: Tensor, k: int, index: Index) -> Iterator[Spot]:
        """Non-finite values that the rule of a consumer used on what arrived."""
        for j in odd(consumer._value):
            if feeds(consumer, j, k)[index]:
                yield Spot(consumer, j)
        beside = entry_above(consumer, k, index)
        for m, a in enumerate(consumer.args):
            if type(a) is Tensor:
                where = None if beside is None else feeds(consumer, beside, m)
                yield from (Spot(a, i) for i in odd(a._value, where))


def odd(value: Any, where: Any = None) -> list[Index]:
    """The places of entries that are not finite, up to a few; NaN first."""
    array = np.asarray(value)
    if array.dtype.kind != "f":
        return []
    chosen = np.ones(array.shape, bool) if where is None else where
    nan, infinite = np.isnan(array) & chosen, np.isinf(array) & chosen
    places = [*np.argwhere(nan)[:_MOST], *np.argwhere(infinite)[:_MOST]]
    return [tuple(map(int, p)) for p in places]


def feeds(node: Tensor, index: Index, k: int) -> np.ndarray:
    """Which entries of argument `k` an entry of a node's value is made of, as a mask."""
    op, shape = node.op, shape_of(node.args[k])
    assert op is not None
    if op.elementwise and not op.selects:
        return _one(shape, _under(index, shape))
    if op.vjp is None:
        return _one(shape, index) if shape == node.shape else np.ones(shape, bool)
    g = _one(node.shape, index).astype(float)
    args = [_stand_in(a, op.selects) for a in node.args]
    with np.errstate(all="ignore"):
        out = op.array(*args, **node.params)
        c = op.pull(k, g[()], out, args, node.params)
    if c is None:
        return np.zeros(shape, bool)
    return _summed(np.asarray(c) != 0, shape)


def entry_above(node: Tensor, k: int, index: Index) -> Index | None:
    """The entry of an elementwise result of the argument's shape; None where there are several."""
    assert node.op is not None
    alike = node.op.elementwise and shape_of(node.args[k]) == node.shape
    return index if alike else None


def _stand_in(a: Any, selects: bool) -> Any:
    """Finite numbers that are selected as the real ones are; ones where nothing is selected."""
    value = np.asarray(a._value if type(a) is Tensor else a)
    if value.dtype.kind != "f":
        return value
    return np.nan_to_num(value, nan=np.inf)[()] if selects else np.ones(value.shape)[()]


def _summed(mask: np.ndarray, shape: Index) -> np.ndarray:
    """A mask at the shape before broadcasting."""
    extra = tuple(range(mask.ndim - len(shape)))
    stretched = tuple(i for i, n in enumerate(shape, len(extra)) if n == 1)
    kept = np.any(mask, axis=(*extra, *stretched), keepdims=True)
    return np.broadcast_to(kept.reshape(kept.shape[len(extra) :]), shape)


def _under(index: Index, shape: Index) -> Index:
    """The entry of a broadcast argument that an entry of the result is made of."""
    last = index[len(index) - len(shape) :]
    return tuple(0 if n == 1 else i for i, n in zip(last, shape, strict=True))


def _one(shape: Index, index: Index) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[index] = True
    return mask
