"""Which nodes are softmax, a mean, a sigmoid ...: compositions that the graph does not name.

A function such as `softmax` leaves only its primitives in the graph. Here it is called once for
each number of axes, and what it records is looked for, node by node. Any function of one array that
is composed of primitives can be named this way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ... import functions
from ...graph import Tensor, op_name, recording, shape_of, toposort
from ...ops.settling import SETTLING

_OF_AXES = ("softmax", "log_softmax", "logsumexp", "mean", "var", "std", "norm")
_ELEMENTWISE = ("sigmoid", "softplus", "relu", "tan")
_MOST_AXES = 4


class Template(NamedTuple):
    """What a call records: its last node, its argument, how it prints, how many operations."""

    root: Tensor
    argument: Tensor
    name: str
    settings: str
    size: int


class Found(NamedTuple):
    """A composition in a graph: its last node, its argument, its inner nodes, its template."""

    root: Tensor
    argument: Tensor
    inner: tuple[Tensor, ...]
    template: Template


def compositions(order: list[Tensor]) -> list[Found]:
    """The compositions among nodes in topological order, the outermost first, none overlapping."""
    taken: set[int] = set()
    found = []
    for node in reversed(order):
        here = None if node.op is None or id(node) in taken else _at(node)
        if here and taken.isdisjoint(map(id, here.inner)):
            taken |= {id(node), *map(id, here.inner)}
            found.append(here)
    return found


def _at(node: Tensor) -> Found | None:
    assert node.op is not None
    for template in _templates().get(node.op.name, ()):
        bound: dict[int, Any] = {}
        if _matches(template.root, node, template.argument, bound):
            argument = bound.pop(id(template.argument))
            inner = tuple(n for n in bound.values() if n is not node)
            if not any(n.name for n in inner):  # the user's own names come first
                return Found(node, argument, inner, template)
    return None


def _matches(pattern: Any, node: Any, argument: Tensor, bound: dict[int, Any]) -> bool:
    """Whether a graph is the pattern; `bound` learns which node stands for which."""
    if op_name(node) in SETTLING:
        bound[id(node)] = node
        return _matches(pattern, node.args[0], argument, bound)
    if type(pattern) is not Tensor or type(node) is not Tensor:
        same = type(pattern) is not Tensor and type(node) is not Tensor
        return same and np.array_equal(pattern, node)
    if id(pattern) in bound:
        return bound[id(pattern)] is node
    if pattern is not argument:
        if pattern.op is not node.op or pattern.params != node.params:
            return False
        for a, b in zip(pattern.args, node.args, strict=False):
            if not _matches(a, b, argument, bound):
                return False
    elif node.ndim != pattern.ndim:
        return False
    bound[id(pattern)] = node
    return True


@cache
def _templates() -> dict[str, list[Template]]:
    """The templates by the name of their last operation, the largest first."""
    known: dict[str, list[Template]] = {}
    with recording(), np.errstate(all="ignore"):
        for template in sorted(_calls(), key=lambda t: -t.size):
            assert template.root.op is not None
            known.setdefault(template.root.op.name, []).append(template)
    return known


def _calls() -> Iterator[Template]:
    for ndim in range(_MOST_AXES + 1):
        for name in _ELEMENTWISE:
            yield from _called(name, ndim, "")
        for name in _OF_AXES:
            yield from _of_axes(name, ndim)


def _of_axes(name: str, ndim: int) -> Iterator[Template]:
    usual = -1 if name.endswith(("softmax", "sumexp")) else None
    for axis in ([] if usual else [None], range(-1, -ndim - 1, -1)):
        for one in axis:
            for more in ({}, {"keepdims": True}) if "softmax" not in name else ({},):
                shown = "" if one == usual else f", axis={one % ndim if one is not None else one}"
                yield from _called(name, ndim, shown, axis=one, **more)


def _called(name: str, ndim: int, settings: str, **params: Any) -> Iterator[Template]:
    function: Callable[..., Any] = getattr(functions, name)
    argument = Tensor(np.full((2,) * ndim, 0.5))
    try:
        root = function(argument, **params)
    except ValueError:  # no such axis
        return
    size = sum(n.op is not None for n in toposort(root))
    if size > 1 and shape_of(root) is not None:
        yield Template(root, argument, name, settings, size)
