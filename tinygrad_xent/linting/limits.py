"""Numbers to the digits that are printed, and what nearly holds where something else does."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from ..reading.latex_tree import Neg, Num, Rel, Tree, substitute
from .assuming import Assumption, candidates, together
from .comparing import OutOfTimeError
from .evaluate import World
from .judging import Finding, Judge
from .report import ASSUMING, FOLLOWS, UNREAD, WRONG
from .values import CannotReadError, numbers
from .world import POINTS, Facts

_NEAR, _OFF, _ENOUGH = 1e-4, 1e-2, 5


def decimal(tree: Tree) -> int | None:
    """How many digits after the point a number has; None where it is no number."""
    inner = tree.of if isinstance(tree, Neg) else tree
    return inner.digits if isinstance(inner, Num) else None


def rounded(judge: Judge, left: Tree, right: Tree) -> Finding:
    """A number with digits after the point has to be right to its last digit."""
    digits = decimal(right) or 0
    try:
        with np.errstate(all="ignore"):
            world, _ = next(judge.comparer.choices(0, judge.given, left, right))
            exact = numbers(world.value(left).scalar, POINTS)
            wanted = float(numbers(world.value(right).scalar, POINTS)[0])
    except (CannotReadError, StopIteration) as error:
        return Finding(UNREAD, f"Not judged: {error}.")
    if np.ptp(exact) > 1e-9 or not np.isfinite(exact).all():
        return Finding(UNREAD, "Not judged: the values of its variables are not given.")
    value = float(exact[0])
    if abs(value - wanted) <= 0.5000001 * 10.0**-digits:
        return Finding(FOLLOWS, f"It is {value:.{digits + 3}f}.")
    near = Num(Fraction(f"{value:.{digits}f}"), digits)
    return Finding(WRONG, f"It is {value:.{digits + 3}f}.", "number", (), near)


def limit(judge: Judge, conditions: Sequence[Tree], left: Tree, right: Tree) -> Finding:
    """Where the premises nearly hold, the conclusion has to hold nearly."""
    options: list[tuple[Assumption, ...]] = [(), *candidates(judge.document, left, right)]
    seen = 0
    for assumption in options:
        facts = together(judge.given, Facts(spread=12.0), *(a.facts for a in assumption))
        try:
            points, worst = _near(judge, conditions, left, right, facts)
        except OutOfTimeError:
            raise
        except CannotReadError as error:
            if not assumption:
                return Finding(UNREAD, f"Not judged: {error}.")
            continue
        seen = max(seen, points)
        if points >= _ENOUGH and worst < _OFF:
            text = "In the limit."
            names = tuple(a.text for a in assumption)
            return Finding(ASSUMING if names else FOLLOWS, text, "", names)
    if seen < _ENOUGH:
        return Finding(UNREAD, "Not judged: too few points were found near that limit.")
    return Finding(WRONG, "It does not hold in that limit.", "limit")


def _near(judge: Judge, conditions: Sequence[Tree], left: Tree, right: Tree, facts: Facts
          ) -> tuple[int, float]:  # fmt: skip
    """How many points satisfy the premises, and how far off the conclusion is at worst."""
    points, worst = 0, 0.0
    relations = [c for c in conditions if isinstance(c, Rel)]
    sides = [side for c in relations for side in (c.left, c.right)]
    for trial in range(8):
        for world, chosen in judge.comparer.choices(trial, facts, left, right, *sides):
            with np.errstate(all="ignore"):
                near = np.ones(POINTS, bool)
                for c in relations:
                    near &= _apart(world, chosen, c.left, c.right) < _NEAR
                off = _apart(world, chosen, left, right)[near]
            points += int(near.sum())
            worst = max([worst, *off.tolist()])
    return points, worst


def _apart(world: World, chosen: dict[str, int], a: Tree, b: Tree) -> np.ndarray:
    """How far apart two numbers are, at the points."""
    at: dict[str, Tree] = {k: Num(Fraction(i)) for k, i in chosen.items()}
    x, y = (numbers(world.value(substitute(t, at)).scalar, POINTS) for t in (a, b))
    return np.asarray(np.abs(x - y))
