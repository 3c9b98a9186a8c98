"""Mistakes in where cotangents go: a way left out, taken twice, ended too early, not added up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...graph import Tensor
from ..points import Point
from ..subject import Subject
from . import edits
from .edits import Edit, on
from .guess import Guess, edges, edited, meetings, path


def whole(subject: Subject) -> Iterator[Guess]:
    """The gradient itself, but for a factor; turned, shifted or reversed."""
    yield Guess(0.0, "factor", "", lambda p: p.gradient)
    shape = subject.wrt.shape
    if len(shape) == 2 and shape[0] == shape[1]:
        yield Guess(1.0, "transpose", "yours is the transpose of the gradient",
                    lambda p: p.gradient.T)  # fmt: skip
    for axis in range(len(shape)):
        for step in (1, -1):
            sentence = f"your entries are shifted by one along axis {axis}: an index is off by one"
            yield Guess(1.5, "off by one", sentence, _rolled(axis, step))
        sentence = f"your entries are in reverse order along axis {axis}"
        yield Guess(2.5, "order", sentence, lambda p, axis=axis: np.flip(p.gradient, axis))  # type: ignore[misc]


def _rolled(axis: int, step: int) -> Callable[[Point], Any]:
    return lambda p: np.roll(p.gradient, step, axis)


def prediction(subject: Subject) -> Iterator[Guess]:
    """The derivative with respect to a node on the way."""
    sentence = ("this is the derivative with respect to {0}, not {1}: "
                "the way from {0} back to {1} is missing")  # fmt: skip
    all_edges = edges(subject)
    for node in path(subject):
        if node is not subject.loss and node.size and not _is_shift(node, all_edges):
            kind = "prediction for logits"
            yield Guess(1.2, kind, sentence, _received(node), (node, subject.wrt))


def _is_shift(node: Tensor, all_edges: list[tuple[Tensor, int, Tensor]]) -> bool:
    """Whether a node is another one plus a constant, which receives the same."""
    if node.op is None or node.op.name not in ("add", "sub"):
        return False
    return [arg.shape for n, _, arg in all_edges if n is node] == [node.shape]


def _received(node: Tensor) -> Callable[[Point], Any]:
    return lambda p: p.walk.received.get(id(p.of(node)))


def paths(subject: Subject) -> Iterator[Guess]:
    """A path left out, counted twice, or with the wrong sign, where paths meet or part."""
    shared = {id(n) for n in meetings(subject)}
    all_edges = edges(subject)
    for node, i, arg in all_edges:
        meets = id(arg) in shared
        if meets or _parts_here(all_edges, node):
            where, other = (node, arg) if meets else (arg, node)
            for cost, kind, sentence, change in _ON_PATHS[0 if meets else 1 :]:
                yield edited(cost, kind, sentence, on(node, i, change), where, other)


_ON_PATHS: tuple[tuple[float, str, str, edits.Change], ...] = (
    (1.5, "missing path", "the path through {0} to {1} is missing: yours is the sum of the other "
     "paths (as with = in place of +=)", edits.nothing),
    (1.6, "sign of a path", "the path through {0} has the wrong sign", edits.negated),
    (1.7, "extra path", "the path through {0} is counted twice", edits.twice),
    (2.3, "factor of a path", "the path through {0} is halved", edits.half),
)  # fmt: skip


def _parts_here(all_edges: list[tuple[Tensor, int, Tensor]], node: Tensor) -> bool:
    """Whether a node sends to several arguments."""
    return [n is node for n, _, _ in all_edges].count(True) > 1


def dropped_terms(subject: Subject) -> Iterator[Guess]:
    """What comes back through one argument of a sum or a product is left out."""
    all_edges = edges(subject)
    for node, i, arg in all_edges:
        if _parts_here(all_edges, node):
            what = "term" if node.op is not None and node.op.name in ("add", "sub") else "path"
            sentence = (
                f"the {what} through {{0}} is missing: {{0}} is treated as a constant in {{1}}"
            )
            yield edited(1.45, f"missing {what}", sentence, on(node, i, edits.nothing), arg, node)


def detached(subject: Subject) -> Iterator[Guess]:
    """A node that is treated as a constant."""
    for node in path(subject):
        places = [(n, i) for n, i, a in edges(subject) if a is node]
        if places:
            edit = Edit({(id(n), i): edits.nothing for n, i in places})
            sentence = ("the path through {0} is missing: {0} is treated as a constant, and yours "
                        "is the sum of the other paths")  # fmt: skip
            yield edited(1.4, "missing path", sentence, edit, node)


def assignments(subject: Subject) -> Iterator[Guess]:
    """`=` in place of `+=`."""
    shared = meetings(subject)
    for which, word in ((-1, "last"), (0, "first")):
        for node in shared:
            sentence = (f"= in place of += at {{0}}, where several paths meet: "
                        f"only the {word} contribution is kept")  # fmt: skip
            yield edited(1.8, "assignment", sentence, Edit(merge=edits.assigned(which, node)), node)
        if len(shared) > 1:
            sentence = f"= in place of += wherever paths meet: only the {word} contribution is kept"
            yield edited(2.0, "assignment", sentence, Edit(merge=edits.assigned(which, None)))
