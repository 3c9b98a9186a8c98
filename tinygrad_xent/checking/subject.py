"""What is checked: a loss and the formula that is held against its gradient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, reduce
from typing import Any

import numpy as np

from ..algebra.facts.assumptions import Assumption, Nonzero, Positive, SumsToOne
from ..algebra.facts.stating import of_the_loss
from ..algebra.loss.sizes import Sizes
from ..graph import Tensor, is_float, recording, toposort
from ..ops import mul, sum
from ..writing.text import leaf_names, text
from .points import Hand, Point, Values

_ATTEMPTS = 12  # draws for each point
_SPREADS = (1.0, 0.3, 3.0, 0.1, 8.0, 40.0)
_COMPARISONS = frozenset({"greater", "greater_equal", "less", "less_equal", "maximum", "minimum"})
_CHOICES = _COMPARISONS | {"max", "min", "abs", "sign", "equal", "not_equal"}


class Subject:
    """What is checked.

    Args:
        loss: one number, composed of Tensors.
        wrt: what it is differentiated with respect to.
        formula: the hand-written gradient as a graph in the same variables, if it is one.
        function: the same as a plain function of arrays, and the nodes that its parameters name.
        facts: what is assumed.
    """

    def __init__(
        self,
        loss: Tensor,
        wrt: Tensor,
        formula: Tensor | None = None,
        function: Hand | None = None,
        named: Sequence[Tensor] = (),
        facts: Sequence[Assumption] = (),
    ) -> None:
        self.loss, self.wrt, self.formula, self.function = loss, wrt, formula, function
        self.named, self.facts = tuple(named), list(facts)
        roots = [
            loss,
            *self.named,
            *(a.of for a in facts),
            *(() if formula is None else (formula,)),
        ]
        self.order = toposort(*roots)
        self.implied = of_the_loss(loss)

    @cached_property
    def leaves(self) -> list[Tensor]:
        """The variables: the loss's floating point leaves, in the order in which it uses them."""
        return [n for n in toposort(self.loss) if n.op is None and is_float(n._value)]

    @cached_property
    def names(self) -> dict[int, str]:
        """What the leaves are called."""
        unnamed = leaf_names(self.loss) | ({} if self.formula is None else leaf_names(self.formula))
        return {id(n): n.name or unnamed.get(id(n), "x") for n in self.order if n.op is None}

    def name(self, node: Tensor) -> str:
        """What a node is called in messages: its name, or its formula."""
        return self.names.get(id(node)) or node.name or text(node)

    @cached_property
    def whole(self) -> Tensor:
        """The loss and the formula as one graph, in which the two have the lengths they share."""
        if self.formula is None:
            return self.loss
        with recording():
            whole: Tensor = self.loss + sum(mul(self.wrt, self.formula))
        return whole

    @cached_property
    def sizes(self) -> Sizes:
        """Which axes have one length. Without a formula nothing is known of lengths."""
        return Sizes(self.whole, fixed=self.formula is None)

    @cached_property
    def spreads(self) -> tuple[float, ...]:
        """How far random values reach: also beyond each number that something is compared with."""
        compared = [n for n in self.order if n.op is not None and n.op.name in _COMPARISONS]
        numbers = [a for n in compared for a in n.args if not isinstance(a, Tensor)]
        limits = [2 * float(np.max(np.abs(a))) for a in numbers if np.size(a) and np.any(a)]
        return (*_SPREADS, *dict.fromkeys(limits))

    @cached_property
    def deciding(self) -> set[int]:
        """The nodes on which a choice depends."""
        choosing = [n for n in self.order if n.op is not None and n.op.name in _CHOICES]
        return {id(n) for n in toposort(*choosing)} if choosing else set()

    # -- points -----------------------------------------------------------------------------------

    @cached_property
    def sample(self) -> Point:
        """The user's own values."""
        return Point(self, {})

    def at(self, values: Values, dtype: Any = None) -> Point:
        """The point at which some leaves have other values."""
        return Point(self, values, dtype)

    def shape(self, leaf: Tensor, sizes: Sizes | None) -> tuple[int, ...]:
        """The shape of a leaf at certain lengths."""
        known = sizes is not None and id(leaf) in sizes.classes
        return sizes.shape(leaf) if sizes is not None and known else leaf.shape

    def scattered(
        self, count: int, facts: Sequence[Assumption] = (), vary: Sequence[Tensor] | None = None,
        sizes: Sizes | None = None, seed: int = 0,
    ) -> Iterator[Point]:  # fmt: skip
        """Random points at which the loss and its gradient are finite and the facts hold.

        Args:
            count: how many, at most: some losses are defined at few points.
            facts: assumed besides the subject's own.
            vary: the leaves that get other values; None for all of them.
            sizes: the lengths of the axes; None for the sample's.
            seed: of the draws.
        """
        rng = np.random.default_rng(seed)
        known = [*facts, *self.facts]
        for i in range(count):
            for attempt in range(_ATTEMPTS):
                spread = self.spreads[(i + attempt) % len(self.spreads)]
                chosen = self.leaves if vary is None else vary
                values = {id(n): self._drawn(n, known, rng, spread, attempt, sizes) for n in chosen}
                point = Point(self, values)
                if point.is_regular and all(point.holds(a) for a in known):
                    yield point
                    break

    def _drawn(
        self, leaf: Tensor, facts: Sequence[Assumption], rng: Any, spread: float, attempt: int,
        sizes: Sizes | None,
    ) -> Any:  # fmt: skip
        shape = self.shape(leaf, sizes)
        stated = [a for a in facts if a.of is leaf]
        implied = [a for a in self.implied if a.of is leaf and isinstance(a, Positive)]
        if stated and type(stated[0]) is SumsToOne and attempt % 2 == 0:
            return _summing_to_one(spread * rng.normal(size=shape), stated[0].axis)
        if stated:
            drawn = np.asarray(stated[0].draw(rng, shape))
            drawn = drawn * spread if type(stated[0]) in (Positive, Nonzero) else drawn
            return reduce(lambda value, fact: fact.adjusted(value), stated[1:], drawn)
        if implied or attempt % 3 == 1:
            return rng.uniform(0.05, 0.95, size=shape) * (spread if attempt % 2 else 1.0)
        if attempt % 3 == 2 and shape == leaf.shape:
            return np.asarray(leaf._value) * (1 + 0.1 * rng.normal(size=shape))
        return spread * rng.normal(size=shape)


def _summing_to_one(value: Any, axis: int) -> Any:
    """Numbers of either sign: a sum of one says nothing about the sign."""
    return value + (1 - value.sum(axis, keepdims=True)) / value.shape[axis]
