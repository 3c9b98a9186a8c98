"""Mistakes in what one operation sends back: its derivative, a transpose, a sum, a Jacobian."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from ...graph import Tensor, numbers, shape_of
from ..points import Point
from ..subject import Subject
from ..walk import Merger, added
from . import edits
from .edits import Edit, on
from .guess import Guess, edges, edited, path

_MOST_ENTRIES = 64  # of arrays whose whole Jacobian is computed

_ON_FACTORS: tuple[tuple[float, str, str, edits.Change], ...] = (
    (1.5, "missing factor", "the factor d {0} / d {1} is missing from the chain rule",
     edits.unfactored),
    (2.0, "repeated factor", "the factor d {0} / d {1} is applied twice", edits.repeated),
    (2.2, "inverted factor", "divided by d {0} / d {1} where it should be multiplied",
     edits.divided),
)  # fmt: skip


def chain(subject: Subject) -> Iterator[Guess]:
    """The derivative of one operation left out, applied twice, inverted, or another factor."""
    for node, i, arg in edges(subject):
        assert node.op is not None
        if node.op.name in ("max", "min"):
            sentence = "what comes back through {0} is sent to every entry, not to the extreme one"
            yield edited(1.6, "gate", sentence, on(node, i, edits.spread_out), node)
        if not node.op.elementwise or node.op.name in ("add", "sub", "neg"):
            continue
        for cost, kind, sentence, change in _ON_FACTORS:
            yield edited(cost, kind, sentence, on(node, i, change), node, arg)
        if node.op.name in ("where", "maximum", "minimum"):
            sentence = "the gate of {0} is the wrong way round"
            yield edited(1.8, "gate", sentence, on(node, i, edits.ungated), node)
        yield from _other_factors(node, i, arg)


def _other_factors(node: Tensor, place: int, arg: Tensor) -> Iterator[Guess]:
    picks: list[tuple[str, Any, Callable[[Tensor], Any]]] = [("{2}", node, lambda n: n._value)]
    for k, a in enumerate(node.args):
        picks.append(("{2}", a, partial(_argument, k)))
        picks.append(("1/({2})", a, partial(_reciprocal, k)))
    for form, factor, pick in picks:
        sentence = f"the factor d {{0}} / d {{1}} is taken to be {form}"
        edit = on(node, place, edits.weighted(pick))
        yield edited(2.1, "wrong factor", sentence, edit, node, arg, factor)


def _argument(k: int, node: Tensor) -> Any:
    return numbers(node.args[k])


def _reciprocal(k: int, node: Tensor) -> Any:
    return 1.0 / np.asarray(_argument(k, node))


_PRODUCTS: tuple[Callable[[Any, Any], Any], ...] = (
    lambda g, b: g @ b, lambda g, b: b @ g, lambda g, b: g.T @ b, lambda g, b: b.T @ g,
    lambda g, b: g @ b.T, lambda g, b: b @ g.T, lambda g, b: b.T @ g.T, lambda g, b: g.T @ b.T,
    lambda g, b: np.outer(g, b), lambda g, b: np.outer(b, g), lambda g, b: g * b,
)  # fmt: skip


def transposes(subject: Subject) -> Iterator[Guess]:
    """Another product of the cotangent and the other factor than the right one."""
    for node, i, arg in edges(subject):
        assert node.op is not None
        if node.op.name == "matmul":
            sentence = ("a transpose is wrong in the way back through {0} to {1}: "
                        "{2} is not turned, or on the wrong side")  # fmt: skip
            for multiply in _PRODUCTS:
                edit = on(node, i, edits.product(multiply))
                yield edited(1.3, "transpose", sentence, edit, node, arg, node.args[1 - i])
        if arg.ndim > 1:
            sentence = "what comes back through {0} is transposed"
            yield edited(1.6, "transpose", sentence, on(node, i, edits.turned), node)


_ROWS: tuple[tuple[str, Any], ...] = (
    ("the first row", edits.first_row), ("the last row", edits.last_row),
    ("the mean", edits.mean_row),
)  # fmt: skip


def broadcasts(subject: Subject) -> Iterator[Guess]:
    """One row or the mean in place of the sum that undoes broadcasting."""
    for node, i, arg in edges(subject):
        if node.op is not None and node.op.elementwise and shape_of(arg) != node.shape:
            for word, pick in _ROWS:
                sentence = (f"the cotangent of {{0}} is not summed back over the axes along which "
                            f"it is broadcast in {{1}}: {word} is taken")  # fmt: skip
                edit = on(node, i, edits.kept(pick))
                yield edited(1.4, "not summed back", sentence, edit, arg, node)
            for axis in range(node.ndim) if node.ndim > 1 else ():
                sentence = (
                    f"the cotangent of {{0}} is summed over axis {axis}, which is the wrong one"
                )
                edit = on(node, i, edits.summed_over(axis))
                yield edited(1.6, "axis", sentence, edit, arg, node)


def diagonals(subject: Subject) -> Iterator[Guess]:
    """Only the diagonal of a Jacobian, none of it, or all of it or the diagonal once more."""
    for result, source in _mixing(subject):
        for cost, kind, sentence, times in _ON_JACOBIANS:
            edit = Edit(bypasses={id(result): (id(source), times)})
            yield edited(cost, kind, sentence, edit, result, source)
        for what, times in (("the diagonal of d {0} / d {1}", _diagonal), ("d {0} / d {1}", _full)):
            sentence = f"{what} is multiplied in once more: the gradient has it already"
            edit = Edit(merge=_surplus(times, result, source))
            yield edited(1.7, "repeated factor", sentence, edit, result, source)


def _mixing(subject: Subject) -> Iterator[tuple[Tensor, Tensor]]:
    """Pairs of nodes of one shape, of which entries of one depend on several of the other."""
    nodes = [n for n in [*path(subject), subject.wrt] if 1 < n.size <= _MOST_ENTRIES]
    for result in nodes:
        found = subject.sample.jacobians(result)
        for source in nodes:
            if source is not result and source.shape == result.shape and id(source) in found:
                square = found[id(source)]
                diagonal = np.diag(np.diag(square))
                if np.any(square - diagonal) and np.any(diagonal):
                    yield result, source


def _diagonal(g: Any, jacobian: Any) -> Any:
    return g * np.diag(jacobian).reshape(np.shape(g))


def _full(g: Any, jacobian: Any) -> Any:
    return (np.ravel(g) @ jacobian).reshape(np.shape(g))


def _none(g: Any, jacobian: Any) -> Any:
    return g


_ON_JACOBIANS: tuple[tuple[float, str, str, edits.Bypass], ...] = (
    (1.3, "diagonal", "only the diagonal of the Jacobian d {0} / d {1} is used", _diagonal),
    (1.5, "missing factor", "the factor d {0} / d {1} is missing from the chain rule", _none),
)  # fmt: skip


def _surplus(times: edits.Bypass, result: Tensor, source: Tensor) -> Callable[[Point], Merger]:
    """What arrives at a node multiplied by a derivative that it has been multiplied by already."""

    def of(point: Point) -> Merger:
        target, square = point.of(source), point.jacobians(result)[id(source)]
        return lambda node, parts: (
            times(added(node, parts), square) if node is target else added(node, parts)
        )

    return of
