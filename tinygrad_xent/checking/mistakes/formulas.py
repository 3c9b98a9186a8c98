"""The gradient in closed form with one thing wrong in it: a term, a factor, an axis, a sign.

Mistakes are also made in writing down a formula that was derived correctly. Each change replaces
one operation of the closed form; nothing here knows what the formula is of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...algebra.deriving.gradients import derivation, gradient_graph
from ...algebra.deriving.residual import Algebra
from ...algebra.loss.copying import Copy
from ...algebra.terms.views import Term
from ...errors import TinygradXentError
from ...graph import PRIMITIVES, Primitive, Tensor, interpret, numbers, op_name, record, toposort
from ...writing.text import text
from ..points import Point
from ..subject import Subject

Made = tuple[float, str, str, Callable[[Point], Any], tuple[Any, ...]]
_MOST = 60  # operations of a formula that is changed
_LONG = 80  # characters of one that is shown


def formulas(subject: Subject) -> Iterator[Made]:
    """Changed closed forms: how simple, the family, the sentence, and the value at a point."""
    try:
        with derivation():
            copy = Copy(subject.loss, subject.wrt, [*subject.facts, *subject.implied])
            algebra = Algebra(copy)
            reduced = algebra.reduced(gradient_graph(copy.of(subject.loss), copy.of(subject.wrt)))
            forms = [algebra.tidied(reduced), reduced]
            found = [made for form in forms for made in _changed(form, copy)]
    except TinygradXentError:
        return
    yield from found


def _changed(form: Term, copy: Copy) -> Iterator[Made]:
    if not isinstance(form, Tensor):
        return
    order = toposort(form)
    if len(order) > _MOST:
        return
    whole = text(form)
    told = f"in the closed form {whole}, " if len(whole) <= _LONG else "in the closed form "
    for n in order:
        for cost, kind, sentence, change in _changes(n):
            yield cost, kind, told + sentence, _evaluated(form, n, change, copy), ()


Change = Callable[[Primitive, tuple[Any, ...], dict[str, Any]], Any]


Changed = tuple[float, str, str, Change]  # how simple, the family, the sentence, the change


def _changes(n: Tensor) -> Iterator[Changed]:
    """What can be wrong about one operation."""
    if n.op is not None:
        parts = [text(a) for a in n.args]
        yield from _of_arithmetic(n.op.name, parts)
        yield from _of_functions(n, n.op, parts)
        yield from _of_axes(n)


def _of_arithmetic(name: str, parts: list[str]) -> Iterator[Changed]:
    """A part is missing, or joined in another way."""
    if name in ("add", "sub"):
        for i, part in enumerate(parts):
            yield 2.0, "missing term", f"the term {part} is missing", _only(1 - i, name)
        other = _as("sub" if name == "add" else "add")
        yield 2.1, "sign of a term", f"{parts[1]} has the wrong sign", other
    if name == "mul":
        for i, part in enumerate(parts):
            yield 2.0, "missing factor", f"the factor {part} is missing", _only(1 - i)
    if name == "div":
        yield 2.0, "missing factor", f"the denominator {parts[1]} is missing", _only(0)
        yield 2.2, "wrong factor", f"{parts[1]} multiplies where it should divide", _as("mul")
    if name == "power":
        yield 2.1, "exponent", f"the exponent {parts[1]} is missing", _only(0)


def _of_functions(n: Tensor, op: Primitive, parts: list[str]) -> Iterator[Changed]:
    """A function of one argument is missing."""
    if op.name == "transpose" or (op.elementwise and len(parts) == 1):
        kind = "transpose" if op.name == "transpose" else "missing function"
        yield 2.1, kind, f"{text(n)} is replaced by {parts[0]}", _only(0)


def _of_axes(n: Tensor) -> Iterator[Changed]:
    """Something is done along other axes, or a sum is missing."""
    if "axis" in n.params and n.args[0].ndim > 1:
        axis, every = n.params["axis"], tuple(range(n.args[0].ndim))
        for other in every:
            new = other if isinstance(axis, int) else (other,)
            if new != axis:
                yield 2.0, "axis", f"{text(n)} is taken along axis {other}", _along(new)
        if axis != every:
            yield 2.0, "axis", f"{text(n)} is taken along all axes", _along(every)
    if op_name(n) == "sum":
        yield 2.2, "missing sum", f"the sum in {text(n)} is missing", _only(0)


def _only(i: int, of: str = "") -> Change:
    """One argument in place of the operation; the second of a difference keeps its sign."""
    name = "neg" if of == "sub" and i == 1 else "alias"
    return lambda op, args, params: (PRIMITIVES[name], (args[i],), {})


def _as(name: str) -> Change:
    return lambda op, args, params: (PRIMITIVES[name], args, params)


def _along(axis: Any) -> Change:
    def change(op: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        kept = {"keepdims": True} if "keepdims" in params else {}
        return op, args, {**params, "axis": axis, **kept}

    return change


def _evaluated(form: Tensor, changed: Tensor, change: Change, copy: Copy) -> Callable[[Point], Any]:
    """The changed formula on a point's own numbers, at the point's lengths."""
    order = toposort(form)

    def make(point: Point) -> Any:
        lengths = _lengths(copy, point)

        def again(n: Tensor, args: tuple[Any, ...]) -> Tensor:
            if n.op is None or id(n) in copy.original:
                return _leaf(n, copy, point)
            op, params = n.op, {**n.params}
            if "shape" in params:
                params["shape"] = tuple(lengths.get(k, k) for k in params["shape"])
            if n is changed:
                op, args, params = change(op, args, params)
            return record(op, args, params, op.evaluate(list(map(numbers, args)), params))

        return np.asarray(interpret(order, again)[id(form)]._value)

    return make


def _leaf(n: Tensor, copy: Copy, point: Point) -> Tensor:
    original = copy.original.get(id(n))
    if original is not None:
        return point.of(original) if point.knows(original) else original
    for count, (leaf, axis) in copy.sizes.free().items():
        if copy.counts.get(count) is not None and copy.counts[count].name == n.name:
            return Tensor(float(point.of(leaf).shape[axis]))
    return n


def _lengths(copy: Copy, point: Point) -> dict[int, int]:
    """What the lengths of the copy are at a point."""
    return {n: point.of(leaf).shape[axis] for n, (leaf, axis) in copy.sizes.free().items()}
