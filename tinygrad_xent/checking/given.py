"""What the user gave to be checked, read: the loss, the variable, the hand-written gradient."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..algebra.facts.assumptions import Assumption
from ..algebra.facts.stating import stated
from ..differentiate import not_recorded, seed_for
from ..errors import DeriveError, DtypeError, ParseError, describe, explain
from ..graph import Tensor, interpret, is_float, recording, toposort, with_args
from ..reading import assumption, expression, read
from ..reading.reader import names
from ..reading.table import nearest
from ..writing.text import text
from .subject import Subject

_PROBES = 3  # random points at which a traced function has to give what it gives on arrays


class Given(NamedTuple):
    """What is checked, and the numbers that are held against it, if they are all there is."""

    subject: Subject
    array: np.ndarray | None
    names: dict[str, Tensor]


def given(
    loss: Any,
    wrt: Any,
    hand: Any,
    assume: Any = (),
    shapes: Mapping[str, Any] | None = None,
    values: Mapping[str, Any] | None = None,
) -> Given:
    """Read what `check` was called with.

    Raises:
        ParseError: text that is no formula, or a name that the loss does not have.
        DeriveError: `wrt` is not part of the loss, or an assumption is not understood.
        DtypeError: nan or infinity among the user's numbers, or no numbers at all.
    """
    loss, known = _loss(loss, shapes, values)
    at = _variable(wrt, known, loss)
    known = {**known, **({wrt: at} if isinstance(wrt, str) else {at.name: at} if at.name else {})}
    facts = _facts(assume, known)
    if isinstance(hand, str):
        _check_names(hand, known)
        hand = read(hand, known)
    if isinstance(hand, Tensor):
        return Given(Subject(loss, at, _related(hand, loss, known), facts=facts), None, known)
    if callable(hand):
        return Given(_of_function(hand, loss, at, known, facts), None, known)
    return Given(Subject(loss, at, facts=facts), _numbers(hand), known)


# -- the loss and its variables -------------------------------------------------------------------


def _loss(loss: Any, shapes: Any, values: Any) -> tuple[Tensor, dict[str, Tensor]]:
    if isinstance(loss, str):
        made, variables = expression(loss, shapes, values)
        made = merged(made)
        seed_for(made, None, "check")
        return made, dict(variables)
    if not isinstance(loss, Tensor):
        raise not_recorded("check", loss)
    seed_for(loss, None, "check")
    return loss, {n.name: n for n in toposort(loss) if n.name}


def merged(*roots: Tensor) -> Tensor:
    """The last graph with equal subexpressions, of all of them, as one node."""
    made: dict[Any, Tensor] = {}

    def merge(n: Tensor, args: tuple[Any, ...]) -> Tensor:
        if n.op is None:
            return n
        key = (n.op.name, tuple(map(_identity, args)), tuple(sorted(n.params.items())), n.name)
        return made.setdefault(key, with_args(n, args))

    return interpret(toposort(*roots), merge)[id(roots[-1])]  # type: ignore[no-any-return]


def _identity(arg: Any) -> Any:
    if isinstance(arg, Tensor):
        return id(arg)
    array = np.asarray(arg)
    return array.shape, array.dtype.str, array.tobytes()


def _variable(wrt: Any, known: Mapping[str, Tensor], loss: Tensor) -> Tensor:
    if isinstance(wrt, str):
        if wrt not in known:
            problem = f"check: nothing in the loss is named {wrt}"
            raise ParseError(explain(problem, wrt, nearest(wrt, known) or "names for your Tensors"))
        return known[wrt]
    if not isinstance(wrt, Tensor) or not is_float(wrt._value):
        works = "a floating point Tensor of the loss, or its name"
        raise DtypeError(explain("check: there is no derivative by this", describe(wrt), works))
    if all(n is not wrt for n in toposort(loss)):
        works = "one of the Tensors that it was made from" + _listed(known)
        problem = f"check: {wrt.name or 'this Tensor'} is not part of the loss"
        raise DeriveError(explain(problem, describe(wrt), works))
    return wrt


def _listed(known: Mapping[str, Tensor]) -> str:
    return f": {', '.join(known)}" if known else ""


def _facts(assume: Any, known: Mapping[str, Tensor]) -> list[Assumption]:
    facts = list(assume) if isinstance(assume, (list, tuple)) else [assume]
    return stated([assumption(f, known) if isinstance(f, str) else f for f in facts])


# -- the hand-written gradient --------------------------------------------------------------------


def _check_names(hand: str, known: Mapping[str, Tensor]) -> None:
    """Names that the loss does not have are an error of their own: there is no guess for them."""
    for name in names(hand):
        if name not in known and name != "e":
            problem = f"check: your gradient mentions {name}, which the loss does not"
            raise ParseError(explain(problem, hand, nearest(name, known)))


def _related(hand: Tensor, loss: Tensor, known: Mapping[str, Tensor]) -> Tensor:
    """The formula on the loss's own Tensors; a leaf of the same name stands for the loss's."""
    inside = {id(n) for n in toposort(loss)}
    swapped: dict[int, Any] = {}
    for n in toposort(hand):
        swapped[id(n)] = n
        if n.op is None and id(n) not in inside and not n.name:
            swapped[id(n)] = _constant(n)
        elif n.op is None and n.name and id(n) not in inside:
            if n.name not in known:
                problem = f"check: your gradient mentions {n.name}, which the loss does not"
                raise ParseError(explain(problem, describe(n), nearest(n.name, known)))
            swapped[id(n)] = known[n.name]
        elif n.op is not None and any(swapped.get(id(a), a) is not a for a in n.args):
            args = [swapped.get(id(a), a) for a in n.args]
            with recording():
                swapped[id(n)] = n.op(*args, **n.params)
    return swapped[id(hand)]  # type: ignore[no-any-return]


def _constant(leaf: Tensor) -> Tensor:
    """Plain numbers in a formula: named by what they print, they are no variable."""
    fixed = Tensor(leaf._value)
    return fixed.named(text(fixed._value))


def _numbers(hand: Any) -> np.ndarray:
    """The user's numbers; nan and infinity are refused, with their place."""
    try:
        array = np.asarray(hand)
    except (TypeError, ValueError):
        array = np.asarray(None)
    if array.dtype.kind not in "fiub":
        works = "a formula in the loss's variables, a function of arrays, or an array of numbers"
        raise DtypeError(explain("check: this is no gradient", describe(hand), works))
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        place = ", ".join(map(str, bad[0]))
        problem = f"check: {array[tuple(bad[0])]} at [{place}] of your gradient"
        also = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        works = (
            "finite numbers; give the function that computes them, and check looks where it fails"
        )
        raise DtypeError(explain(problem + also, describe(array), works))
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _of_function(
    hand: Callable[..., Any], loss: Tensor, wrt: Tensor, known: Mapping[str, Tensor], facts: Any
) -> Subject:
    named = _parameters(hand, wrt, known)
    subject = Subject(loss, wrt, function=hand, named=named, facts=facts)
    traced = _traced(hand, named)
    if traced is None:
        return subject
    both = Subject(loss, wrt, traced, hand, named, facts)
    return both if _same(both, subject) else subject


