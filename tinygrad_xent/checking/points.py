"""A loss and the formula that is held against its gradient, at any values of their variables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, reduce
from typing import Any

import numpy as np

from ..algebra.assumptions import Assumption, Nonzero, Positive, SumsToOne, of_the_loss
from ..algebra.sizes import Sizes
from ..algebra.stretching import settings
from ..graph import (
    Primitive,
    Tensor,
    interpret,
    is_float,
    numbers,
    record,
    recording,
    shape_of,
    toposort,
)
from ..ops import mul, sum
from ..ops.settling import SETTLING
from ..writing.text import leaf_names, text
from .shaky import Shaky, shaken, shaky
from .walk import Walk

Values = dict[int, Any]
Hand = Callable[..., Any]
Alter = Mapping[int, Callable[[Primitive, tuple[Any, ...], dict[str, Any]], Any]]

_ATTEMPTS = 12  # draws for each point
_SPREADS = (1.0, 0.3, 3.0, 0.1, 8.0, 40.0)
_COMPARISONS = frozenset({"greater", "greater_equal", "less", "less_equal", "maximum", "minimum"})
_CHOICES = _COMPARISONS | {"max", "min", "abs", "sign", "equal", "not_equal"}
EXTENDED = bool(np.finfo(np.longdouble).eps < np.finfo(np.float64).eps)


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


class Point:
    """The graphs of a subject, recorded again at certain values.

    Args:
        subject: what is checked.
        values: those of some nodes, by `id`; the others keep their own or are computed.
        dtype: what floating point values are converted to.
        alter: other operations, arguments and settings for some nodes.
        shaking: puts the last digit of what operations give off, where no choice depends on it.
    """

    def __init__(
        self,
        subject: Subject,
        values: Values,
        dtype: Any = None,
        alter: Alter | None = None,
        shaking: np.random.Generator | None = None,
    ) -> None:
        self._shaking = shaking
        self.subject, self.values, self.dtype = subject, values, dtype
        self._alter = alter or {}
        self._jacobians: dict[int, dict[int, Any]] = {}
        with np.errstate(all="ignore"):
            self._made: dict[int, Tensor] = interpret(subject.order, self._again)

    def _again(self, n: Tensor, args: tuple[Any, ...]) -> Tensor:
        if n.op is None or id(n) in self.values:
            return record(None, (), {}, self._value(n)).named(n.name or "")  # type: ignore[arg-type]
        if n.op.name in SETTLING:
            return args[0]  # type: ignore[no-any-return]
        op, params = n.op, settings(n, shape_of(args[0]))
        if id(n) in self._alter:
            op, args, params = self._alter[id(n)](op, args, params)
        value = op.evaluate(list(map(numbers, args)), params)
        if self._shaking is not None and id(n) not in self.subject.deciding and is_float(value):
            value = shaken(value, self._shaking)
        made = record(op, args, params, value)
        made.name = n.name
        return made

    def _value(self, n: Tensor) -> Any:
        value = self.values.get(id(n), n._value)
        if not is_float(n._value):
            return value
        return np.asarray(value).astype(self.dtype or (n.dtype if n.op is None else None))[()]

    def of(self, node: Tensor) -> Tensor:
        """The node of this point for one of the subject's."""
        return self._made[id(node)]

    def knows(self, node: Tensor) -> bool:
        """Whether a node is one of the subject's."""
        return id(node) in self._made

    @property
    def loss(self) -> Tensor:
        return self.of(self.subject.loss)

    @property
    def wrt(self) -> Tensor:
        return self.of(self.subject.wrt)

    @cached_property
    def walk(self) -> Walk:
        """The engine's own backward walk here."""
        return Walk(self.loss, self.wrt)

    @cached_property
    def gradient(self) -> Any:
        """The engine's gradient here, as an array."""
        return np.asarray(self.walk.gradient)

    def jacobians(self, result: Tensor) -> dict[int, Any]:
        """The derivatives of a node of the subject's by every node on the way from `wrt`, as
        matrices, by the `id` of the subject's nodes."""
        if id(result) not in self._jacobians:
            here = self.of(result)
            walks = [Walk(_weighed(here, k), self.wrt).received for k in range(here.size)]
            nodes = [n for n in self.subject.order if all(id(self.of(n)) in w for w in walks)]
            self._jacobians[id(result)] = {
                id(n): np.array([np.ravel(_whole(w, self.of(n))) for w in walks]) for n in nodes
            }
        return self._jacobians[id(result)]

    @cached_property
    def hand(self) -> Any:
        """What the hand-written gradient gives here, as it is."""
        if self.subject.formula is not None:
            return np.asarray(self.of(self.subject.formula)._value)
        return np.asarray(self._called)

    @property
    def is_shaken_through(self) -> bool:
        """Whether what shakes a function's arrays reached its result: np.asarray takes it off."""
        return self.subject.formula is not None or isinstance(self._called, Shaky)

    @cached_property
    def _called(self) -> Any:
        """What the user's function returns here."""
        assert self.subject.function is not None
        with np.errstate(all="ignore"):
            given = [self._writable(self.of(n)._value) for n in self.subject.named]
            found = self.subject.function(*given)
        return numbers(found)

    def _writable(self, value: Any) -> Any:
        """An array of the function's own: what it does to it in place stays there."""
        if self._shaking is not None and is_float(value):
            return shaky(value, self._shaking)
        return np.array(value)[()] if shape_of(value) == () else np.array(value)

    @property
    def is_regular(self) -> bool:
        """Whether the loss and its gradient have values here."""
        return bool(np.isfinite(self.loss._value).all() and np.isfinite(self.gradient).all())

    def holds(self, fact: Assumption) -> bool:
        return fact.holds(self.of(fact.of)._value) if id(fact.of) in self._made else True

    def moved(self, by: Mapping[int, Any], dtype: Any = None) -> Point:
        """The point at which some nodes have these values, and the other leaves the ones here."""
        return Point(self.subject, {**self.values, **by}, dtype or self.dtype)

    def shaken(self, seed: int) -> Point:
        """The same point, with what rounding may do to every operation."""
        return Point(self.subject, self.values, self.dtype, shaking=np.random.default_rng(seed))

    def extended(self) -> Point:
        """The same point in the longest floating point numbers that there are."""
        return Point(self.subject, self.values, np.longdouble)


def _summing_to_one(value: Any, axis: int) -> Any:
    """Numbers of either sign: a sum of one says nothing about the sign."""
    return value + (1 - value.sum(axis, keepdims=True)) / value.shape[axis]


def _weighed(node: Tensor, k: int) -> Tensor:
    """The k-th entry of a node."""
    weights = np.zeros(node.size)
    weights[k] = 1.0
    total: Tensor = sum(mul(node, weights.reshape(node.shape)))
    return total


def _whole(received: dict[int, Any], node: Tensor) -> Any:
    return np.broadcast_to(received[id(node)], node.shape)
