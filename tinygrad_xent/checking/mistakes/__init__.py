"""What people get wrong in gradients, as changes to the backward walk of whatever graph there is.

Each function yields guesses: a family, a sentence, and how to compute what that mistake would give
at a point. No guess looks at the user's text or knows a loss. The first ones are the simplest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ..subject import Subject
from .formulas import formulas
from .guess import Guess, edited, path
from .local import broadcasts, chain, diagonals, transposes
from .paths import assignments, detached, dropped_terms, paths, prediction, whole
from .redone import redone
from .stretches import stretches

__all__ = ["Guess", "combined", "path", "tiers"]


def tiers(subject: Subject) -> Iterator[list[Guess]]:
    """All guesses for a graph, the simplest families first."""
    for families in TIERS:
        yield [guess for family in families for guess in family(subject)]


def activations(subject: Subject) -> Iterator[Guess]:
    """One activation's derivative in place of another's, or taken at the wrong argument."""
    for cost, kind, sentence, edit, nodes in stretches(subject, path(subject)):
        yield edited(cost, kind, sentence, edit, *nodes)


def losses(subject: Subject) -> Iterator[Guess]:
    """The right gradient of a slightly different loss: another axis, a shifted label."""
    for cost, kind, sentence, make, nodes in redone(subject):
        yield Guess(cost, kind, sentence, make, nodes)


def slips(subject: Subject) -> Iterator[Guess]:
    """Mistakes in writing the right formula down."""
    for cost, kind, sentence, make, nodes in formulas(subject):
        yield Guess(cost, kind, sentence, make, nodes)


def combined(singles: list[Guess]) -> Iterator[Guess]:
    """Two mistakes at once, of those that are changes of the walk."""
    core = [g for g in singles if g.edit is not None and g.kind in _COMBINED][:_MOST_COMBINED]
    for i, a in enumerate(core):
        for b in core[i + 1 :]:
            if a.edit is not None and b.edit is not None and not a.edit.meets(b.edit):
                later = "".join(_renumbered(b.sentence, len(a.nodes)))
                edit, nodes = a.edit | b.edit, (*a.nodes, *b.nodes)
                yield edited(
                    a.cost + b.cost + 1, a.kind, f"{a.sentence}; and {later}", edit, *nodes
                )


def _renumbered(sentence: str, by: int) -> str:
    return re.sub(r"\{(\d+)\}", lambda m: f"{{{int(m[1]) + by}}}", sentence)


_COMBINED = frozenset(
    {"missing path", "missing term", "missing factor", "transpose", "sign of a path",
     "not summed back", "extra path", "diagonal"}
)  # fmt: skip
_MOST_COMBINED = 60

TIERS: tuple[tuple[Callable[[Subject], Iterator[Guess]], ...], ...] = (
    (whole, prediction),
    (paths, dropped_terms, detached, assignments, transposes, broadcasts, chain, diagonals,
     activations, losses),
    (slips,),
)  # fmt: skip
