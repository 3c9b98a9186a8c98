"""One entry of each row, as labels pick it: fewer picks, and each by one place in memory.

To find x[rows, y] takes NumPy several times as long as x.ravel()[rows * columns + y]. So where
labels are used more than once, this place is computed first.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from ..planning.values import Program, Value, in_order

_BY_LABEL: dict[str, Any] = {"index": (("array", 0),)}
PLACES = frozenset({"peak", "positions"})
_AT = {"row_getitem": "entry_at", "row_put": "put_at", "row_add": "add_at"}


def by_position(program: Program) -> None:
    """Let labels pick from sums and not from what is added, and by place."""
    _pick_once(program)
    groups: dict[tuple[Value, Any], list[Value]] = defaultdict(list)
    for value in program.values:
        if value.op in _AT and value.params == _BY_LABEL and value.args[0].ndim == 2:
            if value.args[-1].ndim == 1:
                groups[value.args[-1], value.args[0].shape].append(value)
    for (labels, shape), users in groups.items():
        if len(users) > 1:
            _use_positions(program, labels, shape, users)
    program.values = in_order(program.values)


def _use_positions(program: Program, labels: Value, shape: Any, users: list[Value]) -> None:
    kind = np.dtype(np.int64)
    place = program.placed("positions", (labels,), {"shape": shape}, labels.shape, kind)
    for value in users:
        value.op, value.args, value.params = _AT[value.op], (*value.args[:-1], place), {}


def _pick_once(program: Program) -> None:
    """Where the sum of two is there, what is picked of it is not added up once more."""
    sums = {frozenset(v.args): v for v in program.values if v.op == "add" and v.ndim == 2}
    for value in program.values:
        if value.op != "add" or not all(_is_pick(a) for a in value.args):
            continue
        (a, y), (b, other) = (v.args for v in value.args)
        if y is other and frozenset((a, b)) in sums:
            total = sums[frozenset((a, b))]
            value.op, value.args, value.params = "row_getitem", (total, y), _BY_LABEL


def _is_pick(v: Value) -> bool:
    """Whether labels pick it from the rows of a matrix, or from a vector that is every row."""
    ndim = {"row_getitem": 2, "getitem": 1}.get(v.op)
    return v.params == _BY_LABEL and v.args[0].ndim == ndim and v.args[1].ndim == 1
