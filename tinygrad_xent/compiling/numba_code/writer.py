"""A graph as source code in which loops over rows are compiled by numba.

The code is that of `numpy_code.py`, but what that does step by step in a loop over rows is one
function here, a *kernel*, which `kernels.py` writes. What a kernel cannot do, such as a product of
matrices, NumPy does in between. Kernels hold no lengths (but those of short rows), so that another
batch runs the same machine code, and the large ones run on all processors.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ...graph import Tensor
from ..code import Code, defined_by
from ..numpy_code.writer import Writer
from ..planning.rows import Plan
from . import chunks, vector_math
from .expressions import NotInLoops
from .fused import FusedLoop
from .kernels import Kernel

_HEAD = '''\
"""Kernels that numba compiles when they are first called."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit

exactly = njit(fastmath={"contract"}, error_model="numpy", forceinline=True)
freely = njit(fastmath={"contract", "reassoc", "nsz"}, error_model="numpy", forceinline=True)
kernel = njit(error_model="numpy", nogil=True, cache=True)


'''


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
        driver: the rest of it.
    """

    kernels: str
    driver: str

    def load(self) -> Any:
        """The function that the source defines."""
        from .kernel_cache import load_kernels

        return defined_by(self.driver, {**load_kernels(self.kernels), **self.constants})


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
        kernels = _HEAD + _functions(self.kernels) + "\n\n".join(k.text for k in self.kernels)
        kernels += "\n\n" + _runner()
        source = f"{kernels}\n\n{base.source}"
        return NumbaCode(source, base.constants, base.memory, kernels, base.source)


def _functions(kernels: Iterable[Kernel]) -> str:
    """The functions that kernels call, and those that these call, as text."""
    order: list[str] = []
    wanted = sorted({f for k in kernels for f in k.functions}, reverse=True)
    while wanted:
        name = wanted[-1]
        names = getattr(vector_math, name).__code__.co_names
        missing = [n for n in names if n != "np" and hasattr(vector_math, n) and n not in order]
        wanted = wanted + missing if missing else wanted[:-1]
        if not missing and name not in order:
            order.append(name)
    return "".join(_decorated(name) for name in order)


def _decorated(name: str) -> str:
    how = "freely" if name == "plus" else "exactly"
    return f"@{how}\n{inspect.getsource(getattr(vector_math, name))}\n\n"


def _runner() -> str:
    text = inspect.getsource(chunks)
    return text[text.index("helpers = ") :]
