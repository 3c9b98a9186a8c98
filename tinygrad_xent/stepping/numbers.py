"""Numbers and formulas as plain data: what a step of a walkthrough is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..drawing.values import brief
from ..writing.mathml import mathml
from ..writing.text import text

LARGEST = 36  # entries that are kept one by one

Entries = float | tuple[Any, ...]  # a number, or rows of rows ... of numbers


@dataclass(frozen=True)
class Numbers:
    """An array, or a number, as data.

    Attributes:
        shape: () for a number.
        brief: what fits on one line: the entries to four digits, or their range.
        norm: the square root of the sum of squares of the entries that are finite.
        nan, infinite: how many entries are.
        entries: the numbers themselves, in rows; None if there are more than 36.
    """

    shape: tuple[int, ...]
    brief: str
    norm: float
    nan: int = 0
    infinite: int = 0
    entries: Entries | None = None

    @property
    def finite(self) -> bool:
        return not (self.nan or self.infinite)

    @property
    def table(self) -> tuple[tuple[float, ...], ...] | None:
        """The entries as rows, for a number or an array of at most two axes; else None."""
        if self.entries is None or len(self.shape) > 2:
            return None
        whole = np.asarray(self.entries, float).reshape(self.shape)
        return tuple(tuple(row) for row in np.atleast_2d(whole).tolist())


def numbers(value: Any) -> Numbers:
    """An array as data.

    >>> numbers(np.array([3.0, 4.0, np.inf]))
    Numbers(shape=(3,), brief='[3, 4, inf]', norm=5.0, nan=0, infinite=1, entries=(3.0, 4.0, inf))
    """
    array = np.asarray(value)
    if array.ndim == 0:  # the quick way: graphs of scalars have many
        x = float(array)
        whole = x - x == 0
        return Numbers((), brief(value), abs(x) if whole else 0.0, int(x != x), _infinite(x), x)
    reals = array.astype(float)
    finite = np.isfinite(reals)
    nan = int(np.isnan(reals).sum())
    kept = _tuples(reals.tolist()) if array.size <= LARGEST else None
    line = " ".join(brief(array).split("\n"))
    norm = _norm(reals[finite])
    return Numbers(array.shape, line, norm, nan, int((~finite).sum()) - nan, kept)


def is_finite(value: Any) -> bool:
    """Whether a number is, or all entries of an array are; quick for numbers."""
    return value - value == 0 if type(value) is float else bool(np.isfinite(value).all())


def _infinite(x: float) -> int:
    return int(abs(x) == float("inf"))


def _norm(finite: Any) -> float:
    """Scaled first: the square of 1e200 is no float."""
    largest = float(np.abs(finite).max(initial=0.0))
    return largest * float(np.linalg.norm(finite / largest)) if largest else 0.0


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


@dataclass(frozen=True)
class Math:
    """A formula: as one line of text, and as MathML for a page where it was asked for."""

    text: str
    mathml: str = ""


def math(node: Any, markup: bool = True) -> Math:
    """A node (or a number) as a formula."""
    line = text(node)
    return Math(line, mathml(node) if markup and len(line) <= _LONGEST_MARKUP else "")


_LONGEST_MARKUP = 400  # characters; a longer formula is read as text, if at all
