"""Where nan and infinity come from in what the user gave."""

from __future__ import annotations

import inspect
import linecache
import traceback
from typing import Any

import numpy as np

from ..graph import numbers, toposort
from ..writing.text import text
from .subject import Subject

_LONG = 60


def where_born(subject: Subject) -> str:
    """The line of the function, or the part of the formula, that first gives nan or infinity."""
    if subject.function is not None:
        return _line(subject)
    if subject.formula is None:
        return ""
    for node in toposort(subject.sample.of(subject.formula)):
        args = list(map(numbers, node.args))
        if node.op is not None and all(map(_finite, args)) and not _finite(node._value):
            written = text(node)
            return written if len(written) <= _LONG else f"{node.op.name}(...)"
    return ""


def _finite(value: Any) -> bool:
    array = np.asarray(value)
    return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())


def _line(subject: Subject) -> str:
    """The line of the user's function at which NumPy first complains."""
    assert subject.function is not None
    given = [np.array(subject.sample.of(n)._value) for n in subject.named]
    try:
        with np.errstate(divide="raise", invalid="raise", over="raise"):
            subject.function(*given)
    except FloatingPointError as error:
        file = inspect.getsourcefile(subject.function) or ""
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
        if frames:
            line = linecache.getline(file, frames[-1].lineno or 0).strip()
            return f"line {frames[-1].lineno}: {line} ({error})" if line else str(error)
        return str(error)
    except Exception:
        return ""
    return ""
