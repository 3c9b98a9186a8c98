"""What two walks side by side show, in words: where one cotangent grows and the other does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from .records import Backward, Step
from .walkthrough import Walkthrough

if TYPE_CHECKING:
    from .comparison import Comparison

_SHORT = 40  # characters
_MUCH = 10.0  # times, from which on an operation that enlarges a cotangent is spoken of


def farthest(w: Walkthrough) -> str:
    """The box of the leaf with the longest way to the loss."""
    depth = {w.backward[0].box: 0}
    for step in w.backward:
        for to in _sent(step):
            depth[to] = max(depth.get(to, 0), depth.get(step.box, 0) + 1)
    leaves = [s.box for s in w.backward if not s.edges]
    return max(leaves, key=lambda box: depth.get(box, 0), default=w.backward[-1].box)


def spine(w: Walkthrough) -> set[str]:
    """The boxes through which every path from the loss to the farthest leaf leads."""
    down: Counter[str] = Counter({w.backward[0].box: 1})
    for step in w.backward:
        for to in _sent(step):
            down[to] += down[step.box]
    end = farthest(w)
    up: Counter[str] = Counter({end: 1})
    for step in reversed(w.backward):
        if step.box != end:
            up[step.box] = sum(up[to] for to in _sent(step))
    return {box for box in down if up[box] * down[box] == down[end]}


def _sent(step: Backward) -> list[str]:
    return [e.to for e in step.edges if e.contribution is not None]


def says(c: Comparison) -> Iterator[str]:
    """Where the walks meet, what has become of each by then, and what becomes of it after."""
    both = [i for i in c.shared if all(i in rows for rows in c.spines)]
    if len(c.walks) != 2 or not both:
        return
    meet, end = both[0], both[-1]
    place, leaf = (c.walks[0].box(_step(c, i, 0).box).symbol.text for i in (meet, end))
    a, b = (w.name for w in c.walks)
    x, y = (_norm(c, meet, k) for k in (0, 1))
    yield (f"At {place}, the last node before the two part, {x:.4g} arrives in {a} and {y:.4g} "
           f"in {b}.")  # fmt: skip
    gains = [_largest(c, k, meet) for k in (0, 1)]
    for w, (gain, step) in zip(c.walks, gains, strict=True):
        if gain > _MUCH:
            title, how = w.box(step.box).title, _how(step)
            yield f"In {w.name}, {title} multiplies what arrives there by {gain:.4g}{how}."
    x2, y2 = (_norm(c, end, k) for k in (0, 1))
    if meet != end and x and y:
        yield (f"From {place} to {leaf} both take the same way back, which multiplies the size by "
               f"{x2 / x:.3g} in {a} and by {y2 / y:.3g} in {b}.")  # fmt: skip
        yield from _cancelled((a, b), [gain for gain, _ in gains], (x2 / x, y2 / y))
        yield f"At {leaf}, {x2:.4g} is left in {a} and {y2:.4g} in {b}{_ratio(a, x2, b, y2)}."


def _largest(c: Comparison, k: int, meet: int) -> tuple[float, Step]:
    """How much one operation at most enlarges a cotangent on the way to where the walks meet."""
    rows = [i for i in c.spines[k] if i <= meet]
    pairs = [(_norm(c, j, k) / _norm(c, i, k), i) for i, j in pairwise(rows) if _norm(c, i, k)]
    gain, row = max(pairs, default=(0.0, meet))
    return gain, _step(c, row, k)


def _how(step: Step) -> str:
    """What an operation makes of the formula that arrives, where both are short."""
    if not isinstance(step, Backward) or step.formula is None:
        return ""
    sent = [
        (e.contribution.norm, e.formula.text) for e in step.edges if e.contribution and e.formula
    ]
    line = f": {step.formula.text} becomes {max(sent)[1]}" if sent else ""
    return line if len(line) <= _SHORT else ""


def _cancelled(
    names: tuple[str, str], gains: list[float], shrinks: tuple[float, float]
) -> Iterator[str]:
    """Whether what one operation enlarged makes up for what the shared way takes."""
    large = [gain > _MUCH for gain in gains]
    if sum(large) != 1 or max(shrinks) > 1 / _MUCH:
        return
    k = large.index(True)
    if not 1 / _MUCH < gains[k] * shrinks[k] < _MUCH:
        return
    yield (f"In {names[k]} the two cancel: {gains[k]:.4g} times {shrinks[k]:.3g} is "
           f"{gains[k] * shrinks[k]:.3g}. In {names[1 - k]} nothing makes up for the "
           f"{shrinks[1 - k]:.3g}.")  # fmt: skip


def _step(c: Comparison, row: int, k: int) -> Step:
    return c.walks[k].steps[c.rows[row][k] - 1]


def _norm(c: Comparison, row: int, k: int) -> float:
    step = _step(c, row, k)
    return step.arriving.norm if isinstance(step, Backward) else 0.0


def _ratio(a: str, x: float, b: str, y: float) -> str:
    """Which of two is how much larger.

    >>> _ratio("a", 2.0, "b", 1.0)
    ': a moves 2 times as far'
    """
    if not (x and y):
        return ""
    name, times = (a, x / y) if x > y else (b, y / x)
    return f": {name} moves {times:.3g} times as far" if times > 1.05 else ""
