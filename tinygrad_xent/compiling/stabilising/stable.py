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
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...functions.arithmetic import minus_abs
from ...graph import Tensor, shape_of
from ...ops import (
    exp,
    expm1,
    log,
    log1p,
    max,
    maximum,
    others,
    squeeze,
    stop_gradient,
    sum,
    where,
)
from .interning import Interner, is_boundary
from .knowing import equals, is_nonnegative, is_nonpositive, is_positive
from .monomials import (
    Exponents,
    Monomial,
    added,
    combined,
    exponential,
    is_constant_along,
    linear,
    plain,
    scaled,
    spread,
)

_MOVES = frozenset({"expand_dims", "squeeze", "reshape", "transpose", "getitem"})


@dataclass(frozen=True)
class _Pair:
    """Two exponents, the first larger where `ahead` > 0; `rest` is e to minus their distance."""

    ahead: Any
    first: Exponents
    second: Exponents
    rest: Any


@dataclass(frozen=True)
class _Whole:
    """A divisor that is a sum of exponentials: what one of them is, and the sum of the others."""

    exponents: Exponents
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
        self._wholes: dict[int, _Whole] = {}
        self._waiting: dict[int, Callable[[], Monomial]] = {}
        self._nonpositive: set[frozenset[tuple[int, float]]] = set()

    def __call__(self, root: Any) -> Any:
        """The graph to compute `root` by."""
        if not isinstance(root, Tensor):
            return root
        root = self.intern(root)
        with np.errstate(all="ignore"):
            for node in _above_boundary(root):
                if id(node) not in self._plain:
                    self._visit(node)
        return self._plain[id(root)]

    def _visit(self, node: Tensor) -> None:
        if is_boundary(node):
            self._plain[id(node)] = node
            return
        assert node.op is not None
        form = _FORMS[node.op.name](self, node) if node.op.name in _FORMS else None
        if form is not None:
            self._forms[id(node)] = form
        result = _PLAIN[node.op.name](self, node, form) if node.op.name in _PLAIN else None
        if result is None:
            result = node.op(*map(self.plain, node.args), **node.params)
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
        return (
            not f.exponents or _key(f.exponents) in self._nonpositive or _is_negative(f.exponents)
        )

    def is_shifted(self, f: Monomial, axis: tuple[int, ...]) -> bool:
        """Whether it is an exponential from which the largest along these axes was taken."""
        varying = [
            t for t, _ in f.exponents.values() if not is_constant_along(t, axis, len(f.shape))
        ]
        return _is_one(f) and len(varying) == 1

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
        whole = self._wholes.get(id(f.below[0]))
        if whole is not None and not added(f.exponents, scaled(whole.exponents, -1.0)):
            return Monomial(f.shape, 1.0, (whole.rest,), f.below)
        return self._other_of_two(f)

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

    # -- sums of exponentials ---------------------------------------------------------------------

    def total(self, x: Monomial, axis: tuple[int, ...], keepdims: bool, shape: Any) -> Monomial:
        """A sum along axes, shifted by the largest exponent, which is constant for derivatives."""
        ndim = len(x.shape)
        along = {p: t for p, t in x.exponents.items() if is_constant_along(t[0], axis, ndim)}
        varying = {p: t for p, t in x.exponents.items() if p not in along}
        weight, shift = self.intern(x.without_exponents().ordinary()), {}
        entry = spread(weight, x.shape)
        if varying:
            exponent, largest = self._largest(self.intern(combined(varying)), x, axis)
            shift = linear(largest)
            shifted = added(linear(exponent), scaled(shift, -1.0))
            self._nonpositive.add(_key(shifted))
            part = self.intern(spread(exponential(shifted), x.shape))
            entry = part if equals(weight, 1.0) else part * weight
        kept = self._trimmed(sum(entry, axis, keepdims=True))
        if varying and equals(weight, 1.0) and len(axis) == 1:
            self._wholes[id(kept)] = _Whole(shifted, self.intern(others(part, axis[0])))
        outside, result = added(along, shift), kept
        if not keepdims:
            result = self.intern(_without(kept, axis, ndim))
            outside = self._mapped(outside, lambda t: _without(t, axis, ndim))
        return Monomial(shape, above=(result,), exponents=outside)

    def _largest(self, exponent: Any, x: Monomial, axis: tuple[int, ...]) -> tuple[Any, Any]:
        """The exponents of what is there at all, and the largest of them."""
        exponent = self.intern(spread(exponent, x.shape))
        doubtful = [f for f in x.above if not is_positive(f)]
        if not doubtful:
            return exponent, self._trimmed(stop_gradient(max(exponent, axis, keepdims=True)))
        weight = Monomial(x.shape, 1.0, tuple(doubtful)).ordinary()
        there = self.intern(where(weight == 0, -np.inf, exponent))
        largest = max(there, axis, keepdims=True)
        finite = where(largest == -np.inf, 0.0, largest)  # nothing is there
        return there, self._trimmed(stop_gradient(finite))

    def _trimmed(self, x: Any) -> Any:
        """Without leading axes of length 1, which broadcasting brings back."""
        shape = shape_of(x)
        ones = next((i for i, n in enumerate(shape) if n != 1), len(shape))
        return self.intern(squeeze(x, tuple(range(ones))))

    def sum_of_two(self, f: Monomial, g: Monomial, sign: float, shape: Any) -> Monomial:
        """f + g or f - g, shifted by the larger of the exponents."""
        difference = added(f.exponents, scaled(g.exponents, -1.0))
        if not difference:
            both = f.without_exponents().ordinary() + sign * g.without_exponents().ordinary()
            return Monomial(shape, above=(self.intern(both),), exponents=f.exponents)
        e, h = combined(f.exponents), combined(g.exponents)
        if not (_is_one(f) and _is_one(g)):
            larger = self.intern(stop_gradient(maximum(e, h)))
            both = exp(e - larger) * f.ordinary() + sign * (exp(h - larger) * g.ordinary())
            return Monomial(shape, above=(self.intern(both),), exponents=linear(larger))
        ahead = self.intern(combined(difference))
        larger, rest = self.intern(where(ahead > 0, e, h)), self.intern(exp(minus_abs(ahead)))
        both = 1 + rest
        if sign < 0:
            both = where(ahead > 0, 1.0, -1.0) * -expm1(minus_abs(ahead))
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
            self._nonpositive.add(_key(exponents))
        above, below = ([move(x) for x in part] for part in (f.above, f.below))
        for old, new in zip((*f.above, *f.below), (*above, *below), strict=True):
            whole = self._wholes.get(id(old))
            if whole is not None and shape_of(whole.rest) == f.shape:
                there = self._mapped(whole.exponents, move)
                self._wholes[id(new)] = _Whole(there, move(whole.rest))
        return Monomial(node.shape, f.number, tuple(above), tuple(below), exponents)


