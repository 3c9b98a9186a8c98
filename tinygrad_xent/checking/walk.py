"""The backward walk of the engine, with a place to change what is sent and how it is added up.

What a mistake in a gradient comes to is another walk over the same graph: an edge left out, a
factor forgotten, the last contribution in place of the sum. So mistakes are walks here.

    g        the cotangent that a node received
    sender   what a node passes to its arguments when it received g
    merger   how what a node received from several sides becomes one cotangent
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from ..differentiate import Walk as EngineWalk
from ..differentiate import contributions, ones_like
from ..graph import Tensor, toposort

Sent = Iterable[tuple[Tensor, Any]]
Sender = Callable[[Tensor, Any, "Walk"], Sent]
Merger = Callable[[Tensor, list[Any]], Any]


def passed(node: Tensor, g: Any, walk: Walk) -> Sent:
    """What the engine sends: each argument with what it receives."""
    for i, c in contributions(node, g, walk.needed, walk.record, poisoned=True):
        yield node.args[i], c


def added(node: Tensor, parts: list[Any]) -> Any:
    """What the engine does with what arrives from several sides."""
    return reduce(add, parts)


class Walk:
    """The cotangents of the nodes between a loss and what it is differentiated by.

    Args:
        loss: one number.
        wrt: where the walk ends.
        send, merge: what a node sends, and how several contributions become one.
        record: work on Tensors, so that the walk becomes a graph.

    Attributes:
        received: the cotangent of each node that one reached, by its `id`.
        parts: what it was added up from.
    """

    def __init__(
        self,
        loss: Tensor,
        wrt: Tensor,
        send: Sender = passed,
        merge: Merger = added,
        record: bool = False,
    ) -> None:
        self.record, self.wrt = record, wrt
        engine = EngineWalk(loss, (wrt,), record)
        self.needed = engine.needed
        seed = ones_like(loss)
        self.parts: dict[int, list[Any]] = {id(loss): [Tensor(seed, "1") if record else seed]}
        self.received: dict[int, Any] = {}
        with np.errstate(all="ignore"):
            for node in reversed(engine.needed or {loss: None}):
                if id(node) in self.parts:
                    g = self.received[id(node)] = merge(node, self.parts[id(node)])
                    if node is not wrt and node.op is not None and node in self.needed:
                        for arg, c in send(node, g, self):
                            self.parts.setdefault(id(arg), []).append(c)

    @property
    def gradient(self) -> Any:
        """What arrived at `wrt`: zeros if nothing did."""
        found = self.received.get(id(self.wrt))
        return np.zeros(self.wrt.shape) if found is None else found


def inner(walk: Walk, loss: Tensor) -> list[Tensor]:
    """The nodes that a walk visited, results before arguments."""
    return [n for n in reversed(toposort(loss)) if id(n) in walk.received]
