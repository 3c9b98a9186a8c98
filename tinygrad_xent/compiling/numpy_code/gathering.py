"""What a loop over rows adds up: the code that adds what a tile gives to what others gave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..planning.rows import Step
from ..planning.values import Value
from . import settings

if TYPE_CHECKING:
    from .loops import Loop

_COMBINE = {"max": "np.maximum", "min": "np.minimum"}


def partial(value: Value) -> Any:
    """The memory for what one tile adds to a total: its shape and dtype."""
    columns = _columns(value)
    return (value.shape[0], columns) if columns else value.shape, value.dtype


def gather(loop: Loop, step: Step, args: list[str], buffers: dict[Any, str]) -> None:
    """Write how a gathered value comes about."""
    value, say = step.value, loop.page.say
    if not value.ndim:
        return _gather_number(loop, step, args)
    total = loop.page.names[value]
    if not loop.is_cut():
        loop.body += say.writes(step, args, total)
    elif value.op == "scatter":
        loop.before.append(f"{total}.fill(0)")
        loop.body.append(say.scatters(value, args, total))
    else:
        part = buffers[loop.places.scratch[loop.parts.index(step)][0]]
        loop.before.append(f"{total}.fill({_start(value)})")
        loop.body += _added(loop, step, args, total, part)


def _gather_number(loop: Loop, step: Step, args: list[str]) -> None:
    """The parts of all tiles, added up in pairs."""
    value = step.value
    name = loop.page.names[value] = loop.page.naming.numbered("v")
    code = loop.page.say.expression(step, args)
    if not loop.is_cut():
        loop.body.append(f"{name} = {code}")
        return
    combine = _COMBINE.get(value.op, "np.add")
    loop.before.append(f"{name} = []")
    loop.body.append(f"{name}.append({code})")
    dtype = f"np.{value.dtype.type.__name__}"
    loop.after.append(f"{name} = {combine}.reduce(np.array({name}, {dtype}))")


def _added(loop: Loop, step: Step, args: list[str], total: str, part: str) -> list[str]:
    """Statements that add to a total; for a large product, some columns at a time."""
    value, say = step.value, loop.page.say
    if not (width := _columns(value)):
        combine = _COMBINE.get(value.op, "np.add")
        return [*say.writes(step, args, part), f"{combine}({total}, {part}, out={total})"]
    x, y = args[0], f"{args[1]}[:, c:d]"
    total, part = f"{total}[:, c:d]", f"{part}[:, :d - c]"
    return [f"for c in range(0, {value.shape[1]}, {width}):",
            f"    d = min(c + {width}, {value.shape[1]})",
            *(f"    {line}" for line in say.writes(step, [x, y], part)),
            f"    np.add({total}, {part}, out={total})"]  # fmt: skip


def _columns(value: Value) -> int:
    """How many columns of a large product are added at a time; 0 for all."""
    if value.op != "tmatmul" or value.ndim != 2:
        return 0
    fitting = settings.TILE // (value.shape[0] * value.dtype.itemsize)
    wide = max(fitting, settings.BLAS_COLUMNS)
    return wide if wide < value.shape[1] else 0


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
