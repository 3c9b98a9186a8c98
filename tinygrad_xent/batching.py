"""Many cotangents side by side: one walk in place of many.

The way back is linear in the cotangent it starts from. So it may start from all of them at once,
with one more axis in front that neither the walk nor the rules see: the rows. Elementwise
operations need no more than aligned axes; of others the declaration says (`rows`) how they are
applied to rows.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from .differentiate import Walk, has_nan
from .graph import Primitive, Tensor, numbers
from .ops import concatenate, matmul
from .ops.shaping import align

LARGEST = 2**15  # entries of an intermediate result, all rows together: they stay in the cache


class NotInRowsError(Exception):
    """What is done on the way cannot be done to all rows at once."""


class Rows(Tensor):
    """Arrays of one shape, side by side along an axis in front: to rules and walks, one of them.

    What is computed with it is of the same kind.

    >>> x = Rows(np.ones((5, 2, 3)))
    >>> total = (x * np.arange(3.0)).sum(axis=1)
    >>> total.shape, total.rows.shape
    ((2,), (5, 2))
    """

    __slots__ = ("rows",)

    def __init__(self, rows: Any) -> None:
        self.rows = rows

    def __repr__(self) -> str:
        return f"Rows({self.rows!r})"

    @property
    def _value(self) -> Any:
        """The numbers of one: whoever looks at them treats each in its own way."""
        raise NotInRowsError

    @property
    def shape(self) -> tuple[int, ...]:
        return self.rows.shape[1:]  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.rows.dtype  # type: ignore[no-any-return]

    def __len__(self) -> int:
        return self.shape[0]

    def applied(self, op: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Rows:
        """The operation of arguments some of which are rows."""
        places = [i for i, a in enumerate(args) if type(a) is Rows]
        inner = [a.rows if type(a) is Rows else a for a in args]
        if op.elementwise:
            ndim = max(map(_ndim, args))
            for i in places:
                inner[i] = align(inner[i], 1 + ndim)
            return Rows(op(*inner, **params))
        rules = op.rows if type(op.rows) is tuple else (op.rows,)
        rule = rules[places[0]] if len(places) == 1 and places[0] < len(rules) else None
        value = NotImplemented if rule is None else rule(*inner, **params)
        if value is NotImplemented:
            raise NotInRowsError
        return Rows(value)

    def __neg__(self) -> Rows:
        return Rows(-self.rows)

    def __matmul__(self, other: Any) -> Rows:
        return self.applied(matmul, (self, other), {})

    def __rmatmul__(self, other: Any) -> Rows:
        return self.applied(matmul, (other, self), {})

    # -- what a walk asks --------------------------------------------------------------------

    def __bool__(self) -> bool:
        """What a rule asks that treats some cotangents in another way than the rest."""
        raise NotInRowsError

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func is np.vdot:  # the sum of all squares, which says whether there is nan
            return np.vdot(*[numbers(x.rows) for x in args])
        return super().__array_function__(func, types, args, kwargs)  # type: ignore[misc]


def _ndim(x: Any) -> int:
    return 0 if type(x) is float else x.ndim if hasattr(x, "ndim") else np.ndim(x)


def _operator(compute: Callable[..., Any], reflected: bool) -> Callable[[Rows, Any], Rows]:
    """What `applied` does for two arguments, without the detours."""

    def apply(self: Rows, other: Any) -> Rows:
        x, y = self.rows, other
        if type(other) is Rows:
            y = other.rows
            if x.ndim != y.ndim:
                ndim = max(x.ndim, y.ndim)
                x, y = align(x, ndim), align(y, ndim)
        elif x.ndim <= (ndim := _ndim(y)):
            x = align(x, 1 + ndim)
        return Rows(compute(y, x) if reflected else compute(x, y))

    return apply


for _name in ("add", "sub", "mul", "truediv"):
    setattr(Rows, f"__{_name}__", _operator(getattr(operator, _name), reflected=False))
    setattr(Rows, f"__r{_name}__", _operator(getattr(operator, _name), reflected=True))


def side_by_side(out: Tensor, leaves: list[Tensor], record: bool) -> list[Any] | None:
    """The derivatives of each entry of `out` by each leaf, the entries as an axis in front.

    None where an operation on the way cannot be applied to rows, or where nan came out: walks one
    by one know what 0 * inf is.
    """
    walk = Walk(out, tuple(leaves), record)
    largest = max([getattr(node._value, "size", 1) for node in walk.needed], default=1)
    count = LARGEST // largest or 1
    parts = []
    for start in range(0, out.size, count):
        part = _part(walk, leaves, basis(out, start, count))
        if part is None or any(map(has_nan, part)):
            return None
        parts.append(part)
    return [concatenate(p) if len(p) > 1 else p[0] for p in zip(*parts, strict=True)]


def _part(walk: Walk, leaves: list[Tensor], rows: np.ndarray) -> list[Any] | None:
    """What each leaf receives when the root receives each of `rows`."""
    try:
        found = walk.cotangents(Rows(rows))
    except NotInRowsError:
        return None
    return [
        found[x].rows if type(found.get(x)) is Rows else np.zeros((len(rows), *x.shape), x.dtype)
        for x in leaves
    ]


def basis(like: Tensor, start: int, count: int) -> np.ndarray:
    """For `count` entries from `start` on, an array that is 1 there and 0 elsewhere, as `like`."""
    size = like.size
    return np.eye(min(count, size - start), size, start, like.dtype).reshape(-1, *like.shape)
