"""Building nodes in one standard form, so that equal formulas are the same object.

Products carry one number in front, then numerator over denominator; sums list each term once, with
its number. Both are sorted by what they print. Broadcasting is moved outwards until it is implicit.
This is the bookkeeping that a person does without thinking; everything else is a rule.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np

from ..graph import (
    PRIMITIVES,
    Primitive,
    Tensor,
    interpret,
    numbers,
    op_name,
    record,
    shape_of,
    toposort,
)
from ..writing.text import text
from .views import (
    PRODUCTS,
    SUMS,
    Factor,
    Sum,
    Term,
    as_product,
    as_sum,
    exact,
    extent,
    is_backwards,
    is_number,
    is_sum,
    is_whole,
    printed,
    scale,
    unbroadcast,
)

_TRANSPARENT = frozenset({"alias", "stop_gradient", "astype"})  # values pass unchanged
_FOLDED = frozenset(  # of plain data, these are computed at once; log(2) and the like stay
    {"where", "equal", "not_equal", "greater", "greater_equal", "less", "less_equal", "scatter"}
    | {"getitem", "sum", "max", "min", "sign", "abs", "maximum", "minimum", "expand_dims"}
    | {"squeeze", "reshape", "transpose", "concatenate"}
)
_MIRRORED = {
    "greater": "less", "less": "greater", "greater_equal": "less_equal",
    "less_equal": "greater_equal",
}  # fmt: skip
COMPARISONS = frozenset({*_MIRRORED, "equal", "not_equal"})
_NOT_OF_BOOLEANS = frozenset({"neg", "add", "sub"})  # NumPy refuses, or takes + for "or"
_MOVES = frozenset({"expand_dims", "squeeze", "reshape", "transpose", "getitem"})
_INDEXED = frozenset({"getitem", "scatter"})
_LINEAR = _MOVES | {"sum", "scatter", "matmul"}
_LARGEST_DENOMINATOR, _SMALL, _DECIMALS, _LARGEST_CLEARED = 10_000, 9, 6, 60


class Terms:
    """A workshop for one derivation: interned nodes, and the standard form of any graph.

    Args:
        expanded: whether a number in front of a sum is multiplied into it.
        lengths: what stands for the length of an axis in formulas, if not the number.

    Attributes:
        patience: how many more rewrites may be made in this workshop.
    """

    def __init__(self, expanded: bool = True, lengths: Mapping[int, Term] | None = None) -> None:
        self.expanded, self.lengths, self.patience = expanded, lengths or {}, 1000
        self._made: dict[Any, Tensor] = {}
        self._standard: dict[int, Term] = {}
        self._data: set[int] = set()
        self._kept: list[Any] = []  # what is known by id() must stay alive

    # -- interned nodes ---------------------------------------------------------------------------

    def make(self, name: str, *args: Term, **params: Any) -> Tensor:
        return self.apply(PRIMITIVES[name], args, params)

    def apply(self, op: Primitive, args: tuple[Term, ...], params: dict[str, Any]) -> Tensor:
        """The one node that says `op` of `args`."""
        if op.name in _NOT_OF_BOOLEANS and all(op_name(a) in COMPARISONS for a in args):
            args = tuple(self.make("where", a, 1, 0) for a in args)
        key = (op.name, tuple(map(_key, args)), tuple(sorted(params.items())))
        if key not in self._made:
            values = list(map(numbers, args))
            self._made[key] = record(op, args, params, op.evaluate(values, params))
        return self._made[key]

    def data(self, value: Any) -> Term:
        """Plain data: a number where all entries are equal, else a leaf."""
        array = np.asarray(value)
        if array.dtype.kind != "f":  # labels, indices and masks stay what they are
            return self._leaf(array)
        if array.size and np.isfinite(array).all() and (array == array.flat[0]).all():
            return self.broadcast(exact_number(array.flat[0]), array.shape)
        sizes = np.unique(array[array != 0]) if array.size else array
        if len(sizes) == 1 and np.isfinite(sizes[0]) and sizes[0] != 1:
            marks = self._leaf((array != 0) * 1.0)
            return self.product(exact(sizes[0]), ((marks, 1),), array.shape)
        return self._leaf(array)

    def _leaf(self, array: Any) -> Tensor:
        key = ("data", array.shape, array.dtype.str, array.tobytes())
        if key not in self._made:
            leaf = Tensor(array if array.ndim else array[()])
            self._made[key] = leaf.named(text(leaf._value))
            self._data.add(id(leaf))
        return self._made[key]

    def _is_data(self, arg: Term) -> bool:
        """Whether a term is known in numbers."""
        factors = as_product(arg)[1]
        return all(id(base) in self._data for base, _ in factors)

    # -- the standard form ------------------------------------------------------------------------

    def standard(self, term: Term) -> Term:
        """The same formula in standard form."""
        if not isinstance(term, Tensor):
            return term if is_number(term) else self.data(term)
        return interpret(toposort(term), self._brought, self._standard)[id(term)]

    def _brought(self, node: Tensor, args: tuple[Any, ...]) -> Term:
        """A node in standard form, given its arguments in it; and kept, with what came of it."""
        self._kept.append(node)
        if node.op is None:
            return node
        result = self.build(node.op, self.plain(node.op, args), node.params, node.shape)
        if isinstance(result, Tensor):
            self._kept.append(result)
            self._standard[id(result)] = result
        return result

    def plain(self, op: Primitive, args: tuple[Any, ...]) -> tuple[Term, ...]:
        """The arguments with arrays as terms; an index stays the whole numbers that it is."""
        first = 1 if op.name in _INDEXED else len(args)
        terms = [a if isinstance(a, Tensor) or is_number(a) else self.data(a) for a in args[:first]]
        index = [a if isinstance(a, Tensor) else self._leaf(np.asarray(a)) for a in args[first:]]
        return (*terms, *index)

    def build(
        self, op: Primitive, args: tuple[Term, ...], params: dict[str, Any], shape: tuple[int, ...]
    ) -> Term:
        """`op` of standard arguments, in standard form."""
        name = op.name
        if name in _TRANSPARENT and np.dtype(params.get("dtype", float)).kind == "f":
            return args[0]
        if name == "transpose" and params["axes"] == tuple(range(len(shape))):
            return args[0]  # a vector is its own transpose
        if name in PRODUCTS and not (name == "power" and not is_whole(args[1])):
            coefficient, factors = as_product(record(op, args, params, None))
            return self.product(coefficient, factors, shape)
        if name in SUMS:
            return self.total(as_sum(record(op, args, params, None)), shape)
        if name in COMPARISONS and not all(map(self._is_data, args)):
            return self.broadcast(self._compared(name, *args), shape)
        if name == "power" and is_number(args[1]):
            args = (args[0], exact_number(float(exact(args[1]))))
        if name in _LINEAR:
            return self._linear(op, args, params, shape)
        if name in _FOLDED and all(map(self._is_data, args)):
            return self.data(self.apply(op, args, params)._value)
        if op.elementwise and len(args) == 1:
            return self.broadcast(self._function(op, unbroadcast(args[0])), shape)
        return self.apply(op, args, params)

    def _function(self, op: Primitive, x: Term) -> Term:
        made = self.apply(op, (x,), {})
        value = made._value
        exactly = is_number(x) and np.ndim(value) == 0 and float(value).is_integer()
        return int(value) if exactly else made

    def _compared(self, name: str, x: Term, y: Term) -> Term:
        """A comparison as one of a difference with zero: equal formulas are then the same."""
        shape = np.broadcast_shapes(shape_of(x), shape_of(y))
        difference = self.total((*as_sum(x), *scale(-1, as_sum(y))), shape)
        if is_number(unbroadcast(difference)):
            return int(PRIMITIVES[name].array(unbroadcast(difference), 0))
        sign, rest = self.bare(difference)
        return self.make(name if sign > 0 else self.mirrored(name), rest, 0)

    @staticmethod
    def mirrored(comparison: str) -> str:
        """The comparison with its sides changed round."""
        return _MIRRORED.get(comparison, comparison)

    def bare(self, term: Term) -> tuple[int, Term]:
        """The sign of the number in front, and the term without it, a difference turned round."""
        coefficient, rest = self._without_number(term)
        if is_sum(rest) and is_backwards(rest):
            coefficient, rest = -coefficient, self.total(scale(-1, as_sum(rest)), shape_of(rest))
        return (1 if coefficient > 0 else -1), unbroadcast(rest)

    def _linear(
        self, op: Primitive, args: tuple[Term, ...], params: dict[str, Any], shape: Any
    ) -> Term:
        """An operation that is linear in its arguments, with the numbers in front taken out."""
        bilinear = op.name == "matmul"
        split = [self._without_number(a) for a in (args if bilinear else args[:1])]
        coefficient = math.prod((c for c, _ in split), start=Fraction(1))
        if coefficient == 0:
            return self.broadcast(0, shape)
        bare, scalars = self._without_scalars(op, [a for _, a in split])
        made = self._moved(op, (*bare, *args[len(split) :]), params, shape)
        number, factors = as_product(made)
        return self.product(coefficient * number, scalars + factors, shape)

    def _without_scalars(
        self, op: Primitive, args: list[Term]
    ) -> tuple[list[Term], tuple[Factor, ...]]:
        """What is one number for the whole array taken out too; of a sum, a rule does it."""
        if op.name == "sum":
            return args, ()
        bare: list[Term] = []
        scalars: tuple[Factor, ...] = ()
        for arg in args:
            factors = as_product(arg)[1]
            inside = tuple(f for f in factors if f[0].shape)
            scalars += tuple(f for f in factors if not f[0].shape)
            same = len(inside) == len(factors)
            bare.append(arg if same else self.product(Fraction(1), inside, shape_of(arg)))
        return bare, scalars

    def _without_number(self, term: Term) -> tuple[Fraction, Term]:
        """The number in front, and the rest; a difference is turned as it would be in a product."""
        coefficient, factors = as_product(term)
        if not factors:
            return coefficient, self.broadcast(1, shape_of(term))
        if not self.expanded and is_sum(term) and is_backwards(term):
            return Fraction(-1), self.total(scale(-1, as_sum(term)), term.shape)
        return coefficient, self.product(Fraction(1), factors, term.shape)

    def _moved(self, op: Primitive, args: tuple[Term, ...], params: Any, shape: Any) -> Term:
        """A linear operation of arguments without numbers in front."""
        x, name = args[0], op.name
        if not as_product(x)[1] and name in _MOVES:
            return self.broadcast(x, shape)
        if name in _FOLDED and all(map(self._is_data, args)) and self._known(name, args):
            return self.data(self.apply(op, args, params)._value)
        if name in ("squeeze", "expand_dims"):
            return self._stretched(op, x, params, shape)
        if name == "sum" and op_name(x) == "broadcast_to":
            return self._sum_of_spread(x, params, shape)
        if name == "matmul" and all(a.ndim <= 2 for a in args):
            return self._product_of_spread(args[0], args[1], shape)
        if name == "transpose" and op_name(x) == "transpose":
            return self._turned_twice(x, params["axes"])
        return self.apply(op, args, params)

    def _stretched(self, op: Primitive, x: Tensor, params: dict[str, Any], shape: Any) -> Term:
        """An axis of length one more or less, which a product hands on to what was summed there."""
        axis, less = params["axis"], op.name == "squeeze"
        if less and x.op is not None and x.op.elementwise and len(x.args) == 1:
            inner = self.build(op, x.args, params, shape)
            return self.build(x.op, (inner,), {}, shape)
        if op_name(x) == ("expand_dims" if less else "squeeze") and x.params == params:
            return x.args[0]
        factors = as_product(x)[1]
        handed = [_handed_on(less, f, x.ndim, axis) for f in factors]
        if not any(handed):
            return self.apply(op, (x,), params)
        done = [
            (self._with_axis(b, x.ndim, axis, less), s)
            for (b, s), h in zip(factors, handed, strict=True)
            if h
        ]
        left = tuple(f for f, h in zip(factors, handed, strict=True) if not h)
        rest = self.product(Fraction(1), left, x.shape)
        stays = as_product(self.build(op, (rest,), params, shape))[1] if left else ()
        return self.product(Fraction(1), (*done, *stays), shape)

    def _with_axis(self, base: Tensor, ndim: int, axis: tuple[int, ...], less: bool) -> Term:
        """What `_handed_on` found, with the axis more or less."""
        if base.ndim < ndim:
            return base
        return self.make("sum", base.args[0], axis=axis, keepdims=not less)

    def _sum_of_spread(self, x: Tensor, params: dict[str, Any], shape: Any) -> Term:
        """A sum along axes that an array had before it was broadcast: the sum comes first."""
        inner = x.args[0]
        axis = tuple(a - x.ndim + len(shape_of(inner)) for a in params["axis"])
        if all(a >= 0 and inner.shape[a] == x.shape[b] for a, b in zip(axis, params["axis"])):  # noqa: B905
            keepdims = params["keepdims"] and len(axis) < inner.ndim
            total = self.make("sum", inner, axis=axis, keepdims=keepdims)
            return self.broadcast(total, shape)
        return self.make("sum", x, **params)

    def _product_of_spread(self, x: Tensor, y: Tensor, shape: Any) -> Term:
        """A matrix product in which one factor is the same all along the axis that is summed."""
        left, right = unbroadcast(x), unbroadcast(y)
        if left is not x and shape_of(left)[-1:] in ((), (1,)) and (x.ndim == 2 or left.ndim == 0):
            return self._times(left, self._total(y, 0, keepdims=x.ndim == 2), shape)
        along = shape_of(right)[-2:-1] if y.ndim == 2 else shape_of(right)
        if right is not y and along in ((), (1,)):
            return self._times(right, self._total(x, x.ndim - 1, keepdims=y.ndim == 2), shape)
        return self.make("matmul", x, y)

    def _total(self, x: Tensor, axis: int, keepdims: bool) -> Term:
        kept = tuple(1 if i == axis else n for i, n in enumerate(x.shape))
        shape = kept if keepdims else kept[:axis] + kept[axis + 1 :]
        return self.build(PRIMITIVES["sum"], (x,), {"axis": (axis,), "keepdims": keepdims}, shape)

    def _times(self, x: Term, y: Term, shape: tuple[int, ...]) -> Term:
        (a, xs), (b, ys) = as_product(x), as_product(y)
        return self.product(a * b, xs + ys, shape)

    def _turned_twice(self, x: Tensor, axes: tuple[int, ...]) -> Term:
        both = tuple(x.params["axes"][a] for a in axes)
        inner: Tensor = x.args[0]
        if both == tuple(range(inner.ndim)):
            return inner
        return self.make("transpose", inner, axes=both)

    def broadcast(self, term: Term, shape: tuple[int, ...]) -> Term:
        """The term at this shape; nothing is added if it has it already."""
        term = unbroadcast(term)
        return term if shape_of(term) == shape else self.make("broadcast_to", term, shape=shape)

    # -- products ---------------------------------------------------------------------------------

    def product(
        self, coefficient: Fraction, factors: tuple[Factor, ...], shape: tuple[int, ...]
    ) -> Term:
        """coefficient * numerator / denominator, at this shape."""
        if coefficient == 0:
            return self.broadcast(0, shape)
        coefficient, factors = self._oriented(coefficient, factors)
        if self.expanded and len(factors) == 1 and factors[0][1] == 1 and is_sum(factors[0][0]):
            if coefficient != 1:
                return self.total(scale(coefficient, as_sum(factors[0][0])), shape)
        return self.broadcast(self._assembled(coefficient, factors), shape)

    def _oriented(self, coefficient: Fraction, factors: tuple[Factor, ...]) -> Any:
        """Differences among the factors turned so that they begin with what they are made of."""
        turned = []
        for base, sign in factors:
            base = unbroadcast(base)
            if is_sum(base) and sign < 0:
                base, times = self.without_fractions(base)
                coefficient *= times
            if is_sum(base) and is_backwards(base) and len(factors) > 1:
                base, coefficient = self.total(scale(-1, as_sum(base)), base.shape), -coefficient
            turned.append((base, sign))
        return coefficient, tuple(turned)

    def without_fractions(self, base: Tensor) -> tuple[Tensor, int]:
        """A sum times the small number that clears its fractions: x + 2 for x/2 + 1, and 2."""
        numbers = (c if t is None else c * as_product(t)[0] for c, t in as_sum(base))
        times = math.lcm(*(number.denominator for number in numbers))
        if times == 1 or times > _LARGEST_CLEARED:
            return base, 1
        return unbroadcast(self.total(scale(times, as_sum(base)), base.shape)), times

    def presented(self, term: Term) -> Term:
        """A minus sign in front given to the first difference, which hides it: b - a."""
        coefficient, factors = as_product(term)
        if coefficient > 0 or not factors:
            return term
        for i, (base, sign) in enumerate(factors):
            alone = sum(b is base for b, _ in factors) == 1
            opposite = self._opposite(base) if alone else None
            if opposite is not None:
                turned = (*factors[:i], (opposite, sign), *factors[i + 1 :])
                return self.broadcast(self._assembled(-coefficient, turned), shape_of(term))
        return term

    def _opposite(self, term: Term) -> Term | None:
        """Minus the term, if turning a difference in it round says so; None if there is none."""
        inner = unbroadcast(term)
        if is_sum(inner):
            terms = as_sum(inner)
            mixed = any(c < 0 for c, _ in terms)
            return self.total(scale(-1, terms), inner.shape) if mixed else None
        if op_name(inner) in ("mul", "matmul", "sum", "expand_dims", "squeeze", "transpose"):
            for i, arg in enumerate(inner.args):
                opposite = self._opposite(arg)
                if opposite is not None:
                    opposite = self.broadcast(opposite, arg.shape)
                    args = (*inner.args[:i], opposite, *inner.args[i + 1 :])
                    return self.apply(inner.op, args, inner.params)
        return None

    @staticmethod
    def _known(name: str, args: tuple[Term, ...]) -> bool:
        """Whether plain data meets plain data, and not only a number an operation."""
        return name == "scatter" or bool(as_product(args[-1])[1])

    def _assembled(self, coefficient: Fraction, factors: tuple[Factor, ...]) -> Term:
        above = self._multiplied([b for b, sign in factors if sign > 0])
        below = self._multiplied([b for b, sign in factors if sign < 0])
        front, under = _split(abs(coefficient))
        if front != 1 or not above:
            above.insert(0, front)
        if under != 1:
            below.insert(0, under)
        whole = reduce(lambda x, y: self.make("mul", x, y), above)
        if below:
            whole = self.make("div", whole, reduce(lambda x, y: self.make("mul", x, y), below))
        if coefficient > 0:
            return whole
        return -whole if is_number(whole) else self.make("neg", whole)

    def _multiplied(self, bases: list[Tensor]) -> list[Term]:
        """Factors in the order they are printed, equal ones as a power."""
        count = Counter(map(id, bases))
        unique = {id(b): b for b in bases}.values()
        ordered = sorted(unique, key=lambda b: (extent(b), is_sum(b), printed(b)))
        return [
            b if count[id(b)] == 1 or op_name(b) in COMPARISONS  # which are 0 or 1
            else self.make("power", b, count[id(b)])
            for b in ordered
        ]  # fmt: skip

    # -- sums -------------------------------------------------------------------------------------

    def total(self, terms: Sum, shape: tuple[int, ...]) -> Term:
        """The sum of the terms, each once, at this shape."""
        collected = self._collected(terms)
        if not collected:
            return self.broadcast(0, shape)
        if not self.expanded:
            content = _content(collected)
            if content != 1:
                inner = self.total(scale(1 / content, tuple(collected)), shape)
                return self.product(content, ((unbroadcast(inner), 1),), shape)
        pieces = [(c, self._scaled(abs(c), t)) for c, t in self._in_order(collected)]
        sign, first = pieces[0]
        whole = first if sign > 0 else self._negative(first)
        for sign, piece in pieces[1:]:
            whole = self.make("add" if sign > 0 else "sub", whole, piece)
        return self.broadcast(whole, shape)

    def _collected(self, terms: Sum) -> list[tuple[Fraction, Tensor | None]]:
        found: dict[int, list[Any]] = {}
        for c, t in terms:
            inner, factors = as_product(1 if t is None else t)
            if t is not None:
                single = len(factors) == 1 and factors[0][1] == 1
                if single and is_sum(factors[0][0]) and self.expanded:
                    nested = scale(c * inner, as_sum(factors[0][0]))
                    for c2, t2 in self._collected(nested):
                        found.setdefault(id(t2), [0, t2])[0] += c2
                    continue
                t = self._bare(factors) if factors else None
            found.setdefault(id(t), [0, t])[0] += c * inner
        return [(c, t) for c, t in found.values() if c]

    def _bare(self, factors: tuple[Factor, ...]) -> Tensor:
        bare: Tensor = unbroadcast(self.product(Fraction(1), factors, ()))
        return bare

    def _in_order(self, terms: list[Any]) -> list[Any]:
        return sorted(terms, key=_place)

    def _scaled(self, by: Fraction, term: Tensor | None) -> Term:
        if term is None:
            return self._assembled(by, ())
        return term if by == 1 else self._assembled(by, as_product(term)[1])

    def _negative(self, term: Term) -> Term:
        return -term if is_number(term) else self.make("neg", term)


def _place(term: tuple[Fraction, Tensor | None]) -> tuple[bool, bool, str]:
    """Where a term stands in a sum: what is added, then a number, then what is taken away."""
    c, t = term
    return c < 0, t is None, "" if t is None else printed(t)


def _handed_on(less: bool, factor: Factor, ndim: int, axis: tuple[int, ...]) -> bool:
    """Whether an axis more or less is the affair of the sum that made it, or none of the factor."""
    base, _ = factor
    if base.ndim < ndim:
        return less and all(a < ndim - base.ndim for a in axis)
    return op_name(base) == "sum" and base.params == {"axis": axis, "keepdims": less}


def _key(arg: Term) -> Any:
    return id(arg) if isinstance(arg, Tensor) else (type(arg).__name__, arg)


def exact_number(value: Any) -> int | float:
    number = value.item() if isinstance(value, np.generic) else value
    return int(number) if float(number).is_integer() else float(number)


def _split(coefficient: Fraction) -> tuple[int | float, int]:
    """A positive number as numerator and denominator, or as a decimal where those are unwieldy."""
    numerator, denominator = coefficient.numerator, coefficient.denominator
    terminates = 10**_DECIMALS % denominator == 0
    unwieldy = denominator > _LARGEST_DENOMINATOR
    if unwieldy or (terminates and numerator > 1 and denominator > _SMALL):
        return float(coefficient), 1
    return coefficient.numerator, coefficient.denominator


def _content(terms: list[Any]) -> Fraction:
    """The number that can be taken out of every term, positive: 1 unless all agree."""
    sizes = {abs(c) for c, _ in terms}
    return sizes.pop() if len(sizes) == 1 and len(terms) > 1 else Fraction(1)
