"""`check` and `same`: is a hand-written gradient right, and if not, where and why?

Formulas are judged in formula.py. Functions and arrays, of which nothing but their numbers is
known, are compared entry by entry, here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from ..algebra.deriving.gradients import gradient_graph
from ..errors import DeriveError, DtypeError, ShapeError, explain
from ..graph import Tensor, recording, shape_of, toposort
from ..ops import mul, sum
from .counterexample import Counterexample, smallest
from .diagnose import Look, diagnose
from .factors import Probe
from .formula import by_formula
from .given import Given, given
from .lost import where_born
from .numbers import Comparison, compare, reference
from .remarks import remarks
from .shapes import explained
from .subject import Subject
from .titles import Titles
from .verdict import Verdict

_POINTS, _LEAST = 9, 3  # that a function is compared at, if they take no longer than this
_SECONDS = 1.0


def check(
    loss: Tensor | str,
    wrt: Tensor | str,
    hand: Any,
    assume: Any = (),
    *,
    shapes: Mapping[str, Any] | None = None,
    values: Mapping[str, Any] | None = None,
    rtol: float | None = None,
) -> Verdict:
    """Whether a hand-written gradient is right; under which conditions; and if not, what is wrong.

    Args:
        loss: one number, composed of Tensors; or text, as for `derive`.
        wrt: what the gradient is with respect to, a Tensor or its name.
        hand: the gradient: a formula in the same variables (text or a Tensor), a plain NumPy
            function whose parameters are named as the variables are, or an array of numbers.
        assume: facts about Tensors, as for `derive`.
        shapes, values: for a loss that is text: lengths such as `{"z": "N,K"}`, and values.
        rtol: how far an entry of a function's or an array's numbers may be off, relative to itself;
            1e-6 for float64. What rounding explains is never counted.

    Raises:
        ShapeError: the gradient does not have the variable's shape, nor one that a usual mistake
            gives.
        ParseError: text that cannot be read, or a name that the loss does not have.
        DeriveError: the loss does not depend on `wrt`.
        DtypeError: nan among the user's numbers.

    >>> verdict = check("-sum(p*log(softmax(z)))", "z", "softmax(z) - p")
    >>> verdict.headline, bool(verdict)
    ('equal if and only if sum(p) = 1', True)
    >>> check("-sum(p*log(softmax(z)))", "z", "p - softmax(z)", "sum(p)=1").headline
    'different: your sign is flipped (yours = -1 x the gradient)'
    """
    with np.errstate(all="ignore"):
        return _judged(given(loss, wrt, hand, assume, shapes, values), rtol)


def _judged(what: Given, rtol: float | None) -> Verdict:
    subject, title = what.subject, _title(what.subject)
    if id(subject.sample.wrt) not in subject.sample.walk.received:
        gradient_graph(subject.loss, subject.wrt)  # raises: the loss does not depend on it
    shape = _shape_of_hand(subject, what.array)
    if not _fits(shape, subject.wrt.shape):
        return _misshapen(subject, what.array, shape, title)
    if what.array is None:
        _need_values(subject)
    if what.array is not None:
        return _by_array(subject, np.broadcast_to(what.array, subject.wrt.shape), title, rtol)
    if subject.formula is not None:
        return by_formula(subject, title, rtol)
    return _by_function(subject, title, rtol)


def same(a: Any, b: Any, assume: Any = ()) -> Verdict:
    """Whether two formulas are equal for all values of their variables, and for every size.

    Args:
        a, b: Tensors composed of the same variables, of shapes that broadcast.
        assume: facts about Tensors, as for `derive`.

    Raises:
        ShapeError: the shapes do not broadcast.
        DeriveError: an assumption is not understood.

    >>> import tinygrad_xent as tx
    >>> x = tx.tensor([1.0, 2.0], name="x")
    >>> same(tx.log(tx.exp(x) * tx.exp(x)), 2 * x).equal, same(x * x, 2 * x).equal
    (True, False)
    """
    a, b = (x if isinstance(x, Tensor) else Tensor(x) for x in (a, b))
    with recording():
        slope = Tensor(np.ones(_shape(a, b)), name=_unused(a, b))
        loss = sum(mul(slope, a))  # whose gradient is a
    with np.errstate(all="ignore"):
        found = by_formula(given(loss, slope, b, assume).subject, "a = b", None, explained=False)
    return replace(found, table=(), counterexample=_without(found.counterexample, slope.name))


def _shape(a: Tensor, b: Tensor) -> tuple[int, ...]:
    """The shape at which two formulas are compared."""
    try:
        return np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        problem = "same: the formulas have shapes that do not broadcast"
        raise ShapeError(explain(problem, f"{a.shape} and {b.shape}", "(n,) and (n,)")) from None


def _without(example: Counterexample | None, name: str | None) -> Counterexample | None:
    """The counterexample without a variable that is not the user's."""
    if example is None:
        return None
    values = tuple((key, value) for key, value in example.values if key != name)
    return replace(example, values=values, words=("the first", "the second"))


