"""Numbers too large or too small to write down: a product of ordinary factors and exponentials.

    factors over divisors times e to the sum of (coefficient times exponent)

The exponents are a linear combination, kept symbolic, so that what is added in one place and taken
away in another is gone before anything is computed. This is what shifts softmax by its maximum, and
cancels the shift that the user wrote.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ...graph import Tensor, dtype_of, op_name, shape_of
from ...ops import broadcast_to, exp, squeeze
from .knowing import is_nonnegative, is_nonpositive, is_number

Exponents = dict[int, tuple[Any, float]]  # by id: an exponent and how often it is taken


@dataclass(frozen=True)
class Monomial:
    """A product of ordinary factors, over divisors, times an exponential.

    Attributes:
        shape: that of the node it stands for; its parts may be smaller and broadcast.
        number: a plain number in front.
        above, below: the factors and the divisors.
        exponents: what is summed in the exponent.
    """

    shape: tuple[int, ...]
    number: float = 1.0
    above: tuple[Tensor, ...] = ()
    below: tuple[Tensor, ...] = ()
    exponents: Exponents = field(default_factory=dict)

    def times(self, other: Monomial, shape: tuple[int, ...]) -> Monomial:
        """The product."""
        return Monomial(
            shape, self.number * other.number, self.above + other.above, self.below + other.below,
            added(self.exponents, other.exponents),
        )  # fmt: skip

    def inverse(self) -> Monomial:
        """One over it."""
        return Monomial(
            self.shape, 1 / self.number, self.below, self.above, scaled(self.exponents, -1.0)
        )

    def at(self, shape: tuple[int, ...]) -> Monomial:
        """The same, broadcast."""
        return Monomial(shape, self.number, self.above, self.below, self.exponents)

    @property
    def is_one(self) -> bool:
        """Whether there is nothing beside the exponential."""
        return self.number == 1 and not self.above and not self.below

    @property
    def is_number(self) -> bool:
        """Whether there is nothing beside the number in front."""
        return not (self.above or self.below or self.exponents)

    def without_exponents(self) -> Monomial:
        return Monomial(self.shape, self.number, self.above, self.below)

    def parted(self, wanted: Callable[[Any], bool]) -> tuple[Monomial, Monomial]:
        """The factors and divisors that are wanted; and the number with the others."""

        def chosen(part: tuple[Tensor, ...], yes: bool) -> tuple[Tensor, ...]:
            return tuple(x for x in part if wanted(x) is yes)

        above, below = self.above, self.below
        taken = Monomial(self.shape, 1.0, chosen(above, True), chosen(below, True))
        return taken, Monomial(self.shape, self.number, chosen(above, False), chosen(below, False))

    def ordinary(self) -> Any:
        """The part that is no exponential, as a graph."""
        whole: Any = None if self.number == 1 and self.above else self.number
        for factor in sorted(self.above, key=lambda f: math.prod(shape_of(f))):
            whole = factor if whole is None else factor * whole
        for divisor in self.below:
            whole = whole / divisor
        return whole


def plain(x: Any, shape: tuple[int, ...]) -> Monomial:
    """A graph, or a number, as the only factor."""
    (number,) = x.args if op_name(x) == "broadcast_to" else (x,)
    if is_number(number) and number != 0:
        return Monomial(shape, number=float(number))
    return Monomial(shape, above=(x if isinstance(x, Tensor) else Tensor(x),))


def exponential(exponents: Exponents) -> Any:
    """e to the sum."""
    return exp(combined(exponents))


# -- linear combinations --------------------------------------------------------------------------


def linear(x: Any, times: float = 1.0) -> Exponents:
    """A graph as a linear combination: sums, differences and multiples are opened, in order."""
    found: Exponents = {}
    stack = [(x, times)]
    while stack:
        node, c = stack.pop()
        name = op_name(node)
        if name == "add":
            stack += [(a, c) for a in reversed(node.args)]
        elif name == "sub":
            stack += [(node.args[1], -c), (node.args[0], c)]
        elif name == "neg":
            stack.append((node.args[0], -c))
        elif name == "broadcast_to":
            stack.append((node.args[0], c))
        elif is_number(node):
            found = added(found, {_NUMBER: (1.0, c * float(node))})
        elif name == "mul" and is_number(node.args[0]):
            stack.append((node.args[1], c * float(node.args[0])))
        else:
            found = added(found, {id(node): (node, c)})
    return found


_NUMBER = 0  # the place of all that is added as plain numbers


def added(a: Exponents, b: Exponents) -> Exponents:
    """The sum of two, in which what cancels is gone."""
    total = dict(a)
    for place, (node, c) in b.items():
        _, before = total.pop(place, (node, 0.0))
        if before + c:
            total[place] = node, before + c
    return total


def key(a: Exponents) -> frozenset[tuple[int, float]]:
    """A linear combination as something to look up by."""
    return frozenset((place, c) for place, (_, c) in a.items())


def scaled(a: Exponents, by: float) -> Exponents:
    return {place: (node, c * by) for place, (node, c) in a.items()}


def combined(a: Exponents) -> Any:
    """The linear combination as a graph, what is added before what is taken away."""
    whole: Any = None
    for node, c in sorted(a.values(), key=lambda term: term[1] < 0):
        piece = node if abs(c) == 1 else node * abs(c)
        if whole is None:
            whole = piece if c > 0 else 0.0 - piece if _is_mask(piece) else -piece
        else:
            whole = whole + piece if c > 0 else whole - piece
    return 0.0 if whole is None else whole


def _is_mask(x: Any) -> bool:
    """Whether it is booleans, which NumPy takes away from numbers but does not negate."""
    return bool(dtype_of(x).kind == "b")


def spread(x: Any, shape: tuple[int, ...]) -> Any:
    """The graph at a shape that it broadcasts to."""
    return x if shape_of(x) == shape else broadcast_to(x, shape)


def without(term: Any, axis: tuple[int, ...], ndim: int) -> Any:
    """A term that is constant along axes of something of `ndim` axes, without these axes."""
    term = unspread(term)
    missing = ndim - len(shape_of(term))
    gone = tuple(a - missing for a in axis if a >= missing)
    return squeeze(term, gone) if gone else term


def unspread(x: Any) -> Any:
    """The graph as it was before it was broadcast."""
    while op_name(x) == "broadcast_to":
        (x,) = x.args
    return x


def is_negative(exponents: Exponents) -> bool:
    """Whether every term of a sum is negative or zero, for each its own reason."""
    return all(
        (c < 0 and is_nonnegative(node)) or (c > 0 and is_nonpositive(node))
        for node, c in exponents.values()
    )
