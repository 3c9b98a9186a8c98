"""A graph in the form that neither overflows nor cancels, found node by node.

Every node has two forms. Its *plain* form is the graph to compute it by. Its *monomial* keeps
exponentials apart from ordinary factors. Where large numbers meet (in a quotient, a logarithm, a
product of exponentials) the plain form is made of the monomials, in which they have cancelled.
Nothing here knows a loss: log(softmax(z)) comes out as a difference because a logarithm meets an
exponential, and one less a sigmoid as the other sigmoid because one part of a sum is left.

    f, g      monomials                       D, u      a difference |E1 - E2| and e^-|D|
    E1, E2    what two exponentials have in their exponents
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...functions.arithmetic import minus_abs
from ...graph import Tensor, op_name, shape_of
from ...ops import (
    exp,
    expm1,
    maximum,
    stop_gradient,
    sum,
    where,
)
from .interning import Interner, above_boundary, is_boundary
from .knowing import equals, is_constant_along
from .largest import largest_exponent, trimmed
from .monomials import (
    Exponents,
    Monomial,
    added,
    combined,
    exponential,
    is_negative,
    key,
    linear,
    plain,
    scaled,
    split,
    spread,
    without,
)
from .operations import FORMS, PLAIN
from .wholes import Whole, whole


@dataclass(frozen=True)
class _Pair:
    """Two exponents, the first larger where `ahead` > 0; `rest` is e to minus their distance."""

    ahead: Any
    first: Exponents
    second: Exponents
    rest: Any


class Stable:
    """The stable forms of the graphs of one compilation.

    >>> import tinygrad_xent as tx
    >>> from tinygrad_xent.writing.text import text
    >>> x = tx.tensor(2.0, name="x")
    >>> text(Stable(Interner())(tx.log(1 + tx.exp(x))))
    'where(-x > 0, 0, x) + log1p(exp(where(-x > 0, x, -x)))'
    """

    def __init__(self, interner: Interner) -> None:
        self.intern = interner
        self.applied: dict[str, str] = {}
        self._plain: dict[int, Any] = {}
        self._forms: dict[int, Monomial] = {}
        self._pairs: dict[int, _Pair] = {}
        self._wholes: dict[int, Whole] = {}
        self._of_rows: dict[int, Whole] = {}  # of a sum without its axis
        self._waiting: dict[int, Callable[[], Monomial]] = {}
        self._nonpositive: set[frozenset[tuple[int, float]]] = set()

    def __call__(self, root: Any) -> Any:
        """The graph to compute `root` by."""
        if not isinstance(root, Tensor):
            return root
        root = self.intern(root)
        with np.errstate(all="ignore"):
            for node in above_boundary(root):
                if id(node) not in self._plain:
                    self._visit(node)
        return self._plain[id(root)]

    def _visit(self, node: Tensor) -> None:
        if is_boundary(node):
            self._plain[id(node)] = node
            return
        assert node.op is not None
        form = FORMS[node.op.name](self, node) if node.op.name in FORMS else None
        if form is not None:
            self._forms[id(node)] = form
        result = PLAIN[node.op.name](self, node, form) if node.op.name in PLAIN else None
        if result is None:
            result = self.intern.apply(node.op, map(self.plain, node.args), node.params)
        self._plain[id(node)] = self.intern(spread(result, node.shape))

    def plain(self, x: Any) -> Any:
        """The graph to compute an argument by."""
        return self._plain[id(x)] if isinstance(x, Tensor) else x

    def form(self, x: Any) -> Monomial:
        """The monomial of an argument."""
        return self._forms.get(id(x)) or plain(self.plain(x), shape_of(x))

    def unfolded(self, x: Any) -> Monomial:
        """The monomial where sums that are small enough to be plain factors are opened too."""
        waiting = self._waiting.get(id(x))
        return self.form(x) if waiting is None else waiting()

    def wait(self, node: Tensor, make: Callable[[], Monomial]) -> None:
        """Keep for later how a monomial would be made, because it may not be needed."""
        self._waiting[id(node)] = make

    def is_waiting(self, x: Any) -> bool:
        return id(x) in self._waiting

    # -- what is known of monomials ---------------------------------------------------------------

    def is_tame(self, f: Monomial) -> bool:
        """Whether the exponential cannot overflow: nothing in it, or nothing positive."""
        return not f.exponents or f.key in self._nonpositive or is_negative(f.exponents)

    def is_shifted(self, f: Monomial, axis: tuple[int, ...]) -> bool:
        """Whether it is an exponential from which the largest along these axes was taken."""
        varying = [
            t for t, _ in f.exponents.values() if not is_constant_along(t, axis, len(f.shape))
        ]
        return f.is_one and len(varying) == 1

    def is_whole(self, x: Any) -> bool:
        """Whether it is known to be a sum of exponentials."""
        return id(x) in self._wholes

    def written(self, f: Monomial) -> Any:
        """The monomial as a graph."""
        exponents, factor = f.exponents, None
        for place in exponents:
            if place in self._pairs and exponents[place][1] == -1:
                exponents, factor = self._of_pair(self._pairs[place], exponents, place)
                break
        for part in (exponential(exponents) if exponents else None, factor):
            if part is not None:
                f = Monomial(f.shape, f.number, (*f.above, part), f.below)
        return f.ordinary()

    def exponent(self, f: Monomial) -> Any:
        """What is in the exponent as a graph; less the larger of two it is one difference."""
        for place, (_, c) in f.exponents.items():
            pair = self._pairs.get(place)
            if pair is None or c != -1:
                continue
            left = {p: t for p, t in f.exponents.items() if p != place}
            if not added(left, scaled(pair.first, -1.0)):
                return where(pair.ahead > 0, 0.0, pair.ahead)
            if not added(left, scaled(pair.second, -1.0)):
                return where(pair.ahead > 0, -pair.ahead, 0.0)
        return combined(f.exponents)

    def _of_pair(self, pair: _Pair, exponents: Exponents, place: int) -> tuple[Exponents, Any]:
        """e^E over the larger of two: 1 or e^-|D|, by which of them is larger."""
        larger = {place: exponents[place]}
        left = added(exponents, scaled(larger, -1.0))
        for mine, choices in ((pair.first, (1.0, pair.rest)), (pair.second, (pair.rest, 1.0))):
            if not added(left, scaled(mine, -1.0)):
                return {}, where(pair.ahead > 0, *choices)
        return exponents, None

    def complement(self, f: Monomial) -> Monomial | None:
        """One less a part of a whole: the other parts."""
        if f.number != 1 or f.above or len(f.below) != 1:
            return None
        known = self._wholes.get(id(f.below[0]))
        if known is None or added(f.exponents, scaled(known.exponents, -1.0)):
            known = self._whole_of_picked(f)
        if known is not None:
            return Monomial(f.shape, 1.0, (known.rest,), f.below)
        return self._other_of_two(f)

    def _whole_of_picked(self, f: Monomial) -> Whole | None:
        """What is known of a part that an index picked, over the whole of each row."""
        rows = self._of_rows.get(id(f.below[0]))
        for picked, _ in f.exponents.values() if rows else ():
            if rows is not None and op_name(picked) == "getitem":

                def move(part: Any, pick: Any = picked) -> Any:
                    spread_out = spread(part, rows.rest.shape)
                    return self.intern(pick.op(spread_out, *pick.args[1:], **pick.params))

                known = rows.moved(self._mapped(rows.exponents, move), move)
                if not added(f.exponents, scaled(known.exponents, -1.0)):
                    self._wholes[id(f.below[0])] = known
                    return known
        return None

    def _other_of_two(self, f: Monomial) -> Monomial | None:
        pair = self._pairs.get(id(f.below[0]))
        larger = [p for p in f.exponents if p in self._pairs and self._pairs[p] is pair]
        if pair is None or not larger:
            return None
        top = {larger[0]: f.exponents[larger[0]]}
        left = added(f.exponents, scaled(top, -1.0))
        for mine, other in ((pair.first, pair.second), (pair.second, pair.first)):
            if not added(left, scaled(mine, -1.0)):
                return Monomial(f.shape, 1.0, (), f.below, added(other, top))
        return None

    def rest_of(self, f: Monomial) -> tuple[Whole, Any, Monomial] | None:
        """If a monomial has the rest of a whole over that whole: these two, and what is left."""
        for x in f.below:
            known = self._wholes.get(id(x))
            if known is not None and any(r is known.rest for r in f.above):
                above = tuple(r for r in f.above if r is not known.rest)
                below = tuple(y for y in f.below if y is not x)
                if (len(above), len(below)) == (len(f.above) - 1, len(f.below) - 1):
                    return known, x, replace(f, above=above, below=below)
        return None

    # -- sums of exponentials ---------------------------------------------------------------------

    def total(self, x: Monomial, axis: tuple[int, ...], keepdims: bool, shape: Any) -> Monomial:
        """A sum along axes, shifted by the largest exponent, which is constant for derivatives."""
        ndim = len(x.shape)
        along = {p: t for p, t in x.exponents.items() if is_constant_along(t[0], axis, ndim)}
        varying = {p: t for p, t in x.exponents.items() if p not in along}
        x, outer = split(x, axis)
        weight, shift = self.intern(x.without_exponents().ordinary()), {}
        entry = spread(weight, x.shape)
        if varying:
            exponent, largest = largest_exponent(self.intern, combined(varying), x, axis)
            shift = linear(largest)
            shifted = added(linear(exponent), scaled(shift, -1.0))
            self._nonpositive.add(key(shifted))
            part = self.intern(spread(exponential(shifted), x.shape))
            entry = part if equals(weight, 1.0) else part * weight
        kept = self.intern(trimmed(sum(entry, axis, keepdims=True)))
        if varying and equals(weight, 1.0) and len(axis) == 1:
            known = self._wholes[id(kept)] = self._interned(whole(shifted, part, axis[0]))
            self._of_rows[id(self.intern(without(kept, axis, ndim)))] = known
        outside = added(along, shift)
        above, below = (kept, *outer.above), outer.below
        if not keepdims:
            above, below = (
                tuple(self.intern(without(t, axis, ndim)) for t in ts) for ts in (above, below)
            )
            outside = self._mapped(outside, lambda t: without(t, axis, ndim))
        return Monomial(shape, outer.number, above, below, outside)

    def _interned(self, known: Whole) -> Whole:
        return replace(known, rest=self.intern(known.rest))

    def sum_of_two(self, f: Monomial, g: Monomial, sign: float, shape: Any) -> Monomial:
        """f + g or f - g, shifted by the larger of the exponents."""
        difference = added(f.exponents, scaled(g.exponents, -1.0))
        if not difference:
            both = f.without_exponents().ordinary() + sign * g.without_exponents().ordinary()
            return Monomial(shape, above=(self.intern(both),), exponents=f.exponents)
        e, h = combined(f.exponents), combined(g.exponents)
        if not (f.is_one and g.is_one):
            larger = self.intern(stop_gradient(maximum(e, h)))
            both = exp(e - larger) * f.ordinary() + sign * (exp(h - larger) * g.ordinary())
            return Monomial(shape, above=(self.intern(both),), exponents=linear(larger))
        ahead = self.intern(combined(difference))
        larger, rest = self.intern(where(ahead > 0, e, h)), self.intern(exp(minus_abs(ahead)))
        both = 1 + rest
        if sign < 0:
            size = expm1(minus_abs(ahead))
            both = where(ahead > 0, -size, size)
        both = self.intern(both)
        pair = _Pair(ahead, f.exponents, g.exponents, rest)
        self._pairs[id(larger)] = pair
        if sign > 0:
            self._pairs[id(both)] = pair
        return Monomial(shape, above=(both,), exponents={id(larger): (larger, 1.0)})

    # -- moving entries ---------------------------------------------------------------------------

    def _mapped(self, exponents: Exponents, move: Callable[[Any], Any]) -> Exponents:
        found: Exponents = {}
        for node, c in exponents.values():
            moved = self.intern(move(node)) if isinstance(node, Tensor) else node
            found = added(found, linear(moved, c))
        return found

    def moved(self, node: Tensor, f: Monomial) -> Monomial:
        """The entries in other places, of each part of a monomial."""

        def move(part: Any) -> Any:
            assert node.op is not None
            return self.intern(node.op(spread(part, f.shape), *node.args[1:], **node.params))

        exponents = self._mapped(f.exponents, move)
        if self.is_tame(f):
            self._nonpositive.add(key(exponents))
        above, below = ([move(x) for x in part] for part in (f.above, f.below))
        for old, new in zip((*f.above, *f.below), (*above, *below), strict=True):
            known = self._wholes.get(id(old))
            if known is not None and shape_of(known.rest) == f.shape:
                there = self._mapped(known.exponents, move)
                self._wholes[id(new)] = known.moved(there, move)
            elif known is not None:
                self._of_rows[id(new)] = known
        return Monomial(node.shape, f.number, tuple(above), tuple(below), exponents)
