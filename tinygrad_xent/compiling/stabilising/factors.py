"""A node as a product: a number, what it is multiplied by, and what it is divided by.

Two nodes that differ in axes of length 1 only count as the same factor: sums with and without
`keepdims` are one number per row.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ...graph import Tensor
from .knowing import is_number, name_of

_SAME_ROWS = frozenset({"expand_dims", "squeeze", "broadcast_to"})
_MANY = 32  # different factors, after which a product is not opened any further


@dataclass(frozen=True)
class Factors:
    """A product, its factors known by what they are once their unit axes are taken off.

    Attributes:
        number: what stands in front.
        above, below: how often each factor is in the product, and in what it is divided by.
        nodes: the factors.
        uses: as which nodes, with what axes, each factor stands in the product.
    """

    number: float
    above: Counter[int]
    below: Counter[int]
    nodes: dict[int, Tensor]
    uses: dict[int, list[Any]] = field(default_factory=dict)

    def over(self, other: Factors) -> Factors:
        """The quotient, in which what is in both is gone."""
        above, below = self.above + other.below, self.below + other.above
        return Factors(
            self.number / other.number, above - below, below - above, {**self.nodes, **other.nodes}
        )

    def inverse(self) -> Factors:
        """One over it."""
        return Factors(1 / self.number, self.below, self.above, self.nodes)

    def is_number(self) -> bool:
        return not self.above and not self.below


def factors(x: Any) -> Factors:
    """The factors of a node."""
    number, above, below = 1.0, Counter[int](), Counter[int]()
    nodes: dict[int, Tensor] = {}
    uses: dict[int, list[Any]] = {}
    stack = [(x, 1)]
    while stack:
        node, power = stack.pop()
        used, node = node, base(node)
        name = name_of(node) if len(nodes) < _MANY else ""
        if is_number(node):
            number *= float(node) ** power
        elif name == "neg":
            number = -number
            stack.append((node.args[0], power))
        elif name in ("mul", "div"):
            stack.append((node.args[0], power))
            stack.append((node.args[1], power if name == "mul" else -power))
        else:
            nodes[id(node)] = node
            uses.setdefault(id(node), []).append(used)
            (above if power > 0 else below)[id(node)] += 1
    both = above & below
    return Factors(number, above - both, below - both, nodes, uses)


def base(x: Any) -> Any:
    """A node without the broadcasting and the axes of length 1 that were put on or taken off."""
    while name_of(x) in _SAME_ROWS:
        x = x.args[0]
    return x
