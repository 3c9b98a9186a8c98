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
from typing import Any

from ...graph import Tensor, op_name, shape_of, toposort
from .forms import Form
from .indexed import Indexed

_TRIED = 6  # choices of axes: those that most values have
_ALIKE = frozenset({"astype", "checked_labels"})


def merged(outputs: Sequence[Any]) -> list[Any]:
    """The same outputs, computed in flat form where that can be.

    >>> import numpy as np, tinygrad_xent as tx
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


class _Merging(Indexed):
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
        return not isinstance(output, Tensor) or self.result(output) is not None

    def result(self, output: Any) -> Any:
        """An output in its own shape."""
        if not isinstance(output, Tensor):
            return output
        if self.is_flat(output):
            return self.make("reshape", self.flat(output), shape=output.shape)
        return self.whole(output)

    def _of(self, node: Tensor) -> Form:
        if node.op is None:
            shape = self.merged(node.shape)
            return Form(node, self.make("reshape", node, shape=shape) if self.leads(node) else None)
        alike = node.op.elementwise or node.op.name in _ALIKE
        name = "aligned" if alike else node.op.name
        rule: Callable[..., Form | None] | None = getattr(self, f"_do_{name}", None)
        found = rule(node, *node.args, **({} if alike else node.params)) if rule else None
        return found or Form(self._as_it_is(node))

    def _as_it_is(self, node: Tensor) -> Any:
        args = [self.whole(a) for a in node.args]
        same = all(a is b for a, b in zip(args, node.args, strict=True))
        return node if same else self.again(node, *args)

    # -- entry by entry --------------------------------------------------------------------------

    def _do_aligned(self, node: Tensor, *args: Any) -> Form | None:
        more = node.ndim - self.k
        if not self.leads(node) or not any(self.is_row(a, more) for a in args):
            return None
        flat = self.again(node, *(self.beside(a, more) for a in args))
        return None if flat is None else Form(flat=flat)

    def _do_broadcast_to(self, node: Tensor, x: Any, shape: tuple[int, ...]) -> Form | None:
        if not self.leads(node):
            return None
        flat = self.again(node, self.beside(x, node.ndim - self.k), shape=self.merged(shape))
        return Form(self._as_it_is(node), flat)

    # -- along axes ------------------------------------------------------------------------------

    def _do_sum(self, node: Tensor, x: Any, axis: Any, keepdims: bool) -> Form | None:
        form = self.form(x)
        if form.total is not None and set(axis) >= set(range(form.left)) and not keepdims:
            rest = tuple(a - form.left for a in axis if a >= form.left)
            return Form(self.make("sum", form.total, axis=rest, keepdims=False))
        return self._do_reduced(node, x, axis, keepdims)

    def _do_reduced(self, node: Tensor, x: Any, axis: Any, keepdims: bool) -> Form | None:
        flat, later = self.flat(x), self.later(axis)
        first = len(axis) - len(later)
        if flat is None:
            return None
        if not first:
            return Form(flat=self.again(node, flat, axis=later))
        total = self.again(node, flat, axis=(0, *later), keepdims=False)
        if first == self.k:
            return Form(self.make("reshape", total, shape=node.shape))
        partly = self.is_flat(x) and op_name(node) == "sum" and not keepdims
        return Form(total=total, left=self.k - first) if partly else None

    _do_max = _do_min = _do_reduced

    def _do_alias(self, node: Tensor, x: Any) -> Form | None:
        return self._within(node, x, ())

    _do_stop_gradient = _do_alias

    def _do_others(self, node: Tensor, x: Any, axis: Any) -> Form | None:
        return self._within(node, x, axis, axis=self.later(axis))

    def _do_expand_dims(self, node: Tensor, x: Any, axis: Any) -> Form | None:
        return self._within(node, x, axis, axis=self.later(axis))

    def _do_squeeze(self, node: Tensor, x: Any, axis: Any) -> Form | None:
        form = self.form(x)
        if form.total is not None and all(a >= form.left for a in axis):
            rest = tuple(a - form.left for a in axis)
            return Form(total=self.make("squeeze", form.total, axis=rest), left=form.left)
        return self._within(node, x, axis, axis=self.later(axis))

    def _do_transpose(self, node: Tensor, x: Any, axes: Any) -> Form | None:
        stay = axes[: self.k] == tuple(range(self.k))
        return self._within(node, x, axes[self.k :], axes=(0, *self.later(axes))) if stay else None

    def _within(self, node: Tensor, x: Any, along: Any, **params: Any) -> Form | None:
        """An operation along later axes only."""
        if self.flat(x) is None or any(a < self.k for a in along):
            return None
        return Form(self._as_it_is(node), self.again(node, self.flat(x), **params))

    def _do_reshape(self, node: Tensor, x: Any, shape: Any) -> Form | None:
        if self.flat(x) is not None and self.leads(node):
            flat = self.make("reshape", self.flat(x), shape=self.merged(shape))
            return Form(self._as_it_is(node), flat)
        if self.is_flat(x) and shape[:1] == (self.rows,):  # merged by the user
            return Form(self.make("reshape", self.flat(x), shape=shape))
        if self.leads(node) and shape_of(x)[:1] == (self.rows,) and self.whole(x) is not None:
            return Form(flat=self.make("reshape", self.whole(x), shape=self.merged(shape)))
        return None

    def _do_concatenate(self, node: Tensor, *parts: Any, axis: int) -> Form | None:
        if axis < self.k or not self.leads(node):
            return None
        flat = self.again(node, *map(self.flat, parts), axis=axis - self.k + 1)
        return None if flat is None else Form(flat=flat)

    # -- products --------------------------------------------------------------------------------

    def _do_matmul(self, node: Tensor, x: Any, y: Any) -> Form | None:
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
        return None if flat is None else Form(flat=flat)

    def _product_of_rows(self, x: Any, y: Any) -> Form | None:
        """Xᵀ G for each of the first axes but the last, which are to be added up."""
        k = self.k
        if op_name(x) != "transpose" or x.params["axes"] != (*range(k - 1), k, k - 1):
            return None
        z = self.flat(x.args[0])
        if z is None or not self.is_flat(y) or len(shape_of(y)) != k + 1:
            return None
        total = self.make("matmul", self.make("transpose", z, axes=(1, 0)), self.flat(y))
        return Form(total=total, left=k - 1)
