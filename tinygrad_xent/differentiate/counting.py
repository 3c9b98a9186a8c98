"""The way back through a graph of Python floats, which counts instead of searching.

A node knows of how many operations it is an argument. Once as many have sent it something, it has
received all that it will, and is visited. So no order has to be found first, and a node that is
used once, as most are, needs no entry in a table.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..graph import ALONE, Tensor


def counted(root: Tensor, seed: Any) -> Iterable[tuple[Tensor, float]] | None:
    """Every node on a path from a leaf, with what it receives when `root` receives `seed`.

    A node that comes up twice receives the sum. None where the count does not come out, because
    not only `root` depends on a node, or where anything but Python floats is met, or nan: `Walk`
    has an answer to all of that.

    >>> x = Tensor(3.0)
    >>> dict(counted(x * x, 1.0))[x]
    6.0
    """
    if type(root._value) is not float or type(seed) is not float or root.op is None:
        return None
    try:
        return _visited(root, seed)
    except (_UnusualError, ArithmeticError):
        return None


class _UnusualError(Exception):
    """Something that is left to `Walk`."""


@np.errstate(divide="raise", over="raise", invalid="raise")  # it is `Walk` that warns
def _visited(root: Tensor, seed: float) -> Iterable[tuple[Tensor, float]]:
    count = _Count(root, seed)
    visited = count.go()
    for node, (_, g) in count.waiting.items():
        if node.op is not None:
            raise _UnusualError
        visited += (node, g)
    return zip(visited[::2], visited[1::2], strict=True)


class _Count:
    """What has arrived, and where.

    ready      nodes that have received all, each followed by what
    waiting    other nodes: how many have yet to send something, and the sum of what has come
    """

    __slots__ = ("ready", "waiting")

    def __init__(self, root: Tensor, seed: float) -> None:
        self.ready: list[Any] = [root, seed]
        self.waiting: dict[Tensor, list[Any]] = {}

    def go(self) -> list[Any]:
        """Visit what is ready; gives the nodes, each followed by what it has received."""
        visited: list[Any] = []
        ready, give = self.ready, self.give
        push, pop = ready.append, ready.pop
        while ready:
            g, node = pop(), pop()
            visited.append(node)
            visited.append(g)
            op, a, b = node.op, node._first, node._second
            if op is None:
                continue
            if not op.pairwise or node.params:
                self.send(node, g)
                continue
            x = a._value if type(a) is Tensor else a
            y = b._value if type(b) is Tensor else b
            left, right = op.vjp
            sent = False
            if y is not b and b._uses > 0:
                c, sent = right(g, node._value, x, y), True
                if b._uses == 1 and type(c) is float and c == c:  # what `give` does, shorter
                    push(b)
                    push(c)
                else:
                    give(b, c)
            if x is not a and a._uses > 0:
                c, sent = left(g, node._value, x, y), True
                if a._uses == 1 and type(c) is float and c == c:
                    push(a)
                    push(c)
                else:
                    give(a, c)
            if not sent:
                raise _UnusualError  # no path to a leaf
        return visited

    def send(self, node: Tensor, g: float) -> None:
        """What a visit does where there is no rule for each of two arguments."""
        op: Any = node.op
        a, out, params = node._first, node._value, node.params
        if node._second is ALONE and op.together and a._uses > 0:
            (c,) = op.vjp(g, out, a._value, **params)
            return self.give(a, c)
        args, sent = node.args, False
        values = [a._value if type(a) is Tensor else a for a in args]
        for i, a in enumerate(args):
            if type(a) is Tensor and a._uses > 0:
                self.give(a, op.pull(i, g, out, values, params))
                sent = True
        if not sent:
            raise _UnusualError

    def give(self, a: Tensor, c: Any) -> None:
        """Add `c` to what `a` has received."""
        if type(c) is not float or c != c:
            raise _UnusualError
        received = self.waiting.get(a)
        if received is None:
            received = self.waiting[a] = [a._uses, -0.0]
        received[0] -= 1
        received[1] += c
        if not received[0]:
            del self.waiting[a]
            self.ready += (a, received[1])
