"""What a function computes, found by calling it once with values that are not there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import CompileError, describe, explain
from ..graph import (
    Blank,
    Observer,
    Tensor,
    detached,
    observed_by,
    recording,
    toposort,
)
from ..trees import flatten
from .stabilising.digits import keeping_digits
from .stabilising.interning import Interner
from .stabilising.stable import Stable


@dataclass
class Traced:
    """The record of one call.

    Attributes:
        inputs: the leaves that stand for the arrays among the arguments, in order.
        outputs: what the results are computed by, in the form to compute it by.
        rebuild: puts the results back into the containers that the function returned.
        conditions: what Python decided by numbers, each with the truth it found.
    """

    inputs: list[Tensor]
    outputs: list[Any]
    rebuild: Callable[[list[Any]], Any]
    conditions: list[tuple[Tensor, bool]] = field(default_factory=list)


def trace(leaves: Sequence[Any], call: Callable[[list[Any]], Any]) -> Traced:
    """Record what a function does.

    Args:
        leaves: the arguments' arrays and numbers.
        call: calls the function with others in their places.

    Raises:
        CompileError: the function looks at the numbers of a Tensor.
    """
    inputs = [_standing_for(x) for x in leaves]
    watcher = _Tracing(inputs, leaves)
    with recording(), observed_by(watcher), np.errstate(all="ignore"):
        results, rebuild = flatten(call(list(inputs)))
        stable = [watcher.stable(r) if isinstance(r, Tensor) else r for r in results]
        conditions = [node for node, _ in watcher.conditions]
        final = keeping_digits([*stable, *map(watcher.stable, conditions)])
    truths = [truth for _, truth in watcher.conditions]
    n = len(results)
    return Traced(inputs, final[:n], rebuild, list(zip(final[n:], truths, strict=True)))


def _standing_for(x: Any) -> Tensor:
    """A leaf of the shape and dtype of an argument; a Python number stays one, which is weak."""
    return Tensor(x) if type(x) is float else detached(Blank.of(x.shape, x.dtype))


class _Tracing(Observer):
    """Watches the function: puts what is differentiated into stable form, decides its branches."""

    def __init__(self, inputs: list[Tensor], leaves: Sequence[Any]) -> None:
        self.values: dict[int, Any] = {id(t): x for t, x in zip(inputs, leaves, strict=True)}
        self.kept: list[Any] = list(inputs)
        self.conditions: list[tuple[Tensor, bool]] = []
        self.stable = Stable(Interner())

    def truth(self, node: Tensor) -> bool:
        """The truth for the arguments of this call, which later calls have to share."""
        if not any(id(n) in self.values for n in toposort(node)):
            return bool(node._value)
        truth = bool(evaluated(node, self.values, self.kept))
        self.conditions.append((node, truth))
        return truth

    def looked(self, node: Tensor) -> None:
        if node.op is None and id(node) not in self.values:
            return
        raise CompileError(
            explain(
                "compile: the function looks at the numbers of a Tensor, which would be built in",
                describe(node),
                "operations on the Tensor itself; tx.stop_gradient(t) for a constant; branches of "
                "Python's own, which are followed",
            )
        )

    def differentiated(self, node: Tensor) -> Any:
        return self.stable(node)


def evaluated(node: Tensor, values: dict[int, Any], kept: list[Any]) -> Any:
    """The value of a node, given those of the inputs."""
    for n in toposort(node):
        if id(n) not in values:
            kept.append(n)
            args = [values[id(a)] if isinstance(a, Tensor) else a for a in n.args]
            with np.errstate(all="ignore"):
                known = n._value if n.op is None else n.op.evaluate(args, n.params)
            values[id(n)] = known
    return values[id(node)]
