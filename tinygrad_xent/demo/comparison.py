"""A hand-derived formula beside what the engine says, compared entry by entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any
Function = Callable[..., Any]
Transform = Callable[[Function], Function]

TOLERANCE = 1e-12
"""Two gradients agree where no entry differs by more than this share of itself."""


@dataclass(frozen=True)
class Formula:
    """One formula of a document.

    Attributes:
        document, place: where it stands.
        statement: the formula, as text.
        function: what is differentiated, composed of primitives.
        transform: what turns `function` into what the engine says, such as `tx.grad`.
        hand: the hand-derived formula, in plain NumPy.
        points: arguments to compare at.
    """

    document: str
    place: str
    statement: str
    function: Function
    transform: Transform
    hand: Function
    points: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Comparison:
    """How far a formula and the engine are apart.

    Attributes:
        error: the largest relative error of any one entry.
        hand, auto: that entry, by the formula and by the engine.
        entries: how many entries were compared.
    """

    formula: Formula
    error: float
    hand: float
    auto: float
    entries: int

    @property
    def agrees(self) -> bool:
        return self.error <= TOLERANCE


def compare(formula: Formula) -> Comparison:
    """Evaluate a formula and the engine at all of its points."""
    hands = [np.asarray(formula.hand(*point)) for point in formula.points]
    engine = formula.transform(formula.function)
    autos = [np.asarray(engine(*point)) for point in formula.points]
    for hand, auto in zip(hands, autos, strict=True):
        if hand.shape != auto.shape:
            return Comparison(formula, np.inf, np.nan, np.nan, hand.size)
    hand, auto = (np.concatenate([x.ravel() for x in found]) for found in (hands, autos))
    errors = relative_errors(auto, hand)
    worst = max(range(hand.size), key=lambda i: (errors[i], abs(hand[i])))
    error, by_hand, by_engine = (float(x[worst]) for x in (errors, hand, auto))
    return Comparison(formula, error, by_hand, by_engine, hand.size)


def relative_errors(auto: Array, hand: Array) -> Array:
    """|auto - hand| / |hand|, entry by entry; where `hand` is exactly 0, |auto - hand|.

    Nothing is summed or projected, so that no error can hide behind another or behind a large
    entry. What is not a number counts as infinitely wrong.
    """
    errors = np.abs(auto - hand) / np.where(hand == 0, 1.0, np.abs(hand))
    return np.where(np.isnan(errors), np.inf, errors)
