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


def derivation(walked: Walked, wrt: Tensor, assume: Any) -> Derivation | str:
    """The derivation of one gradient, or the reason why there is none."""
    if len(walked.order) > MOST:
        return f"The third phase is left out: the graph has more than {MOST} nodes."
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
