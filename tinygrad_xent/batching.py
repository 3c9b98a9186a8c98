"""Many cotangents side by side: one evaluation of a backward graph in place of many walks.

The way back is linear in the cotangent it starts from. So it is recorded once, for one cotangent,
and what was recorded is evaluated for all of them at once, with one more axis in front: the rows.
Elementwise operations need no more than aligned axes; of others the declaration says (`rows`) how
they are applied to rows. What was made is forgotten when its last reader has read it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .differentiate import has_nan
from .graph import Tensor, dtype_of, shape_of, toposort
from .ops import concatenate
from .ops.shaping import align

LARGEST = 2**15  # entries of an intermediate result, all rows together: they stay in the cache

Steps = dict[Tensor, list[Tensor]]


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
    count = LARGEST // max([getattr(node._value, "size", 1) for node in steps], default=1) or 1
    parts = []
    for start in range(0, len(rows), count):
        part = _evaluated(results, steps, {seed: rows[start : start + count]}, record)
        if part is None or any(map(has_nan, part)):
            return None
        parts.append(part)
    return [concatenate(p) if len(p) > 1 else p[0] for p in zip(*parts, strict=True)]


def _steps(results: list[Any], seed: Tensor) -> Steps:
    """The nodes that depend on the seed, arguments first, each with those that it reads last."""
    ends = dict.fromkeys([r for r in results if type(r) is Tensor])
    last: dict[Tensor, Tensor | None] = {seed: None}
    for node in toposort(*ends):
        depends = False
        for a in node.args:
            if type(a) is Tensor and a in last:
                last[a] = node
                depends = True
        if depends:
            last[node] = None
    del last[seed]
    steps: Steps = {node: [] for node in last}
    for node, reader in last.items():
        if reader is not None and node not in ends:
            steps[reader].append(node)
    return steps


def _evaluated(
    results: list[Any], steps: Steps, made: dict[Tensor, Any], record: bool
) -> list[Any] | None:
    """The results for the rows that are `made` of the seed."""
    (rows,) = made.values()
    for node, spent in steps.items():
        op: Any = node.op
        ndim = getattr(node._value, "ndim", 0) if op.elementwise else 0
        args: list[Any] = []
        for a in node.args:
            if type(a) is Tensor:
                if a in made:
                    a = made[a]
                    if a.ndim <= ndim:
                        a = align(a, 1 + ndim)
                elif not record:
                    a = a._value
            args.append(a)
        if not op.elementwise:
            value = _by_rule(node, args, made)
        else:
            value = op(*args) if record else op.array(*args)
        if value is NotImplemented:
            return None
        made[node] = value
        for a in spent:
            del made[a]
    return [
        made[r]
        if type(r) is Tensor and r in made
        else np.zeros((len(rows), *shape_of(r)), dtype_of(r))
        for r in results
    ]


def _by_rule(node: Tensor, args: list[Any], made: dict[Tensor, Any]) -> Any:
    """What an operation that is not elementwise makes of these arguments, one of them in rows."""
    op: Any = node.op
    places = [i for i, a in enumerate(node.args) if type(a) is Tensor and a in made]
    rules = op.rows if type(op.rows) is tuple else (op.rows,)
    if len(places) > 1 or places[0] >= len(rules) or rules[places[0]] is None:
        return NotImplemented
    return rules[places[0]](*args, **node.params)
