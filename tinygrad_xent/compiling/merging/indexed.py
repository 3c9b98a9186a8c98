"""Entries named by an index, in flat form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...graph import PRIMITIVES, Blank, Tensor, constant, dtype_of, numbers, op_name, shape_of
from ..planning.indices import FULL, arrays_lead, slice_leads
from .forms import Form, Forms


class Indexed(Forms):
    """The rules for `getitem`, `put` and `scatter`."""

    def _do_getitem(self, node: Tensor, x: Any, *arrays: Any, index: Any) -> Form | None:
        return self._indexed(node, shape_of(x), (x,), (), arrays)

    def _do_put(self, node: Tensor, x: Any, v: Any, *arrays: Any, index: Any) -> Form | None:
        return self._indexed(node, shape_of(x), (x,), (v,), arrays)

    def _do_scatter(self, node: Tensor, g: Any, *arrays: Any, index: Any, shape: Any) -> Any:
        return self._indexed(node, shape, (), (g,), arrays)

    def _indexed(self, node: Tensor, shape: Any, x: Any, v: Any, arrays: Any) -> Form | None:
        """Entries of `x`, which has this shape, or `v` put or added there.

        They are the same of each row, one or some of each row, or whole ones that rows name.
        """
        index = _spelled_out(node.params["index"], len(shape), arrays)
        named = _entries(shape, arrays, index)
        if named[: self.k] != self.axes:
            return None
        more = len(named) - self.k
        given = [*map(self.flat, x), *(self.beside(a, more) for a in v)]
        new = {"shape": self.merged(shape)} if "shape" in node.params else {}
        if index[: self.k] == (FULL,) * self.k and slice_leads(index):
            given += map(self.whole, arrays)
            return self._placed(node, given, index=index[self.k - 1 :], **new)
        ndim = max((len(shape_of(a)) for a in arrays), default=0)
        if ndim < self.k or not arrays_lead(index) or any(map(_is_mask, arrays)):
            return None
        rows = [self.beside(a, ndim - self.k) for a in arrays]
        if shape[: self.k] == self.axes and self._counts(index, arrays, ndim):
            kept = [i for kind, *i in index[self.k :] if kind == "array"]
            if not x and not kept and math.prod(shape) == self.rows and len(named) == self.k:
                return self._only_entries(given[0], shape)
            places = iter(range(1, 1 + len(kept)))
            rest = (("array", next(places)) if p[0] == "array" else p for p in index[self.k :])
            given += [self._every_row(ndim - self.k), *(rows[i] for (i,) in kept)]
            return self._placed(node, given, index=(("array", 0), *rest), **new)
        if not any(self.is_row(a, ndim - self.k) for a in arrays) or op_name(node) == "put":
            return None
        if x:
            return self._placed(node, [*map(self.whole, x), *rows], index=index)
        return Form(self.again(node, *given, *rows, index=index))

    def _every_row(self, behind: int) -> Any:
        """An index that counts the rows. There is one: large arrays are told by identity."""
        if behind not in self.every:
            self.every[behind] = constant(np.arange(self.rows).reshape(-1, *(1,) * behind))
        return self.every[behind]

    def _only_entries(self, g: Any, shape: Any) -> Form | None:
        """What is put at the one place of each row."""
        if g is None:
            return None
        rows = self.make("broadcast_to", g, shape=(self.rows,))
        behind = tuple(range(1, len(self.merged(shape))))
        return Form(flat=self.make("expand_dims", rows, axis=behind))

    def _placed(self, node: Tensor, args: Sequence[Any], **params: Any) -> Form | None:
        flat = self.again(node, *args, **params)
        return None if flat is None else Form(flat=flat)

    def _counts(self, index: Any, arrays: Any, ndim: int) -> bool:
        """Whether the first parts of an index count the axes, as `arange` does."""
        if [part[0] for part in index[: self.k]] != ["array"] * self.k:
            return False
        counts = [(arrays[part[1]], n) for part, n in zip(index, self.axes, strict=False)]
        return all(_is_count(a, n, ndim - i - 1) for i, (a, n) in enumerate(counts))


def _is_mask(array: Any) -> bool:
    return dtype_of(array).kind == "b"


def _spelled_out(index: Any, ndim: int, arrays: Sequence[Any]) -> Any:
    """An index with a slice for each axis that `...` stands for."""
    if ("rest",) not in index or any(map(_is_mask, arrays)):
        return index
    place, others = index.index(("rest",)), [p for p in index if p[0] not in ("rest", "new")]
    return index[:place] + (FULL,) * (ndim - len(others)) + index[place + 1 :]


def _entries(shape: tuple[int, ...], arrays: Sequence[Any], index: Any) -> tuple[int, ...]:
    """The shape of what an index names."""
    values = [Blank.of(shape, bool), *map(numbers, arrays)]
    return shape_of(PRIMITIVES["getitem"].evaluate(values, {"index": index}))


def _is_count(array: Any, n: int, behind: int) -> bool:
    """Whether an index array says 0, 1 ... n - 1 along the axis with so many behind it."""
    shape = shape_of(array)
    if isinstance(array, Tensor) or len(shape) <= behind or shape[-behind - 1] != n:
        return False
    return bool((array == np.arange(n).reshape(-1, *(1,) * behind)).all())
