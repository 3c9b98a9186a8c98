"""Numbers of rows without the axis along which they are the same."""

from __future__ import annotations

import math
from typing import Any

from ...graph import Tensor, op_name, shape_of
from ...ops import squeeze
from .interning import Interner
from .knowing import is_elementwise

_DEEP = 24  # operations beyond which the axis is taken off what they give
_SAME_NUMBER = frozenset({"expand_dims", "squeeze", "reshape", "sum"})  # of one number


class Rows:
    """Takes an axis off graphs, from an operation's arguments, so that equal ones are one node.

    Args:
        shape: that of what is left.
        axis: the axis, of length 1, in what is not.
    """

    def __init__(self, intern: Interner, shape: tuple[int, ...], axis: int) -> None:
        self.intern, self.shape, self.axis = intern, shape, axis
        self.is_one = math.prod(shape) == 1  # number in all
        self._known: dict[tuple[int, bool], Any] = {}
        self._kept: list[Any] = []  # what is known by id() must stay alive

    def without(self, x: Any, kept: bool, deep: int = 0) -> Any:
        """A node without the axis, which it may have `kept`."""
        if not isinstance(x, Tensor):
            return self._squeezed(x, kept)
        if self.is_one:  # then it may have other axes of length 1, or none
            kept = x.ndim > len(self.shape)
        key = id(x), kept
        if key not in self._known:
            self._kept.append(x)
            self._known[key] = self._without(x, kept, deep)
        return self._known[key]

    def _without(self, x: Tensor, kept: bool, deep: int) -> Any:
        name = op_name(x)
        if name == "broadcast_to":
            return self.without(x.args[0], kept, deep)
        if is_elementwise(x) and deep < _DEEP:
            assert x.op is not None
            args = (self.without(a, kept, deep + 1) for a in x.args)
            return self.intern(x.op(*args, **x.params))
        if self.is_one and name in _SAME_NUMBER and math.prod(shape_of(x.args[0])) == 1:
            return self.without(x.args[0], kept, deep)
        if self._takes_off(x) if not kept else self._puts_on(x):
            return self.without(x.args[0], not kept and name == "squeeze", deep)
        return self._squeezed(x, kept)

    def _puts_on(self, x: Tensor) -> bool:
        """Whether it is something without the axis, which is put on."""
        name = op_name(x)
        if name == "expand_dims" and x.params["axis"] == (self.axis,):
            return x.ndim == len(self.shape) + 1
        return name == "reshape" and shape_of(x.args[0]) == self.shape and x.ndim > len(self.shape)

    def _takes_off(self, x: Tensor) -> bool:
        """Whether it is something with the axis, which is taken off, or the same in other words."""
        name = op_name(x)
        if name == "squeeze":
            return x.params["axis"] == (self.axis,) and x.ndim == len(self.shape)
        return name == "reshape" and shape_of(x.args[0]) == self.shape

    def _squeezed(self, x: Any, kept: bool) -> Any:
        missing = len(self.shape) + 1 - len(shape_of(x))
        if not kept or missing > self.axis:
            return x
        return self.intern(squeeze(x, self.axis - missing))
