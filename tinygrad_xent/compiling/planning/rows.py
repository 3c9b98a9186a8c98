"""The plan that all back ends write out: which values are computed in which loop over rows.

A row is an entry along the leading axis. A plan is a list of *stages*, done one after the other.
A stage is straight-line code (`rows` is 0), done once, or a loop over `rows` rows, in tiles of as
many as the back end likes. A value is

    whole      computed at once, in a straight-line stage;
    row        made row by row in a loop: row i from row i of the arguments that are read by row,
               and from the others as a whole;
    gathered   in a loop too, but one result for all rows: what a tile gives is added to what other
               tiles gave (of max and min the larger or smaller is kept; a scatter adds where its
               indices say). It is complete when its loop ends.

Within a stage values come in an order in which they can be computed. Between stages a row value
lives on only if it is *stored*, as an array of all its rows; the others never exist as a whole,
which is why a loop needs no more memory than a tile. What is cheap is computed again in a later
loop rather than stored. So for a softmax regression the logits never exist as a whole: a tile of
rows of X makes its logits, its losses, the gradient of its logits, and adds to the gradient of the
weights.

    plan = Plan(inputs, outputs)
    plan.inputs, plan.outputs    Values, see values.py
    plan.stages                  Stages: .rows, .steps (Steps in order), .stored
    step.value                   what is computed: .op, .args, .params, .shape, .dtype
    step.kind                    "whole", "row" or "gathered"
    step.by_row                  for each argument whether the row (tile of rows) at hand is read

An argument that is read by row is an input or a constant of which the rows at hand are taken, a
value of the same stage, or a stored value of an earlier one. One read as a whole is complete by
then. A stage never has an argument that is both made in it and read there as a whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...graph import PRIMITIVES, Tensor
from .access import Access, access
from .values import Program, Value, in_order

DEAR = frozenset({"exp", "expm1", "log", "log1p", "power", "sqrt", "sin", "cos", "tanh", "div"})


@dataclass(eq=False, slots=True)
class Step:
    """One value and how it is computed.

    Attributes:
        value: what is computed.
        kind: "whole", "row" or "gathered".
        by_row: for each argument whether the row at hand is read, or else all of it.
        rows: the length of the loop it is in; 0 if in none.
        place: when: even numbers are straight-line stages, odd ones loops.
    """

    value: Value
    kind: str
    by_row: tuple[bool, ...]
    rows: int
    place: int = 0

    def __repr__(self) -> str:
        return f"{self.kind} {self.value}"


@dataclass(eq=False, slots=True)
class Stage:
    """Straight-line code, or a loop over rows.

    Attributes:
        rows: how many rows the loop has; 0 for straight-line code.
        steps: what is computed, in order.
        stored: the row values among them that are wanted later, or are outputs.
    """

    rows: int
    steps: list[Step] = field(default_factory=list)
    stored: set[Value] = field(default_factory=set)

    @property
    def values(self) -> list[Value]:
        return [step.value for step in self.steps]

    @property
    def lasting(self) -> list[Value]:
        """What is stored, in the order in which it is made."""
        return [v for v in self.values if v in self.stored]

    @property
    def gathered(self) -> list[Step]:
        return [step for step in self.steps if step.kind == "gathered"]

    def wanted(self, steps: Sequence[Step]) -> set[Value]:
        """The row values among some of the steps that the others read, or that are stored."""
        own = set(steps)
        read = {a for step in self.steps if step not in own for a in step.value.args}
        return {step.value for step in steps if step.kind == "row"} & (read | self.stored)


class Plan:
    """How to compute the outputs from the inputs, stage by stage.

    Args:
        inputs: leaves that get their numbers when the program runs; every other leaf is a constant.
        outputs: the nodes whose values are wanted.
        change: what a back end would like to have changed first, if anything.

    >>> import numpy as np, tinygrad_xent as tx
    >>> x, w = tx.tensor(np.ones((8, 3))), tx.tensor(np.ones((3, 5)))
    >>> plan = Plan([x, w], [tx.sum(tx.exp(x @ w), axis=0)])
    >>> plan.stages[0].rows, plan.stages[0].steps
    (8, [row matmul(8, 5), row exp(8, 5), gathered sum(5,)])
    """

    def __init__(
        self,
        inputs: Sequence[Tensor],
        outputs: Sequence[Tensor],
        change: Callable[[Program], None] = lambda _: None,
    ) -> None:
        program = Program(inputs, outputs)
        change(program)
        self.inputs, self.outputs = program.inputs, program.outputs
        self.steps: dict[Value, Step] = {}
        for value in program.values:
            self.steps[value] = self._classified(value)
        self._readers = _readers(self.steps.values())
        self._place()
        self._postpone()
        self.stages = self._stages()
        self._mark_stored()
        self._recompute()
        self._mark_stored()
        self._drop_unread()
        for stage in self.stages:
            stage.steps = self._reduced_early(_in_order(stage.steps))

    # -- what kind -----------------------------------------------------------------------------

    def _classified(self, value: Value) -> Step:
        """Row by row where possible; gathered only from what is made row by row in that loop."""
        found = access(value)
        if found is None or (found.gathers and not self._meets_rows(value, found)):
            return Step(value, "whole", (False,) * len(value.args), 0)
        kind = "gathered" if found.gathers else "row"
        return Step(value, kind, found.by_row, found.rows)

    def _meets_rows(self, value: Value, found: Access) -> bool:
        """Whether an argument that would be read by row is made in a loop over these rows."""
        pairs = zip(value.args, found.by_row, strict=True)
        made = [self.steps[a] for a, by_row in pairs if by_row and a in self.steps]
        return any(step.kind == "row" and step.rows == found.rows for step in made)

    # -- when ----------------------------------------------------------------------------------

    def _place(self) -> None:
        """The earliest possible stage for each."""
        for step in self.steps.values():
            places = [self.steps[a].place + (not joined) for a, joined in self._links(step)]
            earliest = max(places, default=0)
            step.place = earliest + ((earliest % 2 == 0) == bool(step.rows))

    def _links(self, step: Step) -> list[tuple[Value, bool]]:
        """The computed arguments, and whether each may be made in the same stage."""
        pairs = zip(step.value.args, step.by_row, strict=True)
        return [(a, self._joined(self.steps[a], step, by_row))
                for a, by_row in pairs if a in self.steps]  # fmt: skip

    def _joined(self, arg: Step, step: Step, by_row: bool) -> bool:
        if arg.kind == "whole":
            return step.kind == "whole"
        return arg.kind == "row" and by_row and arg.rows == step.rows

    def _postpone(self) -> None:
        """Move a value to the stage that reads it, unless that would keep more alive meanwhile."""
        wanted = set(self.outputs)
        for step in reversed(self.steps.values()):
            readers = self._readers[step.value]
            if not readers or step.value in wanted or not self._may_wait(step):
                continue
            places = [r.place - (not self._joined(step, r, by_row)) for r, by_row in readers]
            latest = min(places)
            step.place = max(step.place, latest - ((latest % 2 == 0) == bool(step.rows)))

    def _may_wait(self, step: Step) -> bool:
        held = sum(a.size for a in set(step.value.args) if a in self.steps)
        return step.value.size >= held

    def _stages(self) -> list[Stage]:
        stages: dict[tuple[int, int], Stage] = {}
        for step in self.steps.values():
            key = step.place, step.rows
            stages.setdefault(key, Stage(step.rows)).steps.append(step)
        return [stages[key] for key in sorted(stages)]

    # -- what is kept --------------------------------------------------------------------------

    def _recompute(self) -> None:
        """Compute again in a later loop what is cheap, where it would otherwise be stored."""
        for stage in self.stages:
            here = set(stage.values)
            read_whole = {a for step in stage.steps for a in _read(step, by_row=False)}
            for step in stage.steps[:]:
                for arg in _read(step, by_row=True):
                    again = self._again(arg, stage, here, effort=2) or []
                    for found in again if not read_whole & {s.value for s in again} else []:
                        stage.steps.insert(stage.steps.index(step), found)
                        here.add(found.value)

    def _again(self, arg: Value, stage: Stage, here: set[Value], effort: int) -> list[Step] | None:
        """The steps that make a row value once more; None if it has to be stored for that."""
        step = self.steps.get(arg)
        if arg in here or step is None or step.kind != "row":
            return []
        if not _is_cheap(arg) and any(arg in s.stored for s in self.stages if s is not stage):
            return []
        if not effort or step.rows != stage.rows or not _is_cheap(arg) or arg in self.outputs:
            return None
        steps: list[Step] = []
        for a in arg.args:
            more = self._again(a, stage, here | {s.value for s in steps}, effort - 1)
            if more is None:
                return None
            steps += more
        return [*steps, step]

    def _mark_stored(self) -> None:
        first = {}
        for stage in reversed(self.stages):
            first.update(dict.fromkeys(stage.values, stage))
        for stage in self.stages:
            stage.stored.clear()
        for stage in self.stages:
            outside = {a for v in stage.values for a in v.args} - set(stage.values)
            for value in outside & first.keys():
                if self.steps[value].kind == "row":
                    first[value].stored.add(value)
        for value in self.outputs:
            if value in first and self.steps[value].kind == "row":
                first[value].stored.add(value)

    def _drop_unread(self) -> None:
        """Leave out what only later loops wanted, which compute it again."""
        for stage in self.stages:
            wanted = set(stage.stored)
            for step in stage.steps[::-1]:
                if step.kind == "row" and step.value not in wanted:
                    stage.steps.remove(step)
                else:
                    wanted.update(step.value.args)

    def _reduced_early(self, steps: list[Step]) -> list[Step]:
        """What makes something small of something large comes as early as it can.

        The memory of the large is then free sooner, often for a result computed in place.
        """
        waiting, order = {step.value: step for step in steps}, []
        for first in steps:
            stack = [first]
            while stack:
                step = stack.pop()
                if step.value in waiting and not any(a in waiting for a in step.value.args):
                    order.append(waiting.pop(step.value))
                    stack += [r for r, _ in self._readers[step.value] if _shrinks(r)]
        return order


def _in_order(steps: list[Step]) -> list[Step]:
    """The steps, each after those that make its arguments."""
    by_value = {step.value: step for step in steps}
    return [by_value[value] for value in in_order(by_value)]


def _read(step: Step, by_row: bool) -> list[Value]:
    return [a for a, how in zip(step.value.args, step.by_row, strict=True) if how == by_row]


def _readers(steps: Any) -> dict[Value, list[tuple[Step, bool]]]:
    """For each value, who reads it, and whether by row."""
    readers: dict[Value, list[tuple[Step, bool]]] = defaultdict(list)
    for step in steps:
        for arg, by_row in zip(step.value.args, step.by_row, strict=True):
            readers[arg].append((step, by_row))
    return readers


def _shrinks(step: Step) -> bool:
    return step.value.size < max((a.size for a in step.value.args), default=0)


def _is_cheap(value: Value) -> bool:
    """Whether to compute is no dearer than to write and read back."""
    if value.op in ("expand_dims", "squeeze", "reshape", "broadcast_to"):
        return True
    return value.op in PRIMITIVES and PRIMITIVES[value.op].elementwise and value.op not in DEAR