def _parameters(hand: Callable[..., Any], wrt: Tensor, known: Mapping[str, Tensor]) -> list[Tensor]:
    """The Tensors that the parameters of the function name; a single one may have any name."""
    try:
        parameters = inspect.signature(hand).parameters.values()
    except (TypeError, ValueError):
        return [wrt]
    wanted = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [p.name for p in wanted if p.default is p.empty or p.name in known]
    if len(needed) == 1 and needed[0] not in known:
        return [wrt]
    for name in needed:
        if name not in known:
            problem = f"check: your function has a parameter {name}, which the loss does not have"
            works = (
                nearest(name, known) if known else "Tensors with names: tx.tensor(..., name='z')"
            )
            raise ParseError(explain(problem, f"({', '.join(needed)})", works))
    return [known[name] for name in needed]


def _traced(hand: Callable[..., Any], named: list[Tensor]) -> Tensor | None:
    """The function's formula, if it can be called with Tensors as it is with arrays."""
    try:
        with recording(), np.errstate(all="ignore"):
            found = hand(*named)
    except Exception:
        return None
    return found if isinstance(found, Tensor) and is_float(found._value) else None


def _same(both: Subject, plain: Subject) -> bool:
    """Whether the traced formula gives what the function gives: no `if` took another way."""
    for point in [plain.sample, *plain.scattered(_PROBES, seed=7)]:
        try:
            x, y = point.hand, both.at(point.values).hand
        except Exception:
            return False
        if x.shape != y.shape or not np.allclose(x, y, rtol=1e-6, atol=1e-9, equal_nan=True):
            return False
    return True
