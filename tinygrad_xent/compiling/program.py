"""One record of a function as code, and how its results come back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..errors import ShapeError, TinygradXentError, explain
from ..graph import Tensor
from .back_ends import BackEnd
from .code import Code
from .pool import Pool
from .tracing import Traced


class Program:
    """One record of a function, as code.

    Attributes:
        code: the source and what it needs.
        traced: what it was made from.
    """

    def __init__(self, traced: Traced, generate: BackEnd) -> None:
        self.traced = traced
        graphs = [o for o in traced.outputs if isinstance(o, Tensor)]
        self.code: Code = generate(traced.inputs, graphs)
        self._run, self._pool = self.code.load(), Pool(graphs)
        self._finish = _finisher(traced)
        self._conditions: Callable[..., tuple[Any, ...]] | None = None
        if traced.conditions:
            asked = [c for c, _ in traced.conditions]
            self._conditions = generate(traced.inputs, asked).load()

    def fits(self, leaves: list[Any]) -> bool:
        """Whether Python's branches would go the way that they went when this was recorded."""
        if self._conditions is None:
            return True
        try:
            with np.errstate(all="ignore"):
                found = self._conditions(*leaves)
        except TinygradXentError:  # in what would not be computed at all the other way
            return False
        return all(bool(f) == t for f, (_, t) in zip(found, self.traced.conditions, strict=True))

    def __call__(self, leaves: list[Any]) -> Any:
        try:
            return self._finish(self._run(*leaves, self._pool.take()))
        except IndexError as error:
            if isinstance(error, TinygradXentError):
                raise
            raise ShapeError(explain(f"compile: {error}", "", "indices that are there")) from None


def _finisher(traced: Traced) -> Callable[..., Any]:
    """What makes of the code's results what the function returns."""
    kinds = [type(o._value) is float if isinstance(o, Tensor) else None for o in traced.outputs]
    outputs, rebuild = traced.outputs, traced.rebuild

    def finish(results: Iterable[Any]) -> Any:
        rest = iter(results)
        return rebuild([
            copied(o) if kind is None else float(next(rest)) if kind else next(rest)
            for o, kind in zip(outputs, kinds, strict=True)
        ])  # fmt: skip

    if all(kind is False for kind in kinds):
        return rebuild
    return finish


def copied(x: Any) -> Any:
    """A result that nobody else holds."""
    if isinstance(x, np.ndarray):
        return np.array(x)[()]
    return [copied(e) for e in x] if isinstance(x, list) else x
