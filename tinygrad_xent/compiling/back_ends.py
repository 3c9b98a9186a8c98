"""The ways to run a plan: NumPy, always there, and numba, where it is installed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from ..errors import CompileError, explain
from ..graph import Tensor
from . import numba_code, numpy_code
from .code import Code
from .numba_code.expressions import NotInLoops

BackEnd = Callable[[Sequence[Tensor], Sequence[Tensor]], Code]


def back_end(name: str | None) -> BackEnd:
    """The code generator by this name; the fastest that is installed if none is given."""
    known = {None: _fastest, "numpy": lambda: numpy_code.generate, "numba": _numba}
    if name not in known:
        raise CompileError(
            explain("compile: there is no such back end", repr(name), "'numpy' or 'numba'")
        )
    return known[name]()


_LONG = 500  # lines of kernels, which take some five seconds to compile


def _fastest() -> BackEnd:
    return numpy_code.generate if find_spec("numba") is None else _short_loops_or_numpy


def _short_loops_or_numpy(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Code:
    """Compiled loops where they are compiled soon; a long unrolled loop would take minutes."""
    code = _loops_or_numpy(inputs, outputs)
    is_long = isinstance(code, numba_code.NumbaCode) and code.kernels.count("\n") > _LONG
    return numpy_code.generate(inputs, outputs) if is_long else code


def _numba() -> BackEnd:
    if find_spec("numba") is None:
        raise CompileError(
            explain("compile: numba is not installed", "", "pip install 'tinygrad-xent[fast]'")
        )
    return _loops_or_numpy


def _loops_or_numpy(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Code:
    """Compiled loops; NumPy where there is nothing to compile, or nothing to compile it with."""
    if numba_works():
        try:
            return numba_code.generate(inputs, outputs)
        except NotInLoops:
            pass
    return numpy_code.generate(inputs, outputs)


@cache
def numba_works() -> bool:
    """Whether numba, which is installed, can be imported and compiles; says once if not."""
    try:
        numba = import_module("numba")
    except Exception as error:  # it refuses a NumPy that is newer than itself, among others
        problem = str(error)
    else:
        problem = "NUMBA_DISABLE_JIT is set" if numba.config.DISABLE_JIT else ""
    if problem:
        warnings.warn(f"compile: numba cannot be used, NumPy is ({problem})", stacklevel=2)
    return not problem
