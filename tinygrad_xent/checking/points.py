"""The graphs of what is checked, at any values of their variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..algebra.facts.assumptions import Assumption
from ..algebra.loss.unit_axes import settings
from ..graph import Primitive, Tensor, interpret, is_float, numbers, record, shape_of
from ..ops import mul, sum
from ..ops.settling import SETTLING
from .shaky import Shaky, shaken, shaky
from .walk import Walk

if TYPE_CHECKING:
    from .subject import Subject

Values = dict[int, Any]
Hand = Callable[..., Any]
Alter = Mapping[int, Callable[[Primitive, tuple[Any, ...], dict[str, Any]], Any]]

EXTENDED = bool(np.finfo(np.longdouble).eps < np.finfo(np.float64).eps)


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


def _weighed(node: Tensor, k: int) -> Tensor:
    """The k-th entry of a node."""
    weights = np.zeros(node.size)
    weights[k] = 1.0
    total: Tensor = sum(mul(node, weights.reshape(node.shape)))
    return total


def _whole(received: dict[int, Any], node: Tensor) -> Any:
    return np.broadcast_to(received[id(node)], node.shape)
