"""Which axes of a graph have one length, whatever that length is.

A loss that was recorded on a thousand rows holds for three. Axes that have to agree (because their
arrays are added, or multiplied as matrices) are one *class*; classes that nothing ties to the
sample's own length are free, and a derivation works on small lengths of its own choice, all
different, so that a formula cannot be true of the sample's lengths only.

What ties a class to its length: data (an array among the arguments, an index), a shape written as
numbers, and a number in the graph that equals the length and may be meant as it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from ...graph import Tensor, is_float, op_name, shape_of, toposort
from ...ops.settling import SETTLING
from ..terms.views import exact, is_number
from .unit_axes import dropped_and_new

Shape = tuple[int, ...]
Classes = tuple[int, ...]

_SMALLEST = 3  # at length 2, x - mean(x) has only one value up to sign
_SAME = frozenset({"alias", "stop_gradient", "astype"}) | SETTLING
_ONE = 0  # the class of axes of length one, which broadcast


class Sizes:
    """The classes of the axes of a graph, and a length for each.

    Args:
        root: the graph.
        cut: a node that is treated as a leaf.
        square: matrices with as many rows as columns.
        fixed: keep every length as it is.

    Attributes:
        mentioned: the lengths that were tied only because a number may come from them.
    """

    def __init__(
        self,
        root: Tensor,
        cut: Tensor | None = None,
        square: Sequence[Tensor] = (),
        fixed: bool = False,
    ) -> None:
        self._parent = [_ONE]
        self._sample = [1]
        self._tied: set[int] = {_ONE}
        self._cut = cut
        self.classes: dict[int, Classes] = {}
        self.mentioned: list[int] = []
        self._order = toposort(root)
        for node in self._order:
            self.classes[id(node)] = self._visit(node)
        for matrix in square:
            if id(matrix) in self.classes:
                self._join(*self.classes[id(matrix)])
        if fixed:
            self._tied |= set(range(len(self._parent)))
        self._tie_mentioned_lengths()
        self.length = self._choose()

    def shape(self, node: Tensor) -> Shape:
        """The shape of a node at the chosen lengths."""
        return tuple(self.length[self._find(c)] for c in self.classes[id(node)])

    def sample_shape(self, shape: Shape) -> Shape:
        """A shape at the chosen lengths, at the lengths of the sample."""
        back = {n: self._sample[c] for c, n in self.length.items()}
        return tuple(back.get(n, n) for n in shape)

    def free(self) -> dict[int, tuple[Tensor, int]]:
        """For each chosen length of a free class, a leaf and an axis that has it."""
        found: dict[int, tuple[Tensor, int]] = {}
        for node in self._order:
            if self._is_leaf(node):
                for axis, c in enumerate(map(self._find, self.classes[id(node)])):
                    if c not in self._tied:
                        found.setdefault(self.length[c], (node, axis))
        return found

    # -- classes ----------------------------------------------------------------------------------

    def _is_leaf(self, node: Tensor) -> bool:
        return node.op is None or node is self._cut

    def _new(self, length: int) -> int:
        if length == 1:
            return _ONE
        self._parent.append(len(self._parent))
        self._sample.append(length)
        return len(self._parent) - 1

    def _find(self, c: int) -> int:
        while self._parent[c] != c:
            c = self._parent[c]
        return c

    def _join(self, a: int, b: int) -> int:
        """One class for two axes that meet; one of length one stretches instead."""
        a, b = self._find(a), self._find(b)
        if _ONE in (a, b):
            return a or b
        self._parent[b] = a
        if b in self._tied:
            self._tied.add(a)
        return a

    def _tie(self, classes: Classes) -> Classes:
        self._tied |= {self._find(c) for c in classes}
        return classes

    def _fresh(self, value: Any, tied: bool) -> Classes:
        classes = tuple(map(self._new, shape_of(value)))
        return self._tie(classes) if tied else classes

    # -- what each operation says about the axes of its arguments ---------------------------------

    def _visit(self, node: Tensor) -> Classes:
        if self._is_leaf(node):
            return self._fresh(node, tied=not is_float(node._value))
        args = [self._of(a) for a in node.args]
        handler = _HANDLERS.get(op_name(node))
        if handler is not None:
            return handler(self, node, args)
        if node.op is not None and node.op.elementwise:
            return self._broadcast(args)
        moved = dropped_and_new(node)
        if moved is not None:
            kept = iter(c for i, c in enumerate(args[0]) if i not in moved[0])
            return tuple(_ONE if i in moved[1] else next(kept) for i in range(node.ndim))
        for a in args:
            self._tie(a)
        return self._fresh(node, tied=True)

    def _of(self, arg: Any) -> Classes:
        if isinstance(arg, Tensor):
            return self.classes[id(arg)]
        return self._fresh(arg, tied=True) if isinstance(arg, np.ndarray) else ()

    def _broadcast(self, args: list[Classes]) -> Classes:
        ndim = max(map(len, args), default=0)
        padded = [(_ONE,) * (ndim - len(a)) + a for a in args]
        return tuple(self._all(column) for column in zip(*padded, strict=True))

    def _all(self, column: tuple[int, ...]) -> int:
        joined = _ONE
        for c in column:
            joined = self._join(joined, c)
        return joined

    def _first(self, node: Tensor, args: list[Classes]) -> Classes:
        return args[0]

    def _reduced(self, node: Tensor, args: list[Classes]) -> Classes:
        axis, keep = node.params["axis"], node.params["keepdims"]
        kept = ((i, c) for i, c in enumerate(args[0]) if keep or i not in axis)
        return tuple(_ONE if i in axis else c for i, c in kept)

    def _expanded(self, node: Tensor, args: list[Classes]) -> Classes:
        rest = iter(args[0])
        axis = node.params["axis"]
        return tuple(_ONE if i in axis else next(rest) for i in range(node.ndim))

    def _squeezed(self, node: Tensor, args: list[Classes]) -> Classes:
        return tuple(c for i, c in enumerate(args[0]) if i not in node.params["axis"])

    def _transposed(self, node: Tensor, args: list[Classes]) -> Classes:
        return tuple(args[0][i] for i in node.params["axes"])

    def _product(self, node: Tensor, args: list[Classes]) -> Classes:
        x, y = args
        self._join(x[-1], y[0] if len(y) == 1 else y[-2])
        batch = self._broadcast([x[:-2], y[:-2]])
        return (*batch, *x[-2:-1], *(y[-1:] if len(y) > 1 else ()))

    def _counted(self, node: Tensor, args: list[Classes]) -> Classes:
        return ()

    # -- lengths ----------------------------------------------------------------------------------

    def _tie_mentioned_lengths(self) -> None:
        """A number that is a length, or a fraction of it, may be meant as it: it stays true."""
        numbers = {exact(a) for n in self._order for a in n.args if is_number(a)}
        for c, length in enumerate(self._sample):
            free = self._find(c) not in {self._find(t) for t in self._tied}
            if free and length > 1 and any(_mentions(x, length) for x in numbers):
                self._tied.add(self._find(c))
                self.mentioned.append(length)

    def _choose(self) -> dict[int, int]:
        roots = dict.fromkeys(self._find(c) for c in range(len(self._parent)))
        tied = {c for c in roots if any(self._find(t) == c for t in self._tied)}
        self._tied = tied
        chosen = {c: self._sample[c] for c in tied}
        taken = set(chosen.values())
        for c in roots:
            if c not in tied:
                chosen[c] = next(n for n in range(_SMALLEST, 10**6) if n not in taken)
                taken.add(chosen[c])
        return chosen


def _mentions(number: Fraction, length: int) -> bool:
    """Whether a number may come from a length: it is the length, or is divided by it."""
    return number == length or (number.denominator % length == 0 and number.denominator < 1000)


_HANDLERS: dict[str, Callable[[Sizes, Tensor, list[Classes]], Classes]] = {
    **dict.fromkeys(_SAME, Sizes._first),
    **dict.fromkeys(("sum", "max", "min"), Sizes._reduced),
    "expand_dims": Sizes._expanded,
    "squeeze": Sizes._squeezed,
    "transpose": Sizes._transposed,
    "matmul": Sizes._product,
    "size": Sizes._counted,
}
