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
from .kernels import Kernel, Writer
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
        kernel = write(f"loop_{len(self.page.kernels) + 1}", stores, gathers).write()
        self.page.kernels.append(kernel)
        self._call(kernel, part, gathers)

    def _call(self, kernel: Kernel, part: Stage, gathers: list[Gather]) -> None:
        count = self._chunks(part)
        pairs = list(zip((s.value for s in part.gathered), gathers, strict=True))
        rows = [self._row(v, g, count) for v, g in pairs if g.expr.wide]
        given = [self._given(v, by_row) for v, by_row in kernel.loads.values()]
        given += [literal(n) for n in kernel.numbers.values()]
        given += [str(n) for n in kernel.widths.values()]
        given += [*(_flat(self.names[v], v.shape) for v in part.lasting), *rows]
        there = self._count() or str(self.stage.rows)
        first = [kernel.name, there, str(count)] if count > 1 else ["0", there]
        called = "in_chunks" if count > 1 else kernel.name
        call = f"{called}({', '.join([*first, *given])})"
        self._totals(call, [(v, g) for v, g in pairs if not g.expr.wide], count)

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

    def _row(self, value: Value, gather: Gather, count: int) -> str:
        """Memory for a row that is added up: the result's own, or one for each chunk."""
        total = self.page.names[value]
        if count == 1:
            self.before.append(f"{total}.fill({gather.start})")
            return total if value.ndim == 1 else f"{total}.reshape(-1)"
        part = self.page.buffer("t", (count, gather.expr.width), gather.expr.dtype)
        self.before.append(f"{part}.fill({gather.start})")
        combined = f"{_REDUCE[gather.op]}.reduce({part}, axis=0)"
        shaped = "" if value.ndim == 1 else f".reshape({value.shape})"
        self.after.append(f"np.copyto({total}, {combined}{shaped})")
        return f"list({part})"

    def _totals(self, call: str, pairs: list[tuple[Value, Gather]], count: int) -> None:
        """The numbers that a kernel returns for a chunk, and what they come to."""
        if not pairs:
            self.body.append(call)
            return
        names = [self.page.naming.numbered("v") for _ in pairs]
        if count == 1 and not self.tiled:
            self.body.append(f"{', '.join(names)} = {call}")
        else:
            all_ = self.page.naming.numbered("v")
            self.before.append(f"{all_} = []")
            self.body.append(f"{all_} += {call}" if count > 1 else f"{all_}.append({call})")
            several = len(names) > 1
            self.after.append(
                f"{', '.join(names)} = {'zip(*' if several else ''}{all_}{')' * several}"
            )
        for (value, gather), name in zip(pairs, names, strict=True):
            dtype = f"np.{value.dtype.type.__name__}"
            whole = (
                name if count == 1 and not self.tiled else f"{_REDUCE[gather.op]}.reduce({name})"
            )
            made = f"{dtype}({whole})"
            if value.ndim:
                self.after.append(f"{self.page.names[value]}[...] = {made}")
            else:
                self.page.names[value] = name
                self.after.append(f"{name} = {made}")


_REDUCE = {"sum": "np.add", "max": "np.maximum", "min": "np.minimum"}


def _flat(code: str, shape: tuple[int, ...]) -> str:
    """An array of rows as one of one or two axes."""
    width = math.prod(shape[1:])
    if len(shape) == 1 or (len(shape) == 2 and width > 1):
        return code
    return f"{code}.reshape(-1)" if width == 1 else f"{code}.reshape(-1, {width})"
