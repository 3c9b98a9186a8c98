"""The way back that counts instead of searching, which most graphs can go.

A node knows of how many operations it is an argument. Once as many have sent it something, it has
received all that it will, and is visited. So no order has to be found first, and a node that is
used once, as most are, needs no entry in a table.

A count may be too high, where something else depends on a node, or too low, where two threads
counted at once. Too high, the node waits in vain and is left to `Walk`; too low, it is visited
twice, and what it sends adds up to the same, because every rule is linear in the cotangent.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import numpy as np

from ..graph import ALONE, Tensor, is_float
from .sending import fitted, pulled

MUCH = 2**16  # bytes from which it matters when they are freed, and the time of this loop does not


class DeadEndError(Exception):
    """A node that sends nothing to anyone."""


class Count:
    """The way back, as far as counting leads.

    Args:
        ready: nodes that have received all that they will, each with what. It is used up.
        wanted: the leaves that are asked for; None for all nodes.
        poisoned: whether zeros may meet infinite slopes, as in `Walk`.

    visited    nodes, each followed by what it has received: leaves, and all others if nothing is
               `wanted`; a node that comes up twice has received the sum
    waiting    nodes that are not ready: how many have yet to send them something, and the sum so
               far
    left       what is left to `Walk`: nodes of much memory, because it frees that on its way, and
               inner nodes that waited in vain

    Raises:
        DeadEndError: if nothing is `wanted`, and what some nodes received may lead to no leaf.
        ArithmeticError: if a rule divides by zero or overflows. So whoever gives up on this, and
            lets `Walk` do it all, gives every warning once, and none for what is not asked for.

    >>> x = Tensor(3.0)
    >>> Count([(x * x, 1.0)], [x]).visited == [x, 6.0]
    True
    """

    __slots__ = ("every", "left", "poisoned", "ready", "visited", "waiting", "wanted")

    def __init__(
        self,
        ready: list[tuple[Tensor, Any]],
        wanted: Container[Tensor] | None = None,
        poisoned: bool = False,
    ) -> None:
        self.ready, self.poisoned = ready, poisoned
        self.every = wanted is None
        self.wanted: Container[Tensor] = () if wanted is None else wanted
        self.waiting: dict[Tensor, list[Any]] = {}
        self.visited: list[Any] = []
        self.left: dict[Tensor, Any] = {}
        self.go()
        for node, (_, g) in self.waiting.items():
            if node.op is None:
                self.visited += (node, g)
            else:
                self.leave(node, g)
        self.waiting.clear()  # so that `Walk` can free what is behind these

    @np.errstate(divide="raise", over="raise", invalid="raise")  # it is `Walk` that warns
    def go(self) -> None:
        """Visit what is ready.

        This is the innermost loop of all: what `send` says, it says itself for either argument, as
        calls would take a tenth of the time. What is ready last is visited first, so behind the
        second argument before the first: sums come in the order of `Walk`.
        """
        ready, every, wanted, careful = self.ready, self.every, self.wanted, self.poisoned
        push, pop, add, send = ready.append, ready.pop, self.add, self.send
        visit = self.visited.append
        while ready:
            node, g = pop()
            op = node.op
            if op is None:
                visit(node)
                visit(g)
                continue
            if op.selects:
                careful = self.poisoned = True
            a = node._first
            b = node._second
            params = node.params
            c = d = None
            if b is ALONE and op.together and a._uses > 0 and (every or a.op or a in wanted):
                x, rule = a._value, op.vjp
                (c,) = rule(g, node._value, x, **params) if params else rule(g, node._value, x)
            elif op.pairwise and not params:
                x = a._value if type(a) is Tensor else a
                y = b._value if type(b) is Tensor else b
                left, right = op.vjp
                if x is not a and a._uses > 0 and (every or a.op or a in wanted):
                    c = left(g, node._value, x, y)
                if y is not b and b._uses > 0 and (every or b.op or b in wanted):
                    d = right(g, node._value, x, y)
                if every and c is None and d is None:
                    raise DeadEndError
            else:
                self.send_all(node, g)
            if c is not None:
                kind = type(c)
                if kind is type(x) and (
                    c == c
                    if kind is float
                    else c.shape == x.shape
                    and c.dtype is x.dtype
                    and not careful
                    and c.nbytes < MUCH
                ):
                    if a._uses == 1:
                        push((a, c))
                    else:
                        add(a, c)
                else:
                    send(op, g, a, x, c)
            if d is not None:
                kind = type(d)
                if kind is type(y) and (
                    d == d
                    if kind is float
                    else d.shape == y.shape
                    and d.dtype is y.dtype
                    and not careful
                    and d.nbytes < MUCH
                ):
                    if b._uses == 1:
                        push((b, d))
                    else:
                        add(b, d)
                else:
                    send(op, g, b, y, d)
            if every:
                visit(node)
                visit(g)

    def send(self, op: Any, g: Any, a: Tensor, like: Any, c: Any) -> None:
        """Give `a`, whose value is `like`, what a rule of `op` made of `g`."""
        if not is_float(like):
            if self.every:
                raise DeadEndError
            return
        if c is None:
            return
        if type(c) is not float or type(like) is not float or c != c:
            c = fitted(op, g, c, like, self.poisoned)
        if type(like) is not float and like.nbytes >= MUCH:
            self.leave(a, c)
        elif a._uses == 1:
            self.ready.append((a, c))
        else:
            self.add(a, c)

    def add(self, a: Tensor, c: Any) -> None:
        """Add `c` to what `a`, which is used several times, has received."""
        so_far = self.waiting.get(a)
        if so_far is None:
            self.waiting[a] = [a._uses - 1, c]
            return
        so_far[0] -= 1
        so_far[1] = so_far[1] + c
        if not so_far[0]:
            del self.waiting[a]
            self.ready.append((a, so_far[1]))

    def leave(self, a: Tensor, c: Any) -> None:
        """Leave `a` to `Walk`, with `c` in addition."""
        self.left[a] = self.left[a] + c if a in self.left else c

    def send_all(self, node: Tensor, g: Any) -> None:
        """Give each argument what it receives, by the general way."""
        op: Any = node.op
        args, params = node.args, node.params
        needed = {a for a in args if type(a) is Tensor and a._uses > 0}
        if not self.every:
            needed = {a for a in needed if a.op or a in self.wanted}
        if not needed:
            if self.every:
                raise DeadEndError
            return
        for i, c in pulled(op, g, node._value, args, params, needed, record=False):
            self.send(op, g, args[i], args[i]._value, c)
