"""Numbers, vectors and matrices of Tensors, each Tensor holding one value per random point."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from ..differentiate import cotangents
from ..graph import Tensor


class CannotReadError(Exception):
    """A formula that has no meaning here, or more than one."""


class OutOfRangeError(CannotReadError):
    """An index beyond the entries that there are."""


@dataclass(frozen=True)
class Value:
    """Entries in row-major order. A vector is a column unless it is a row, or may be either."""

    shape: tuple[int, ...]
    entries: tuple[Any, ...]
    turn: str = "column"  # or "row", "either"

    @property
    def scalar(self) -> Any:
        if self.shape:
            raise CannotReadError("a vector where a number is wanted")
        return self.entries[0]

    def map(self, f: Callable[[Any], Any]) -> Value:
        return Value(self.shape, tuple(f(e) for e in self.entries), self.turn)

    def rows(self) -> list[tuple[Any, ...]]:
        n, m = self.shape
        return [self.entries[i * m : (i + 1) * m] for i in range(n)]

    def pick(self, at: Sequence[int]) -> Value:
        """The entries at indices from 1; with fewer indices than axes, what remains."""
        if len(at) > len(self.shape):
            raise CannotReadError("more subscripts than axes")
        array = np.arange(len(self.entries)).reshape(self.shape)
        for i in at:
            if not 1 <= i <= len(array):
                raise OutOfRangeError(f"there is no entry {i} of {len(array)}")
            array = array[i - 1]
        return Value(array.shape, tuple(self.entries[k] for k in array.ravel()))


def number(entry: Any) -> Value:
    return Value((), (entry,))


def vector(entries: Sequence[Any], turn: str = "column") -> Value:
    return Value((len(entries),), tuple(entries), turn)


def total(entries: Sequence[Any]) -> Any:
    """The sum of entries; 0 of none."""
    return reduce(operator.add, entries) if entries else 0.0


def entrywise(f: Callable[[Any, Any], Any], a: Value, b: Value) -> Value:
    """Of one shape, or with a number, which applies to all entries."""
    if not a.shape:
        return b.map(lambda e: f(a.entries[0], e))
    if not b.shape:
        return a.map(lambda e: f(e, b.entries[0]))
    if a.shape != b.shape:
        raise CannotReadError(f"shapes {a.shape} and {b.shape} together")
    turns = {a.turn, b.turn} - {"either"}
    if len(turns) == 2 and len(a.shape) == 1:
        raise CannotReadError("a row and a column, entry by entry")
    pairs = zip(a.entries, b.entries, strict=True)
    return Value(a.shape, tuple(f(x, y) for x, y in pairs), turns.pop() if turns else "either")


def product(a: Value, b: Value) -> Value:
    """Side by side: with a number, of rows and columns, of matrices."""
    if not a.shape or not b.shape:
        return entrywise(operator.mul, a, b)
    if len(a.shape) == len(b.shape) == 1:
        return _of_vectors(a, b)
    if len(a.shape) == 2 and len(b.shape) == 2:
        _fit(a.shape[1], b.shape[0])
        columns = [b.entries[j :: b.shape[1]] for j in range(b.shape[1])]
        entries = tuple(_dot(row, column) for row in a.rows() for column in columns)
        return Value((a.shape[0], b.shape[1]), entries)
    if len(a.shape) == 2:
        if b.turn == "row":
            raise CannotReadError("a matrix times a row")
        _fit(a.shape[1], b.shape[0])
        return vector([_dot(row, b.entries) for row in a.rows()])
    if a.turn == "column":
        raise CannotReadError("a column times a matrix")
    _fit(a.shape[0], b.shape[0])
    columns = [b.entries[j :: b.shape[1]] for j in range(b.shape[1])]
    return vector([_dot(a.entries, column) for column in columns], a.turn)


def _of_vectors(a: Value, b: Value) -> Value:
    if a.turn != "column" and b.turn != "row":
        _fit(a.shape[0], b.shape[0])
        return number(_dot(a.entries, b.entries))
    if a.turn != "row" and b.turn == "row":
        return Value(a.shape + b.shape, tuple(x * y for x in a.entries for y in b.entries))
    raise CannotReadError("a product of two columns: entry by entry, or a row times a column?")


def _fit(n: int, m: int) -> None:
    if n != m:
        raise CannotReadError(f"a product of lengths {n} and {m}")


def _dot(a: Sequence[Any], b: Sequence[Any]) -> Any:
    return total([x * y for x, y in zip(a, b, strict=True)])


def transposed(a: Value) -> Value:
    if len(a.shape) == 2:
        n, m = a.shape
        return Value((m, n), tuple(a.entries[i * m + j] for j in range(m) for i in range(n)))
    turn = {"column": "row", "row": "column"}.get(a.turn, a.turn)
    return Value(a.shape, a.entries, turn)


def slopes(of: Any, by: Sequence[Any], points: int) -> list[Any]:
    """The derivative of one quantity by several, at each point: one walk back through the graph."""
    if not all(isinstance(node, Tensor) for node in by):
        raise CannotReadError("a derivative by a constant")
    if not isinstance(of, Tensor):
        return [0.0 for _ in by]
    found = cotangents(of, Tensor(np.ones(points)), tuple(by), record=True)
    slopes = [found.get(node) for node in by]
    return [0.0 if g is None else g for g in slopes]


def numbers(entry: Any, points: int) -> np.ndarray:
    """The values at the points."""
    value = entry.value if isinstance(entry, Tensor) else entry
    return np.broadcast_to(np.asarray(value, dtype=float), (points,))
