"""A loss copied onto random numbers for which the assumptions hold.

A derivation checks each of its steps on numbers. The user's own may be special (a one-hot target, a
zero), so that wrong steps would pass; random ones are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import chain, count
from operator import mul
from typing import Any

import numpy as np

from ...errors import DeriveError, ShapeError
from ...graph import Tensor, interpret, is_float, numbers, op_name, shape_of, toposort
from ...ops.reduction import size
from ...ops.settling import SETTLING
from ...writing.text import is_data, leaf_names
from ..facts.assumptions import Assumption, Constant, Symmetric
from .sizes import Sizes
from .unit_axes import again

_ATTEMPTS, _ATTEMPTS_AT_FINITE = 60, 6
_LETTERS = "nmkdh"  # for lengths


def _distinct_names(loss: Tensor) -> dict[int, str]:
    """The names of nodes, with a number behind those that another node has already."""
    given: dict[int, str] = {}
    for n in toposort(loss):
        if n.name:
            others = set(given.values())
            numbered = (f"{n.name}_{i}" for i in count(2))
            given[id(n)] = next(x for x in chain([n.name], numbered) if x not in others)
    return leaf_names(loss) | given


class Copy:
    """The loss on other numbers.

    Args:
        loss: what is copied.
        wrt: becomes a leaf of the copy, even if the user computed it.
        facts: assumptions about nodes of the loss.
        stated: those among them that have to hold of the numbers.

    Raises:
        DeriveError: no numbers were found of which all that was stated holds.

    Attributes:
        loss: the copy.
        facts: pairs of a copied node and the assumption about its original.
        original: the original of each copied node, by its `id`.
        recognised: the names of the definitions that are not the user's.
        wrt: the name of what the copy is differentiated with respect to.
    """

    def __init__(
        self,
        loss: Tensor,
        wrt: Tensor | None,
        facts: Sequence[Assumption],
        stated: Sequence[Assumption] = (),
    ) -> None:
        self._wrt, self._facts, self._stated = wrt, facts, stated
        self._constant = {id(a.of) for a in facts if isinstance(a, Constant)}
        names = _distinct_names(loss)
        if wrt is not None:
            names.setdefault(id(wrt), wrt.name or "x")
        self._names = names
        square = [a.of for a in facts if isinstance(a, Symmetric)]
        self.sizes = Sizes(loss, wrt, square)
        try:
            self.loss = self._drawn_well(loss)
        except ShapeError:  # something in the loss needs the lengths that it has
            self.sizes = Sizes(loss, wrt, square, fixed=True)
            self.loss = self._drawn_well(loss)
        copied = [(self.of(a.of), a) for a in facts]
        self.facts = [(c, a) for c, a in copied if isinstance(c, Tensor)]
        self.wrt = "" if wrt is None else self.of(wrt).name or ""
        self._order = [n for n in toposort(loss) if id(n) in self._made]
        self.original = {id(self._made[id(n)]): n for n in self._order}
        for length, (leaf, axis) in self.sizes.free().items():
            self.original[id(self._count(length))] = size(leaf, axis=(axis,))
        self.recognised: set[str] = set()

    def _drawn_well(self, loss: Tensor) -> Tensor:
        """The loss on numbers at which it is finite, if there are such, and what was stated holds.

        >>> import tinygrad_xent as tx
        >>> x = tx.tensor([1.0, 2.0], name="x")
        >>> tx.derive((x * x).sum(), x, ["x > 0", "x < 0"])
        Traceback (most recent call last):
        tinygrad_xent.errors.DeriveError: derive: the assumptions contradict each other, or seldom \
