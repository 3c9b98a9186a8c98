"""What has to be waited for once: imports, and the first call of a compiled function.

Each call is a Python of its own, which times itself, so that its start does not count. What is
cached on disk goes into an empty folder for each call, unless the row says otherwise.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from ..calls import Child
from ..case import Call, Case
from ._compilers import ours
from ._tasks import ENTROPY

SHAPE = (128, 10)

_IMPORT = """
import json, time
start = time.perf_counter()
import {module}
print(json.dumps([time.perf_counter() - start, 0.0]))
"""
_FIRST = """
import json, time
from functools import partial
import numpy as np
import tinygrad_xent as tx
from tinygrad_xent.bench.suites import _compilers as c, _tasks as t
def ours(backend, task, shape, dtype):
    run = tx.compile(tx.value_and_grad(partial(task.naive, tx)), backend=backend)
    return partial(run, *task.data(shape, dtype))
run = ({maker})(t.ENTROPY, {shape}, "float32")
start = time.perf_counter()
value = run()
print(json.dumps([time.perf_counter() - start, float(np.asarray(value[0]))]))
"""


def imported(module: str) -> Call:
    __import__(module)
    return Child(_IMPORT.format(module=module))


def first(maker: str, cached: bool = False) -> Call:
    """The first call; with `cached` not the first one on this machine."""
    cache = str(Path(tempfile.gettempdir()) / "tinygrad_xent-bench") if cached else ""
    return Child(_FIRST.format(maker=maker, shape=SHAPE), cache)


def first_of_ours(backend: str, cached: bool = False) -> Call:
    ours(backend, ENTROPY, SHAPE, "float32")
    return first(f'lambda *args: ours("{backend}", *args)', cached)


def first_of_peer(module: str, maker: str) -> Call:
    __import__(module)
    return first(f"c.{maker}")


def value_expected() -> float:
    return float(ENTROPY.by_hand(*ENTROPY.data(SHAPE, "float32"))[0])


_PEERS = {"torch.compile": ("torch", "torch_compiled"), "jax.jit": ("jax", "jax")}

CASES = (
    Case(
        name="import",
        expected=lambda: 0.0,
        systems={name: partial(imported, name)
                 for name in ("numpy", "tinygrad_xent", "autograd", "jax", "torch")},
        threads=None,
    ),
    Case(
        name="first call of a compiled loss",
        expected=value_expected,
        systems={
            "tinygrad_xent, NumPy": partial(first_of_ours, "numpy"),
            "tinygrad_xent, numba": partial(first_of_ours, "numba"),
            "tinygrad_xent, numba, cached on disk": partial(first_of_ours, "numba", True),
            **{name: partial(first_of_peer, *peer) for name, peer in _PEERS.items()},
        },
        tolerance=1e-5,
        threads=None,
    ),
)  # fmt: skip
