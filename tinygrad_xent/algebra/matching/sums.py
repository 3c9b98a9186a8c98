"""Kinds that stand for an operation: sums along axes, and places that an index picks.

As arguments of a rule they stand for whichever sum or index the pattern meets.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import mul
from typing import Any

import numpy as np

from ...errors import ShapeError
from ...graph import PRIMITIVES, record, shape_of
from ...ops import others
from ..terms.views import Term, is_number, unbroadcast
from . import kinds


class Along:
    """A sum along axes: `along(x)`. As an argument of a rule it stands for whichever sum it meets.

    Args:
        axis, keepdims: as in `sum`.
        shape: that of what is summed.
        lengths: what stands for a length in formulas, if not the number.
    """

    empty = False
    claim = ""
    is_pattern = False  # whether it stands for any sum
    symbol = "sum"

    @classmethod
    def fits(cls, along: Along) -> bool:
        """Whether a sum is of this kind."""
        return True

    def __init__(
        self,
        axis: tuple[int, ...],
        keepdims: bool,
        shape: tuple[int, ...],
        lengths: Mapping[int, Term] | None = None,
    ) -> None:
        self.axis, self.keepdims, self.shape, self.ndim = axis, keepdims, shape, len(shape)
        self._lengths = lengths or {}

    @property
    def kept(self) -> Along:
        """The same, with the axes kept at length one."""
        return Along(self.axis, True, self.shape, self._lengths)

    def __call__(self, x: Term) -> Term:
        """The sum of x, whichever axes x varies along; of a number, so many times the number."""
        if is_number(x):
            return x * self.count
        if shape_of(x) != self.shape:
            x = PRIMITIVES["broadcast_to"](x, shape=self.shape)
        return PRIMITIVES["sum"](x, axis=self.axis, keepdims=self.keepdims)

    def outside(self, c: Term) -> Term:
        """A constant along the axes, at the place where the sum was."""
        c = unbroadcast(c)
        gone = tuple(a - self.ndim + len(shape_of(c)) for a in self.axis)
        gone = tuple(i for i in gone if i >= 0)
        return c if self.keepdims or not gone else PRIMITIVES["squeeze"](c, axis=gone)

    def others(self, x: Term) -> Term:
        """For each entry the sum of the others."""
        if len(self.axis) != 1:
            raise ShapeError("others: they are summed along one axis")
        return others(x, axis=self.axis[0])

    @property
    def count(self) -> Term:
        """How many entries are summed into one."""
        lengths = [self._lengths.get(self.shape[a], self.shape[a]) for a in self.axis]
        return reduce(mul, lengths) if lengths else 1

    @classmethod
    def draw(cls, rng: np.random.Generator, env: dict[str, Any]) -> Along:
        """A random sum of this kind."""
        while True:
            axis = [(0,), (1,), (0, 1)][rng.integers(3)]
            along = Along(axis, bool(rng.integers(2)), kinds.SHAPE)
            if cls.fits(along):
                return along


class AlongOne(Along):
    """A sum along one axis."""

    symbol = "sum along one axis"

    @classmethod
    def fits(cls, along: Along) -> bool:
        return len(along.axis) == 1


class AlongRows(AlongOne):
    """A sum along one axis, of a shape that what is summed can be divided by."""

    symbol = "sum along rows"

    @classmethod
    def fits(cls, along: Along) -> bool:
        return len(along.axis) == 1 and (along.keepdims or along.ndim == 1 or along.axis == (0,))


class AlongBack(Along):
    """A sum of a shape that what is summed can be compared with."""

    symbol = "sum that broadcasts back"

    @classmethod
    def fits(cls, along: Along) -> bool:
        return along.keepdims or along.axis == tuple(range(len(along.axis)))


class AlongVector(AlongRows):
    """The sum of one vector."""

    symbol = "sum of a vector"

    @classmethod
    def fits(cls, along: Along) -> bool:
        return along.ndim == 1

    @classmethod
    def draw(cls, rng: np.random.Generator, env: dict[str, Any]) -> Along:
        return cls((0,), bool(rng.integers(2)), kinds.SHAPE[1:])


class AlongOf(AlongRows):
    """The sum of a distribution that is one, where the pattern itself contains no sum."""

    symbol = "the sum that is one"


class Place:
    """The entries at an index: `place(x)`. As an argument of a rule it stands for any index.

    Args:
        index, arrays: as `getitem` has them.
    """

    empty = False
    claim = ""
    symbol = "place"

    def __init__(self, index: tuple[Any, ...], arrays: tuple[Any, ...]) -> None:
        self.index, self.arrays = index, arrays

    def __call__(self, x: Term) -> Term:
        return PRIMITIVES["getitem"](x, *self.arrays, index=self.index)

    @classmethod
    def draw(cls, rng: np.random.Generator, env: dict[str, Any]) -> Place:
        return cls((("int", int(rng.integers(kinds.SHAPE[1]))),), ())


class PlaceAny(Place):
    """In a pattern: any index."""

    def __init__(self) -> None:
        super().__init__((), ())

    def __call__(self, x: Term) -> Term:
        return record(PRIMITIVES["getitem"], (x,), {"place": self}, np.ones(()))


class AlongAny(Along):
    """In a pattern: a sum along any axes."""

    is_pattern = True

    @property
    def kept(self) -> Along:
        return self

    def __init__(self) -> None:
        super().__init__((0,), False, kinds.SHAPE)

    def __call__(self, x: Term) -> Term:
        return record(PRIMITIVES["sum"], (x,), {"along": self}, np.ones(kinds.SHAPE[1:]))

    def outside(self, c: Term) -> Term:
        return c
