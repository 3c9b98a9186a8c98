"""What the command line asks for: a loss, or several, as text or as a function of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import NotSupportedError, ParseError, describe, explain
from ..graph import Tensor
from ..reading.assumptions import assumption
from ..reading.deriving import loss_text
from ..reading.files import file_and_function, result_of
from .comparison import Comparison, compare
from .making import steps
from .walkthrough import Walkthrough

_RESULTS = "a Tensor, several in a tuple or dict, or what tx.steps or tx.compare gives"


def walk_text(
    loss: str,
    wrt: str | None = None,
    assume: Sequence[str] = (),
    shapes: Sequence[str] = (),
    values: Sequence[str] = (),
    hands: Sequence[str] = (),
) -> Walkthrough | Comparison:
    """The walkthrough of a loss that is text, or of what `FILE.py:FUNCTION` returns.

    >>> len(walk_text("sum(x**2)", values=["x=1,2"]).backward)
    3
    """
    hand, place = _hands(hands), file_and_function(loss)
    made = result_of(*place) if place and not (shapes or values) else None
    if made is not None and not isinstance(made, Tensor):
        return _several(made)
    variables: Mapping[str, Any] = {}
    if made is None:
        made, variables = loss_text(loss, shapes, values)
    facts = [assumption(fact, variables) if variables else fact for fact in assume]
    return steps(made, wrt=wrt, assume=facts, hand=hand)


def _several(made: Any) -> Walkthrough | Comparison:
    """What a function returned, if it is more than one loss."""
    if isinstance(made, (Walkthrough, Comparison)):
        return made
    if isinstance(made, Mapping):
        return compare(*made.values(), names=tuple(map(str, made)))
    if isinstance(made, (tuple, list)):
        return compare(*made)
    raise NotSupportedError(explain("step: not a loss", describe(made), _RESULTS))


def _hands(given: Sequence[str]) -> dict[str, str]:
    """`["z=q - p"]` as `{"z": "q - p"}`."""
    found = {}
    for text in given:
        name, equals, formula = text.partition("=")
        if not (name.strip() and equals and formula.strip()):
            raise ParseError(explain("hand: a name, =, and a formula", text, "z=softmax(z)-p"))
        found[name.strip()] = formula.strip()
    return found
