"""What a step changes: which nodes of one graph are those of another."""

from __future__ import annotations

from collections import defaultdict

from .skeleton import Node, commutes

Pairs = dict[int, int]  # a node of the later graph -> the node of the earlier one that it is


def same(a: list[Node], b: list[Node]) -> Pairs:
    """The nodes of `b` that say the same as one of `a`, each of `a` at most once."""
    free: dict[int, list[int]] = defaultdict(list)
    for i in reversed(range(len(a))):
        free[a[i].key].append(i)
    return {j: free[node.key].pop() for j, node in enumerate(b) if free[node.key]}


def kept(a: list[Node], b: list[Node]) -> Pairs:
    """The nodes of `b` that were in `a`: they say the same, or only what is in them changed.

    A product of which one factor was rewritten is still that product. So an operation is kept if
    one of its arguments is, or if its result goes where it went.

    >>> import tinygrad_xent as tx
    >>> from tinygrad_xent.drawing.skeleton import skeleton
    >>> x, y, keys = tx.tensor(2.0, name="x"), tx.tensor(3.0, name="y"), {}
    >>> before, after = skeleton(tx.exp(x * y) - x, keys), skeleton(tx.exp(x / y) - x, keys)
    >>> [after[j].term.op.name for j in range(len(after)) if j not in kept(before, after)]
    ['div']
    """
    return _Matching(a, b).pairs


class _Matching:
    def __init__(self, a: list[Node], b: list[Node]) -> None:
        self.a, self.b = a, b
        self.pairs = same(a, b)
        self.taken = set(self.pairs.values())
        self._upwards()
        self._pair(len(a) - 1, len(b) - 1)
        self._downwards()

    def _pair(self, i: int, j: int) -> None:
        if self._may(i, j):
            self.pairs[j] = i
            self.taken.add(i)

    def _may(self, i: int, j: int) -> bool:
        free = j not in self.pairs and i not in self.taken
        return free and self.a[i].label == self.b[j].label

    def _upwards(self) -> None:
        """Operations with an argument in common, arguments first; most in common wins."""
        users = defaultdict(list)
        for i, node in enumerate(self.a):
            for argument in dict.fromkeys(node.args):
                users[argument].append(i)
        for j, node in enumerate(self.b):
            common: dict[int, int] = defaultdict(int)
            for argument in dict.fromkeys(node.args):
                for i in users[self.pairs[argument]] if argument in self.pairs else ():
                    common[i] += self._may(i, j)
            best = max(common, key=lambda i: common[i], default=None)
            if best is not None and common[best] > 0:
                self._pair(best, j)

    def _downwards(self) -> None:
        """Arguments that stand where an argument of the same operation stood."""
        for j in reversed(range(len(self.b))):
            if j not in self.pairs:
                continue
            old, new = self.a[self.pairs[j]], self.b[j]
            if commutes(new.label):
                left = [i for i in old.args if i not in self.taken]
                for argument in new.args:
                    i = next((i for i in left if self._may(i, argument)), None)
                    if i is not None:
                        self._pair(i, argument)
            else:
                for i, argument in zip(old.args, new.args, strict=False):
                    self._pair(i, argument)
