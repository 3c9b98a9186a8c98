"""The difference of two formulas in closed form: 0 is a proof, by named rules, that they are equal.

Unlike a derivation this is not meant to be read, so definitions are opened, and axes of length one
in front, which broadcasting implies, are left out: `sum(p)` and `sum(p, keepdims=True)` are one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import DeriveError
from ...graph import (
    PRIMITIVES,
    Primitive,
    Tensor,
    interpret,
    numbers,
    op_name,
    record,
    recording,
    toposort,
    with_args,
)
from ...writing.text import is_data, text
from ..facts.known import Facts
from ..loss.copying import Copy
from ..matching.rule import Rule
from ..rewriting.cases import settle
from ..rewriting.rewrite import Rewrite, rewrite
from ..rewriting.weight import tidiness
from ..rules import ALGEBRA, FORMS, NAMING, SHRINKING, TIDYING
from ..terms.formula import operations
from ..terms.standard import Terms
from ..terms.views import Term, as_product, as_sum, is_number, is_sum, scale, unbroadcast

_PATIENCE = 600  # rewrites that one formula may take
_UNREADABLE = 300  # characters: what is longer is not tidied
_SPLIT = frozenset({"matmul", "transpose", "expand_dims", "squeeze", "reshape", "getitem"})


class _Flat(Terms):
    """Terms without the axes of length one that broadcasting puts in front.

    While multiplying out, a linear operation is applied to each term of a sum, the product of a
    vector and a matrix has the matrix on the left, and products associate to the right.
    """

    def build(
        self, op: Primitive, args: tuple[Term, ...], params: dict[str, Any], shape: tuple[int, ...]
    ) -> Term:
        if self.expanded and op.name in _SPLIT:
            for i in range(2 if op.name == "matmul" else 1):
                if is_sum(args[i]):
                    return self._termwise(op, args, i, params, shape)
        if self.expanded and op.name == "matmul":
            x, y = args
            if x.ndim == 1 and y.ndim == 2:
                turned = self.build(PRIMITIVES["transpose"], (y,), {"axes": (1, 0)}, y.shape[::-1])
                return self.build(op, (turned, x), params, shape)
            if op_name(x) == "matmul" and x.args[0].ndim == x.args[1].ndim == 2 and y.ndim <= 2:
                left, right = x.args
                inner = self.build(op, (right, y), {}, (right.shape[0], *y.shape[1:]))
                inner = self.broadcast(inner, (right.shape[0], *y.shape[1:]))
                return self.build(op, (left, inner), params, shape)
        if op.name in ("max", "min") and params["keepdims"] and _leads(params["axis"]):
            made = super().build(op, args, {**params, "keepdims": False}, _tail(shape, params))
            return self.broadcast(made, shape)
        return super().build(op, args, params, shape)

    def _with_ones(self, x: Term, shape: tuple[int, ...]) -> Term:
        """A term with axes of length one elsewhere."""
        ones = tuple(i for i, n in enumerate(x.shape) if n == 1)
        if ones:
            x = self.build(PRIMITIVES["squeeze"], (x,), {"axis": ones}, _bare(x.shape))
            x = self.broadcast(x, _bare(shape))
        new = tuple(i for i, n in enumerate(shape) if n == 1)
        return self.build(PRIMITIVES["expand_dims"], (x,), {"axis": new}, shape) if new else x

    def _termwise(
        self, op: Primitive, args: tuple[Term, ...], i: int, params: dict[str, Any], shape: Any
    ) -> Term:
        found: Any = ()
        for c, t in as_sum(unbroadcast(args[i])):
            part = self.broadcast(1 if t is None else t, args[i].shape)
            made = self.build(op, (*args[:i], part, *args[i + 1 :]), params, shape)
            found += scale(c, as_sum(made))
        return self.total(found, shape)

    def _moved(self, op: Primitive, args: tuple[Term, ...], params: Any, shape: Any) -> Term:
        name, x = op.name, args[0]
        if self.expanded and name in _SPLIT:
            for i in range(2 if name == "matmul" else 1):
                if is_sum(args[i]):
                    return self._termwise(op, args, i, params, shape)
        if name == "reshape" and _bare(x.shape) == _bare(shape):
            return self._with_ones(x, shape)
        if name == "sum" and params["keepdims"] and _leads(params["axis"]):
            made = super()._moved(op, args, {**params, "keepdims": False}, _tail(shape, params))
            return self.broadcast(made, shape)
        if name == "expand_dims" and _leads(params["axis"]):
            return self.broadcast(x, shape)
        if name == "squeeze" and _leads(params["axis"]) and x.ndim > np.ndim(_value(x)):
            return self.broadcast(x, shape)
        return super()._moved(op, args, params, shape)


def _value(term: Term) -> Any:
    return numbers(unbroadcast(term))


def _bare(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in shape if n != 1)


def _leads(axis: tuple[int, ...]) -> bool:
    return axis == tuple(range(len(axis)))


def _tail(shape: tuple[int, ...], params: dict[str, Any]) -> tuple[int, ...]:
    return shape[len(params["axis"]) :]


class Algebra:
    """A workshop in which formulas on the same numbers are brought into closed form.

    Args:
        copy: the loss, and what is compared with its gradient, on random numbers.
    """

    def __init__(self, copy: Copy) -> None:
        counts = {length: Tensor(n._value, n.name) for length, n in copy.counts.items()}
        self._counts = {id(n): counts[length] for length, n in copy.counts.items()}
        self.terms = _Flat(lengths=counts)
        sizes = {id(counts[length]): n for length, n in copy.counts.items()}
        known = [(self.terms.standard(self._plain(n)), a) for n, a in copy.facts]
        self.facts = Facts(known, sizes)
        self.short = _Flat(expanded=False, lengths=counts)
        known = [(self.short.standard(self._plain(n)), a) for n, a in copy.facts]
        self._short_facts = Facts(known, sizes)
        self.rules: list[str] = []

    def reduced(self, node: Term) -> Term:
        """The formula with everything multiplied out that has to be: equal ones become one."""
        node = self._plain(node) if isinstance(node, Tensor) else node
        for algebra in (ALGEBRA, SHRINKING):
            self.terms.patience = _PATIENCE
            try:
                return self._rewritten(node, (*FORMS, *algebra))
            except DeriveError:  # the rules find no end; fewer of them may
                continue
        return self.terms.standard(node)

    def decided(self, loss: Tensor) -> Tensor:
        """The loss without choices between forms of one function, as a stable sigmoid makes.

        Differentiated as they are, such choices are many; settled first, they are gone.
        """

        def decide(n: Tensor, args: tuple[Any, ...]) -> Tensor:
            new = with_args(n, args)
            if op_name(n) not in ("div", "add") or not _chooses(new):
                return new
            settled = self.reduced(new)
            return settled if isinstance(settled, Tensor) and not _chooses(settled) else new

        return interpret(toposort(loss), decide)[id(loss)]  # type: ignore[no-any-return]

    def difference(self, x: Term, y: Term) -> Term:
        """x - y in closed form; x and y are reduced already."""
        with recording():
            return self.reduced(x - y)

    def tidied(self, term: Term) -> Term:
        """A reduced formula as a person would write it: common factors taken out, names put in."""
        if not isinstance(term, Tensor) or len(text(term)) > _UNREADABLE:
            return term
        try:
            short, _ = rewrite(term, TIDYING, self.short, self._short_facts, tidiness, operations)
            short, _ = rewrite(short, NAMING, self.short, self._short_facts, tidiness)
        except DeriveError:
            return term
        return self.short.presented(short)

    def never_zero(self, factor: Term) -> bool:
        """Whether a factor of a tidied formula is known to be nonzero."""
        return is_number(factor) or _named(factor) or self._short_facts.nonzero(factor)

    def _rewritten(self, node: Term, rules: Sequence[Rule]) -> Term:
        end, steps = rewrite(node, rules, self.terms, self.facts)
        end, cases = settle(end, rules, self.terms, self.facts)
        self._note(steps + cases)
        return end

    def _note(self, steps: list[Rewrite]) -> None:
        self.rules += [step.rule for step in steps if step.rule not in self.rules]

    def _plain(self, node: Tensor) -> Term:
        """The graph with lengths as names, and nothing else by name."""

        def plain(n: Tensor, args: tuple[Any, ...]) -> Term:
            if id(n) in self._counts:
                return self._counts[id(n)]
            if n.op is None:
                return self.terms.data(n._value) if is_data(n) else n
            return record(n.op, args, n.params, n._value) if n.name else with_args(n, args)

        return interpret(toposort(node), plain)[id(node)]


def _chooses(term: Term) -> bool:
    """Whether an entry of a term is chosen by a condition on that entry."""
    waiting, seen = [term], set[int]()
    while waiting:
        n = waiting.pop()
        if isinstance(n, Tensor) and n.op is not None and id(n) not in seen:
            seen.add(id(n))
            if op_name(n) == "where":
                return True
            waiting += n.args if n.op.elementwise or op_name(n) == "broadcast_to" else ()
    return False


def _named(term: Term) -> bool:
    """Whether this is softmax or the sigmoid, which are never zero."""
    return (
        isinstance(term, Tensor) and term.op is not None and term.op.name in ("softmax", "sigmoid")
    )


def vanishing_factors(term: Term, algebra: Algebra) -> list[Tensor]:
    """The factors of a tidied formula that can be zero, and with them the whole."""
    factors = [base for base, sign in as_product(term)[1] if sign > 0]
    return [f for f in map(unbroadcast, factors) if not algebra.never_zero(f)]
