"""A guess at a mistake, and the places in a graph at which mistakes are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...graph import Tensor
from ..points import Point
from ..subject import Subject
from .edits import Edit


@dataclass(frozen=True)
class Guess:
    """A mistake that may have been made.

    Attributes:
        cost: how far from simple it is.
        kind: its family.
        sentence: what is wrong, with {0}, {1} ... for nodes.
        make: what it gives at a point; None or an error where it makes no sense.
        nodes: those in the sentence; the first is the one concerned.
        edit: the changed walk, if it is one, so that it can be combined with others.
    """

    cost: float
    kind: str
    sentence: str
    make: Callable[[Point], Any]
    nodes: tuple[Any, ...] = ()
    edit: Edit | None = None


def edited(cost: float, kind: str, sentence: str, edit: Edit, *nodes: Any) -> Guess:
    return Guess(cost, kind, sentence, edit.gradient, nodes, edit)


# -- where the walk goes --------------------------------------------------------------------------


def path(subject: Subject) -> list[Tensor]:
    """The nodes through which cotangents travel, results before arguments."""
    walk = subject.sample.walk
    return [n for n in reversed(subject.order)
            if id(subject.sample.of(n)) in walk.received and n is not subject.wrt]  # fmt: skip


def edges(subject: Subject) -> list[tuple[Tensor, int, Tensor]]:
    """Each node of the walk, the place of an argument that it sends to, and the argument."""
    walk, found = subject.sample.walk, []
    for node in path(subject):
        if node.op is not None and node.op.vjp is not None:
            for i, arg in enumerate(node.args):
                if isinstance(arg, Tensor) and id(subject.sample.of(arg)) in walk.received:
                    found.append((node, i, arg))
    return found


def meetings(subject: Subject) -> list[Tensor]:
    """The nodes at which cotangents arrive from several sides."""
    walk = subject.sample.walk
    return [n for n in [*path(subject), subject.wrt]
            if len(walk.parts.get(id(subject.sample.of(n)), ())) > 1]  # fmt: skip
