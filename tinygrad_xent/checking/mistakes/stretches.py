"""Stretches of a graph that apply a function entry by entry: activations, however composed.

A stable sigmoid is a dozen operations. What is between its argument and its result is one stretch;
a mistake in its derivative replaces all that the stretch sends back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...functions import relu, sigmoid, softplus, square
from ...graph import PRIMITIVES, Tensor
from ..points import Point
from ..subject import Subject
from ..walk import Merger, added
from .edits import Edit, Slope, slope

_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "sigmoid": sigmoid, "tanh": PRIMITIVES["tanh"], "relu": relu, "softplus": softplus,
    "exp": PRIMITIVES["exp"], "log": PRIMITIVES["log"], "sqrt": PRIMITIVES["sqrt"],
    "sin": PRIMITIVES["sin"], "cos": PRIMITIVES["cos"], "square": square,
}  # fmt: skip

# Derivatives that are written in the function's output, as people compute them.
_OF_OUTPUT: dict[str, Callable[[Any], Any]] = {
    "sigmoid": lambda a: a * (1 - a),
    "tanh": lambda a: 1 - a * a,
}

Found = tuple[float, str, str, Edit, tuple[Tensor, ...]]


def stretches(subject: Subject, path: list[Tensor]) -> Iterator[Found]:
    """Changed walks in which a stretch sends back something else than its derivative."""
    nodes = [*path, subject.wrt]
    on_path = {id(n) for n in nodes}
    for result in path:
        for source in _sources(result, on_path):
            if _is_curved(subject, source, result):
                for cost, name, taken in _derivatives():
                    sentence = f"the derivative of {{0}} by {{1}} is taken to be {name}"
                    edit = Edit(slopes={id(result): (id(source), taken)})
                    yield (cost, "activation", sentence, edit, (result, source))
    for node in nodes:
        for name, f in _FUNCTIONS.items() if node.ndim else ():
            sentence = f"the derivative of {name} at {{0}} is multiplied in, where none belongs"
            yield (1.9, "surplus factor", sentence, Edit(merge=_surplus(node, f)), (node,))


def _surplus(at: Tensor, f: Callable[[Any], Any]) -> Callable[[Point], Merger]:
    def of(point: Point) -> Merger:
        target = point.of(at)
        return lambda node, parts: (
            added(node, parts) * (_slope_of(f, node._value) if node is target else 1.0)
        )

    return of


def _is_curved(subject: Subject, source: Tensor, result: Tensor) -> bool:
    """Whether the slope changes from place to place: a factor or a sign is no activation."""
    point = subject.sample
    x = np.asarray(point.of(source)._value, float)
    there = point.moved({id(source): x * 1.25 + 0.5})
    here, beside = (slope(p.of(source), p.of(result)) for p in (point, there))
    return not np.allclose(here, beside, equal_nan=True)


def _sources(result: Tensor, on_path: set[int]) -> list[Tensor]:
    """The nodes that a node is a function of, entry by entry, and of nothing else that varies."""
    found: list[Tensor] = []
    frontier = {id(result): result}
    while True:
        opened = _latest(frontier)
        if opened is None or opened.op is None or not opened.op.elementwise:
            return found
        del frontier[id(opened)]
        for a in opened.args:
            if isinstance(a, Tensor) and id(a) in on_path:
                frontier[id(a)] = a
        if len(frontier) == 1:
            (only,) = frontier.values()
            if only.shape == result.shape:
                found.append(only)
        if not frontier:
            return found


def _latest(frontier: dict[int, Tensor]) -> Tensor | None:
    """A node of the frontier that no other one depends on."""
    nodes = list(frontier.values())
    for node in nodes:
        if not any(node is not other and _reaches(other, node) for other in nodes):
            return node
    return None


def _reaches(node: Tensor, target: Tensor) -> bool:
    waiting, seen = [node], set[int]()
    while waiting and len(seen) < 200:
        n = waiting.pop()
        if n is target:
            return True
        if id(n) not in seen:
            seen.add(id(n))
            waiting += [a for a in n.args if isinstance(a, Tensor)]
    return False


def _derivatives() -> Iterator[tuple[float, str, Slope]]:
    """Derivatives by name; {0} is the result of the stretch, {1} its source."""
    yield 1.7, "1: it is missing", lambda x, a: 1.0
    for name, f in _FUNCTIONS.items():
        yield 1.7, f"that of {name} at {{1}}", _at(f, 0)
        yield 1.9, f"that of {name} at {{0}}", _at(f, 1)
    for name, d in _OF_OUTPUT.items():
        output = f"that of {name}, written for its output"
        yield 1.7, f"{output}, with {{1}} put in for the output", _written(d, 0)
        yield 1.7, f"{output} {{0}}", _written(d, 1)
    yield 1.9, "itself squared: it is applied twice", lambda x, a: slope(x, a) ** 2
    yield 1.9, "one over itself", lambda x, a: 1 / slope(x, a)


def _at(f: Callable[[Any], Any], which: int) -> Slope:
    return lambda *pair: _slope_of(f, pair[which]._value)


def _written(d: Callable[[Any], Any], which: int) -> Slope:
    return lambda *pair: d(pair[which]._value)


def _slope_of(f: Callable[[Any], Any], value: Any) -> Any:
    with np.errstate(all="ignore"):
        x = Tensor(np.asarray(value))
        return slope(x, f(x))
