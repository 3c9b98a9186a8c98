"""The loop that goes back through a recorded graph.

Given arrays it computes; given Tensors it records what it does, and that record is the backward
graph: drawn, simplified, compiled, or differentiated again.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

import numpy as np

from ..graph import ALONE, MANY, Primitive, Tensor, is_float
from .counting import Count
from .sending import fitted, in_numpy, pulled


def cotangents(
    root: Tensor, seed: Any, wrt: tuple[Tensor, ...] | None = None, record: bool = False
) -> dict[Tensor, Any]:
    """What each wanted node receives when `root` receives `seed`; no entry where nothing arrives.

    Args:
        root: what is differentiated.
        seed: the cotangent of `root`, of its shape.
        wrt: the nodes whose cotangents are wanted; only the paths to them are walked. None for
            every node on a path from a floating point leaf.
        record: call the rules with Tensors, so that the walk itself becomes a graph.
    """
    return Walk(root, wrt, record).cotangents(seed, last=True)


class Walk:
    """The way back from a root, which may be walked several times.

    Args:
        root, wrt, record: as for `cotangents`.
        pruned: look first for the paths that lead to `wrt`. It is a waste where nearly all do.

    needed     the nodes through which a change in what is wanted reaches the root, arguments
               before results, each with None
    order      those still to visit
    received   what each needed node has received so far, or None
    poisoned   whether zeros may meet infinite slopes: a zero arrived, or an operation that selects
               has been passed
    """

    __slots__ = ("_needed", "order", "poisoned", "pruned", "received", "record", "root", "wanted")

    order: list[Tensor]
    poisoned: bool
    received: dict[Tensor, Any]

    def __init__(
        self,
        root: Tensor,
        wrt: tuple[Tensor, ...] | None = None,
        record: bool = False,
        pruned: bool = True,
    ) -> None:
        self.root: Any = root
        self.record = record
        self.wanted = None if wrt is None else frozenset(wrt)
        self.pruned = record or (pruned and wrt is not None)
        self._needed: dict[Tensor, None] | None = None

    @property
    def needed(self) -> dict[Tensor, None]:
        if self._needed is None:
            self._needed = _needed([self.root], self.wanted)
        return self._needed

    def cotangents(self, seed: Any, last: bool = False) -> dict[Tensor, Any]:
        """What each wanted node receives when the root receives `seed`.

        On the `last` walk nothing is kept of what is behind: a node that nobody else has is freed.
        """
        return self.searched(seed, last) if self.pruned else _summed(self.pairs(seed, last))

    def pairs(self, seed: Any, last: bool = False) -> Iterable[tuple[Tensor, Any]]:
        """The same as pairs. Where a count was too low, one comes up twice: it receives the sum."""
        count = self.counted(seed)
        if count is None:
            return self.searched(seed, last).items()
        if last and self.wanted is not None:
            self.root = None
        pairs = zip(count.visited[::2], count.visited[1::2], strict=True)
        if not count.left:
            return pairs
        self.start(count.left, count.poisoned)
        return _summed([*pairs, *self.received.items()]).items()

    def counted(self, seed: Any) -> Count | None:
        """The way back as far as counting leads; None where anything is out of the ordinary.

        A rule that fails may be one that nobody asked for: counting does not know.
        """
        try:
            count = Count([(self.root, seed)], self.wanted, _has_zeros(seed))
        except Exception:
            return None
        if count.left:
            self.received = _needed(count.left, self.wanted)
            if self.wanted is None and not count.left.keys() <= self.received.keys():
                return None  # the way has led to no leaf
        return count

    def searched(self, seed: Any, last: bool) -> dict[Tensor, Any]:
        """The same, by a search for the nodes that are needed."""
        root, needed = self.root, self.needed
        if root not in needed:
            return {root: seed} if self.wanted is None else {}
        self.received = needed if last else needed.copy()
        if last:
            self.root = self._needed = None
        start = {root: seed}
        del root, needed
        self.start(start, _has_zeros(seed))
        return self.received

    def start(self, given: dict[Tensor, Any], poisoned: bool) -> None:
        """Walk back from the nodes that are given something."""
        self.order = list(self.received)
        while given:
            node, g = given.popitem()
            if node in self.received:
                self.received[node] = g
        del node, g
        if not poisoned:
            self.go()
        if self.order:
            with np.errstate(divide="ignore", invalid="ignore"):
                self.go(poisoned=True)

    def go(self, poisoned: bool = False) -> None:
        """Visit the nodes; not poisoned, only as far as the first that selects."""
        order, received, wanted, record = self.order, self.received, self.wanted, self.record
        self.poisoned = poisoned
        while order:
            node = order.pop()
            g, op = received[node], node.op
            if g is None:
                del received[node]
                continue
            if op is None:
                continue
            if op.selects and not poisoned:
                order.append(node)
                return
            if wanted is not None and node not in wanted:
                del received[node]  # it may be large, and nobody asks again
            a, b, params = node._first, node._second, node.params
            out = node if record else node._value if op.reads_result else None
            del node  # if nobody else has it, its value is freed before a rule makes another
            if op.pairwise and not params:
                self.send_both(op, g, out, a, b)
            elif b is ALONE and op.together:
                self.send_one(op, g, out, a, params)
            else:
                self.send(op, g, out, a if b is MANY else (a,) if b is ALONE else (a, b), params)

    def send(self, op: Primitive, g: Any, out: Any, args: Any, params: dict[str, Any]) -> None:
        """Give each needed argument what the rule of `op` says."""
        for i, c in pulled(op, g, out, args, params, self.received, self.record):
            self.give(op, g, args[i], c)

    def send_one(self, op: Primitive, g: Any, out: Any, a: Any, params: dict[str, Any]) -> None:
        """`send` for operations of one argument, without its detours."""
        if type(a) is Tensor and a in self.received:
            x = a if self.record else a._value
            try:
                (c,) = op.vjp(g, out, x, **params) if params else op.vjp(g, out, x)
            except ArithmeticError:
                return self.send(op, g, out, (a,), params)
            if c is not None:
                self.give(op, g, a, c)

    def send_both(self, op: Primitive, g: Any, out: Any, a: Any, b: Any) -> None:
        """`send` for operations of two arguments, which most are, as short as it can be.

        The second comes first: a divisor often has fewer entries, and what is sent to it is added
        up before the memory for the other is taken.
        """
        if self.record:
            x, y = a, b
        else:
            x = a._value if type(a) is Tensor else a
            y = b._value if type(b) is Tensor else b
        left, right = op.vjp
        received = self.received
        if type(b) is Tensor and b in received:
            try:
                c = right(g, out, x, y)
            except ArithmeticError:
                c = right(*in_numpy(g, out, x, y))
            if c is not None:
                self.give(op, g, b, c)
            del c
        if type(a) is Tensor and a in received:
            try:
                c = left(g, out, x, y)
            except ArithmeticError:
                c = left(*in_numpy(g, out, x, y))
            if c is not None:
                self.give(op, g, a, c)

    def give(self, op: Primitive, g: Any, a: Tensor, c: Any) -> None:
        """Add `c`, which a rule of `op` made of `g`, to what the argument `a` has received."""
        like = a._value
        if type(c) is not float or type(like) is not float or c != c:
            c = fitted(op, g, c, like, self.poisoned)
        before = self.received[a]
        self.received[a] = c if before is None else before + c


def _summed(pairs: Iterable[tuple[Tensor, Any]]) -> dict[Tensor, Any]:
    found: dict[Tensor, Any] = {}
    for node, g in pairs:
        found[node] = found[node] + g if node in found else g
    return found


def _needed(roots: Iterable[Tensor], wanted: Container[Tensor] | None) -> dict[Tensor, None]:
    """The nodes through which a change in what is wanted reaches a root, arguments first."""
    needed: dict[Tensor, None] = {}
    seen: set[Tensor] = set()
    stack: list[Any] = list(roots)
    push, pop = stack.append, stack.pop
    while stack:
        node = pop()
        if node is None:  # all that the node below depends on has been seen to by now
            node = pop()
            a, b = node._first, node._second
            if (
                (type(a) is Tensor and a in needed)
                or (type(b) is Tensor and b in needed)
                or (b is MANY and any(type(x) is Tensor and x in needed for x in a))
                or (wanted is not None and node in wanted)
            ):
                needed[node] = None
        elif node not in seen:
            seen.add(node)
            op, value = node.op, node._value
            if op is None or op.vjp is None or not (type(value) is float or is_float(value)):
                if (op is None and is_float(value)) if wanted is None else node in wanted:
                    needed[node] = None
                continue
            push(node)
            push(None)
            a, b = node._first, node._second
            if type(b) is Tensor and b not in seen:
                push(b)
            if type(a) is Tensor and a not in seen:
                push(a)
            elif b is MANY:
                for x in a[::-1]:
                    if type(x) is Tensor and x not in seen:
                        push(x)
    return needed


def _has_zeros(seed: Any) -> bool:
    value = seed._value if type(seed) is Tensor else seed
    if isinstance(value, Tensor):  # rows: what 0 * inf gives is looked for at the end
        return False
    return not (value.all() if isinstance(value, np.ndarray) else value)
