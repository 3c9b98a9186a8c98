"""A plan done by hand, tile by tile, with the table's own operations: what the plan means.

No generator of code is used here. A value that the plan reads too early, or whose rows it
mistakes, is missing or wrong.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_xent.compiling.planning.rows import Plan, Stage, Step
from tinygrad_xent.compiling.planning.values import Value
from tinygrad_xent.graph import PRIMITIVES

COMBINED = {"max": np.maximum, "min": np.minimum}


def by_rows(op: str, args: list[Any], params: dict[str, Any], shape: Any) -> Any:
    """An operation on each row by itself."""
    rows = []
    for r in range(shape[0]):
        own = [a[r] if np.ndim(a) else a for a in args]
        if op == "row_scatter":
            rows.append(PRIMITIVES["scatter"].array(*own, **params | {"shape": shape[1:]}))
        elif op == "row_add":
            put = PRIMITIVES["scatter"].array(*own[1:], **params, shape=shape[1:])
            rows.append(own[0] + put)
        else:
            rows.append(PRIMITIVES[op[4:]].array(*own, **params))
    return np.stack(rows)


def applied(value: Value, args: list[Any], rows: int) -> Any:
    """The value, or the rows of it that these arguments give."""
    shape = (rows, *value.shape[1:]) if rows else value.shape
    params = value.params
    if value.op == "tmatmul":
        return args[0].T @ args[1]
    if value.op.startswith("row_"):
        return by_rows(value.op, args, params, shape)
    if "shape" in params and value.op != "scatter":
        params = params | {"shape": shape}
    if value.op == "scatter" and rows and value.params["index"][0][0] == "slice":
        params = params | {"shape": shape}
    return PRIMITIVES[value.op].evaluate(args, params)


class Done:
    """The values of a plan for given inputs, computed with tiles of `tile` rows."""

    def __init__(self, plan: Plan, inputs: list[Any], tile: int) -> None:
        self.plan, self.tile = plan, tile
        self.whole: dict[Value, Any] = dict(zip(plan.inputs, inputs, strict=True))
        for stage in plan.stages:
            self.loop(stage) if stage.rows else self.straight(stage)
        self.outputs = [self.read(v) for v in plan.outputs]

    def read(self, value: Value) -> Any:
        return value.data if value.op == "constant" else self.whole[value]

    def straight(self, stage: Stage) -> None:
        for step in stage.steps:
            args = [self.read(a) for a in step.value.args]
            self.whole[step.value] = applied(step.value, args, 0)

    def loop(self, stage: Stage) -> None:
        totals: dict[Value, Any] = {}
        kept: dict[Value, list[Any]] = {v: [] for v in stage.stored}
        for start in range(0, stage.rows, self.tile):
            part = slice(start, min(start + self.tile, stage.rows))
            here = self.one_tile(stage, part)
            for step in stage.gathered:
                new = here[step.value]
                old = totals.get(step.value)
                combine = COMBINED.get(step.value.op, np.add)
                totals[step.value] = new if old is None else combine(old, new)
            for value, parts in kept.items():
                parts.append(here[value])
        self.whole |= totals | {v: np.concatenate(parts) for v, parts in kept.items()}

    def one_tile(self, stage: Stage, part: slice) -> dict[Value, Any]:
        here: dict[Value, Any] = {}
        for step in stage.steps:
            args = [self.argument(a, row, here, part)
                    for a, row in zip(step.value.args, step.by_row, strict=True)]  # fmt: skip
            rows = part.stop - part.start if step.kind == "row" else 0
            here[step.value] = applied(step.value, args, rows)
            self.check(step, here[step.value], part)
        return here

    def argument(self, value: Value, by_row: bool, here: dict[Value, Any], part: slice) -> Any:
        if value in here:
            assert by_row
            return here[value]
        return self.read(value)[part] if by_row else self.read(value)

    def check(self, step: Step, got: Any, part: slice) -> None:
        rows = part.stop - part.start
        shape = (rows, *step.value.shape[1:]) if step.kind == "row" else step.value.shape
        assert np.shape(got) == shape, f"{step}: {np.shape(got)}"
