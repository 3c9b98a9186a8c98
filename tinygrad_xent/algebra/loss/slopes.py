"""Through which operations a loss changes smoothly with a variable."""

from __future__ import annotations

from typing import Any

from ...graph import Primitive, Tensor, toposort
from ...writing.text import text


def depends(loss: Any, wrt: Tensor) -> bool:
    """Whether a path leads from a Tensor to the loss on which something has a slope."""
    return isinstance(loss, Tensor) and id(loss) in slopes(loss, wrt)[0]


def slopes(loss: Tensor, wrt: Tensor) -> tuple[set[int], list[Tensor]]:
    """The nodes that change smoothly with `wrt`, and those that only jump with it."""
    smooth, cut = {id(wrt)}, []
    for n in toposort(loss):
        moved = [i for i, a in enumerate(n.args) if id(a) in smooth]
        if moved and n.op is not None:
            if any(_has_slope(n.op, i) for i in moved):
                smooth.add(id(n))
            else:
                cut.append(n)
    return smooth, cut


def _has_slope(op: Primitive, i: int) -> bool:
    """Whether an operation has a derivative with respect to its i-th argument."""
    return op.vjp[i] is not None if isinstance(op.vjp, tuple) else op.vjp is not None


def why_zero(loss: Tensor, wrt: Tensor) -> str:
    """Why a loss has no slope, in words."""
    if all(n is not wrt for n in toposort(loss)):
        return f"{text(wrt)} does not occur in it"
    _, cut = slopes(loss, wrt)
    if not cut:
        return "it is the same for every value"
    return "only through what has no slope: " + ", ".join(dict.fromkeys(map(text, cut[:3])))


def path(loss: Tensor, wrt: Tensor) -> list[Tensor]:
    """The nodes on smooth paths from a variable to the loss."""
    smooth, _ = slopes(loss, wrt)
    reached, found = {id(loss)}, []
    for n in reversed(toposort(loss)):
        if id(n) in reached and id(n) in smooth:
            found.append(n)
            steep = [a for i, a in enumerate(n.args) if n.op and _has_slope(n.op, i)]
            reached |= {id(a) for a in steep}
    return found
