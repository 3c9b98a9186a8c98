"""A function called with Tensors, and the user's line on which each operation was recorded.

Nodes carry no lines, which would cost every graph. Python's profiler sees each node being made.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np

from ..errors import user_line
from ..graph import PRIMITIVES, Tensor, record, recording

Lines = dict[int, str]
# `record`, and the code that all operations of one argument, and all of two, share.
_MAKING = (record.__code__, PRIMITIVES["neg"].alone.__code__, PRIMITIVES["add"].pair.__code__)


def called(f: Callable[..., Any], args: Sequence[Any]) -> tuple[Any, list[Tensor], Lines]:
    """What `f` returns for Tensors of these values, the Tensors, and a line for each node's id.

    >>> out, (x,), lines = called(lambda x: x * x, [3.0])
    >>> out.value, x.name, len(lines)
    (9.0, 'x', 1)
    """
    names = parameters(f, len(args))
    given = [_variable(a, name) for a, name in zip(args, names, strict=True)]
    with recording(), np.errstate(all="ignore"), _noted() as lines:
        out = f(*given)
    return out, given, lines


def parameters(f: Callable[..., Any], count: int) -> list[str]:
    """The names of a function's first parameters; x1, x2 ... where it does not say."""
    try:
        kinds = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        kinds = ()  # type: ignore[assignment]
    known = [p.name for p in kinds if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [*known[:count], *(f"x{i + 1}" for i in range(len(known), count))]


def _variable(value: Any, name: str) -> Tensor:
    return Tensor(value.value if isinstance(value, Tensor) else value, name)


@contextmanager
def _noted() -> Iterator[Lines]:
    """Inside this block, note the user's line of each node that is recorded in this thread."""
    lines: Lines = {}
    before = sys.getprofile()

    def note(frame: FrameType, event: str, made: Any) -> None:
        if event == "return" and frame.f_code in _MAKING and type(made) is Tensor:
            lines[id(made)] = "".join(user_line()).removeprefix("  at:").strip()

    sys.setprofile(note)
    try:
        yield lines
    finally:
        sys.setprofile(before)
