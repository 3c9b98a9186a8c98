"""Gradients derived by hand, beside the engine's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import ParseError, ShapeError, describe, explain
from ..graph import Tensor, constant, shape_of
from ..reading.reader import read
from ..reading.table import nearest
from ..writing.text import text
from .numbers import numbers
from .records import Hand


class Hands:
    """The gradients that were given, by node.

    Args:
        nodes: those of the graph they belong to.
        symbols: what the walk calls nodes, to these nodes.
        given: nodes, or their names or symbols, to gradients: Tensors, arrays, or text in the names
            of the graph, such as `"softmax(z) - p"`.

    Raises:
        ParseError: what is no node here, or text that cannot be read.
        ShapeError: a gradient of another shape than its node.
    """

    def __init__(
        self, nodes: Sequence[Tensor], symbols: Mapping[str, Tensor], given: Mapping[Any, Any]
    ) -> None:
        named = {n.name: n for n in nodes if n.name} if given else {}
        self._given: dict[int, tuple[str, Any]] = {}
        self._waiting: dict[int, str] = {}
        for key, gradient in given.items():
            node = node_named(key, {**symbols, **named})
            if not any(node is n for n in nodes):
                problem = "steps: a gradient by hand for a Tensor that is not in this graph"
                raise ParseError(explain(problem, describe(key), "a node of the loss"))
            self._given[id(node)] = _evaluated(gradient, node, named)
            self._waiting[id(node)] = key if isinstance(key, str) else node.name or "a node"

    def beside(self, node: Tensor, g: Any) -> Hand | None:
        """The gradient by hand for a node, compared with what the engine found."""
        if id(node) not in self._given:
            return None
        line, value = self._given[id(node)]
        self._waiting.pop(id(node), None)
        apart = np.asarray(relative_difference(value, g))
        worst = np.unravel_index(int(np.argmax(apart)), apart.shape) if apart.size else ()
        largest = float(apart.max()) if apart.size else 0.0
        return Hand(line, numbers(value), largest, tuple(map(int, worst)))

    def missed(self) -> Iterator[str]:
        """What to say of those that have been compared with nothing."""
        for name in self._waiting.values():
            yield f"The gradient by hand of {name} is not compared: the walk brings nothing there."


def relative_difference(h: Any, e: Any) -> Any:
    """|h - e| / max(|h|, |e|), entry by entry; 0 where they are equal, inf where one is not finite.

    >>> relative_difference(np.array([1.0, 0.0, np.nan]), np.array([2.0, 0.0, 1.0]))
    array([0.5, 0. , inf])
    """
    h, e = np.asarray(h, float), np.asarray(e, float)
    with np.errstate(all="ignore"):
        apart = np.abs(h - e) / np.maximum(np.abs(h), np.abs(e))
    same = (h == e) | (np.isnan(h) & np.isnan(e))
    return np.where(same, 0.0, np.where(np.isfinite(apart), apart, np.inf))


def node_named(key: Any, named: Mapping[str, Tensor]) -> Tensor:
    """A node, given by itself or by its name."""
    if isinstance(key, Tensor):
        return key
    if key not in named:
        problem = f"steps: no node is named {key}"
        raise ParseError(explain(problem, str(key), nearest(str(key), named) or "a Tensor"))
    return named[key]


def _evaluated(gradient: Any, node: Tensor, named: Mapping[str, Tensor]) -> tuple[str, Any]:
    """The text of a gradient, if there is one, and its value at the shape of the node."""
    made = read(gradient, named) if isinstance(gradient, str) else gradient
    formula = isinstance(made, Tensor) and made.op is not None
    line = gradient if isinstance(gradient, str) else text(made) if formula else ""
    value = made._value if isinstance(made, Tensor) else constant(made, "steps")
    if shape_of(value) not in ((), node.shape):
        problem = f"steps: the gradient by hand of {node.name or 'a node'} has another shape"
        raise ShapeError(explain(problem, describe(value), f"{node.shape}"))
    return line, np.broadcast_to(value, node.shape)
