"""Whether a formula is the gradient, decided in exact arithmetic at random points by `verify`.

The claim is put to it as a derivation without steps, whose first line is the user's formula.
"""

from __future__ import annotations

from typing import Any

from ..algebra.facts.assumptions import Assumption
from ..algebra.loss.copying import Copy
from ..algebra.presenting.derivation import Derivation
from ..algebra.terms.formula import Formula
from ..errors import TinygradXentError
from ..graph import Tensor, interpret, record, toposort
from .subject import Subject
from .verify import verify


def decide(subject: Subject, facts: list[Assumption]) -> bool | None:
    """True or False, where the checker can say; else None."""
    if subject.wrt.op is not None or subject.formula is None:
        return None
    try:
        copy = Copy(subject.whole, None, [*facts, *subject.implied])
        found = verify(_claim(subject, copy).certificate())
    except TinygradXentError:
        return None
    problems = [problem for _, problem in found.claims if problem]
    if any(problem.startswith("not checked") for problem in problems):
        return None
    return not problems


def _claim(subject: Subject, copy: Copy) -> Derivation:
    assert subject.formula is not None
    parts = [copy.of(subject.loss), copy.of(subject.formula), *(of for of, _ in copy.facts)]
    loss, line, *about = _unnamed(parts)
    facts = [
        (type(a).__name__, Formula(of), getattr(a, "axis", -1))
        for of, (_, a) in zip(about, copy.facts, strict=True)
    ]
    return Derivation("check", Formula(line), (), Formula(line), loss=Formula(loss),
                      wrt=copy.of(subject.wrt).name or "", facts=tuple(facts))  # fmt: skip


def _unnamed(roots: list[Tensor]) -> list[Tensor]:
    """The graphs without names for inner nodes, which may clash."""

    def unnamed(n: Tensor, args: tuple[Any, ...]) -> Tensor:
        return n if n.op is None else record(n.op, args, n.params, n._value)

    done = interpret(toposort(*roots), unnamed)
    return [done[id(root)] for root in roots]
