"""A graph as NumPy source code, in tiles of rows that stay in the cache and memory used again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from typing import Any

import numpy as np

from ...graph import Tensor
from ..code import Code
from ..planning.rows import Plan, Stage, Step
from ..planning.values import Value
from .forms import event, form, outside, root
from .helpers import HELPERS
from .idioms import idiomatic
from .literals import array_literal, literal, shortest
from .loops import Loop
from .memory import Event, Places
from .naming import Naming
from .picks import PLACES
from .statements import Statements
from .ufuncs import may_be_weak, ufunc_of


def generate(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Code:
    """NumPy code for the outputs, given the inputs.

    >>> import tinygrad_xent as tx
    >>> x = tx.tensor([1.0, 2.0], name="x")
    >>> code = generate([x], [tx.sum(x * x), 2 * x])
    >>> code.load()(np.array([3.0, 4.0]))
    (np.float64(25.0), array([6., 8.]))
    """
    return Writer(Plan(inputs, outputs, idiomatic), [leaf.name or "" for leaf in inputs]).code()


class Writer:
    """The source code of one plan.

    Args:
        names: what the inputs are called.
    """

    loop: type[Any] = Loop

    def __init__(self, plan: Plan, names: Sequence[str]) -> None:
        self.plan = plan
        self.naming = Naming(names)
        self.bound: dict[str, Any] = {}  # what stands in front of the function, by name
        self.say = Statements(self.bound)
        self.names = dict(zip(plan.inputs, self.naming.inputs, strict=True))
        self.buffers: dict[str, tuple[tuple[int, ...], Any]] = {}
        self._spare: dict[Any, list[str]] = defaultdict(list)
        self.lines: list[str] = []
        self.buffered = False  # whether the size of NumPy's buffer is set
        self._targets: dict[Value, str] = {}
        self.cuts: dict[Value, tuple[int, ...]] = {}  # the tiles in which values were written
        self.reshaped: dict[int, str] = {}  # the names of outputs written in another shape
        self._give_places()

    def code(self) -> Code:
        """All of it."""
        for stage in self.plan.stages:
            if stage.rows:
                self.loop(self, stage).write()
            else:
                self._straight(stage)
        self._finish()
        memory = sum(int(np.prod(shape)) * dtype.itemsize for shape, dtype in self.buffers.values())
        given = {k: v for k, v in self.bound.items() if not isinstance(v, str)}
        return Code(self._page(), given, memory)

    # -- memory of what exists as a whole ------------------------------------------------------

    def _give_places(self) -> None:
        """Find the memory of every array that exists as a whole."""
        kinds = {v: (v.shape, v.dtype) for v in self._arrays()}
        for i, value in enumerate(self.plan.outputs):
            if value in kinds and value not in self._targets:
                self._targets[value] = f"out{i + 1}"
            elif value.op == "reshape" and value.args[0] in kinds.keys() - self._targets.keys():
                self._targets[value.args[0]] = self.reshaped[i] = f"rows{i + 1}"
        last = Event(reads=tuple(root(v, kinds) for v in self.plan.outputs))
        places = Places(kinds, dict(self._targets))
        places.assign([*self._events(kinds), last])
        made = [self.buffer("w", *kind) for kind in places.made]
        for value, place in places.of.items():
            self.names[value] = place if isinstance(place, str) else made[place]

    def _arrays(self) -> list[Value]:
        steps = [(step, stage) for stage in self.plan.stages for step in stage.steps]
        return [step.value for step, stage in steps if step.value.ndim and (
            step.kind == "gathered" or step.value in stage.stored
            or (step.kind == "whole" and form(step.value) == "written"))]  # fmt: skip

    def _events(self, kept: Container[Value]) -> list[Event]:
        events = []
        for stage in self.plan.stages:
            if stage.rows:
                whole = tuple(s.value for s in stage.gathered)
                events.append(Event((*whole, *stage.lasting), outside(stage, kept)))
            else:
                events += [event(step, kept) for step in stage.steps]
        return events

    def buffer(self, letter: str, shape: tuple[int, ...], dtype: Any) -> str:
        """The name of an array that is kept from call to call: one that is spare, or a new one."""
        spare = self._spare[letter, shape, dtype]
        name = spare.pop() if spare else self.naming.numbered(letter)
        self.buffers[name] = shape, dtype
        return name

    def give_back(self, names: Iterable[str]) -> None:
        """Nobody needs what is in these buffers any more."""
        for name in names:
            self._spare[name[0], *self.buffers[name]].append(name)

    # -- statements ----------------------------------------------------------------------------

    def _straight(self, stage: Stage) -> None:
        self.say.at(rows=0, tile=0, count="")
        for step in stage.steps:
            args = self.arguments(step, self.names)
            args = [self.located(*given) for given in zip(step.value.args, args, strict=True)]
            if form(step.value) == "written":
                self.lines += self.say.writes(step, args, self.names[step.value])
            else:
                name = self.names[step.value] = self.naming.numbered("v")
                self.lines.append(f"{name} = {self.say.expression(step, args)}")

    def located(self, value: Value, code: str, cuts: tuple[int, ...] = ()) -> str:
        """The code of an argument in tiles: places count from the first row of theirs."""
        is_known = value.op not in PLACES or self.cuts.get(value, ()) == cuts
        return code if is_known else self.say.place(value, code)

    def arguments(self, step: Step, names: dict[Value, str]) -> list[str]:
        """The code of each argument."""
        return [names[a] if a in names else self.constant(a, step.value, i)
                for i, a in enumerate(step.value.args)]  # fmt: skip

    def constant(self, value: Value, user: Value | None = None, place: int = 0) -> str:
        """The code of a constant: a plain number where that means the same."""
        if value.weak:
            return literal(value.data)
        if not value.ndim and user and ufunc_of(user.op) and may_be_weak(user, place):
            return literal(shortest(value.data))
        if user and user.op.startswith("row_") and value.is_uniform and value.dtype == user.dtype:
            return literal(shortest(value.data.flat[0]))
        name = self.names[value] = self.naming.numbered("c")
        self.bound[name] = array_literal(value.data) or value.data
        return name

    def _finish(self) -> None:
        """Write what is not in its output's memory yet, and return."""
        for i, value in enumerate(self.plan.outputs):
            name = f"out{i + 1}"
            if self._targets.get(value) == name or i in self.reshaped:
                continue
            code = self.names[value] if value in self.names else self.constant(value)
            if value.ndim:
                self.lines.append(f"np.copyto({name}, {code})")
            else:
                code = f"np.asarray({code})[()]" if value.op == "input" else code
                self.lines += [f"if {name} is None:", f"    {name} = {code}",
                               "else:", f"    {name}[...] = {code}"]  # fmt: skip

    # -- the page ------------------------------------------------------------------------------

    def _page(self) -> str:
        used = {*self.say.helpers, *["empty"] * bool(self.buffers)}
        helpers = [HELPERS[name] for name in sorted(used)]
        front = [f"{k} = {v}" for k, v in self.bound.items() if isinstance(v, str)]
        given = [f"# {k}: {_described(v)}, a constant of the graph, is set from outside."
                 for k, v in self.bound.items() if not isinstance(v, str)]  # fmt: skip
        parts = ["import numpy as np\n", *(["\n".join([*given, *front]) + "\n"] * bool(self.bound))]
        return "\n\n".join(parts) + "".join(f"\n\n{p}" for p in [*helpers, *self._functions()])

    def _functions(self) -> list[str]:
        names, shapes = ", ".join(self.buffers), self.buffers.values()
        outs = [f"out{i + 1}" for i in range(len(self.plan.outputs))]
        tuple_of = ", ".join(outs) + "," * (len(outs) == 1)
        nones = ", ".join(["None"] * len(outs)) + "," * (len(outs) == 1)
        start = [f"{tuple_of} = out or ({nones})"] if outs else []
        start += [f"if {out} is None:\n        {out} = np.empty({_kind(v.shape, v.dtype)})"
                  for out, v in zip(outs, self.plan.outputs, strict=True) if v.ndim]  # fmt: skip
        start += [f"{name} = out{i + 1}.reshape({self.plan.outputs[i].args[0].shape})"
                  for i, name in self.reshaped.items()]  # fmt: skip
        end = [f"return {tuple_of or '()'}"]
        page = []
        if self.buffers:
            names += "," * (len(self.buffers) == 1)
            made = "".join(f"        empty({_kind(*kind)}),\n" for kind in shapes)
            page.append(f"{_POOL}    return (\n{made}    )\n")
            start += ["try:", "    memory = pool.pop()", "except IndexError:",
                      "    memory = buffers()", f"{names} = memory"]  # fmt: skip
            end = ["pool.append(memory)", *end]
        parameters = ", ".join([*self.naming.inputs, "out=None"])
        body = "".join(f"    {line}\n" for line in [*start, *self.lines, *end])
        return [*page, f"{self._quiet()}def run({parameters}):\n{body}"]

    def _quiet(self) -> str:
        """Branches that are not taken may divide by zero; what they give is not used.

        What is set inside `errstate`, such as the size of the buffer, is set back after it.
        """
        ops = {v.op for v in self.plan.steps}
        if ops & {"div", "log", "power", "sqrt", "log1p"} and ops & {"where", "settled"}:
            return '@np.errstate(divide="ignore", invalid="ignore")\n'
        return "@np.errstate()\n" if self.buffered else ""


_POOL = '''\
pool = []  # memory that no call is using: a call takes one from here, and puts it back


def buffers():
    """Memory for what is computed on the way."""
'''


def _kind(shape: tuple[int, ...], dtype: Any) -> str:
    return f"{shape}, np.{dtype.type.__name__}"


def _described(constant: Any) -> str:
    shape = getattr(constant, "shape", None)
    return "a function" if shape is None else f"{constant.dtype} {shape}"
