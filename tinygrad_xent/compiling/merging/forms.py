"""The forms of values whose leading axes are one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...graph import Tensor, constant, op_name, shape_of
from ..stabilising.interning import Interner


@dataclass(frozen=True)
class Form:
    """What stands for a value; None for what there is not.

    Attributes:
        whole: the value itself.
        flat: the value with one leading axis.
        total: the sum of the value over its first `left` axes.
    """

    whole: Any = None
    flat: Any = None
    total: Any = None
    left: int = 0


class Forms:
    """The forms of values whose first axes have these lengths, and of what goes with them."""

    def __init__(self, axes: tuple[int, ...]) -> None:
        self.axes, self.k, self.rows = axes, len(axes), math.prod(axes)
        self.make = Interner().make
        self.forms: dict[int, Form] = {}
        self.kept: list[Any] = []  # what is known by id() must stay alive
        self.every: dict[int, Any] = {}

    def form(self, x: Any) -> Form:
        """What stands for a value, or for plain data."""
        if id(x) not in self.forms:
            flat = constant(np.reshape(x, self.merged(shape_of(x)))) if self.leads(x) else None
            self.forms[id(x)] = Form(x, flat)
            self.kept.append(x)
        return self.forms[id(x)]

    def whole(self, x: Any) -> Any:
        """A value as it is."""
        return self.form(x).whole

    def flat(self, x: Any) -> Any:
        """A value in flat form."""
        return self.form(x).flat

    def is_flat(self, x: Any) -> bool:
        """Whether a value is there in flat form only."""
        return self.flat(x) is not None and self.whole(x) is None

    def leads(self, x: Any) -> bool:
        """Whether a value has the axes."""
        return shape_of(x)[: self.k] == self.axes

    def is_row(self, x: Any, more: int) -> bool:
        """Whether a value has the axes, and so many more."""
        return len(shape_of(x)) == self.k + more and self.leads(x)

    def merged(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A shape in flat form."""
        return (self.rows, *shape[self.k :])

    def later(self, axis: tuple[int, ...]) -> tuple[int, ...]:
        """Those behind the merged axes, as they are counted in flat form."""
        return tuple(a - self.k + 1 for a in axis if a >= self.k)

    def beside(self, x: Any, more: int) -> Any:
        """A value to meet, broadcasting, rows that have so many axes."""
        shape = shape_of(x)
        extra = len(shape) - more
        if extra == self.k and self.leads(x):
            return self.flat(x)
        whole = self.whole(x)
        if extra <= 0 or whole is None:
            return whole
        ones = set(shape[:extra]) == {1}
        return self.make("reshape", whole, shape=shape[extra:]) if ones else None

    def again(self, node: Tensor, *args: Any, **params: Any) -> Any:
        """The operation of a node, of other arguments; None if one of them is missing."""
        if any(a is None for a in args):
            return None
        return self.make(op_name(node), *args, **{**node.params, **params})
