"""Changes to the backward walk: what a mistake does to what one node sends to one argument.

An `Edit` says, for some edges (a node and the place of an argument), what goes over them instead;
for some nodes, what they send in place of everything; and how contributions are added up.

    c    what the engine would send over the edge      g    the cotangent of the node
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...differentiate import conform, contributions
from ...graph import PRIMITIVES, Tensor, numbers, shape_of
from ..points import Point
from ..walk import Merger, Sent, Walk, added

Place = tuple[int, int]  # the id of one of the subject's nodes, and the place of an argument
Change = Callable[[Any, Any, Tensor, int], Any]  # (c, g, node, place) -> what is sent, or None
Bypass = Callable[[Any, Any], Any]  # (g, the Jacobian) -> what the source receives
Slope = Callable[[Tensor, Tensor], Any]  # (source, result) -> what is taken for the derivative


@dataclass(frozen=True)
class Edit:
    """A changed walk.

    Attributes:
        edges: what goes over an edge instead.
        bypasses: nodes that send one thing to one node further down, in place of everything.
        slopes: the same, where that is the cotangent times one number for each entry.
        merge: how contributions are added up; None as the engine does.
    """

    edges: Mapping[Place, Change] = field(default_factory=dict)
    bypasses: Mapping[int, tuple[int, Bypass]] = field(default_factory=dict)
    slopes: Mapping[int, tuple[int, Slope]] = field(default_factory=dict)
    merge: Callable[[Point], Merger] | None = None

    def __or__(self, other: Edit) -> Edit:
        """Both changes."""
        both = {key: {**getattr(self, key), **getattr(other, key)} for key in _PLACES}
        return Edit(**both, merge=self.merge or other.merge)

    def meets(self, other: Edit) -> bool:
        """Whether both change the same place."""
        if self.merge and other.merge:
            return True
        return any(getattr(self, key).keys() & getattr(other, key).keys() for key in _PLACES)

    def gradient(self, point: Point) -> Any:
        """What arrives in the end at a point."""
        subject = point.subject
        mine = {id(point.of(n)): id(n) for n in subject.order}
        there = {id(n): point.of(n) for n in subject.order}
        originals = {id(n): n for n in subject.order}

        def send(node: Tensor, g: Any, walk: Walk) -> Sent:
            key = mine.get(id(node), 0)
            if key in self.bypasses:
                source, sent = self.bypasses[key]
                yield there[source], sent(g, point.jacobians(originals[key])[source])
                return
            if key in self.slopes:
                source, slope_of = self.slopes[key]
                yield there[source], g * slope_of(there[source], node)
                return
            for i, c in contributions(node, g, walk.needed, walk.record, poisoned=True):
                change = self.edges.get((key, i))
                changed = c if change is None else change(c, g, node, i)
                if changed is not None:
                    yield node.args[i], changed

        merge = self.merge(point) if self.merge else added
        return np.asarray(Walk(point.loss, point.wrt, send, merge).gradient)


_PLACES = ("edges", "bypasses", "slopes")


def on(node: Tensor, place: int, change: Change) -> Edit:
    """A change of one edge."""
    return Edit({(id(node), place): change})


# -- what may go over an edge instead -------------------------------------------------------------


class SenselessError(Exception):
    """A change that this edge cannot have. To send nothing instead would be another mistake."""


def nothing(c: Any, g: Any, node: Tensor, place: int) -> Any:
    return None


def twice(c: Any, g: Any, node: Tensor, place: int) -> Any:
    return c + c


def half(c: Any, g: Any, node: Tensor, place: int) -> Any:
    return c / 2


def negated(c: Any, g: Any, node: Tensor, place: int) -> Any:
    return -c


def unfactored(c: Any, g: Any, node: Tensor, place: int) -> Any:
    """The cotangent as it arrived: the derivative of this operation is left out."""
    return conform(g, node.args[place]._value)


def repeated(c: Any, g: Any, node: Tensor, place: int) -> Any:
    """The derivative of this operation is applied a second time."""
    if shape_of(c) != node.shape:
        raise SenselessError
    return conform(_pulled(node, place, c), node.args[place]._value)


def _pulled(node: Tensor, place: int, g: Any) -> Any:
    """What the operation's own rule makes of a cotangent, before broadcasting is undone."""
    assert node.op is not None
    return node.op.pull(place, g, node._value, list(map(numbers, node.args)), node.params)


