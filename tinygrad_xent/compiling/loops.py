"""A loop over rows as NumPy code: all rows at once if they are few, else tile by tile."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from . import settings
from .forms import event, form
from .literals import is_uniform
from .memory import Event, Places
from .rows import Stage, Step
from .ufuncs import ufunc_of
from .values import Value

if TYPE_CHECKING:
    from .numpy_code import Writer

_COMBINE = {"max": "np.maximum", "min": "np.minimum"}


class Loop:
    """The code of one stage.

    Args:
        page: where it is written.
        stage: what is computed.
    """

    def __init__(self, page: Writer, stage: Stage) -> None:
        self.page, self.stage = page, stage
        self.made = set(stage.values)
        self.places = self._placed(tiled=True)
        self.tile = self._tile()
        self.tiled = self.tile < stage.rows
        if not self.tiled:
            self.places = self._placed(tiled=False)
        self.even = stage.rows % self.tile == 0
        self.names: dict[Value, str] = {}  # of what is made here, or read by row
        self.before: list[str] = []
        self.first: list[str] = []  # of each tile
        self.body: list[str] = []
        self.after: list[str] = []

    # -- memory --------------------------------------------------------------------------------

    def _placed(self, tiled: bool) -> Places:
        """Places for the rows at hand of everything that is written."""
        kinds = {s.value: (("rows", *s.value.shape[1:]), s.value.dtype) for s in self.stage.steps
                 if s.kind == "row" and form(s.value) == "written"}  # fmt: skip
        given = {v: ("stored", v) for v in self.stage.stored if v in kinds}
        places = Places(kinds, given)
        places.assign([self._event(step, tiled) for step in self.stage.steps])
        return places

    def _event(self, step: Step, tiled: bool) -> Event:
        found = event(step)
        if step.kind == "row":
            return found
        value = step.value
        part = tiled and value.ndim and value.op != "scatter"
        return Event((), found.reads, (), ((value.shape, value.dtype),) if part else ())

    def _tile(self) -> int:
        """How many rows are computed at a time."""
        rows = self.stage.rows
        tails = [(shape[1:], dtype) for shape, dtype in self.places.made if shape[0] == "rows"]
        tails += [(v.shape[1:], v.dtype) for v in self._passing()]
        each = max(1, sum(math.prod(shape) * dtype.itemsize for shape, dtype in tails))
        fitting = max(1, settings.TILE // each)
        if any("matmul" in v.op for v in self.made):
            fitting = max(fitting, settings.BLAS_ROWS)
        if rows <= fitting:
            return rows
        return _even_tile(rows, fitting)

    def _passing(self) -> set[Value]:
        """What is read or written by row and exists as a whole."""
        read = {a for step in self.stage.steps
                for a, by_row in zip(step.value.args, step.by_row, strict=True)
                if by_row and a not in self.made}  # fmt: skip
        return read | self.stage.stored

    # -- code ----------------------------------------------------------------------------------

    def write(self) -> None:
        """Write the loop."""
        rows, tile, say = self.stage.rows, self.tile, self.page.say
        self._set_buffer()
        say.at(rows, tile, "" if not self.tiled else str(tile) if self.even else "n")
        buffers = self._buffers()
        for step in self.stage.steps:
            self._step(step, buffers)
        lines = self.first + self.body
        if self.tiled:
            end = f"j = i + {tile}" if self.even else f"j = min(i + {tile}, {rows})"
            count = [] if self.even else ["n = j - i"]
            lines = [f"for i in range(0, {rows}, {tile}):",
                     *(f"    {line}" for line in [end, *count, *lines])]  # fmt: skip
        self.page.lines += self.before + lines + self.after

    def _set_buffer(self) -> None:
        """Let NumPy broadcast a column against rows without copying it into its buffer."""
        lengths = {v.shape[-1] for v in self.made if _spreads_a_column(v)}
        if lengths and 16 <= min(lengths) < np.getbufsize():
            if max(v.size for v in self.made) // self.stage.rows * self.tile >= settings.MANY:
                self.page.buffered = True
                self.before.append(f"np.setbufsize({min(lengths) // 16 * 16})")

    def _buffers(self) -> dict[Any, str]:
        """The names of the places."""
        names: dict[Any, str] = {}
        for i, (shape, dtype) in enumerate(self.places.made):
            by_row = shape[:1] == ("rows",)
            whole = (self.tile, *shape[1:]) if by_row else shape
            names[i] = self.page.buffer("t", whole, dtype)
            if by_row and self.tiled and not self.even:
                self.first.append(f"{names[i]}_ = {names[i]}[:n]")
                names[i] += "_"
        for value in self.stage.stored:
            names["stored", value] = self._tile_of(value)
        return names

    def _tile_of(self, value: Value) -> str:
        """The rows at hand of an array that exists as a whole."""
        name = self.page.names.get(value) or self.page.constant(value)
        if not self.tiled:
            return name
        part = f"{name}_i"
        self.first.append(f"{part} = {name}[i:j]")
        return part

    def _step(self, step: Step, buffers: dict[Any, str]) -> None:
        args = [self._argument(step, i) for i in range(len(step.value.args))]
        if step.kind == "gathered":
            self._gather(step, args, buffers)
        elif form(step.value) == "written":
            name = self.names[step.value] = buffers[self.places.of[step.value]]
            self.body += self.page.say.writes(step, args, name)
        else:
            name = self.names[step.value] = self.page.naming.numbered("v")
            self.body.append(f"{name} = {self.page.say.expression(step, args)}")
            if step.value in self.stage.stored:
                self.body.append(f"np.copyto({buffers['stored', step.value]}, {name})")

    def _argument(self, step: Step, place: int) -> str:
        value = step.value.args[place]
        if value in self.names:
            return self.names[value]
        if step.by_row[place] and not self._is_spread(step.value, place):
            self.names[value] = self._tile_of(value)
            return self.names[value]
        return self.page.names.get(value) or self.page.constant(value, step.value, place)

    def _is_spread(self, value: Value, place: int) -> bool:
        """Whether an argument is one number for all rows, which NumPy spreads by itself."""
        return value.op in ("row_add", "row_scatter", "row_put") and is_uniform(value.args[place])

    # -- what is gathered ----------------------------------------------------------------------

    def _gather(self, step: Step, args: list[str], buffers: dict[Any, str]) -> None:
        value, say = step.value, self.page.say
        if not value.ndim:
            return self._gather_number(step, args)
        total = self.page.names[value]
        if not self.tiled:
            self.body += say.writes(step, args, total)
        elif value.op == "scatter":
            self.before.append(f"{total}.fill(0)")
            self.body.append(say.scatters(value, args, total))
        else:
            part = buffers[self.places.scratch[self.stage.steps.index(step)][0]]
            self.before.append(f"{total}.fill({_start(value)})")
            combine = _COMBINE.get(value.op, "np.add")
            self.body += [*say.writes(step, args, part),
                          f"{combine}({total}, {part}, out={total})"]  # fmt: skip

    def _gather_number(self, step: Step, args: list[str]) -> None:
        """The parts of all tiles, added up in pairs."""
        value = step.value
        name = self.page.names[value] = self.page.naming.numbered("v")
        code = self.page.say.expression(step, args)
        if not self.tiled:
            self.body.append(f"{name} = {code}")
            return
        combine = _COMBINE.get(value.op, "np.add")
        self.before.append(f"{name} = []")
        self.body.append(f"{name}.append({code})")
        dtype = f"np.{value.dtype.type.__name__}"
        self.after.append(f"{name} = {combine}.reduce(np.array({name}, {dtype}))")


def _spreads_a_column(v: Value) -> bool:
    """Whether an elementwise operation meets a matrix and a column."""
    return v.ndim == 2 and bool(ufunc_of(v.op)) and any(a.shape == (v.shape[0], 1) for a in v.args)


def _even_tile(rows: int, fitting: int) -> int:
    """A length up to `fitting` that divides the rows, unless all such are much shorter."""
    found = next((n for n in range(fitting, fitting * 5 // 8, -1) if rows % n == 0), None)
    return found or -(-rows // -(-rows // fitting))


def _start(value: Value) -> str:
    """What a total is before anything was added."""
    if value.op not in _COMBINE:
        return "0"
    if value.dtype.kind == "f":
        return "-np.inf" if value.op == "max" else "np.inf"
    if value.dtype.kind == "b":
        return str(value.op == "min")
    limits = np.iinfo(value.dtype)
    return str(limits.min if value.op == "max" else limits.max)
