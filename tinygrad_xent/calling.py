"""A user's function, called on fresh variables: what every transform begins and ends with."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import numpy as np

from .differentiate import Walk, not_recorded, ones_like
from .errors import DtypeError, GradientError, describe, explain
from .graph import (
    Large,
    Tensor,
    copied,
    detached,
    is_float,
    is_own,
    leaf_value,
    observer,
    plain,
    recorded,
    recording,
    shape_of,
)
from .ops import alias
from .trees import flatten

_around: ContextVar[Trace | None] = ContextVar("around", default=None)


def is_inside() -> bool:
    """Whether a function is being differentiated right now."""
    return _around.get() is not None


class Trace:
    """One call of a user's function on fresh variables, and what came out.

    Inside another transform everything is recorded, because the outer one will differentiate it;
    outside, arrays go in and arrays come out. Passing a Tensor asks for a recorded result.

    record     whether what it does is recorded
    nests      whether the function made traces, too: there may be many variables that are not ours
    """

    def __init__(
        self, name: str, f: Callable[..., Any], args: Any, kwargs: Any, argnums: Any = None
    ):
        around = _around.get()
        self.name, self.record, self.nests = name, around is not None, False
        if around is not None:
            around.nests = True
        self.leaves: list[Tensor] = []
        self.rebuilders: list[tuple[int, Callable[[list[Any]], Any]]] = []
        inner = list(args)
        for i in _chosen(name, argnums, args):
            inner[i] = self._open(args[i])
        token = _around.set(self)
        try:
            self.out = recorded(f, *inner, **kwargs)
        finally:
            _around.reset(token)

    def _open(self, arg: Any) -> Any:
        leaves, rebuild = flatten(arg)
        fresh = [self._variable(x) for x in leaves]
        self.leaves += fresh
        self.rebuilders.append((len(leaves), rebuild))
        return rebuild(fresh)

    def _variable(self, x: Any) -> Tensor:
        self.record = self.record or isinstance(x, Tensor)
        node = alias(x) if isinstance(x, Tensor) else detached(leaf_value(x, self.name))
        if not is_float(node._value):
            raise DtypeError(
                explain(
                    f"{self.name}: there is no derivative with respect to integers or booleans",
                    describe(x),
                    "x.astype(float), or argnums=... for another argument",
                )
            )
        return node

    def close(self, per_leaf: list[Any], record: bool = False) -> list[Any]:
        """Results for the leaves, put back into the containers that the arguments came in."""
        seen: set[int] = set()
        rest = []
        for x in per_leaf:
            rest.append(self.outside(x, record, fresh=id(x) not in seen))
            seen.add(id(x))
        closed = []
        for n, rebuild in self.rebuilders:
            closed.append(rebuild(rest[:n]))
            rest = rest[n:]
        return closed

    def outside(self, x: Any, record: bool = False, fresh: bool = False) -> Any:
        """A result as the caller gets it: a Tensor if all is recorded, else an array to keep.

        `fresh`: if it owns its memory, nobody else does: a rule has just made it.
        """
        if record or self.record:
            return x if isinstance(x, Tensor) else Tensor(x)
        value = x._value if isinstance(x, Tensor) else x
        if type(value) is not np.ndarray and type(value) is not Large:
            return value
        fresh = fresh and is_own(value) and value.ndim > 0
        return plain(value) if fresh else copied(value)[()]

    def slopes(self) -> tuple[Any, list[Any]]:
        """The one number that came out, and its derivative by each leaf; the graph is used up."""
        out = self.scalar()
        value, seed = self.outside(out), ones_like(out)
        walk = Walk(out, tuple(self.leaves), self.record, pruned=self.nests)
        self.out = out = None  # type: ignore[assignment]
        return value, self._per_leaf(recorded(walk.cotangents, seed, last=True))

    def _per_leaf(self, found: dict[Tensor, Any]) -> list[Any]:
        return [found[x] if x in found else zeros_like(x) for x in self.leaves]

    def pull(self, out: Tensor, *seeds: Any, record: bool = False) -> list[list[Any]]:
        """For each seed: the cotangent of each leaf when `out` receives it; zeros for nothing."""
        walk = Walk(out, tuple(self.leaves), record or self.record)
        with recording():
            return [self._per_leaf(walk.cotangents(seed)) for seed in seeds]

    def result(self, out: Any = None) -> Tensor:
        """What the function returned, or a part of it; a constant counts as a Tensor."""
        out = self.out if out is None else out
        if type(out) is not Tensor:
            if not isinstance(out, (float, int, np.generic, np.ndarray)):
                raise not_recorded(self.name, out)
            return Tensor(out)
        return observer.get().differentiated(out)  # type: ignore[no-any-return]

    def scalar(self) -> Tensor:
        """What the function returned, which has to be one number."""
        out = self.result()
        if shape_of(out._value) and out.size != 1:
            raise GradientError(
                explain(
                    f"{self.name}: the function must return one number",
                    f"a result of shape {out.shape}",
                    "tx.jacobian, tx.elementwise_grad, or a sum or mean at the end",
                )
            )
        return out


def zeros_like(x: Tensor) -> Any:
    return 0.0 if type(x._value) is float else np.zeros(x.shape, x.dtype)[()]


def _chosen(name: str, argnums: Any, args: Any) -> tuple[int, ...]:
    if type(argnums) is int and 0 <= argnums < len(args):
        return (argnums,)
    numbers = range(len(args)) if argnums is None else argnums
    chosen = (numbers,) if isinstance(numbers, int) else tuple(numbers)
    if any(not -len(args) <= i < len(args) for i in chosen):
        raise GradientError(
            explain(
                f"{name}: argnums={argnums} is not an argument",
                f"{len(args)} positional arguments",
                f"from {-len(args)} to {len(args) - 1}, or a tuple of such"
                if args
                else "what to differentiate by as a positional argument, not by name",
            )
        )
    return tuple(i % len(args) for i in chosen)