# -- the forms of operations, and how their results are written -----------------------------------


def _form_of_exp(s: Stable, node: Tensor) -> Monomial:
    return Monomial(node.shape, exponents=linear(s.plain(node.args[0])))


def _form_of_product(s: Stable, node: Tensor) -> Monomial:
    if any(map(s.is_waiting, node.args)):
        x, y = node.args
        s.wait(node, lambda: s.unfolded(x).times(s.unfolded(y), node.shape))
    return s.form(node.args[0]).times(s.form(node.args[1]), node.shape)


def _form_of_quotient(s: Stable, node: Tensor) -> Monomial:
    if s.is_waiting(node.args[0]):
        x, y = node.args
        s.wait(node, lambda: s.unfolded(x).times(s.unfolded(y).inverse(), node.shape))
    return s.form(node.args[0]).times(s.unfolded(node.args[1]).inverse(), node.shape)


def _form_of_minus(s: Stable, node: Tensor) -> Monomial:
    return s.form(node.args[0]).times(Monomial((), -1.0), node.shape)


def _form_of_power(s: Stable, node: Tensor) -> Monomial | None:
    f, c = s.form(node.args[0]), node.args[1] if len(node.args) > 1 else 0.5
    if not f.exponents or isinstance(c, Tensor) or np.ndim(c) or f.number <= 0:
        return None
    above, below = (tuple(s.intern(x**c) for x in part) for part in (f.above, f.below))
    return Monomial(node.shape, f.number**c, above, below, scaled(f.exponents, float(c)))


def _form_of_sum(s: Stable, node: Tensor) -> Monomial | None:
    f = s.form(node.args[0])
    if not f.exponents:
        return None
    if s.is_tame(f) and not s.is_shifted(f, node.params["axis"]):
        s.wait(node, lambda: s.total(f, **node.params, shape=node.shape))
        return None
    return s.total(f, **node.params, shape=node.shape)


def _form_of_move(s: Stable, node: Tensor) -> Monomial | None:
    (x, *_), f = node.args, s.form(node.args[0])
    if s.is_waiting(x):
        s.wait(node, lambda: s.moved(node, s.unfolded(x)))
    known = f.exponents or any(map(s.is_whole, (*f.above, *f.below)))
    return s.moved(node, f) if known else None


def _form_of_spread(s: Stable, node: Tensor) -> Monomial:
    return s.form(node.args[0]).at(node.shape)


def _form_of_addition(s: Stable, node: Tensor) -> Monomial | None:
    return _added(s, node, 1.0)


def _form_of_subtraction(s: Stable, node: Tensor) -> Monomial | None:
    return _added(s, node, -1.0)


def _added(s: Stable, node: Tensor, sign: float) -> Monomial | None:
    f, g = map(s.form, node.args)
    for one, part, front in ((f, g, sign), (g, f, 1.0)):
        rest = _less(s, one.number * (1.0 if one is f else sign), one, part, front, node.shape)
        if rest is not None:
            return rest
    if not (f.exponents or g.exponents):
        return None
    if s.is_tame(f) and s.is_tame(g) and not (f.exponents and g.exponents):
        return None
    return s.sum_of_two(f, g, sign, node.shape)


