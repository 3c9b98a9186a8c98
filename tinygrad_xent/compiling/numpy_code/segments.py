"""A loop over rows in parts, where matrix products want more rows at a time than the cache holds.

The products are done for a block of many rows. What lies between them is done for the same block,
but in small tiles, as a loop of its own inside the loop.
"""

from __future__ import annotations

from collections.abc import Container

from ..planning.rows import Stage, Step
from ..planning.values import Value
from .forms import event, outside, root
from .memory import Event

Part = Step | Stage


def segmented(stage: Stage, block: int) -> list[Part]:
    """The products by themselves, and what lies between them as stages of `block` rows."""
    parts: list[Part] = []
    for step in stage.steps:
        if "matmul" in step.value.op:
            parts.append(step)
        elif parts and isinstance(parts[-1], Stage):
            parts[-1].steps.append(step)
        else:
            parts.append(Stage(block, [step]))
    for part in parts:
        if isinstance(part, Stage):
            part.stored = stage.wanted(part.steps)
    return parts


def part_event(part: Stage, kept: Container[Value]) -> Event:
    """What a part means for the memory of a block."""
    reads = outside(part, kept)
    over = tuple(v for v in reads if all(_may_replace(m, v, part, kept) for m in part.stored))
    return Event(tuple(part.lasting), reads, over)


def last_read(value: Value, part: Stage, kept: Container[Value]) -> int:
    """The place of the last step that reads a value, or a view of it."""
    reading = [i for i, step in enumerate(part.steps)
               if any(root(a, kept) is value for a in step.value.args)]  # fmt: skip
    return max(reading, default=-1)


def _may_replace(result: Value, value: Value, part: Stage, kept: Container[Value]) -> bool:
    """Whether rows of a result can be written where those of an argument were, tile by tile."""
    made, last = part.values.index(result), last_read(value, part, kept)
    return made > last or (made == last and value in event(part.steps[made], part.stored).over)
