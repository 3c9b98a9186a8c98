"""Indices as they are written between brackets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def index_arrays(pattern: tuple[Any, ...], shown: list[str]) -> list[str]:
    """The arrays of an index, which are the last arguments of what is indexed."""
    return shown[len(shown) - sum(kind == "array" for kind, *_ in pattern) :]


def index_part(
    part: tuple[Any, ...], arrays: Sequence[str], new: str = "None", rest: str = "..."
) -> str:
    """One part of an index; a `new` axis, and the `rest` of the axes, as they are written there.

    >>> index_part(("slice", None, 3, None), []), index_part(("array", 0), ["rows"])
    (':3', 'rows')
    """
    kind, *values = part
    if kind == "slice":
        start, stop, step = ("" if v is None else str(v) for v in values)
        return f"{start}:{stop}" + (f":{step}" if step else "")
    if kind == "array":
        return arrays[int(values[0])]
    return str(values[0]) if kind == "int" else new if kind == "new" else rest


def index_object(part: tuple[Any, ...], arrays: Sequence[str]) -> str:
    """The same as a value, which stands outside of brackets too."""
    kind, *values = part
    return f"slice({', '.join(map(str, values))})" if kind == "slice" else index_part(part, arrays)


def marked(mark: str, axes: Sequence[int]) -> str:
    """An index that has the mark at these axes.

    >>> marked("None", (1,)), marked("0", ())
    ('[:, None]', '')
    """
    parts = [mark if i in axes else ":" for i in range(max(axes, default=-1) + 1)]
    return f"[{', '.join(parts)}]" if parts else ""
