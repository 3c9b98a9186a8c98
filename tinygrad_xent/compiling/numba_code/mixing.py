"""Which steps of a loop become one kernel, and which NumPy does in between."""

from __future__ import annotations

from ..numpy_code.segments import Part
from ..planning.rows import Stage, Step
from ..planning.values import Value
from .expressions import NotInLoops
from .lowering import Lowering


def mixed(stage: Stage) -> list[Part]:
    """The parts of a loop, in order: stages that become one kernel, and steps that NumPy does."""
    fused = {step.value: may_fuse(step, stage.rows) for step in stage.steps}
    number: dict[Value, int] = {}  # even numbers are kernels, odd ones NumPy's steps
    for step in stage.steps:
        earliest = 0 if fused[step.value] else 1
        for a in step.value.args:
            if a in number:
                earliest = max(earliest, number[a] + (fused[a] != fused[step.value]))
        number[step.value] = earliest
    parts: list[Part] = []
    for k in range(max(number.values(), default=-1) + 1):
        steps = [step for step in stage.steps if number[step.value] == k]
        if k % 2:
            parts += steps
        elif steps:
            parts.append(Stage(stage.rows, steps, stage.wanted(steps)))
    return parts


def may_fuse(step: Step, rows: int) -> bool:
    """Whether a kernel can do this."""
    lowering = Lowering(rows)
    try:
        if step.kind == "gathered":
            lowering.gathered(step)
        else:
            lowering.add(step)
    except NotInLoops:
        return False
    return True
