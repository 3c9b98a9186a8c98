"""Several leading axes as one, so that a loop over rows goes over all of them.

Logits (B, T, V) with labels (B, T) are B T rows. Where nothing mixes entries along leading axes, a
value (B, T, ...) is replaced by one of B T rows, its *flat* form; what has no such axes, and what
sums over all of them, stays *whole*. Inputs and constants have both forms, for nothing. What is
computed has one, because the other would have to be stored: where a rule does not know an
operation, or does not find the form that it needs, the axes stay as they are.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph import PRIMITIVES, Blank, Tensor, dtype_of, numbers, op_name, shape_of, toposort
from .planning.indices import FULL, arrays_lead, slice_leads
from .stabilising.interning import Interner

_TRIED = 6  # choices of axes: those that most values have
_ALIKE = frozenset({"alias", "stop_gradient", "astype", "checked_labels"})


def merged(outputs: Sequence[Any]) -> list[Any]:
    """The same outputs, computed in flat form where that can be.

    >>> import tinygrad_xent as tx
    >>> x = tx.tensor(np.ones((2, 3, 4)))
    >>> (y,) = merged([tx.sum(tx.exp(x), axis=2)])
    >>> y.op.name, y.shape, y.args[0].shape
    ('reshape', (2, 3), (6,))
    """
    order = toposort(*(o for o in outputs if isinstance(o, Tensor)))
    found = Counter(n.shape[:k] for n in order for k in range(2, n.ndim))
    tried = [_Merging(a, order) for a, _ in found.most_common(_TRIED) if math.prod(a) > 1]
    done = [m for m in tried if m.entries and all(map(m.is_there, outputs))]
    best = max(done, key=lambda m: (m.entries, m.k), default=None)
    return list(outputs) if best is None else [best.result(o) for o in outputs]


@dataclass(frozen=True)
class _Form:
    """What stands for a value; None for what there is not.

    Attributes:
        whole: the value itself.
        flat: the value with one leading axis.
        total: the sum of the value over its first `left` axes.
    """

    whole: Any = None
    flat: Any = None
    total: Any = None
    left: int = 0


class _Forms:
    """The forms of values whose first axes have these lengths, and of what goes with them."""

    def __init__(self, axes: tuple[int, ...]) -> None:
        self.axes, self.k, self.rows = axes, len(axes), math.prod(axes)
        self.make = Interner().make
        self.forms: dict[int, _Form] = {}

    def form(self, x: Any) -> _Form:
        """What stands for a value, or for plain data."""
        if isinstance(x, Tensor):
            return self.forms[id(x)]
        return _Form(x, np.reshape(x, self.merged(np.shape(x))) if self.leads(x) else None)

    def whole(self, x: Any) -> Any:
        """A value as it is."""
        return self.form(x).whole

    def flat(self, x: Any) -> Any:
        """A value in flat form."""
        return self.form(x).flat

    def is_flat(self, x: Any) -> bool:
        """Whether a value is there in flat form only."""
        return self.flat(x) is not None and self.whole(x) is None

    def leads(self, x: Any) -> bool:
        """Whether a value has the axes."""
        return shape_of(x)[: self.k] == self.axes

    def merged(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A shape in flat form."""
        return (self.rows, *shape[self.k :])

    def later(self, axis: tuple[int, ...]) -> tuple[int, ...]:
        """Those behind the merged axes, as they are counted in flat form."""
        return tuple(a - self.k + 1 for a in axis if a >= self.k)

    def beside(self, x: Any, more: int) -> Any:
        """A value to meet, broadcasting, rows that have so many axes."""
        shape = shape_of(x)
        extra = len(shape) - more
        if extra == self.k and self.leads(x):
            return self.flat(x)
        if extra > 0 and (self.whole(x) is None or set(shape[:extra]) != {1}):
            return None
        return self.make("reshape", self.whole(x), shape=shape[extra:]) if extra > 0 else self.whole(x)

    def again(self, node: Tensor, *args: Any, **params: Any) -> Any:
        """The operation of a node, of other arguments; None if one of them is missing."""
        if any(a is None for a in args):
            return None
        return self.make(op_name(node), *args, **{**node.params, **params})


