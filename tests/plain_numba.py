"""Generated kernels as plain Python: the same text, with a numba that compiles nothing."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np

from tinygrad_xent.compiling import numba_code

_one_at_a_time = threading.Lock()


def added(array: Any, i: int, x: int) -> int:
    """What `crew.added` does in one instruction."""
    with _one_at_a_time:
        before = int(array[i])
        array[i] = before + x
        return before


def executed(text: str, **instead: Any) -> dict[str, Any]:
    """What text defines, with other things in the places of some."""
    with mock.patch.dict(sys.modules, _modules()):
        space: dict[str, Any] = {"__name__": "kernels"}
        exec(text, space)
    space.update(instead)
    return space


def interpreted(code: numba_code.NumbaCode) -> Any:
    """The function that code defines."""
    space = executed(code.kernels)
    space.update(code.constants, crew=plain_crew())
    exec(code.driver, space)
    return space["run"]


@cache
def plain_crew() -> Any:
    return executed(numba_code.writer.crew_alone(), ROUNDS=10)["crew"]


def _modules() -> dict[str, Any]:
    numba, types, extending = map(ModuleType, ("numba", "numba.types", "numba.extending"))
    config = SimpleNamespace(NUMBA_NUM_THREADS=3)
    vars(numba).update(njit=_njit, types=types, extending=extending, config=config)
    vars(types).update(int32=int, ExternalFunction=lambda name, kind: lambda: time.sleep(0))
    vars(extending).update(intrinsic=_intrinsic)
    return {"numba": numba, "numba.types": types, "numba.extending": extending}


def _intrinsic(f: Callable[..., Any] | None = None, **options: Any) -> Any:
    plain = {"added": added, "scratch": np.empty}
    return _intrinsic if f is None else plain[f.__name__]


def _njit(f: Callable[..., Any] | None = None, **options: Any) -> Any:
    return f if f is not None else lambda f: f
