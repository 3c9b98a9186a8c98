"""A graph as source code in which loops over rows are compiled by numba.

The code is that of `numpy_code.py`, but what that does step by step in a loop over rows is one
function here, a *kernel*, which `kernels.py` writes. What a kernel cannot do, such as a product of
matrices, NumPy does in between. Kernels hold no lengths (but those of short rows), so that another
batch runs the same machine code, and the large ones run on all processors.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...graph import Tensor
from ..code import Code, defined_by
from ..numpy_code.writer import Writer
from ..planning.rows import Plan
from . import crew, scratch, vector_math
from .expressions import NotInLoops
from .frames import Kernel
from .fused import FusedLoop

_HEAD = '''\
"""Kernels that numba compiles when they are first called."""

import numpy as np
from numba import njit
from numba.extending import intrinsic

alone = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}  # only kernels call them
inlined = {"error_model": "numpy", "forceinline": True, **alone}
exactly = njit(fastmath={"contract"}, **inlined)
freely = njit(fastmath={"contract", "reassoc", "nsz"}, **inlined)
kernel = njit(error_model="numpy", nogil=True, cache=True)


'''

_SHARED = """\
import atexit
import os
import threading

from numba import config, types

if hasattr(os, "sched_yield"):
    give_way = types.ExternalFunction("sched_yield", types.int32())
else:
    give_way = njit(lambda: 0)


"""

_CREW = """

crew = Crew()
if hasattr(os, "register_at_fork"):  # in a child process there are no other threads
    os.register_at_fork(after_in_child=crew.__init__)
"""

_OF_CREW = {"end", "watch"}
_DECORATORS = {
    "plus": "freely", "added": "intrinsic", "scratch": "intrinsic(prefer_literal=True)",
    **dict.fromkeys(_OF_CREW, "kernel"),
}  # fmt: skip
_TEXTS = (vector_math, scratch, crew)


def generate(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Code:
    """Code for the outputs, given the inputs, with loops that numba compiles.

    Raises:
        NotInLoops: it has no loop over rows that could be compiled.
    """
    writer = NumbaWriter(Plan(inputs, outputs), [leaf.name or "" for leaf in inputs])
    return writer.code()


@dataclass(frozen=True)
class NumbaCode(Code):
    """Code of which a part is compiled by numba, once, and kept on disk.

    Attributes:
        kernels: the part of the source that numba compiles.
        driver: the part that calls it.
    """

    kernels: str
    driver: str

    def load(self) -> Any:
        """The function that the source defines. All programs have the same crew."""
        from .kernel_cache import load_kernels

        crew = {"crew": load_kernels(crew_alone())["crew"]} if "crew." in self.driver else {}
        return defined_by(self.driver, {**load_kernels(self.kernels), **crew, **self.constants})


class NumbaWriter(Writer):
    """The source code of one plan."""

    loop = FusedLoop

    def __init__(self, plan: Plan, names: Sequence[str]) -> None:
        self.kernels: list[Kernel] = []
        super().__init__(plan, names)

    def code(self) -> NumbaCode:
        """All of it."""
        base = super().code()
        if not self.kernels:
            raise NotInLoops("nothing to compile")
        functions = {f for k in self.kernels for f in k.functions}
        is_shared = any(k.is_shared for k in self.kernels)
        bodies = "\n\n".join(k.text for k in self.kernels)
        kernels = _head(is_shared) + _functions(functions) + bodies
        source = kernels
        if is_shared:
            source = _head(True) + _functions(functions | _OF_CREW) + bodies + "\n\n" + _crew()
        source += f"\n\n{base.source}"
        return NumbaCode(source, base.constants, base.memory, kernels, base.source)


def crew_alone() -> str:
    """The helpers without any kernel, as text."""
    return _head(True) + _functions(_OF_CREW) + _crew()


def _head(is_shared: bool) -> str:
    return _HEAD + _SHARED if is_shared else _HEAD


def _functions(names: set[str]) -> str:
    """Functions that kernels call, and those that these call, as text."""
    order: list[str] = []
    wanted = sorted(names, reverse=True)
    while wanted:
        name = wanted[-1]
        called = _function(name).__code__.co_names
        missing = [n for n in called if _function(n) and n not in order]
        wanted = wanted + missing if missing else wanted[:-1]
        if not missing and name not in order:
            order.append(name)
    return "".join(_decorated(name) for name in order)


def _function(name: str) -> Any:
    """The function of this name that kernels may call, if there is one."""
    found = (getattr(module, name, None) for module in _TEXTS)
    return next(filter(inspect.isfunction, found), None)


def _decorated(name: str) -> str:
    how = _DECORATORS.get(name, "exactly")
    return f"@{how}\n{inspect.getsource(_function(name))}\n\n"


def _crew() -> str:
    """The threads that help, as text."""
    text = inspect.getsource(crew)
    return text[text.index("ROUNDS = ") :] + _CREW
