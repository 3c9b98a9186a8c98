"""A loop over rows as calls of kernels, with NumPy in between where it has to be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..numpy_code.forms import outside
from ..numpy_code.literals import literal
from ..numpy_code.loops import Loop
from ..numpy_code.memory import Event
from ..numpy_code.segments import Part
from ..planning.rows import Stage
from ..planning.values import Value
from . import sums
from .frames import Kernel
from .kernels import Writer
from .lanes import LaneWriter, suits
from .lowering import Lowering
from .mixing import mixed
from .schedule import Gather, Store

if TYPE_CHECKING:
    from .writer import NumbaWriter

PARALLEL = 200_000  # entries from which several processors are faster than one
CHUNK = 50_000  # entries in a chunk, at least
CHUNKS = 16


class FusedLoop(Loop):
    """The code of one stage: kernels, and what NumPy does between them."""

    page: NumbaWriter
    blocks = 2  # what a kernel reads, and what it writes

    def _parts(self) -> list[Part]:
        return mixed(self.stage)

    def _cut(self) -> list[Part]:
        return self.parts

    def _event_inside(self, part: Stage) -> Event:
        """A kernel writes no result over an argument, which it may read more than once."""
        return Event(tuple(part.lasting), outside(part, self.kept))

    def _tile(self, fitting: int) -> int:
        """All rows at once, if a kernel can do it all."""
        whole = all(isinstance(part, Stage) for part in self.parts)
        return self.stage.rows if whole else super()._tile(fitting)

    # -- kernels -------------------------------------------------------------------------------

    def _inside(self, part: Stage, buffers: dict[Any, str]) -> None:
        """One kernel, and its call."""
        for value in part.lasting:
            self.names[value] = buffers[self.places.of[value]]
        lowering = Lowering(self.stage.rows)
        gathers: list[Gather] = []
        for step in part.steps:
            if step.kind == "gathered":
                gathers.append(Gather(f"total_{len(gathers)}", *lowering.gathered(step)))
            else:
                lowering.add(step)
        stores = [Store(f"out_{i}", lowering.wide(v)) for i, v in enumerate(part.lasting)]
        write = LaneWriter if suits(self.stage.rows, stores, gathers) else Writer
        count = self._chunks(part)
        name = f"loop_{len(self.page.kernels) + 1}"
        kernel = write(name, stores, gathers, is_shared=count > 1).write()
        self.page.kernels.append(kernel)
        pairs = list(zip((s.value for s in part.gathered), gathers, strict=True))
        if kernel.is_shared:
            self._call_together(kernel, part, pairs, count)
        else:
            self._call(kernel, part, pairs)

    def _call(self, kernel: Kernel, part: Stage, pairs: list[tuple[Value, Gather]]) -> None:
        rows = [self._row(v, g) for v, g in pairs if g.expr.wide]
        given = ", ".join(["0", self._there(), *self._given_to(kernel, part), *rows])
        self._totals(f"{kernel.name}({given})", [(v, g) for v, g in pairs if not g.expr.wide])

    def _call_together(
        self, kernel: Kernel, part: Stage, pairs: list[tuple[Value, Gather]], count: int
    ) -> None:
        """The call of a kernel that several processors do, each some chunks of the rows."""
        found = [self._found(v, g, count) for v, g in pairs]
        given = [kernel.name, self._there(), str(count), *self._given_to(kernel, part), *found]
        self.body.append(f"crew.run({', '.join(given)})")
        for (value, gather), name in zip(pairs, found, strict=True):
            self._joined(value, gather, name)

    def _there(self) -> str:
        """How many rows there are."""
        return self._count() or str(self.stage.rows)

    def _given_to(self, kernel: Kernel, part: Stage) -> list[str]:
        given = [self._given(v, by_row) for v, by_row in kernel.loads.values()]
        given += [literal(n) for n in kernel.numbers.values()]
        given += [str(n) for n in kernel.widths.values()]
        return [*given, *(_flat(self.names[v], v.shape) for v in part.lasting)]

    def _chunks(self, part: Stage) -> int:
        """In how many parts the rows at hand are divided among the processors."""
        values = {v for step in part.steps for v in (step.value, *step.value.args)}
        rows = self.stage.rows
        columns = max(v.size // rows for v in values if v.ndim and v.shape[0] == rows)
        entries = self.tile * columns
        return 1 if entries < PARALLEL else max(1, min(CHUNKS, entries // CHUNK, self.tile))

    def _given(self, value: Value, by_row: bool) -> str:
        """An argument of a kernel: an array of rows, an array of columns, or a number."""
        if by_row:
            there = self.names[value] if value in self.made else self._rows_of(value)
            return _flat(there, value.shape)
        code = self._whole(value)
        if value.size > 1:
            return code if value.ndim == 1 else f"{code}.reshape(-1)"
        return f"np.{value.dtype.type.__name__}({code}{'.item()' if value.ndim else ''})"

    # -- what is gathered ----------------------------------------------------------------------

    def _row(self, value: Value, gather: Gather) -> str:
        """Memory for a row that is added up: the result's own."""
        total = self.page.names[value]
        self.before.append(f"{total}.fill({gather.start})")
        return total if value.ndim == 1 else f"{total}.reshape(-1)"

    def _totals(self, call: str, pairs: list[tuple[Value, Gather]]) -> None:
        """The numbers that a kernel returns, and what they come to over all tiles."""
        if not pairs:
            self.body.append(call)
            return
        names = [self.page.naming.numbered("v") for _ in pairs]
        if self.tiled:
            all_ = self.page.naming.numbered("v")
            self.before.append(f"{all_} = []")
            self.body.append(f"{all_}.append({call})")
            zipped = all_ if len(names) == 1 else f"zip(*{all_})"
            self.after.append(f"{', '.join(names)} = {zipped}")
        else:
            self.body.append(f"{', '.join(names)} = {call}")
        for (value, gather), name in zip(pairs, names, strict=True):
            self._number(value, f"{_REDUCE[gather.op]}.reduce({name})" if self.tiled else name)

    def _found(self, value: Value, gather: Gather, count: int) -> str:
        """Memory for what each chunk finds."""
        if gather.expr.wide:
            part = self.page.buffer("t", (count, gather.expr.width), gather.expr.dtype)
            self.before.append(f"{part}.fill({gather.start})")
            return part
        name, dtype = self.page.naming.numbered("v"), sums.held_in(gather.op, gather.expr.dtype)
        self.body.append(f"{name} = np.empty({count}, np.{dtype})")
        return name

    def _joined(self, value: Value, gather: Gather, found: str) -> None:
        """What all chunks, and all tiles, have found."""
        reduce = f"{_REDUCE[gather.op]}.reduce"
        if gather.expr.wide:
            shaped = "" if value.ndim == 1 else f".reshape({value.shape})"
            self.after.append(
                f"np.copyto({self.page.names[value]}, {reduce}({found}, axis=0){shaped})"
            )
        elif self.tiled:
            all_ = self.page.naming.numbered("v")
            self.before.append(f"{all_} = []")
            self.body.append(f"{all_}.append({found})")
            self._number(value, f"{reduce}({all_}, axis=None)")
        else:
            self._number(value, f"{reduce}({found})")

    def _number(self, value: Value, code: str) -> None:
        """One number for all rows."""
        made = f"np.{value.dtype.type.__name__}({code})"
        if value.ndim:
            self.after.append(f"{self.page.names[value]}[...] = {made}")
        else:
            name = self.page.names[value] = self.page.naming.numbered("v")
            self.after.append(f"{name} = {made}")


_REDUCE = {"sum": "np.add", "max": "np.maximum", "min": "np.minimum"}


def _flat(code: str, shape: tuple[int, ...]) -> str:
    """An array of rows as one of one or two axes."""
    width = math.prod(shape[1:])
    if len(shape) == 1 or (len(shape) == 2 and width > 1):
        return code
    return f"{code}.reshape(-1)" if width == 1 else f"{code}.reshape(-1, {width})"
