"""What a sum is at the entries that an index picks, one in each row, and what it is elsewhere.

Differentiation puts a number at a place of each row (`scatter`), or everywhere else (`others` of
that), and adds multiples of shares e / S to it. At the place and elsewhere this is a sum of
products of one number for each row. S = e + R there, where e is what the index picks from the
exponentials and R is the sum of the others. So over a power of S the sum is a polynomial in e and
R, in which what cancels is gone:

    e / S - 1 = -R / S        1 / S - R / S^2 = e / S^2
"""

from __future__ import annotations

from typing import Any

from ...graph import Tensor, op_name
from ...ops import expand_dims, put, where
from .interning import Interner
from .monomials import spread
from .polynomials import Reader, pick_at
from .products import ONE, Product, Sum, UnreadableError, factor, multiplied, plus, times
from .rows import Rows
from .shares import Shares, picks_one_of_each

_MANY = 24  # nodes in which to look for an entry


def entry_of(x: Any) -> Tensor | None:
    """What puts numbers at the places of an index, somewhere in a sum of products."""
    stack, seen = [x], 0
    while stack and seen < _MANY:
        node, seen = stack.pop(), seen + 1
        name = op_name(node)
        if name in ("scatter", "put", "expand_dims"):
            if name == "expand_dims" and op_name(node.args[0]) not in ("scatter", "put", "others"):
                continue
            return node  # type: ignore[no-any-return]
        if name in ("neg", "mul", "div", "add", "sub", "where", "others"):
            stack += node.args
    return None


def at_places_and_elsewhere(intern: Interner, shares: Shares, node: Tensor) -> Any:
    """A sum with shares in it and an entry for each row, put together from both; or None."""
    entry = entry_of(node)
    if op_name(entry) == "expand_dims" and entry is not None:
        axis = entry.params["axis"]
        if len(axis) > 1 or entry.shape != node.shape:
            return None
        inner = at_places_and_elsewhere(
            intern, shares, Rows(intern, entry.args[0].shape, *axis).without(node, True)
        )
        return None if inner is None else expand_dims(inner, axis)
    if entry is None or node.shape != shares.x.shape or entry.shape != node.shape:
        return None
    pick = pick_at(entry, shares.x.args[0])
    if not picks_one_of_each(pick, shares.x, shares.axis):
        return None
    try:
        return _Rewriting(intern, shares, pick).rewritten(node)
    except UnreadableError:
        return None


class _Rewriting(Reader):
    """Puts together what was read."""

    def rewritten(self, node: Tensor) -> Any:
        """What it is elsewhere, in which what it is at the places is put; or None."""
        there, elsewhere = self.over_whole(self.read(node, True)), self.read(node, False)
        if not any(self.whole == x for p in elsewhere for x, _ in p) or not there:
            return None
        if any(x in (self.e, self.rest) and n < 0 for p in (*there, *elsewhere) for x, n in p):
            return None  # which may be too small a number
        wide = {self._wide_of(p) for p in elsewhere}
        if len(wide) != 1:
            return None
        (spread_out,) = wide
        each = self.over_whole({times(p, spread_out, -1): c for p, c in elsewhere.items()})
        base, index = self._base(spread_out), self.pick.params["index"]
        each = expand_dims(spread(self.written(each), self.rows), (self.axis,))
        base = each if base is None else base * each
        base = self._guarded(spread(base, node.shape), spread_out)
        return put(base, self.written(there), *self.pick.args[1:], index=index)

    # -- over a power of S ------------------------------------------------------------------------

    def over_whole(self, terms: Sum) -> Sum:
        """The same over one power of S, which is e + R elsewhere."""
        if len(terms) < 2:
            return terms
        powers = {p: dict(p).get(self.whole, 0) for p in terms}
        lowest = min(powers.values())
        found: Sum = {}
        for p, c in terms.items():
            one: Sum = {times(p, frozenset({(self.whole, powers[p])}), -1): c}
            for _ in range(powers[p] - lowest):
                one = multiplied(one, {**factor(self.e), **factor(self.rest)})
            found = plus(found, one)
        below: Sum = {frozenset({(self.whole, lowest)} if lowest else ()): 1.0}
        return multiplied(found, below)

    # -- writing ----------------------------------------------------------------------------------

    def _wide_of(self, product: Product) -> Product:
        return frozenset((x, p) for x, p in product if x in self.wide)

    def _base(self, wide: Product) -> Any:
        e = id(self.shares.e)
        nodes = {**self.nodes, e: self.shares.without(self.pick)}
        found: Any = None
        for x, power in sorted(self._read_first(wide), key=lambda f: (f[1] < 0, f[0] != e)):
            for _ in range(abs(power) if x not in self.guards else 0):
                first = 1.0 if found is None else found
                found = nodes[x] if found is None and power > 0 else (
                    first * nodes[x] if power > 0 else first / nodes[x])  # fmt: skip
        return found

    def written(self, terms: Sum) -> Any:
        """A sum of products of numbers of a row."""
        common = frozenset.intersection(*terms) if terms else ONE
        outside = frozenset((x, p) for x, p in common if x in self.guards or p < 0)
        found: Any = None
        for p, c in sorted(terms.items(), key=lambda term: term[1] < 0):
            piece = self._written(times(p, outside, -1), c if found is None else abs(c))
            found = piece if found is None else found + piece if c > 0 else found - piece
        for x, power in self._read_first(outside):
            for _ in range(-power if x not in self.guards else 0):
                found = found / self._node(x)
        return self._guarded(spread(0.0 if found is None else found, self.rows), outside)

    def _written(self, product: Product, c: float) -> Any:
        found: Any = c
        for x, power in self._read_first(product):
            for _ in range(abs(power) if x not in self.guards else 0):
                found = found * self._node(x) if power > 0 else found / self._node(x)
        return self._guarded(found, product)

    def _read_first(self, product: Product) -> list[tuple[int, int]]:
        """Its factors, first what was read first: the same code wherever nodes are in memory."""
        order = list(self.nodes)
        return sorted(product, key=lambda f: order.index(f[0]))

    def _node(self, x: int) -> Any:
        return self.nodes[self.rest] + self.nodes[self.e] if x == self.whole else self.nodes[x]

    def _guarded(self, x: Any, product: Product) -> Any:
        for c in (self.nodes[f] for f, _ in self._read_first(product) if f in self.guards):
            x = where(c, x, 0.0)
        return x