def _less(
    s: Stable, number: float, one: Monomial, part: Monomial, front: float, shape: Any
) -> Monomial | None:
    """1 - part or part - 1, from the other parts."""
    if one.above or one.below or one.exponents or abs(number) != 1:
        return None
    minus = front * part.number
    if minus != -number:
        return None
    positive = Monomial(part.shape, 1.0, part.above, part.below, part.exponents)
    rest = s.complement(positive)
    return None if rest is None else rest.times(Monomial((), number), shape)


def _log(s: Stable, node: Tensor, form: Any) -> Any:
    """The logarithm of a product is a sum; that of an exponential is what stood in it."""
    f = s.unfolded(node.args[0])
    known = [x for x in f.above if is_positive(x)]
    unknown = Monomial(f.shape, f.number, tuple(x for x in f.above if not is_positive(x)),
                       tuple(x for x in f.below if not is_positive(x)))  # fmt: skip
    if not f.exponents and not known and len(unknown.below) == len(f.below):
        return _log_of(unknown.ordinary())
    whole: Any = combined(f.exponents) if f.exponents else None
    pieces = [_log_of(x) for x in known]
    if not _is_one(unknown):
        pieces.append(_log_of(unknown.ordinary()))
    for piece in pieces:
        whole = piece if whole is None else whole + piece
    for x in f.below:
        if is_positive(x):
            whole = -_log_of(x) if whole is None else whole - _log_of(x)
    return 0.0 if whole is None else whole


def _log_of(x: Any) -> Any:
    """log, or log1p of one and something."""
    name = x.op.name if isinstance(x, Tensor) and x.op is not None else ""
    if name in ("add", "sub") and not isinstance(x.args[0], Tensor) and equals(x.args[0], 1.0):
        return log1p(x.args[1] if name == "add" else -x.args[1])
    if name in ("add", "sub") and not isinstance(x.args[1], Tensor):
        if equals(x.args[1], 1.0 if name == "add" else -1.0):
            return log1p(x.args[0])
    return log(x) if isinstance(x, Tensor) else float(np.log(x))


def _product(s: Stable, node: Tensor, form: Monomial) -> Any:
    """Two exponentials are multiplied as one."""
    f, g = map(s.form, node.args)
    if not (f.exponents and g.exponents) or (s.is_tame(f) and s.is_tame(g)):
        return None
    return s.written(form)


def _quotient(s: Stable, node: Tensor, form: Monomial) -> Any:
    """What is large above and below cancels first."""
    f, g = s.form(node.args[0]), s.unfolded(node.args[1])
    return None if s.is_tame(f) and not g.exponents else s.written(form)


def _addition(s: Stable, node: Tensor, form: Monomial | None) -> Any:
    """One less a part is written as the other parts; e^x - 1 by its own function."""
    f, g = map(s.form, node.args)
    if form is not None and not (f.exponents and g.exponents) and form.below:
        return s.written(form)
    assert node.op is not None
    minus = -1.0 if node.op.name == "sub" else 1.0
    for one, part, sides in ((f, g, (1.0, minus)), (g, f, (minus, 1.0))):
        signs = one.number * sides[0], part.number * sides[1]
        alone = not (one.above or one.below or one.exponents or part.above or part.below)
        if alone and part.exponents and signs in ((-1.0, 1.0), (1.0, -1.0)):
            return signs[1] * expm1(combined(part.exponents))
    return None


_FORMS: dict[str, Callable[[Stable, Tensor], Monomial | None]] = {
    "exp": _form_of_exp, "mul": _form_of_product, "div": _form_of_quotient, "neg": _form_of_minus,
    "power": _form_of_power, "sqrt": _form_of_power, "sum": _form_of_sum,
    "broadcast_to": _form_of_spread, "add": _form_of_addition, "sub": _form_of_subtraction,
    **dict.fromkeys(_MOVES, _form_of_move),
}  # fmt: skip

_PLAIN: dict[str, Callable[[Stable, Tensor, Any], Any]] = {
    "log": _log, "mul": _product, "div": _quotient, "add": _addition, "sub": _addition,
}  # fmt: skip


# -- small questions ------------------------------------------------------------------------------


def _above_boundary(root: Tensor) -> list[Tensor]:
    """The nodes to visit, arguments first: nothing behind the variables of a transform."""
    order: list[Tensor] = []
    seen: set[int] = set()
    stack: list[tuple[Tensor, bool]] = [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            if not is_boundary(node):
                stack.extend((a, False) for a in node.args if isinstance(a, Tensor))
    return order


def _key(exponents: Exponents) -> frozenset[tuple[int, float]]:
    return frozenset((place, c) for place, (_, c) in exponents.items())


def _is_one(f: Monomial) -> bool:
    return f.number == 1 and not f.above and not f.below


def _is_negative(exponents: Exponents) -> bool:
    """Whether every term of a sum is negative or zero, for each its own reason."""
    return all(
        (c < 0 and is_nonnegative(node)) or (c > 0 and is_nonpositive(node))
        for node, c in exponents.values()
    )


def _without(term: Any, axis: tuple[int, ...], ndim: int) -> Any:
    """A term that is constant along axes of something of `ndim` axes, without these axes."""
    missing = ndim - len(shape_of(term))
    gone = tuple(a - missing for a in axis if a >= missing)
    return squeeze(term, gone) if gone else term
