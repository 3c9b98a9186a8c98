"""Compiled code: a value and its gradient, from the loss as it is written.

Rows named `fresh` are of a caller who keeps all results, so that each one needs new memory. In the
others a result is dropped before the next call, and its memory can be used again.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..case import Case
from ._compilers import COMPILERS, Maker, copy
from ._kernel import kernel
from ._layers import NETWORK, NORMALISATION
from ._tasks import BINARY_ENTROPY, DIVERGENCE, ENTROPY, SQUARED_ERROR, Task

TOLERANCE = {"float32": 2e-5, "float64": 1e-11}
FLOOR = "the arguments copied once"


def expected(task: Task, shape: tuple[int, ...], dtype: str) -> Any:
    return task.by_hand(*(_wide(a) for a in task.data(shape, dtype)))


def _wide(array: Any) -> Any:
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _copied(task: Task, shape: tuple[int, ...], dtype: str) -> Any:
    return task.data(shape, dtype)[: task.wrt]


def _case(task: Task, shape: tuple[int, ...], dtype: str = "float32") -> Case:
    makers: dict[str, Maker] = {FLOOR: copy, **COMPILERS}
    if task is ENTROPY and dtype == "float32":
        makers["numba by hand"] = kernel
    lengths = "×".join(map(str, shape))
    return Case(
        name=f"{task.name}, {lengths}, {dtype}",
        expected=partial(expected, task, shape, dtype),
        systems={name: partial(make, task, shape, dtype) for name, make in makers.items()},
        tolerance=TOLERANCE[dtype],
        instead={FLOOR: partial(_copied, task, shape, dtype)},
        threads=None,
    )


CASES = (
    *(_case(ENTROPY, shape) for shape in ((128, 10), (1024, 1000), (4096, 1000), (256, 50257))),
    _case(ENTROPY, (1024, 1000), "float64"),
    *(_case(task, (1024, 1000)) for task in (SQUARED_ERROR, BINARY_ENTROPY, DIVERGENCE)),
    _case(NORMALISATION, (1024, 1000)),
    _case(NETWORK, (64, 64, 128, 10)),
    _case(NETWORK, (256, 784, 512, 10)),
)