class _Merging(_Forms):
    """A graph in two forms. A rule gives the form of a node, or None if it can only stay whole.

    Attributes:
        entries: how many numbers are computed in flat form.
    """

    def __init__(self, axes: tuple[int, ...], order: Sequence[Tensor]) -> None:
        super().__init__(axes)
        self.entries = 0
        for node in order:
            self.forms[id(node)] = self._of(node)
            self.entries += node.size * self.is_flat(node)

    def is_there(self, output: Any) -> bool:
        """Whether an output can be had."""
        return self.whole(output) is not None or not isinstance(output, Tensor) or self.is_flat(output)

    def result(self, output: Any) -> Any:
        """An output in its own shape."""
        if self.is_flat(output):
            return self.make("reshape", self.flat(output), shape=output.shape)
        return self.whole(output)

    def _of(self, node: Tensor) -> _Form:
        if node.op is None:
            shape = self.merged(node.shape)
            return _Form(node, self.make("reshape", node, shape=shape) if self.leads(node) else None)
        alike = node.op.elementwise or node.op.name in _ALIKE
        name = "aligned" if alike else node.op.name
        rule: Callable[..., _Form | None] | None = getattr(self, f"_do_{name}", None)
        found = rule(node, *node.args, **({} if alike else node.params)) if rule else None
        return found or _Form(self._as_it_is(node))

    def _as_it_is(self, node: Tensor) -> Any:
        args = [self.whole(a) for a in node.args]
        same = all(a is b for a, b in zip(args, node.args, strict=True))
        return node if same else self.again(node, *args)

    # -- entry by entry --------------------------------------------------------------------------

    def _do_aligned(self, node: Tensor, *args: Any) -> _Form | None:
        more = node.ndim - self.k
        if not self.leads(node) or not any(self._is_row(a, more) for a in args):
            return None
        flat = self.again(node, *(self.beside(a, more) for a in args))
        return None if flat is None else _Form(flat=flat)

    def _is_row(self, x: Any, more: int) -> bool:
        return len(shape_of(x)) == self.k + more and self.leads(x)

    def _do_broadcast_to(self, node: Tensor, x: Any, shape: tuple[int, ...]) -> _Form | None:
        if not self.leads(node):
            return None
        flat = self.again(node, self.beside(x, node.ndim - self.k), shape=self.merged(shape))
        return _Form(self._as_it_is(node), flat)

    # -- along axes ------------------------------------------------------------------------------

    def _do_sum(self, node: Tensor, x: Any, axis: Any, keepdims: bool) -> _Form | None:
        form = self.form(x)
        if form.total is not None and set(axis) >= set(range(form.left)) and not keepdims:
            rest = tuple(a - form.left for a in axis if a >= form.left)
            return _Form(self.make("sum", form.total, axis=rest, keepdims=False))
        return self._do_reduced(node, x, axis, keepdims)

    def _do_reduced(self, node: Tensor, x: Any, axis: Any, keepdims: bool) -> _Form | None:
        flat, later = self.flat(x), self.later(axis)
        first = len(axis) - len(later)
        if flat is None:
            return None
        if not first:
            return _Form(flat=self.again(node, flat, axis=later))
        total = self.again(node, flat, axis=(0, *later), keepdims=False)
        if first == self.k:
            return _Form(self.make("reshape", total, shape=node.shape))
        partly = self.is_flat(x) and node.op is not None and node.op.name == "sum" and not keepdims
        return _Form(total=total, left=self.k - first) if partly else None

    _do_max = _do_min = _do_reduced

    def _do_others(self, node: Tensor, x: Any, axis: Any) -> _Form | None:
        return self._within(node, x, axis, axis=self.later(axis))

    def _do_expand_dims(self, node: Tensor, x: Any, axis: Any) -> _Form | None:
        return self._within(node, x, axis, axis=self.later(axis))

    def _do_squeeze(self, node: Tensor, x: Any, axis: Any) -> _Form | None:
        form = self.form(x)
        if form.total is not None and all(a >= form.left for a in axis):
            rest = tuple(a - form.left for a in axis)
            return _Form(total=self.make("squeeze", form.total, axis=rest), left=form.left)
        return self._within(node, x, axis, axis=self.later(axis))

    def _do_transpose(self, node: Tensor, x: Any, axes: Any) -> _Form | None:
        stay = axes[: self.k] == tuple(range(self.k))
        return self._within(node, x, axes[self.k :], axes=(0, *self.later(axes))) if stay else None

    def _within(self, node: Tensor, x: Any, along: Any, **params: Any) -> _Form | None:
        """An operation along later axes only."""
        if self.flat(x) is None or any(a < self.k for a in along):
            return None
        return _Form(self._as_it_is(node), self.again(node, self.flat(x), **params))

    def _do_reshape(self, node: Tensor, x: Any, shape: Any) -> _Form | None:
        if self.flat(x) is not None and self.leads(node):
            flat = self.make("reshape", self.flat(x), shape=self.merged(shape))
            return _Form(self._as_it_is(node), flat)
        if self.is_flat(x) and shape[:1] == (self.rows,):  # merged by the user
            return _Form(self.make("reshape", self.flat(x), shape=shape))
        if self.leads(node) and shape_of(x)[:1] == (self.rows,) and self.whole(x) is not None:
            return _Form(flat=self.make("reshape", self.whole(x), shape=self.merged(shape)))
        return None

    def _do_concatenate(self, node: Tensor, *parts: Any, axis: int) -> _Form | None:
        if axis < self.k or not self.leads(node):
            return None
        flat = self.again(node, *map(self.flat, parts), axis=axis - self.k + 1)
        return None if flat is None else _Form(flat=flat)

    # -- products --------------------------------------------------------------------------------

    def _do_matmul(self, node: Tensor, x: Any, y: Any) -> _Form | None:
        more = [len(shape_of(a)) - self.k if self.leads(a) else -1 for a in (x, y)]
        if more[0] > 0 and len(shape_of(y)) <= 2 and self.flat(x) is not None:
            pair = self.flat(x), self.whole(y)
        elif more == [2, 2]:
            pair = self.flat(x), self.flat(y)
        elif more[1] == 2 and len(shape_of(x)) == 2:
            pair = self.whole(x), self.flat(y)
        else:
            return self._product_of_rows(x, y)
        flat = self.again(node, *pair)
        return None if flat is None else _Form(flat=flat)

    def _product_of_rows(self, x: Any, y: Any) -> _Form | None:
        """Xᵀ G for each of the first axes but the last, which are to be added up."""
        k = self.k
        if op_name(x) != "transpose" or x.params["axes"] != (*range(k - 1), k, k - 1):
            return None
        z = self.flat(x.args[0])
        if z is None or not self.is_flat(y) or len(shape_of(y)) != k + 1:
            return None
        total = self.make("matmul", self.make("transpose", z, axes=(1, 0)), self.flat(y))
        return _Form(total=total, left=k - 1)

    # -- entries named by an index ---------------------------------------------------------------

    def _do_getitem(self, node: Tensor, x: Any, *arrays: Any, index: Any) -> _Form | None:
        return self._indexed(node, shape_of(x), (x,), (), arrays)

    def _do_put(self, node: Tensor, x: Any, v: Any, *arrays: Any, index: Any) -> _Form | None:
        return self._indexed(node, shape_of(x), (x,), (v,), arrays)

    def _do_scatter(self, node: Tensor, g: Any, *arrays: Any, index: Any, shape: Any) -> Any:
        return self._indexed(node, shape, (), (g,), arrays)

    def _indexed(self, node: Tensor, shape: Any, x: Any, v: Any, arrays: Any) -> _Form | None:
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
        if not arrays or not arrays_lead(index):
            return None
        ndim = max(len(shape_of(a)) for a in arrays)
        rows = [self.beside(a, ndim - self.k) for a in arrays]
        if shape[: self.k] == self.axes and self._counts(index, arrays, ndim):
            kept = [i for kind, *i in index[self.k :] if kind == "array"]
            if not x and not kept and math.prod(shape) == self.rows and len(named) == self.k:
                return self._only_entries(given[0], shape)
            every = np.arange(self.rows).reshape(-1, *(1,) * (ndim - self.k))
            places = iter(range(1, 1 + len(kept)))
            rest = (("array", next(places)) if p[0] == "array" else p for p in index[self.k :])
            given += [every, *(rows[i] for (i,) in kept)]
            return self._placed(node, given, index=(("array", 0), *rest), **new)
        if not any(self._is_row(a, ndim - self.k) for a in arrays) or node.op.name == "put":
            return None
        if x:
            return self._placed(node, [*map(self.whole, x), *rows], index=index)
        return _Form(self.again(node, *given, *rows, index=index))

    def _only_entries(self, g: Any, shape: Any) -> _Form | None:
        """What is put at the one place of each row."""
        if g is None:
            return None
        rows = self.make("broadcast_to", g, shape=(self.rows,))
        behind = tuple(range(1, len(self.merged(shape))))
        return _Form(flat=self.make("expand_dims", rows, axis=behind))

    def _placed(self, node: Tensor, args: Sequence[Any], **params: Any) -> _Form | None:
        flat = self.again(node, *args, **params)
        return None if flat is None else _Form(flat=flat)

    def _counts(self, index: Any, arrays: Any, ndim: int) -> bool:
        """Whether the first parts of an index count the axes, as `arange` does."""
        if any(part[0] != "array" for part in index[: self.k]):
            return False
        counts = [(arrays[part[1]], n) for part, n in zip(index, self.axes, strict=False)]
        return all(_is_count(a, n, ndim - i - 1) for i, (a, n) in enumerate(counts))


def _spelled_out(index: Any, ndim: int, arrays: Sequence[Any]) -> Any:
    """An index with a slice for each axis that `...` stands for."""
    if ("rest",) not in index or any(dtype_of(a).kind == "b" for a in arrays):
        return index
    place, others = index.index(("rest",)), [p for p in index if p[0] not in ("rest", "new")]
    return index[:place] + (FULL,) * (ndim - len(others)) + index[place + 1 :]


def _entries(shape: tuple[int, ...], arrays: Sequence[Any], index: Any) -> tuple[int, ...]:
    """The shape of what an index names."""
    values = [Blank.of(shape, float), *map(numbers, arrays)]
    return shape_of(PRIMITIVES["getitem"].evaluate(values, {"index": index}))


def _is_count(array: Any, n: int, behind: int) -> bool:
    """Whether an index array says 0, 1 ... n - 1 along the axis with so many behind it."""
    shape = shape_of(array)
    if isinstance(array, Tensor) or len(shape) <= behind or shape[-behind - 1] != n:
        return False
    return bool((array == np.arange(n).reshape(-1, *(1,) * behind)).all())
