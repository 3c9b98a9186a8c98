"""What a function computes, found by calling it once with values that are not there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..calling import is_inside
from ..errors import CompileError, describe, explain
from ..graph import (
    Blank,
    Observer,
    Tensor,
    detached,
    dtype_of,
    interpret,
    observed_by,
    observer,
    recording,
    toposort,
)
from ..ops import astype
from ..trees import flatten, is_numbers
from .arguments import check_real
from .merging import merged
from .stabilising.digits import keeping_digits
from .stabilising.interning import Interner
from .stabilising.stable import Stable


class ForeignTensorError(CompileError):
    """A function uses a Tensor that is not its own, and that is no constant."""


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
        ForeignTensorError: it uses a Tensor of another function that is recorded.
    """
    inputs = [_standing_for(x) for x in leaves]
    watcher, watched = _Tracing(inputs, leaves), is_watched()
    with recording(), observed_by(watcher), np.errstate(all="ignore"):
        results, rebuild = flatten(call(list(inputs)))
        _check_results(results)
        _check_leaves([*results, *(node for node, _ in watcher.conditions)], inputs, watched)
        stable = [watcher.stable(r) if isinstance(r, Tensor) else r for r in results]
        conditions = [node for node, _ in watcher.conditions]
        graphs = merged([*stable, *map(watcher.stable, conditions)])
        final = keeping_digits(graphs, watcher.mixed)
        final = [_of_dtype(f, r) for f, r in zip(final, [*results, *conditions], strict=True)]
    truths = [truth for _, truth in watcher.conditions]
    n = len(results)
    return Traced(inputs, final[:n], rebuild, list(zip(final[n:], truths, strict=True)))


def _of_dtype(final: Any, result: Any) -> Any:
    """A rewritten result with the dtype that the function gave it."""
    if not isinstance(result, Tensor) or type(result._value) is float:
        return final
    if dtype_of(final) == result.dtype:
        return final
    return (astype if isinstance(final, Tensor) else np.asarray)(final, result.dtype)


def is_watched() -> bool:
    """Whether this is inside a function that is being differentiated, or recorded itself."""
    return is_inside() or isinstance(observer.get(), _Tracing)


def _standing_for(x: Any) -> Tensor:
    """A leaf of the shape and dtype of an argument; a Python number stays one, which is weak."""
    if type(x) is float:
        return Tensor(x)
    check_real(x)
    return detached(Blank.of(x.shape, x.dtype))


def _check_results(results: list[Any]) -> None:
    for r in results:
        if not (r is None or isinstance(r, _RESULTS) or (isinstance(r, list) and is_numbers(r))):
            raise CompileError(
                explain("compile: a result is neither numbers nor text", describe(r),
                        "Tensors, arrays, numbers; in tuples, lists and dicts")
            )  # fmt: skip


_RESULTS = (Tensor, np.ndarray, np.generic, bool, int, float, str)


def _check_leaves(results: list[Any], inputs: list[Tensor], watched: bool) -> None:
    """Tensors that others watch are no constants, and some have no numbers."""
    mine = {id(x) for x in inputs}
    for n in toposort(*(r for r in results if isinstance(r, Tensor))):
        if n.op is None and id(n) not in mine and (watched or isinstance(n._value, Blank)):
            raise _closed_over(n)


def _closed_over(node: Tensor) -> ForeignTensorError:
    return ForeignTensorError(
        explain("compile: a Tensor of another compiled function has no numbers here",
                describe(node), "passing what the function needs as an argument")
    )  # fmt: skip


class _Tracing(Observer):
    """Watches the function: puts what is differentiated into stable form, decides its branches."""

    def __init__(self, inputs: list[Tensor], leaves: Sequence[Any]) -> None:
        self.inputs = {id(t) for t in inputs}
        self.values: dict[int, Any] = {id(t): x for t, x in zip(inputs, leaves, strict=True)}
        self.kept: list[Any] = list(inputs)
        self.conditions: list[tuple[Tensor, bool]] = []
        widths = {t.dtype for t, x in zip(inputs, leaves, strict=True) if hasattr(x, "dtype")}
        self.mixed = sum(dtype.kind == "f" for dtype in widths) > 1
        self.stable = Stable(Interner(mixed=self.mixed))

    def truth(self, node: Tensor) -> bool:
        """The truth for the arguments of this call, which later calls have to share."""
        if self._is_constant(node):
            return bool(node._value)
        truth = bool(evaluated(node, self.values, self.kept))
        self.conditions.append((node, truth))
        return truth

    def looked(self, node: Tensor) -> None:
        if not self._is_constant(node):
            raise CompileError(
                explain(
                    "compile: the function looks at the numbers of a Tensor, which would be built "
                    "in", describe(node), "operations on the Tensor itself; tx.stop_gradient(t) "
                    "for a constant; branches of Python's own, which are followed",
                )
            )  # fmt: skip

    def _is_constant(self, node: Tensor) -> bool:
        if any(id(n) in self.inputs for n in toposort(node)):
            return False
        if isinstance(node._value, Blank):
            raise _closed_over(node)
        return True

    def differentiated(self, node: Tensor) -> Any:
        stable = _of_dtype(self.stable(node), node)
        return stable if isinstance(stable, Tensor) else detached(stable)


def evaluated(node: Tensor, values: dict[int, Any], kept: list[Any]) -> Any:
    """The value of a node, given those of the inputs."""

    def value(n: Tensor, args: tuple[Any, ...]) -> Any:
        kept.append(n)
        if n.op is None and isinstance(n._value, Blank):
            raise _closed_over(n)
        return n._value if n.op is None else n.op.evaluate(list(args), n.params)

    with np.errstate(all="ignore"):
        return interpret(toposort(node), value, values)[id(node)]
