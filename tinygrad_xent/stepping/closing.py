"""The third phase: from the gradient that the walk recorded to its closed form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..algebra import Derivation
from ..errors import TinygradXentError
from ..graph import Tensor
from ..reading import derive
from .formulas import MOST
from .numbers import math
from .recording import Walked
from .records import Rewrite
from .symbols import Symbols


def deepest(walked: Walked) -> Tensor | None:
    """The leaf with the longest way to the loss: the one whose gradient takes most steps."""
    depth: dict[int, int] = {id(walked.loss): 0}
    leaves = []
    for node in walked.visited:
        here = depth.setdefault(id(node), 0)
        for i, _ in walked.sent(node):
            key = id(node.args[i])
            depth[key] = max(depth.get(key, 0), here + 1)
        if node.op is None:
            leaves.append(node)
    return max(leaves, key=lambda n: depth[id(n)], default=None)


def derivation(walked: Walked, wrt: Any, assume: Any) -> Derivation | str:
    """The derivation of one gradient, or the reason why there is none."""
    if len(walked.order) > MOST:
        return f"The third phase is left out: the graph has more than {MOST} nodes."
    wrt = deepest(walked) if wrt is None else wrt
    if wrt is None:
        return "The third phase is left out: no leaf receives a gradient."
    if walked.loss.size != 1:
        return "The third phase is left out: the result is not a single number."
    try:
        return derive(walked.loss, wrt, assume)
    except TinygradXentError as error:
        return "The third phase is left out: " + str(error).split("\n")[0]


def closing(found: Derivation, box: str, number: int) -> Iterator[Rewrite]:
    """A step for what was recorded, and one for each rewrite."""
    title = f"{found.title} as the walk recorded it."
    yield Rewrite(number, box, "recorded by the engine", title, math(found.start.term))
    for n, step in enumerate(found.steps, number + 1):
        before, after = math(step.before.term), math(step.after.term)
        whole = math(step.whole.term)
        yield Rewrite(n, box, step.rule, step.reason, whole, before, after, step.used)


def opens(walked: Walked, symbols: Symbols, found: Derivation) -> str:
    """The box of what was derived."""
    named = {symbols.of(n).name: walked.ids[id(n)] for n in walked.shown}
    return named.get(found.wrt, walked.ids[id(walked.visited[-1])])
