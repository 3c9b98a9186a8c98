"""Forms that keep their digits: what would be lost when nearly equal numbers are subtracted.

These rewrites come last, when nothing is differentiated any more. They rest on what is known of
shares e / S (see shares.py): S = 1 + R, where R is the sum of the others, in which nothing cancels,
and so is `rest`, which is S - e. Each right-hand side equals its left-hand side over the reals:

    log S                      log1p R
    K e / S + c                (e (K + c) + c rest) / S           K + c is added up as a formula
    K e / (1 + u) + c          the same for two shares, see two.py
    K e / S + v at t           a polynomial in e and the rest, at t and elsewhere, see places.py
    k w - k (sum w e) / S      k (w rest - others(w e)) / S   a deviation from a mean
    x - (sum x) / n            the same of x - x_0
    1 - tanh(x)^2              u (1 + |tanh(x)|)^2                u = e^(-2 |x|)
    p log q                    0 where p is 0

On the right, subtraction is left only where the data themselves are subtracted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import update_wrapper
from typing import Any

from ...graph import Tensor, op_name, shape_of, toposort
from ...ops import abs, exp, expand_dims, expm1, getitem, log1p, squeeze, sum, where
from .factors import Factors, factors, one_factor, sum_of_rows
from .interning import Interner, rebuilt
from .knowing import MOVES_OR_SPREADS, equals, is_number
from .monomials import added, combined, linear, spread
from .places import at_places_and_elsewhere
from .shares import Shares, apart, may_cancel, shares_in
from .shorter import choices, given_back, inverse_times, taken_twice
from .two import second_of_two, share_of_two_and_more


def keeping_digits(roots: Iterable[Any], mixed: bool = False) -> list[Any]:
    """The graphs to compute, in forms that keep their digits; `mixed` as for `Interner`."""
    intern = Interner(final=True, mixed=mixed)
    graphs = [intern(r) for r in roots]
    digits = _Digits(intern, [g for g in graphs if isinstance(g, Tensor)])
    return [digits(g) for g in graphs]


class _Digits:
    """The rewrites of one set of graphs."""

    def __init__(self, intern: Interner, graphs: list[Tensor]) -> None:
        self.intern = intern
        nodes = toposort(*graphs)
        self.shares = shares_in(intern, nodes)
        self.has_pairs = any(second_of_two(n) is not None for n in nodes)
        self.differences: dict[tuple[int, int], Any] = {}  # a - b, by the ids of a and b
        self._known: dict[int, Any] = {}
        self._kept: list[Any] = []

    def __call__(self, graph: Any) -> Any:
        if not isinstance(graph, Tensor):
            return graph
        return rebuilt(graph, self._known, self._apply, self._kept, through=True)

    def _apply(self, op: Any, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        node = self.intern.apply(op, args, params)
        made = self._best(node)
        if op_name(node) == "sub":
            self.differences[id(node.args[0]), id(node.args[1])] = made
        return made

    def _best(self, node: Any) -> Any:
        for rule in _RULES.get(op_name(node), ()):
            better = rule(self, node)
            if better is not None:
                return self.intern(spread(better, node.shape))
        return node

    def shares_below(self, f: Factors) -> Iterable[Shares]:
        """The sums of shares that a product is divided by."""
        for place, places in f.below:
            shares = self.shares.get(place)
            if shares is not None and (place, places) == sum_of_rows(shares.total, shares.x.ndim):
                yield shares


_Rule = Callable[[_Digits, Tensor], Any]


# -- logarithms -----------------------------------------------------------------------------------


def _log_of_total(d: _Digits, node: Tensor) -> Any:
    """log S = log1p R; where an entry is picked, R is counted from there."""
    moves, inner = [], node.args[0]
    while op_name(inner) in MOVES_OR_SPREADS and id(inner) not in d.shares:
        moves.append(inner)
        inner = inner.args[0]
    if id(inner) not in d.shares:
        return None
    shares = d.shares[id(inner)]
    if shares.picks and node.size == shares.picks[0].size:
        pick = shares.picks[0]
        rest = expand_dims(expm1(shares.picked(pick)) + shares.all_but(pick), shares.axis)
    else:
        rest = shares.others
    if not shares.total.params["keepdims"]:
        rest = squeeze(rest, shares.axis)
    for move in reversed(moves):
        assert move.op is not None
        rest = move.op(rest, *move.args[1:], **move.params)
    return log1p(rest)


def _weighted_log(d: _Digits, node: Tensor) -> Any:
    """p log q is 0 where p is, whatever q is there."""
    for p, q in (node.args, node.args[::-1]):
        if _is_logarithmic(q) and not _is_one_number(p):
            return where(p != 0, p * q, 0.0)  # which no rule takes for a guard of a cotangent
    return None


def _is_one_number(p: Any) -> bool:
    return is_number(p) or (op_name(p) == "broadcast_to" and is_number(p.args[0]))


def _is_logarithmic(x: Any) -> bool:
    """Whether it is a sum with a logarithm in it, or such a sum over something."""
    name = op_name(x)
    if name in ("add", "sub", "neg", "broadcast_to"):
        return any(_is_logarithmic(a) for a in x.args)
    if name == "div":
        return _is_logarithmic(x.args[0])
    return name in ("log", "log1p")


# -- sums -----------------------------------------------------------------------------------------


def _entries(d: _Digits, node: Tensor) -> Any:
    """Shares everywhere, and more at a place of each row."""
    for shares in d.shares.values():
        found = at_places_and_elsewhere(d.intern, shares, node)
        if found is not None:
            return found
    return None


def _share_and_more(d: _Digits, node: Tensor) -> Any:
    """K e / S + c = (e (K + c) + c rest) / S."""
    if not d.shares:
        return None
    terms = linear(node)
    for place, (term, _) in terms.items():
        for shares in d.shares_below(factors(term)):
            found = apart(d.intern, terms, place, shares.e, shares.total)
            if found is None or shape_of(term) != shares.x.shape:
                continue
            k, more = found
            c = combined(more)
            if may_cancel(k, more):
                both = combined(added(k, more))
                return (shares.e * both + c * shares.rest) / shares.whole
    return None


def _less_mean(d: _Digits, node: Tensor) -> Any:
    """k w - k (sum w e) / S: what a weight is more than the mean weight."""
    if not d.shares:
        return None
    left, right = node.args
    sign = -1.0 if op_name(node) == "sub" else 1.0
    for first, second, front, back in ((left, right, 1.0, sign), (right, left, sign, 1.0)):
        found = _deviation(d, first, second, back / front, node.shape)
        if found is not None:
            return found if front == 1 else -found
    return None


def _deviation(d: _Digits, w: Any, product: Any, sign: float, shape: Any) -> Any:
    f, weight = factors(product), factors(w)
    for factor in f.above:
        summed = _summed(f, factor, len(shape))
        if summed is None:
            continue
        for shares in d.shares_below(summed):
            if f.nodes[factor].params["axis"] != (shares.axis,) or shape != shares.x.shape:
                continue
            total = sum_of_rows(shares.total, len(shape))
            left = summed.over(factors(shares.e)).times(one_factor(total))
            rest = weight.over(left)
            if rest.is_number() and rest.number * sign == -1:
                return (w * shares.rest - shares.sum_of_others(w * shares.e)) / shares.whole
    return None


def _summed(f: Factors, factor: Any, ndim: int) -> Factors | None:
    """What a product is the sum of, if one factor is a sum and the others are the same for all."""
    s = f.nodes[factor]
    if op_name(s) != "sum" or len(s.params["axis"]) != 1 or s.args[0].ndim != ndim:
        return None
    outside = f.over(one_factor(factor))
    (axis,) = s.params["axis"]
    if factor != sum_of_rows(s, ndim) or not outside.is_constant_along(ndim - 1 - axis):
        return None
    return factors(s.args[0]).times(outside)


def _sums_together(d: _Digits, node: Tensor) -> Any:
    """The sum of a and the sum of b are the sum of a + b, which is often known already."""
    x, y = node.args
    assert node.op is not None
    if op_name(x) != "sum" or op_name(y) != "sum" or x.params != y.params or not node.ndim:
        return None
    a, b = x.args[0], y.args[0]
    return d(sum(node.op(a, b), **x.params)) if shape_of(a) == shape_of(b) else None


def _less_plain_mean(d: _Digits, node: Tensor) -> Any:
    """x - (sum x) / n, counted from the first entry."""
    x, mean = node.args
    f = factors(mean)
    if f.below or f.above.total() != 1 or op_name(x) == "sub":
        return None
    (factor,) = f.above
    total = f.nodes[factor]
    if op_name(total) != "sum" or total.args[0] is not x or len(total.params["axis"]) != 1:
        return None
    (axis,) = total.params["axis"]
    if factor != sum_of_rows(total, x.ndim) or abs(f.number * x.shape[axis] - 1) > 1e-14:
        return None
    first = getitem(x, tuple(slice(0, 1) if a == axis else slice(None) for a in range(x.ndim)))
    moved = x - first
    return moved - sum(moved, axis, keepdims=True) / float(x.shape[axis])


def _slope_of_tanh(d: _Digits, node: Tensor) -> Any:
    """1 - tanh(x)^2 = (1 - |tanh(x)|) (1 + |tanh(x)|), of which the first is u times the second."""
    one, square = node.args
    if not equals(one, 1.0) or op_name(square) != "mul" or square.args[0] is not square.args[1]:
        return None
    if op_name(square.args[0]) != "tanh":
        return None
    more = 1 + abs(square.args[0])
    return exp(-2.0 * abs(square.args[0].args[0])) * (more * more)


def _mirrored(d: _Digits, node: Tensor) -> Any:
    """b - a from a - b, where that is computed in another way."""
    a, b = node.args
    found = d.differences.get((id(b), id(a)))
    return -found if isinstance(found, Tensor) and op_name(found) != "sub" else None


def _plain(rule: Callable[[Tensor], Any]) -> _Rule:
    """A rule that needs to know nothing of the graph."""
    return update_wrapper(lambda d, node: rule(node), rule)


def _share_of_two(d: _Digits, node: Tensor) -> Any:
    return share_of_two_and_more(d.intern, node) if d.has_pairs else None


_RULES: dict[str, tuple[_Rule, ...]] = {
    "log": (_log_of_total,),
    "mul": (_weighted_log, _plain(inverse_times)),
    "add": (
        _sums_together, _plain(given_back), _plain(choices),
        _entries, _less_mean, _share_and_more, _share_of_two,
    ),
    "sub": (
        _sums_together, _mirrored, _plain(taken_twice), _plain(choices),
        _less_plain_mean, _slope_of_tanh, _entries, _less_mean, _share_and_more, _share_of_two,
    ),
}  # fmt: skip