def divided(c: Any, g: Any, node: Tensor, place: int) -> Any:
    """Divided by the derivative of this operation in place of multiplied."""
    if shape_of(g) != shape_of(c):
        raise SenselessError
    return g * g / c


def ungated(c: Any, g: Any, node: Tensor, place: int) -> Any:
    """What the gate does not let through."""
    return conform(g, node.args[place]._value) - c


def weighted(pick: Callable[[Tensor], Any]) -> Change:
    """The cotangent times a number that the node knows, in place of its derivative."""

    def change(c: Any, g: Any, node: Tensor, place: int) -> Any:
        return conform(g * pick(node), node.args[place]._value)

    return change


def product(multiply: Callable[[Any, Any], Any]) -> Change:
    """Another product of the cotangent and the other factor of a matrix product."""

    def change(c: Any, g: Any, node: Tensor, place: int) -> Any:
        other = node.args[1 - place]
        return _fitting(multiply(g, numbers(other)), c)

    return change


def turned(c: Any, g: Any, node: Tensor, place: int) -> Any:
    return _fitting(np.transpose(c), c)


def _fitting(found: Any, c: Any) -> Any:
    if shape_of(found) != shape_of(c):
        raise SenselessError
    return found


def kept(pick: Callable[[Any, tuple[int, ...]], Any]) -> Change:
    """One row, or the mean, in place of the sum that undoes broadcasting."""

    def change(c: Any, g: Any, node: Tensor, place: int) -> Any:
        raw = np.asarray(_pulled(node, place, g))
        shape = shape_of(c)
        longer = raw.ndim - len(shape)
        stretched = [i for i in range(raw.ndim) if i < longer or shape[i - longer] != raw.shape[i]]
        if not stretched:
            raise SenselessError
        return pick(raw, tuple(stretched)).reshape(shape)

    return change


def first_row(raw: Any, axes: tuple[int, ...]) -> Any:
    return raw[tuple(slice(0, 1) if i in axes else slice(None) for i in range(raw.ndim))]


def last_row(raw: Any, axes: tuple[int, ...]) -> Any:
    return raw[tuple(slice(-1, None) if i in axes else slice(None) for i in range(raw.ndim))]


def mean_row(raw: Any, axes: tuple[int, ...]) -> Any:
    return raw.mean(axes, keepdims=True)


def summed_over(axis: int) -> Change:
    """What undoing broadcasting gives along another axis than the one that was broadcast."""

    def change(c: Any, g: Any, node: Tensor, place: int) -> Any:
        raw = np.asarray(_pulled(node, place, g))
        total = raw.sum(axis, keepdims=True)
        if total.shape == shape_of(c):
            raise SenselessError
        return total

    return change


def spread_out(c: Any, g: Any, node: Tensor, place: int) -> Any:
    """The cotangent of an extreme, at every entry."""
    kept = node.params["keepdims"]
    return np.broadcast_to(g if kept else np.expand_dims(g, node.params["axis"]), shape_of(c))


def slope(source: Tensor, result: Tensor) -> Any:
    """The derivative of each entry by the same entry, of a stretch of elementwise operations."""
    return np.broadcast_to(Walk(total(result), source).gradient, source.shape)


def total(node: Tensor) -> Tensor:
    """The sum of all entries."""
    summed: Tensor = PRIMITIVES["sum"](node, axis=tuple(range(node.ndim)), keepdims=False)
    return summed


# -- adding up ------------------------------------------------------------------------------------


def assigned(which: int, at: Tensor | None) -> Callable[[Point], Merger]:
    """`=` in place of `+=`: one contribution wins, at one node or wherever several meet."""

    def of(point: Point) -> Merger:
        target = None if at is None else point.of(at)

        def merge(node: Tensor, parts: list[Any]) -> Any:
            return parts[which] if target is None or node is target else added(node, parts)

        return merge

    return of
