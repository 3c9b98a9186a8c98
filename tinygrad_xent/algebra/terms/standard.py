"""Any graph in one standard form, so that equal formulas are the same object.

Products and sums are brought into the form of `arithmetic.py`. Numbers are taken out of what is
linear, and broadcasting is moved outwards until it is implicit. This is the bookkeeping that a
person does without thinking; everything else is a rule.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from ...graph import PRIMITIVES, Primitive, Tensor, interpret, op_name, record, shape_of, toposort
from .arithmetic import Arithmetic
from .nodes import COMPARISONS
from .views import (
    PRODUCTS,
    SUMS,
    Factor,
    Term,
    as_product,
    as_sum,
    exact,
    exact_number,
    is_number,
    is_whole,
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
_MOVES = frozenset({"expand_dims", "squeeze", "reshape", "transpose", "getitem"})
_INDEXED = frozenset({"getitem", "scatter"})
_LINEAR = _MOVES | {"sum", "scatter", "matmul"}


class Terms(Arithmetic):
    """A workshop for one derivation: interned nodes, and the standard form of any graph.

    Args:
        expanded: whether a number in front of a sum is multiplied into it.
        lengths: what stands for the length of an axis in formulas, if not the number.

    Attributes:
        patience: how many more rewrites may be made in this workshop.
    """

    def __init__(self, expanded: bool = True, lengths: Mapping[int, Term] | None = None) -> None:
        super().__init__(expanded)
        self.lengths, self.patience = lengths or {}, 1000
        self._standard: dict[int, Term] = {}
        self._kept: list[Any] = []  # what is known by id() must stay alive

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

    def data(self, value: Any) -> Term:
        """Plain data: a number where all entries are equal, else a leaf."""
        array = np.asarray(value)
        if array.dtype.kind != "f":  # labels, indices and masks stay what they are
            return self.leaf(array)
        if array.size and np.isfinite(array).all() and (array == array.flat[0]).all():
            return self.broadcast(exact_number(array.flat[0]), array.shape)
        sizes = np.unique(array[array != 0]) if array.size else array
        if len(sizes) == 1 and np.isfinite(sizes[0]) and sizes[0] != 1:
            marks = self.leaf((array != 0) * 1.0)
            return self.product(exact(sizes[0]), ((marks, 1),), array.shape)
        return self.leaf(array)

    def plain(self, op: Primitive, args: tuple[Any, ...]) -> tuple[Term, ...]:
        """The arguments with arrays as terms; an index stays the whole numbers that it is."""
        first = 1 if op.name in _INDEXED else len(args)
        terms = [a if isinstance(a, Tensor) or is_number(a) else self.data(a) for a in args[:first]]
        index = [a if isinstance(a, Tensor) else self.leaf(np.asarray(a)) for a in args[first:]]
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
        if name in COMPARISONS and not all(map(self.is_data, args)):
            return self.broadcast(self._compared(name, *args), shape)
        if name == "power" and is_number(args[1]):
            args = (args[0], exact_number(float(exact(args[1]))))
        if name in _LINEAR:
            return self._linear(op, args, params, shape)
        if name in _FOLDED and all(map(self.is_data, args)):
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

    # -- what is linear ---------------------------------------------------------------------------

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

    def _moved(self, op: Primitive, args: tuple[Term, ...], params: Any, shape: Any) -> Term:
        """A linear operation of arguments without numbers in front."""
        x, name = args[0], op.name
        if not as_product(x)[1] and name in _MOVES:
            return self.broadcast(x, shape)
        if name in _FOLDED and all(map(self.is_data, args)) and self._known(name, args):
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

    @staticmethod
    def _known(name: str, args: tuple[Term, ...]) -> bool:
        """Whether plain data meets plain data, and not only a number an operation."""
        return name == "scatter" or bool(as_product(args[-1])[1])

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
            return self._times(left, self._summed(y, 0, keepdims=x.ndim == 2), shape)
        along = shape_of(right)[-2:-1] if y.ndim == 2 else shape_of(right)
        if right is not y and along in ((), (1,)):
            return self._times(right, self._summed(x, x.ndim - 1, keepdims=y.ndim == 2), shape)
        return self.make("matmul", x, y)

    def _summed(self, x: Tensor, axis: int, keepdims: bool) -> Term:
        kept = tuple(1 if i == axis else n for i, n in enumerate(x.shape))
        shape = kept if keepdims else kept[:axis] + kept[axis + 1 :]
        return self.build(PRIMITIVES["sum"], (x,), {"axis": (axis,), "keepdims": keepdims}, shape)

    def _turned_twice(self, x: Tensor, axes: tuple[int, ...]) -> Term:
        both = tuple(x.params["axes"][a] for a in axes)
        inner: Tensor = x.args[0]
        if both == tuple(range(inner.ndim)):
            return inner
        return self.make("transpose", inner, axes=both)


def _handed_on(less: bool, factor: Factor, ndim: int, axis: tuple[int, ...]) -> bool:
    """Whether an axis more or less is the affair of the sum that made it, or none of the factor."""
    base, _ = factor
    if base.ndim < ndim:
        return less and all(a < ndim - base.ndim for a in axis)
    return op_name(base) == "sum" and base.params == {"axis": axis, "keepdims": less}
