"""A loop over rows as NumPy code: all rows at once if they are few, else tile by tile."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..planning.rows import Stage, Step
from ..planning.values import Value
from . import settings
from .forms import event, form, root
from .gathering import gather, partial
from .memory import Event, Places
from .segments import Part, last_read, part_event, segmented
from .ufuncs import ufunc_of

if TYPE_CHECKING:
    from .writer import Writer

_LETTERS = (
    ("i", "j", "n"),
    ("k", "l", "m"),
)  # first row, end and number of rows, in a loop and in a loop inside it


class Loop:
    """The code of one stage.

    Args:
        page: where it is written.
        stage: what is computed.
        outer: the loop that it is inside of, if any.
    """

    blocks = 1  # of rows that are held at a time between products of matrices

    def __init__(self, page: Writer, stage: Stage, outer: Loop | None = None) -> None:
        self.page, self.stage, self.outer = page, stage, outer
        self.made = set(stage.values)
        self.parts = self._parts()
        self.places = self._placed(tiled=True)
        fitting = self._fitting()
        self.tile = self._tile(fitting)
        self.tiled = self.tile < stage.rows
        if self.tile > fitting and outer is None:
            self.parts = self._cut()
        self.places = self._placed(self.is_cut())
        self.cuts: tuple[int, ...] = (self.tile,) * self.tiled  # the lengths of tiles, of all loops
        if outer is not None:
            self.cuts = outer.cuts + self.cuts
        self.even: bool = stage.rows % self.tile == 0 and (outer is None or outer.even)
        self.names: dict[Value, str] = {}  # of what is made here, or read by row
        self.borrowed: list[str] = []
        self.before: list[str] = []
        self.first: list[str] = []  # of each tile
        self.body: list[str] = []
        self.after: list[str] = []

    def _parts(self) -> list[Part]:
        """What is done one after the other."""
        return list(self.stage.steps)

    def _cut(self) -> list[Part]:
        """The same, if there are more rows at hand than stay in the cache."""
        return segmented(self.stage, self.tile)

    # -- memory --------------------------------------------------------------------------------

    def _placed(self, tiled: bool) -> Places:
        """Places for the rows at hand of everything that is written."""
        own = set(self.stage.stored)
        for part in self.parts:
            if isinstance(part, Stage):
                own |= part.stored
            elif part.kind == "row" and form(part.value) == "written":
                own.add(part.value)
        kinds = {v: (("rows", *v.shape[1:]), v.dtype) for v in own}
        given = {v: ("stored", v) for v in self.stage.lasting}
        self.kept: set[Value] = own if self.outer is None else own | self.outer.kept
        places = Places(kinds, given, self._held())
        places.assign([self._event(part, tiled) for part in self.parts])
        return places

    def _event(self, part: Part, tiled: bool) -> Event:
        if isinstance(part, Stage):
            return self._event_inside(part)
        found, value = event(part, self.kept), part.value
        if part.kind == "row":
            return found
        apart = tiled and value.ndim and value.op != "scatter"
        return Event((), found.reads, (), (partial(value),) if apart else ())

    def _event_inside(self, part: Stage) -> Event:
        return part_event(part, self.kept)

    def _held(self) -> dict[Any, int]:
        """Places of results that hold an argument until its last use: those of the outer loop."""
        if self.outer is None:
            return {}
        of = self.outer.places.of
        read = {root(a, self.kept) for v in self.made for a in v.args} - self.made
        return {("stored", v): max(last_read(a, self.stage, self.kept) for a in shared)
                for v in self.stage.stored
                if (shared := [a for a in read if a in of and of[a] == of[v]])}  # fmt: skip

    def _fitting(self) -> int:
        """How many rows stay in the cache."""
        made = self.places.made
        tails: list[Any] = [(shape[1:], dtype) for shape, dtype in made if shape[0] == "rows"]
        tails += [(v.shape[1:], v.dtype) for v in self._passing()]
        each = sum(math.prod(shape) * dtype.itemsize for shape, dtype in tails)
        return int(max(1, settings.TILE // max(1, each)))

    def _tile(self, fitting: int) -> int:
        """How many rows are computed at a time."""
        if self.outer is None and any("matmul" in v.op for v in self.made):
            fitting = max(fitting, settings.BLAS_ROWS // self.blocks)
        return self.stage.rows if self.stage.rows <= fitting else _even(self.stage.rows, fitting)

    def _passing(self) -> set[Value]:
        """What is read or written by row and exists as a whole."""
        read = {a for step in self.stage.steps
                for a, by_row in zip(step.value.args, step.by_row, strict=True)
                if by_row and a not in self.made}  # fmt: skip
        return read | self.stage.stored

    # -- code ----------------------------------------------------------------------------------

    def write(self) -> None:
        """Write the loop."""
        self._set_buffer()
        buffers = self._buffers()
        for part in self.parts:
            self._stand_here()
            if isinstance(part, Stage):
                self._inside(part, buffers)
            else:
                self._step(part, buffers)
        self.page.give_back(self.borrowed)
        lines = self.first + self.body
        lines = self._repeated(lines) if self.tiled else lines
        if self.outer is None:
            self.page.lines += self.before + lines + self.after
        else:
            self.outer.before += self.before
            self.outer.body += lines
            self.outer.after += self.after

    def _letters(self) -> tuple[str, str, str]:
        return _LETTERS[0 if self.outer is None else 1]

    def _count(self) -> str:
        """The code for how many rows are at hand, if not those of the plan."""
        if self.tiled:
            return str(self.tile) if self.even else self._letters()[2]
        return "" if self.outer is None else self.outer._count()

    def _stand_here(self) -> None:
        rows = self.stage.rows if self.outer is None else self.outer.stage.rows
        self.page.say.at(rows, self.tile, self._count())

    def _repeated(self, lines: list[str]) -> list[str]:
        i, j, n = self._letters()
        rows = (self.outer and self.outer._count()) or str(self.stage.rows)
        ends = [
            f"{j} = {i} + {self.tile}" if self.even else f"{j} = min({i} + {self.tile}, {rows})"
        ]
        ends += [] if self.even else [f"{n} = {j} - {i}"]
        loop = f"for {i} in range(0, {rows}, {self.tile}):"
        return [loop, *(f"    {line}" for line in [*ends, *lines])]

    def _set_buffer(self) -> None:
        """Let NumPy broadcast a column against rows without copying it into its buffer."""
        here = [part.value for part in self.parts if isinstance(part, Step)]
        lengths = {v.shape[-1] for v in here if _spreads_a_column(v)}
        if lengths and 16 <= min(lengths) < np.getbufsize():
            if max(v.size for v in here) >= settings.MANY:
                self.page.buffered = True
                self.before.append(f"np.setbufsize({min(lengths) // 16 * 16})")

    def _buffers(self) -> dict[Any, str]:
        """The names of the places."""
        names: dict[Any, str] = {}
        for i, (shape, dtype) in enumerate(self.places.made):
            by_row = shape[:1] == ("rows",)
            names[i] = self.page.buffer("t", (self.tile, *shape[1:]) if by_row else shape, dtype)
            self.borrowed.append(names[i])
            if by_row and self._count() and not self.even:
                self.first.append(f"{names[i]}_ = {names[i]}[:{self._count()}]")
                names[i] += "_"
        for value in self.stage.lasting:
            names["stored", value] = self._rows_of(value)
        return names

    def _rows_of(self, value: Value) -> str:
        """The rows at hand of what is made outside, or is written to be read there."""
        if value not in self.names:
            name = self._whole(value) if self.outer is None else self.outer._rows_of(value)
            self.names[value] = self._part_of(name) if self.tiled else name
        return self.names[value]

    def _whole(self, value: Value) -> str:
        return self.page.names.get(value) or self.page.constant(value)

    def _part_of(self, name: str) -> str:
        i, j, _ = self._letters()
        line = f"{name}_{i} = {name}[{i}:{j}]"
        self.first += [line] if line not in self.first else []
        return f"{name}_{i}"

    def _inside(self, part: Stage, buffers: dict[Any, str]) -> None:
        for value in part.lasting:
            self.names[value] = buffers[self.places.of[value]]
        Loop(self.page, part, self).write()

    def _step(self, step: Step, buffers: dict[Any, str]) -> None:
        args = [self._argument(step, i) for i in range(len(step.value.args))]
        if step.kind == "gathered":
            gather(self, step, args, buffers)
        elif form(step.value) == "written":
            name = self.names[step.value] = buffers[self.places.of[step.value]]
            self.body += self.page.say.writes(step, args, name)
            self.page.cuts[step.value] = self.cuts
        elif step.value in self.stage.stored:
            name = self.names[step.value] = buffers["stored", step.value]
            self.body.append(f"np.copyto({name}, {self.page.say.expression(step, args)})")
        else:
            name = self.names[step.value] = self.page.naming.numbered("v")
            self.body.append(f"{name} = {self.page.say.expression(step, args)}")

    def _argument(self, step: Step, place: int) -> str:
        value = step.value.args[place]
        if value in self.made:
            return self.names[value]
        if step.by_row[place] and not self._is_spread(step.value, place):
            return self.page.located(value, self._rows_of(value), self.cuts)
        return self.page.names.get(value) or self.page.constant(value, step.value, place)

    def _is_spread(self, value: Value, place: int) -> bool:
        """Whether an argument is one number for all rows, which NumPy spreads by itself."""
        given = value.args[place]
        put = place == {"row_add": 1, "row_put": 1, "row_scatter": 0}.get(value.op)
        return put and given.is_uniform and given.dtype == value.dtype

    def is_cut(self) -> bool:
        """Whether all rows come in more than one tile."""
        return self.tiled or (self.outer is not None and self.outer.tiled)


def _spreads_a_column(v: Value) -> bool:
    """Whether an elementwise operation meets a matrix and a column."""
    matrix = v.ndim == 2 and v.shape[1] > 1 and ufunc_of(v.op) is not None
    return matrix and any(a.shape == (v.shape[0], 1) for a in v.args)


def _even(rows: int, fitting: int) -> int:
    """A length up to `fitting` that divides the rows, unless all such are much shorter."""
    found = next((n for n in range(fitting, fitting * 5 // 8, -1) if rows % n == 0), None)
    return found or -(-rows // -(-rows // fitting))
