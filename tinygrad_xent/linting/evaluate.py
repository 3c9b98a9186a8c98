"""What a formula is worth: its entries as Tensors, at small lengths and many random points.

One `World` is one choice of lengths, points and assumptions. Every formula is evaluated once: two
places that say a_1 are the same node, so that the engine can differentiate by it.
"""

from __future__ import annotations

import math
import operator
from fractions import Fraction
from functools import reduce
from typing import Any

from .. import ops
from ..graph import Tensor
from ..reading.latex_tree import (
    Add,
    At,
    Big,
    Cases,
    Delta,
    Dots,
    Frac,
    Mul,
    Name,
    Neg,
    Norm,
    Num,
    Pow,
    Rel,
    Rows,
    Test,
    Transposed,
    Tree,
    substitute,
)
from .applying import Applied, extreme, on_tensor
from .calculus import Differentiated
from .continuing import LONGEST, continued
from .values import (
    CannotReadError,
    Value,
    entrywise,
    number,
    product,
    total,
    transposed,
    vector,
)

ONES = r"\mathbf{1}"
_COMPARED = {"<": operator.lt, ">": operator.gt, "≤": operator.le, "≥": operator.ge,
             "=": operator.eq, "≠": operator.ne}  # fmt: skip


class World(Applied, Differentiated):
    """Evaluates sums, products, cases and lists."""

    def _num(self, tree: Num) -> Value:
        return number(float(tree.value))

    def _dots(self, tree: Dots) -> Value:
        raise CannotReadError("dots that do not stand in a list of entries")

    def _rel(self, tree: Rel) -> Value:
        raise CannotReadError("a relation where a number is wanted")

    def _add(self, tree: Add) -> Value:
        return reduce(lambda a, b: entrywise(operator.add, a, b), map(self.value, tree.terms))

    def _neg(self, tree: Neg) -> Value:
        return self.value(tree.of).map(operator.neg)

    def _mul(self, tree: Mul) -> Value:
        left, right = self.value(tree.left), self.value(tree.right)
        ones = [_is_ones(side) for side in (tree.left, tree.right)]
        if any(ones) and (left.shape or right.shape):
            if ones[1]:
                right = vector([1.0] * left.shape[-1], _turn(tree.right))
            else:
                left = vector([1.0] * right.shape[0], _turn(tree.left))
        if tree.dot == "\\odot" or (tree.dot == "*" and len(left.shape) == len(right.shape)):
            return entrywise(operator.mul, left, right)
        if tree.dot == "\\cdot" and len(left.shape) == len(right.shape) == 1:
            return product(Value(left.shape, left.entries, "row"), right)
        return product(left, right)

    def _frac(self, tree: Frac) -> Value:
        over, under = self.value(tree.over), self.value(tree.under)
        if len(under.shape) > 1 or (under.shape and not over.shape):
            raise CannotReadError("a division by a vector or matrix")
        return entrywise(lambda a, b: a / b if isinstance(a, Tensor) or isinstance(b, Tensor) or b
                         else math.nan, over, under)  # fmt: skip

    def _pow(self, tree: Pow) -> Value:
        base, exponent = self.value(tree.base), self.value(tree.exponent)
        if exponent.shape or (base.shape and not self.numpy):
            raise CannotReadError("a power of or by a vector")
        if base.shape:
            return base.map(lambda e: _power(e, exponent.scalar))
        return number(_power(base.scalar, exponent.scalar))

    def _norm(self, tree: Norm) -> Value:
        of = self.value(tree.of)
        if not of.shape:
            return of.map(on_tensor(ops.abs))
        if tree.order == 1:
            return number(total([on_tensor(ops.abs)(e) for e in of.entries]))
        return number(on_tensor(ops.sqrt)(total([e * e for e in of.entries])))

    def _transposed(self, tree: Transposed) -> Value:
        return transposed(self.value(tree.of))

    def _delta(self, tree: Delta) -> Value:
        return number(float(self.whole(tree.i) == self.whole(tree.j)))

    def _test(self, tree: Test) -> Value:
        return self._chosen(tree.condition, number(1.0), number(0.0))

    def _cases(self, tree: Cases) -> Value:
        result: Value | None = None
        for value, condition in reversed([*zip(tree.values, tree.conditions, strict=True)]):
            if condition is None:
                result = self.value(value)
            else:
                met = self._met(condition)
                if met is False or (met is None and result is None):
                    if met is None:
                        result = self.value(value)
                    continue
                result = self.value(value) if met else self._chosen(condition, self.value(value),
                                                                    result)  # fmt: skip
        if result is None:
            raise CannotReadError("none of the cases applies")
        return result

    def _met(self, condition: Tree) -> bool | None:
        """Whether a condition between indices holds; None if it is about values."""
        if not isinstance(condition, Rel) or condition.op not in _COMPARED:
            raise CannotReadError("this condition")
        try:
            return bool(_COMPARED[condition.op](self.whole(condition.left),
                                                self.whole(condition.right)))  # fmt: skip
        except CannotReadError:
            return None

    def _chosen(self, condition: Tree, yes: Value, no: Value | None) -> Value:
        met = self._met(condition)
        if met is not None or no is None:
            return yes if met or no is None else no
        assert isinstance(condition, Rel)
        left, right = self.value(condition.left).scalar, self.value(condition.right).scalar
        if condition.op in ("=", "≠"):
            raise CannotReadError("a condition that holds at single points")
        holds = _COMPARED[condition.op](left, right)
        return entrywise(lambda a, b: ops.where(holds, a, b), yes, no)

    def _big(self, tree: Big) -> Value:
        low = self.whole(tree.low) if tree.low else 1
        high = self.whole(tree.high) if tree.high else self._last(tree)
        if high > LONGEST:
            raise CannotReadError(f"a sum to {high}")
        if low == 0:
            raise CannotReadError("a sum from 0")
        found = []
        for i in range(low, high + 1):
            at: dict[str, Tree] = {tree.index: Num(Fraction(i))}
            if tree.where is None or self._met(substitute(tree.where, at)):
                found.append(self.value(substitute(tree.body, at)))
        if tree.kind == "sum":
            return reduce(lambda a, b: entrywise(operator.add, a, b), found, number(0.0))
        if tree.kind == "prod":
            return reduce(lambda a, b: entrywise(operator.mul, a, b), found, number(1.0))
        return number(extreme(tree.kind, [v.scalar for v in found]))

    def _last(self, tree: Big) -> int:
        return self.runs_to(tree.index, *([tree.body] + ([tree.where] if tree.where else [])))

    def _rows(self, tree: Rows) -> Value:
        flat = [e for row in tree.rows for e in row]
        if not any(isinstance(e, Dots) for e in flat):
            return self._written_out(tree)
        entries = [self.value(e).scalar for e in continued(flat, self.whole)]
        column = len(tree.rows) > 1
        return vector(entries, "column" if column else "row")

    def _written_out(self, tree: Rows) -> Value:
        entries = [self.value(e).scalar for row in tree.rows for e in row]
        n, m = len(tree.rows), len(tree.rows[0])
        if any(len(row) != m for row in tree.rows):
            raise CannotReadError("rows of different lengths")
        if n == 1 or m == 1:
            return vector(entries, "row" if n == 1 and m > 1 else "column")
        return Value((n, m), tuple(entries))

    def _name(self, tree: Name) -> Value:
        name, document = tree.text, self.document
        if name == "\\pi":
            return number(math.pi)
        if name == ONES:
            return number(1.0)  # beside a vector it is one, see _mul
        found = document.definitions.get(name)
        if found and found.kind in ("plain", "function"):
            return self._fresh(self._open(name, found.body))
        if name in document.sizes:
            return number(float(self.size(name)))
        if found and found.kind == "entry":
            raise CannotReadError(f"{name} without an argument")
        if name.startswith("\\mathbb") or name == "\\infty" or name in document.functions:
            raise CannotReadError(f"what {name} is worth")
        return self._whole_array(name)

    def _at(self, tree: At) -> Value:
        closed = self._closed(tree)
        if closed != tree:
            return self.value(closed)
        at = tuple(self.whole(i) for i in tree.at)
        if not isinstance(tree.base, Name):
            return self.value(tree.base).pick(at)
        name = tree.base.text
        found = self.document.definitions.get(name)
        if found and found.kind == "family" and len(found.params) == len(at):
            places = map(Num, map(Fraction, at))
            values: dict[str, Tree] = dict(zip(found.params, places, strict=True))
            self._within(name, at)
            return self._fresh(self._open(name, substitute(found.body, values)))
        if found and found.kind != "family":
            return self.value(tree.base).pick(at)
        if len(at) < self.document.rank(name):
            return self._whole_array(name).pick(at)
        self._within(name, at)
        return number(self.leaf(name, at))


# -- small helpers --------------------------------------------------------------------------------


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(base, Tensor) or isinstance(exponent, Tensor):
        return base**exponent
    try:
        return float(base**exponent)
    except (ArithmeticError, TypeError):
        return math.nan


def _is_ones(tree: Tree) -> bool:
    return tree == Name(ONES) or tree == Transposed(Name(ONES))


def _turn(tree: Tree) -> str:
    return "row" if isinstance(tree, Transposed) else "column"
