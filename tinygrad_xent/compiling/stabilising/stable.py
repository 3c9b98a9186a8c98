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
from ...graph import Tensor, shape_of
from ...ops import (
    exp,
    expm1,
    maximum,
    stop_gradient,
    sum,
    where,
)
from .interning import Interner, is_boundary, unknown
from .knowing import equals, is_constant_along, picks_in
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
    spread,
    unspread,
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
    larger: Tensor

    def less_larger(self, is_first: bool) -> Any:
        """The first or the second exponent less the larger of them."""
        choices = (0.0, self.ahead) if is_first else (-self.ahead, 0.0)
        return where(self.ahead > 0, *choices)

    def share(self, is_first: bool) -> Any:
        """e to that: 1 for the larger of the two."""
        return where(self.ahead > 0, *((1.0, self.rest) if is_first else (self.rest, 1.0)))

    def other(self, is_first: bool) -> Exponents:
        """The other one less the larger."""
        return added(self.second if is_first else self.first, _less(self.larger))


def _less(node: Tensor) -> Exponents:
    return {id(node): (node, -1.0)}


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
        self._plain: dict[int, Any] = {}
        self._forms: dict[int, Monomial] = {}
        self._pairs: dict[int, _Pair] = {}  # by the larger of the two
        self._sums_of_two: dict[int, _Pair] = {}
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
            for node in unknown(root, self._plain):
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
        return not f.exponents or key(f.exponents) in self._nonpositive or is_negative(f.exponents)

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
        if f.exponents:
            pair = self._of_two(f.exponents)
            power = exponential(f.exponents) if pair is None else pair[0].share(pair[1])
            f = Monomial(f.shape, f.number, (*f.above, power), f.below)
        return f.ordinary()

    def exponent(self, exponents: Exponents) -> Any:
        """What is in the exponent as a graph; less the larger of two it is one difference."""
        pair = self._of_two(exponents)
        return combined(exponents) if pair is None else pair[0].less_larger(pair[1])

    def _of_two(self, exponents: Exponents) -> tuple[_Pair, bool] | None:
        """The pair, if it is one of two exponents less the larger, and whether it is the first."""
        for place in exponents:
            pair = self._pairs.get(place)
            if pair is not None:
                for is_first in (True, False):
                    if key(exponents) == key(pair.other(not is_first)):
                        return pair, is_first
        return None

    def complement(self, f: Monomial) -> Monomial | None:
        """One less a part of a whole: the other parts."""
        if f.number != 1 or f.above or len(f.below) != 1:
            return None
        known = self._wholes.get(id(f.below[0]))
        if known is None or key(f.exponents) != key(known.exponents):
            known = self._whole_of_picked(f)
        if known is not None:
            return Monomial(f.shape, 1.0, (known.rest,), f.below)
        pair = self._of_two(f.exponents)
        if pair is None or self._sums_of_two.get(id(f.below[0])) is not pair[0]:
            return None
        return Monomial(f.shape, 1.0, (), f.below, pair[0].other(pair[1]))

    def _whole_of_picked(self, f: Monomial) -> Whole | None:
        """What is known of a part that an index picked, over the whole of each row."""
        rows = self._of_rows.get(id(f.below[0]))
        if rows is None:
            return None
        for pick in (p for node, _ in f.exponents.values() for p in picks_in(node)):
            known = self._whole_moved(rows, self._mover(pick, rows.rest.shape))
            if key(f.exponents) == key(known.exponents):
                self._wholes[id(f.below[0])] = known
                return known
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
        outer, inner = replace(x, number=1.0).parted(lambda f: is_constant_along(f, axis, ndim))
        weight, shift = self.intern(inner.ordinary()), {}
        entry = spread(weight, x.shape)
        if varying:
            exponent, largest = largest_exponent(self.intern, combined(varying), inner, axis)
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

        def summed(t: Any) -> Any:
            return self.intern(unspread(t) if keepdims else without(t, axis, ndim))

        above, below = (tuple(map(summed, ts)) for ts in ((kept, *outer.above), outer.below))
        outside = self._mapped(outside, summed)
        return Monomial(shape, x.number, above, below, outside)

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
        pair = self._pairs[id(larger)] = _Pair(ahead, f.exponents, g.exponents, rest, larger)
        if sign > 0:
            self._sums_of_two[id(both)] = pair
        return Monomial(shape, above=(both,), exponents={id(larger): (larger, 1.0)})

    # -- moving entries ---------------------------------------------------------------------------

    def _mapped(self, exponents: Exponents, move: Callable[[Any], Any]) -> Exponents:
        found: Exponents = {}
        for node, c in exponents.values():
            moved = self.intern(move(node)) if shape_of(node) else node
            found = added(found, linear(moved, c))
        return found

    def _mover(self, node: Tensor, shape: tuple[int, ...]) -> Callable[[Any], Any]:
        """What puts the parts of something of this shape where `node` puts its entries."""
        op = node.op
        assert op is not None
        return lambda x: self.intern(op(spread(x, shape), *node.args[1:], **node.params))

    def _whole_moved(self, known: Whole, move: Callable[[Any], Any]) -> Whole:
        return known.moved(self._mapped(known.exponents, move), move)

    def moved(self, node: Tensor, f: Monomial) -> Monomial:
        """The entries in other places, of each part of a monomial."""
        move = self._mover(node, f.shape)
        exponents = self._mapped(f.exponents, move)
        if self.is_tame(f):
            self._nonpositive.add(key(exponents))
        above, below = (tuple(move(x) for x in part) for part in (f.above, f.below))
        for old, new in zip((*f.above, *f.below), (*above, *below), strict=True):
            known = self._wholes.get(id(old))
            if known is not None and shape_of(known.rest) == f.shape:
                self._wholes[id(new)] = self._whole_moved(known, move)
            elif known is not None:
                self._of_rows[id(new)] = known
        return Monomial(node.shape, f.number, above, below, exponents)
