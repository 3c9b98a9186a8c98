"""A formula that is linear in a vector, as the matrix that it multiplies the vector by.

    c*v                   c*eye(n), n being the length of v
    q*v                   diag(q)
    q*sum(p*v)            outer(q, p)
    A @ v, v @ A          A, A.T

The matrix of a sum is the sum of the matrices, and that of a composition their product. Each is a
core (the identity, all ones, or a matrix) with a number in front, and a factor for each row and for
each column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from operator import add
from typing import Any

from ...graph import Tensor, numbers, op_name, shape_of, toposort
from ...ops import expand_dims, matmul, transpose, where
from ..terms.calls import diag, eye, outer
from ..terms.standard import Terms
from ..terms.views import (
    SUMS,
    Factor,
    Term,
    as_product,
    as_sum,
    exact_number,
    is_number,
    unbroadcast,
)

IDENTITY, ONES = "identity", "ones"


class NotLinearError(Exception):
    """No matrix was found for this formula."""


@dataclass(frozen=True)
class Piece:
    """number * rows[:, None] * core * columns; rows and columns are vectors, or 1."""

    core: Any
    number: Any = 1
    rows: Any = 1
    columns: Any = 1

    def scaled(self, by: Term) -> Piece:
        """The map, and then a factor, maybe one for each entry of what it gives."""
        if is_vector(by):
            return replace(self, rows=by * self.rows)
        return replace(self, number=by * self.number)

    def summed(self, length: Term) -> Piece:
        """The map, and then the sum of the entries that it gives, of which there are so many."""
        if self.core is IDENTITY:
            return replace(self, core=ONES, rows=1, columns=self.rows * self.columns)
        if self.core is ONES:
            total = self.rows.sum() if is_vector(self.rows) else length * self.rows
            return replace(self, rows=1, number=total * self.number)
        sums = matmul(self.rows, self.core) if is_vector(self.rows) else self.core.sum(axis=0)
        return replace(self, core=ONES, rows=1, columns=sums * self.columns)

    def multiplied(self, matrix: Tensor) -> Piece:
        """The map, and then a matrix on the left of what it gives."""
        if self.core is IDENTITY:
            return replace(self, core=matrix, rows=1, columns=self.rows * self.columns)
        if self.core is ONES:
            rows = matmul(matrix, self.rows) if is_vector(self.rows) else matrix.sum(axis=1)
            return replace(self, rows=rows)
        return replace(self, core=matmul(matrix, _column(self.rows) * self.core), rows=1)

    def turned(self) -> Piece:
        """The transposed matrix."""
        core = self.core if isinstance(self.core, str) else transpose(self.core)
        return Piece(core, self.number, self.columns, self.rows)


def is_vector(term: Term) -> bool:
    """Whether a term is more than one number."""
    return shape_of(term) not in ((), (1,))


def _column(term: Term) -> Term:
    return expand_dims(term, axis=1) if is_vector(term) else term


def matrix_of(
    formula: Term, vector: Tensor, length: Term, terms: Terms, turned: bool = False
) -> Term:
    """The matrix that a formula multiplies a vector by.

    Args:
        formula: one number or a vector, linear in the vector.
        vector: the leaf.
        length: what stands for the vector's length.
        terms: what builds terms.
        turned: the transposed matrix, which the vector stands on the left of.

    Raises:
        NotLinearError: the formula is none of those at the top of this file.
    """
    pieces = list(_Reader(vector, terms).pieces(formula))
    if vector.ndim == 0:
        return terms.standard(reduce(add, (p.number * p.rows for p in pieces)))
    pieces = [p.turned() if turned else p for p in pieces]
    return terms.standard(reduce(add, _Assembly(pieces, length, terms).parts()))


class _Assembly:
    """diag(...) first, then outer products, then matrices."""

    def __init__(self, pieces: list[Piece], length: Term, terms: Terms) -> None:
        self.length, self.terms = length, terms
        self.pieces = [replace(p, number=self._plain(p.number), rows=self._plain(p.rows),
                               columns=self._plain(p.columns)) for p in pieces]  # fmt: skip

    def _plain(self, term: Term) -> Term:
        return self.terms.standard(term)

    def parts(self) -> Iterator[Term]:
        """The summands of the matrix."""
        diagonal = [p for p in self.pieces if p.core is IDENTITY]
        if len(diagonal) == 1:
            yield diagonal[0].number * self._diagonal(diagonal[0].rows * diagonal[0].columns)
        elif diagonal:
            entries = reduce(add, (p.number * p.rows * p.columns for p in diagonal))
            yield self._diagonal(entries)
        yield from self._outer([p for p in self.pieces if p.core is ONES])
        for p in self.pieces:
            if not isinstance(p.core, str):
                yield p.number * (_column(p.rows) * p.core * p.columns)

    def _diagonal(self, entries: Term) -> Term:
        number, bare = self._split(entries)
        return number * (diag(bare) if is_vector(bare) else bare * eye(self.length))

    def _split(self, term: Term) -> tuple[int | float, Term]:
        """The number in front of a term, and the rest."""
        plain = self._plain(term)
        number, factors = as_product(plain)
        return exact_number(float(number)), self.terms.product(
            Fraction(1), factors, shape_of(plain)
        )

    def _outer(self, pieces: list[Piece]) -> Iterator[Term]:
        """Outer products, those that share a column or a row as one, as often as possible."""
        while pieces:
            shared = Counter((side, id(getattr(p, side))) for p in pieces for side in _SIDES)
            (side, which), _ = shared.most_common(1)[0]
            group = [p for p in pieces if id(getattr(p, side)) == which]
            pieces = [p for p in pieces if id(getattr(p, side)) != which]
            yield self._grouped(group, side)

    def _grouped(self, group: list[Piece], side: str) -> Term:
        if len(group) == 1:
            return group[0].number * self._product(group[0].rows, group[0].columns)
        other = _SIDES[_SIDES[0] == side]
        number, whole = self._split(reduce(add, (p.number * getattr(p, other) for p in group)))
        both = {side: getattr(group[0], side), other: whole}
        return number * self._product(both["rows"], both["columns"])

    def _product(self, rows: Term, columns: Term) -> Term:
        """An outer product; a vector of ones is left to broadcasting, but not both."""
        if is_vector(rows) and is_vector(columns):
            return outer(rows, columns)
        single = _column(rows) * columns
        n = int(numbers(self.length))
        return single if is_vector(single) else self.terms.broadcast(single, (n, n))


_SIDES = ("rows", "columns")


class _Reader:
    """Reads the pieces off a formula."""

    def __init__(self, vector: Tensor, terms: Terms) -> None:
        self.vector, self.terms = vector, terms

    def _depends(self, term: Term) -> bool:
        return isinstance(term, Tensor) and any(n is self.vector for n in toposort(term))

    def _length(self, term: Term) -> Term:
        n = shape_of(term)[-1] if shape_of(term) else 1
        return self.terms.lengths.get(n, n)

    def pieces(self, term: Term) -> Iterator[Piece]:
        """What the term is the sum of, as maps of the vector."""
        term = unbroadcast(term)
        if term is self.vector:
            yield Piece(IDENTITY)
        elif op_name(term) in SUMS:
            for number, part in as_sum(term):
                plain = exact_number(float(number))
                yield from (p.scaled(plain) for p in self.pieces(part))
        elif len(as_product(term)[1]) != 1 or as_product(term)[1][0][0] is not term:
            yield from self._product(term)
        else:
            yield from _OPERATIONS.get(op_name(term), _refused)(self, term)

    def _product(self, term: Tensor) -> Iterator[Piece]:
        number, factors = as_product(term)
        moving = [f for f in factors if self._depends(f[0])]
        if len(moving) != 1 or moving[0][1] < 0:
            raise NotLinearError
        others = [f for f in factors if f is not moving[0]]
        single = tuple(f for f in others if not is_vector(f[0]))
        vectors = tuple(f for f in others if is_vector(f[0]))
        one = self.terms.product(number, single, ())
        pieces = (p.scaled(one) for p in self.pieces(moving[0][0]))
        if not vectors:
            return pieces
        by = self.terms.product(Fraction(1), vectors, _extent(vectors))
        return (p.scaled(by) for p in pieces)

    def _sum(self, term: Tensor) -> Iterator[Piece]:
        if term.args[0].ndim != 1:
            raise NotLinearError
        length = self._length(term.args[0])
        return (p.summed(length) for p in self.pieces(term.args[0]))

    def _mean(self, term: Tensor) -> Iterator[Piece]:
        return (p.scaled(1 / self._length(term.args[0])) for p in self._sum(term))

    def _same(self, term: Tensor) -> Iterator[Piece]:
        if is_vector(term):
            raise NotLinearError
        return self.pieces(term.args[0])

    def _matrix(self, term: Tensor) -> Iterator[Piece]:
        left, right = term.args
        if self._depends(left) and self._depends(right):
            raise NotLinearError
        matrix, moving = (right, left) if self._depends(left) else (left, right)
        if moving.ndim != 1 or matrix.ndim > 2:
            raise NotLinearError
        if matrix.ndim == 1:
            length = self._length(moving)
            return (p.scaled(matrix).summed(length) for p in self.pieces(moving))
        turned = transpose(matrix) if moving is left else matrix
        return (p.multiplied(turned) for p in self.pieces(moving))

    def _choice(self, term: Tensor) -> Iterator[Piece]:
        condition, *branches = term.args
        if self._depends(condition):
            raise NotLinearError
        marks = where(condition, 1, 0), where(condition, 0, 1)
        for mark, branch in zip(marks, branches, strict=True):
            if self._depends(branch):
                yield from (p.scaled(mark) for p in self.pieces(branch))
            elif not is_number(unbroadcast(branch)) or unbroadcast(branch) != 0:
                raise NotLinearError


def _refused(reader: _Reader, term: Tensor) -> Iterator[Piece]:
    raise NotLinearError


def _extent(factors: tuple[Factor, ...]) -> tuple[int, ...]:
    return max((shape_of(base) for base, _ in factors), key=len)


_OPERATIONS: dict[str, Callable[[_Reader, Tensor], Iterator[Piece]]] = {
    "sum": _Reader._sum, "mean": _Reader._mean, "matmul": _Reader._matrix,
    "where": _Reader._choice, "expand_dims": _Reader._same, "squeeze": _Reader._same,
}  # fmt: skip