def _unused(*formulas: Tensor) -> str:
    taken = {n.name for n in toposort(*formulas)}
    return next(name for name in ("t", *(f"t{i}" for i in range(99))) if name not in taken)


def _title(subject: Subject) -> str:
    return f"d {subject.loss.name or 'loss'} / d {subject.name(subject.wrt)}"


# -- shapes ---------------------------------------------------------------------------------------


def _shape_of_hand(subject: Subject, array: Any) -> tuple[int, ...]:
    if array is not None:
        return shape_of(array)
    return shape_of(_hand(subject))


def _hand(subject: Subject) -> Any:
    """What the user's gradient is at their values; errors of their function are theirs."""
    found = subject.sample.hand
    if found.dtype.kind not in "fiub":
        problem = "check: your function does not return numbers"
        raise DeriveError(explain(problem, str(found.dtype), "an array of the variable's shape"))
    return found


def _need_values(subject: Subject) -> None:
    """An error if the user's formula has no value here, nor in longer numbers, nor elsewhere."""
    if np.isfinite(subject.sample.hand).any() or not np.isfinite(subject.sample.gradient).any():
        return
    others = [subject.sample.extended(), *subject.scattered(2)]
    if not any(np.isfinite(point.hand).any() for point in others):
        born = where_born(subject)
        problem = "check: your gradient is nan or infinite everywhere" + f", from {born}" * bool(
            born
        )
        raise DtypeError(explain(problem, str(subject.sample.hand), "a formula that has values"))


def _fits(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether the shape is the one wanted, but for what broadcasting adds."""
    try:
        return np.broadcast_shapes(shape, wanted) == wanted
    except ValueError:
        return False


def _misshapen(subject: Subject, array: Any, shape: tuple[int, ...], title: str) -> Verdict:
    """A gradient of another shape: a verdict where a usual mistake gives it, else an error."""
    wanted = subject.wrt.shape
    hand = _hand(subject) if array is None else array
    diagnosis = explained(subject, hand)
    if diagnosis is None:
        name = subject.name(subject.wrt)
        problem = f"check: your gradient has the shape {shape}, {name} has {wanted}"
        raise ShapeError(explain(problem, f"shape {shape}", f"shape {wanted}"))
    return Verdict(False, title=title, diagnosis=diagnosis, loss=subject.loss)


# -- functions and arrays -------------------------------------------------------------------------


def _by_array(subject: Subject, array: Any, title: str, rtol: float | None) -> Verdict:
    comparison = _compared(subject, array, rtol)
    if not comparison.wrong:
        how = "in numbers, entry by entry, at your values"
        return Verdict(True, how=how, **_common(subject, title, comparison))
    look = Look([Probe(subject.sample, np.asarray(array, float))])
    return _different(subject, look, _fit(array, rtol), _common(subject, title, comparison))


def _fit(array: Any, rtol: float | None) -> float:
    """How closely a mistake has to give the numbers of an array."""
    return rtol or (1e-6 if array.dtype.itemsize >= 8 else 1e-4)


def _by_function(subject: Subject, title: str, rtol: float | None) -> Verdict:
    """At the user's values, then at others of the variable, all else being as it is."""
    hand = np.broadcast_to(_hand(subject), subject.wrt.shape)
    worst = here = _compared(subject, hand, rtol)
    vary = [n for n in subject.leaves if n is subject.wrt] or subject.leaves
    points = [subject.sample, *subject.scattered(_POINTS, vary=vary)]
    probes = [Probe(p, np.broadcast_to(p.hand, p.wrt.shape)) for p in points]
    started, seen = perf_counter(), 1
    for probe in probes[1:] if not here.wrong else ():
        if seen < _LEAST or perf_counter() - started < _SECONDS:
            there, seen = compare(probe.point, probe.hand, rtol), seen + 1
            worst = there if there.wrong else worst
    common = _common(subject, title, worst) | {"remarks": remarks(subject, here)}
    if not worst.wrong:
        return Verdict(True, how=f"in numbers, entry by entry, at {seen} points", **common)
    known = [p for p in probes if np.isfinite(p.hand).all()]
    return _different(subject, Look(known), 1e-7, common, smallest(subject))


def _compared(subject: Subject, hand: Any, rtol: float | None) -> Comparison:
    right = reference(subject.sample)
    if not np.isfinite(right).all():
        problem = "check: the gradient has no value at these values of the variables"
        works = "values at which the loss and its slope are finite"
        raise DeriveError(explain(problem, str(right), works))
    return compare(subject.sample, hand, rtol)


def _common(subject: Subject, title: str, comparison: Comparison) -> dict[str, Any]:
    return {"title": title, "loss": subject.loss, "table": comparison.entries,
            "wrong": comparison.wrong, "remarks": remarks(subject, comparison)}  # fmt: skip


def _different(
    subject: Subject, look: Look, rtol: float, common: dict[str, Any], example: Any = None
) -> Verdict:
    found = diagnose(subject, [look], Titles(subject), rtol)
    best, alternatives = (found[0] if found else None), tuple(found[1:])
    return Verdict(
        False, counterexample=example, diagnosis=best, alternatives=alternatives, **common
    )
