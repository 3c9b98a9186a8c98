"""A function that is recorded once for each kind of arguments, and from then on run as code.

What a call needs is looked up by its *signature*: the shapes and dtypes of the arrays among the
arguments, and everything else by value.
"""

from __future__ import annotations

import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable
from functools import update_wrapper
from types import MethodType
from typing import Any

from ..errors import CompileError, describe, explain
from ..graph import Tensor, constant, detached
from ..trees import flatten
from .arguments import replaced, signature
from .back_ends import BackEnd, back_end
from .program import Program, copied
from .tracing import ForeignTensorError, is_watched, trace

_PROGRAMS, _VARIANTS = 128, 16  # how many are kept of a function, and of one signature


class Compiled:
    """A function that runs as generated code. Made by `tx.compile`.

    It is recorded anew for arguments of other shapes or dtypes, for other values of arguments that
    are neither arrays nor floats, and where a branch of Python's goes another way. It may be called
    from several threads at once.

    Attributes:
        source: the code for the arguments of the last call that was recorded.
        constants: the arrays that this code names and does not spell out, by name.
        memory: the bytes of temporaries that this code keeps from call to call.
    """

    def __init__(self, f: Callable[..., Any], generate: BackEnd) -> None:
        self._f, self._generate = f, generate
        self._programs: OrderedDict[Any, list[Program]] = OrderedDict()
        self._last: Program | None = None
        self._lock, self._warned = threading.RLock(), set[str]()
        update_wrapper(self, f, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        leaves: list[Any] = []
        key = signature(args, leaves)
        if kwargs:
            key += (None, *signature((kwargs,), leaves))  # None: a dict may be positional, too
        for program in self._programs.get(key, ()):
            if program.fits(leaves):
                return program(leaves)
        if Tensor in map(type, leaves):
            return self._f(*args, **kwargs)  # which is being recorded itself
        try:
            made = self._made(key, leaves, args, kwargs)
        except ForeignTensorError:
            if not is_watched():
                raise
            return self._f(*args, **kwargs)  # whoever watches has to see what it closes over
        return self._eager(leaves, args, kwargs) if made is None else made(leaves)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def _made(self, key: Any, leaves: list[Any], args: Any, kwargs: Any) -> Program | None:
        """The record of the function for these arguments; None if there are too many already."""
        with self._lock:
            variants = self._programs.get(key, [])
            for program in variants:  # another thread may have been here
                if program.fits(leaves):
                    return program
            if len(variants) >= _VARIANTS:
                self._warn(
                    f"took {_VARIANTS} different ways through its branches, and is called as it is "
                    "where it takes another: tx.where is one way for all"
                )
                return None
            traced = trace(leaves, lambda new: self._f_of(new, args, kwargs))
            self._last = Program(traced, self._generate)
            self._keep(key, [self._last, *variants])
            return self._last

    def _keep(self, key: Any, variants: list[Program]) -> None:
        self._programs[key] = variants
        if len(self._programs) > _PROGRAMS:
            self._programs.popitem(last=False)
            self._warn(
                f"was recorded for over {_PROGRAMS} kinds of arguments, and forgets the first: "
                "numbers that change are floats or arrays"
            )

    def _warn(self, what: str) -> None:
        if what not in self._warned:
            self._warned.add(what)
            warnings.warn(f"compile: {self!r} {what}", RuntimeWarning, stacklevel=4)

    def _f_of(self, new: list[Any], args: Any, kwargs: Any) -> Any:
        """The user's function with other leaves in the places of the arrays."""
        args, kwargs = replaced(args, kwargs, new)
        return self._f(*args, **kwargs)

    def _eager(self, leaves: list[Any], args: Any, kwargs: Any) -> Any:
        """What the function gives without being compiled."""
        new = [detached(constant(x)) for x in leaves]
        results, rebuild = flatten(self._f_of(new, args, kwargs))
        return rebuild([copied(r._value if isinstance(r, Tensor) else r) for r in results])

    @property
    def source(self) -> str:
        return self._recorded().code.source

    @property
    def constants(self) -> dict[str, Any]:
        return dict(self._recorded().code.constants)

    @property
    def memory(self) -> int:
        return self._recorded().code.memory

    def _recorded(self) -> Program:
        if self._last is None:
            raise CompileError(
                explain("compile: there is no code before the first call", "", "call it once")
            )
        return self._last

    def __repr__(self) -> str:
        return f"<compiled {getattr(self._f, '__name__', 'function')}>"


def compile(f: Callable[..., Any], *, backend: str | None = None) -> Compiled:
    """A function that gives what `f` gives, and runs as generated code.

    `f` is called once for each kind of arguments, with Tensors that have a shape and a dtype but no
    numbers. What it computes is put into the form that neither overflows nor cancels, planned, and
    written as source code. What is not computed from the arguments is a constant of that call.

    Args:
        f: takes and returns arrays and numbers, also in tuples, lists and dicts: a function of
            yours, or one that a transform made, such as `tx.value_and_grad(loss)`.
        backend: "numpy" or "numba"; numba where it is installed if not given.

    Raises:
        CompileError: the function looks at numbers (`.value`, `float(t)`) that are not there yet.

    >>> import numpy as np, tinygrad_xent as tx
    >>> def loss(z):
    ...     return -tx.log(tx.exp(z) / tx.sum(tx.exp(z)))[0]
    >>> value, slope = tx.compile(tx.value_and_grad(loss))(np.array([40.0, 0.0, 0.0]))
    >>> float(value), slope
    (8.496708510583178e-18, array([-8.49670851e-18,  4.24835426e-18,  4.24835426e-18]))
    """
    if not callable(f):
        raise CompileError(explain("compile: a function is wanted", describe(f), "tx.compile(f)"))
    return Compiled(f, back_end(backend))
