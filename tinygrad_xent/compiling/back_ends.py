"""The ways to run a plan: NumPy, always there, and numba, where it is installed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec

from ..errors import CompileError, explain
from ..graph import Tensor
from . import numpy_code
from .code import Code

BackEnd = Callable[[Sequence[Tensor], Sequence[Tensor]], Code]


def back_end(name: str | None) -> BackEnd:
    """The code generator by this name; the fastest that is installed if none is given."""
    known = {None: _fastest, "numpy": lambda: numpy_code.generate, "numba": _numba}
    if name not in known:
        raise CompileError(
            explain("compile: there is no such back end", repr(name), "'numpy' or 'numba'")
        )
    return known[name]()


def _fastest() -> BackEnd:
    return numpy_code.generate


def _numba() -> BackEnd:
    if find_spec("numba") is None:
        raise CompileError(
            explain("compile: numba is not installed", "", "pip install 'tinygrad-xent[fast]'")
        )
    return numpy_code.generate
