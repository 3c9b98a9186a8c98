"""What the command line asks to be checked: everything as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..reading import options
from ..reading.files import file_and_function, from_file, function_of
from .check import check
from .verdict import Verdict


def check_text(
    loss: str,
    wrt: str,
    hand: str,
    assume: Sequence[str] = (),
    shapes: Sequence[str] = (),
    values: Sequence[str] = (),
) -> Verdict:
    """The verdict on a gradient; the loss and the gradient may be `FILE.py:FUNCTION`.

    >>> check_text("sum((X @ w - y)**2)", "w", "2*X.T @ (X @ w - y)",
    ...            shapes=["X=N,D", "w=D", "y=N"]).headline
    'equal (proved by named rules, for every size)'
    """
    named, given = options.shapes(shapes), options.values(values)
    place = file_and_function(loss)
    if place is None:
        return check(loss, wrt, _hand(hand), list(assume), shapes=named, values=given)
    made, _ = from_file(*place, named, given)
    return check(made, wrt, _hand(hand), list(assume))


def _hand(hand: str) -> str | Callable[..., Any]:
    place = file_and_function(hand)
    return hand if place is None else function_of(*place)
