"""A node as a product: a number, what it is multiplied by, and what it is divided by.

A factor is known by which node it is and by where the axes of that node lie in the product. So it
is the same factor however axes of length 1 came and went, and another one where it lies crosswise:
in `a[:, None] / a[None, :]` nothing cancels.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from ...graph import Tensor, op_name, shape_of
from .knowing import is_number

Places = tuple[int | None, ...]
Factor = tuple[int, Places]  # id() of a node, and for each axis its place, counted from the last

_SAME_ENTRIES = frozenset({"expand_dims", "squeeze", "broadcast_to"})
_MANY = 32  # factors, after which a product is not opened any further


@dataclass(frozen=True)
class Factors:
    """A product.

    Attributes:
        number: what stands in front.
        above, below: how often each factor is in the product, and in what it is divided by.
        nodes: the node of each factor.
    """

    number: float
    above: Counter[Factor]
    below: Counter[Factor]
    nodes: dict[Factor, Any]

    def over(self, other: Factors) -> Factors:
        """The quotient, in which what is in both is gone."""
        above, below = self.above + other.below, self.below + other.above
        return Factors(
            self.number / other.number, above - below, below - above, {**self.nodes, **other.nodes}
        )

    def times(self, other: Factors) -> Factors:
        """The product, in which what cancels is gone."""
        return self.over(Factors(1 / other.number, other.below, other.above, other.nodes))

    def is_number(self) -> bool:
        return not self.above and not self.below

    def is_constant_along(self, place: int) -> bool:
        """Whether it is the same all along an axis, which is counted from the last."""
        return not any(place in places for _, places in (*self.above, *self.below))


def factors(x: Any) -> Factors:
    """The factors of a node."""
    number, above, below = 1.0, Counter[Factor](), Counter[Factor]()
    nodes: dict[Factor, Any] = {}
    found = 0
    stack: list[tuple[Any, Places, int]] = [(x, _all_places(x), 1)]
    while stack:
        node, places, power = stack.pop()
        node, places = _base(node, places)
        name = op_name(node) if found < _MANY else ""
        if is_number(node) and node != 0:
            number *= float(node) ** power
        elif name == "neg":
            number = -number
            stack.append((node.args[0], places, power))
        elif name in ("mul", "div"):
            x, y = node.args
            stack.append((x, _last(places, x), power))
            stack.append((y, _last(places, y), power if name == "mul" else -power))
        else:
            factor = _factor(node, places)
            nodes[factor], found = node, found + 1
            (above if power > 0 else below)[factor] += 1
    both = above & below
    return Factors(number, above - both, below - both, nodes)


def one_factor(factor: Factor) -> Factors:
    """A product of nothing else."""
    return Factors(1.0, Counter([factor]), Counter(), {})


def sum_of_rows(total: Tensor, ndim: int) -> Factor:
    """A sum along an axis of something of `ndim` axes, as the factor that each row has."""
    (axis,) = total.params["axis"]
    places: list[int | None] = [ndim - 1 - i for i in range(ndim)]
    if not total.params["keepdims"]:
        del places[axis]
    return _factor(total, tuple(places))


def base(x: Any) -> Any:
    """A node without the broadcasting and the axes of length 1 that were put on or taken off."""
    return _base(x, _all_places(x))[0]


def _base(node: Any, places: Places) -> tuple[Any, Places]:
    while op_name(node) in _SAME_ENTRIES:
        inner, axis = node.args[0], node.params.get("axis", ())
        if op_name(node) == "expand_dims":
            places = tuple(p for i, p in enumerate(places) if i not in axis)
        elif op_name(node) == "squeeze":
            left = iter(places)
            places = tuple(None if i in axis else next(left) for i in range(len(shape_of(inner))))
        node, places = inner, _last(places, inner)
    return node, places


def _all_places(x: Any) -> Places:
    return tuple(reversed(range(len(shape_of(x)))))


def _last(places: Places, x: Any) -> Places:
    """The places of the axes of what is broadcast."""
    return places[len(places) - len(shape_of(x)) :]


def _factor(node: Any, places: Places) -> Factor:
    lengths = shape_of(node)
    return id(node), tuple(None if n == 1 else p for p, n in zip(places, lengths, strict=True))