hold together: x > 0, -x > 0
        """
        last = None
        for attempt in range(_ATTEMPTS):
            self._made: dict[int, Any] = {}
            self._same: dict[Any, Any] = {}
            self.counts: dict[int, Tensor] = {}
            self._rng = np.random.default_rng(attempt)
            self._spread = (1.0, 0.5, 0.1)[attempt % 3]
            copy = self.of(loss)
            if not all(a.holds(self._value(a.of)) for a in self._stated):
                continue
            last = copy
            if np.isfinite(copy._value).all() or attempt > _ATTEMPTS_AT_FINITE:
                break
        if last is None:
            facts = ", ".join(map(str, self._stated))
            problem = "derive: the assumptions contradict each other, or seldom hold together"
            raise DeriveError(f"{problem}: {facts}")
        return last

    def _value(self, node: Tensor) -> Any:
        """What the copy of a node is in numbers; a length may be a plain one."""
        return numbers(self.of(node))

    def _count(self, length: int) -> Tensor:
        """The node that says how long a free class of axes is, by the name n or another letter."""
        if length not in self.counts:
            leaf, axis = self.sizes.free()[length]
            taken = {*self._names.values(), *(c.name for c in self.counts.values())}
            letter = next(x for x in (*_LETTERS, *map("n{}".format, range(99))) if x not in taken)
            self.counts[length] = size(self.of(leaf), axis=(axis,)).named(letter)
        return self.counts[length]

    @property
    def inner(self) -> list[Tensor]:
        """The copied nodes between the leaves and the loss, arguments first."""
        copies = {id(c): c for c in (self._made[id(n)] for n in self._order)}.values()
        inner = [c for c in copies if isinstance(c, Tensor) and c.op is not None]
        return [c for c in inner if c is not self.loss and not self.is_count(c)]

    def is_count(self, node: Tensor) -> bool:
        """Whether a node says how long an axis is."""
        return any(node is c for c in self.counts.values())

    @property
    def definitions(self) -> list[Tensor]:
        """The named inner nodes of the copy, arguments first."""
        return [*self.counts.values(), *(c for c in self.inner if c.name)]

    def recognise(self, node: Tensor, name: str) -> None:
        """Make a definition of a node that turned out to have a usual name."""
        node.name = name
        self.recognised.add(name)

    def of(self, node: Tensor) -> Tensor:
        """The copy of a node."""
        return interpret(toposort(node), self._copied, self._made)[id(node)]  # type: ignore[no-any-return]

    def _copied(self, n: Tensor, args: tuple[Any, ...]) -> Any:
        name = self._names.get(id(n)) or n.name
        if n.op is None or n is self._wrt or id(n) in self._constant:
            return Tensor(self._drawn(n), name)
        if op_name(n) == "size":
            return self._counted(n)
        if op_name(n) in SETTLING:
            return args[0]
        keys = tuple(id(a) if isinstance(a, (Tensor, np.ndarray)) else a for a in args)
        key = (n.op.name, keys, tuple(sorted(n.params.items())), n.name)
        if key not in self._same:  # what is computed twice is one thing
            made = again(n, args)
            if name and isinstance(made, Tensor):  # what is made of lengths may be a plain number
                made.name = name
            self._same[key] = made
        return self._same[key]

    def _counted(self, n: Tensor) -> Any:
        """How many entries there are along axes: n where that is free, else a number."""
        shape = shape_of(self._made[id(n.args[0])])
        lengths = [shape[a] for a in n.params["axis"]]
        free = self.sizes.free()
        counts = [self._count(i) if i in free else i for i in lengths]
        return reduce(mul, counts) if counts else 1

    def _drawn(self, n: Tensor) -> Any:
        if not is_float(n._value) or (n.name and is_data(n)):
            return n._value
        shape = self.sizes.shape(n) if id(n) in self.sizes.classes else n.shape
        stated = [a for a in self._facts if a.of is n]
        if stated:
            value = stated[0].draw(self._rng, shape)
            for a in stated[1:]:
                value = a.adjusted(value)
        elif self._spread == 1.0:
            value = self._rng.normal(size=shape)
        else:
            value = self._rng.uniform(self._spread / 2, self._spread, size=shape)
        return np.asarray(value, dtype=float)[()]
