"""Where a walk stops: NaN, an operation, a node, a bound on a norm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import GradientError, explain
from ..graph import Tensor
from .numbers import Numbers
from .records import Backward, Forward, Step
from .walkthrough import Walkthrough

_FORMS = "'nan', an operation such as 'log', a node or its symbol; below=..., above=..."


def breakpoint_on(
    w: Walkthrough, on: Any = None, below: float | None = None, above: float | None = None
) -> Callable[[Step], bool]:
    """Whether a step is one to stop at.

    Raises:
        GradientError: nothing in the walkthrough has this name, or nothing was asked for.
    """
    if on is None and below is None and above is None:
        raise GradientError(explain("find: nothing to stop at", "", _FORMS))
    odd = isinstance(on, str) and on == "nan"  # a Tensor would compare entry by entry
    wanted = None if odd else _boxes(w, on)

    def holds(step: Step) -> bool:
        if odd and not odd_numbers(w, step):
            return False
        if wanted is not None and step.box not in wanted:
            return False
        return _within(step, below, above)

    return holds


def _within(step: Step, below: float | None, above: float | None) -> bool:
    """Bounds hold for what arrives, so that only steps of the walk back can satisfy them."""
    if below is None and above is None:
        return True
    if not isinstance(step, Backward):
        return False
    norm = step.arriving.norm
    return (below is None or norm < below) and (above is None or norm > above)


def _boxes(w: Walkthrough, on: Any) -> set[str] | None:
    """The boxes that are asked for; None if it is not about boxes."""
    if on is None:
        return None
    if isinstance(on, Tensor):
        ids = w.graph.ids if w.graph is not None else {}
        found = {ids[id(on)]} if id(on) in ids else set()
    else:
        found = {b.id for b in w.boxes if on and on in (b.op, b.symbol.text, b.id)}
    if not found:
        raise GradientError(explain("find: there is no such operation or node", str(on), _FORMS))
    return found


def odd_numbers(w: Walkthrough, step: Step) -> list[Numbers]:
    """The numbers in a step that are not all finite."""
    if isinstance(step, Forward):
        new = [w.box(step.box).value]
    elif isinstance(step, Backward):
        new = [step.arriving, *(e.after for e in step.edges if e.after is not None)]
    else:
        new = []
    return [n for n in new if not n.finite]
