"""The local Jacobian of one operation, by pulling back one unit cotangent per entry."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..differentiate import contributions
from ..graph import Tensor, shape_of
from .records import Jacobian

LARGEST = 64  # entries of a Jacobian that is written out


def jacobian(node: Tensor, i: int) -> Jacobian:
    """The derivative of a node by its argument `i`.

    >>> import tinygrad_xent as tx
    >>> x = tx.tensor([1.0, 2.0])
    >>> jacobian(x * x, 0).entries, jacobian(x.sum(), 0).entries
    (((1.0, 0.0), (0.0, 2.0)), ((1.0, 1.0),))
    """
    arg = node.args[i]
    rows, columns = node.size, int(np.size(arg._value))
    assert node.op is not None
    diagonal = node.op.elementwise and node.shape == shape_of(arg._value)
    if not 0 < rows * columns <= LARGEST:
        return Jacobian(rows, columns, None, diagonal)
    with np.errstate(all="ignore"):
        entries = tuple(_row(node, i, row) for row in range(rows))
    return Jacobian(rows, columns, entries, diagonal)


def _row(node: Tensor, i: int, row: int) -> tuple[float, ...]:
    """What argument `i` receives if entry `row` of the result receives 1 and the others 0."""
    unit: Any = np.zeros(node.shape, node.dtype)
    unit.flat[row] = 1.0
    seed = float(unit) if type(node._value) is float else unit[()]
    sent = contributions(node, seed, poisoned=True)
    return tuple(np.ravel(next(c for j, c in sent if j == i)).astype(float).tolist())
