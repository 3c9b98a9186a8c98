"""Many cotangents side by side: one evaluation of a backward graph in place of many walks.

The way back is linear in the cotangent it starts from. So it is recorded once, for one cotangent,
and what was recorded is evaluated for all of them at once, with one more axis in front: the rows.
Elementwise operations need no more than aligned axes; of others the declaration says (`rows`) how
they are applied to rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .differentiate import has_nan
from .graph import Tensor, dtype_of, shape_of, toposort
from .ops import concatenate
from .ops.shaping import align

LARGEST = 2**20  # entries of an intermediate result, all rows together

Step = tuple[Tensor, list[int], Callable[..., Any]]


def side_by_side(results: list[Any], seed: Tensor, rows: np.ndarray, record: bool) -> Any:
    """The results, recorded for one `seed`, for each of `rows` in its place.

    Args:
        results: linear in the seed; one that does not depend on it is zero.
        seed: the leaf that the cotangent was while the way back was recorded.
        rows: of the shape of the seed with one more axis in front.
        record: compute with Tensors, so that what is computed can be differentiated again.

    Returns:
        Each result with an axis for the rows in front. None where an operation on the way cannot
        be applied to rows, or where nan came out: walks one by one know what 0 * inf is.
    """
    steps = _steps(results, seed)
    if steps is None:
        return None
    count = max(1, LARGEST // max((node.size for node, _, _ in steps), default=1))
    parts = []
    for start in range(0, len(rows), count):
        part = _evaluated(results, steps, {seed: rows[start : start + count]}, record)
        if part is None or any(map(has_nan, part)):
            return None
        parts.append(part)
    return [concatenate(p) if len(p) > 1 else p[0] for p in zip(*parts, strict=True)]


def _steps(results: list[Any], seed: Tensor) -> list[Step] | None:
    """The nodes that depend on the seed, by which of their arguments, and how they take rows."""
    steps: list[Step] = []
    found = {seed}
    for node in toposort(*(r for r in results if type(r) is Tensor)):
        places = [i for i, a in enumerate(node.args) if type(a) is Tensor and a in found]
        if places:
            how = _how(node, places)
            if how is None:
                return None
            found.add(node)
            steps.append((node, places, how))
    return steps


def _how(node: Tensor, places: list[int]) -> Callable[..., Any] | None:
    """The operation of `node` for rows in these of its arguments."""
    op: Any = node.op
    if op.elementwise:
        return op  # type: ignore[no-any-return]
    rules = op.rows if type(op.rows) is tuple else (op.rows,)
    return rules[places[0]] if len(places) == 1 and places[0] < len(rules) else None


def _evaluated(
    results: list[Any], steps: list[Step], known: dict[Tensor, Any], record: bool
) -> list[Any] | None:
    """The results for these rows, given what is known with rows: the seed."""
    (rows,) = known.values()
    for node, places, how in steps:
        op: Any = node.op
        args = [a if record or type(a) is not Tensor else a._value for a in node.args]
        elementwise = how is op
        for i in places:
            x = known[node.args[i]]
            args[i] = align(x, 1 + node.ndim) if elementwise else x
        compute = op.array if elementwise and not record else how
        known[node] = compute(*args, **node.params) if node.params else compute(*args)
        if known[node] is NotImplemented:
            return None
    return [
        known[r]
        if type(r) is Tensor and r in known
        else np.zeros((len(rows), *shape_of(r)), dtype_of(r))
        for r in results
    ]
