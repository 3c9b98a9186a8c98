"""A function that is recorded once for each kind of arguments, and from then on run as code.

What a call needs is looked up by its *signature*: the shapes and dtypes of the arrays among the
arguments, and everything else by value.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import update_wrapper
from typing import Any

import numpy as np

from ..errors import CompileError, DtypeError, describe, explain
from ..graph import Tensor, constant
from ..trees import flatten, is_numbers
from .back_ends import BackEnd, back_end
from .code import Code
from .pool import Pool
from .tracing import Traced, trace

_PROGRAMS, _VARIANTS = 128, 16  # how many are kept of a function, and of one signature


class Program:
    """One record of a function, as code.

    Attributes:
        code: the source and what it needs.
        traced: what it was made from.
    """

    def __init__(self, traced: Traced, generate: BackEnd) -> None:
        self.traced = traced
        graphs = [o for o in traced.outputs if isinstance(o, Tensor)]
        self.code: Code = generate(traced.inputs, graphs)
        self._run, self._pool = self.code.load(), Pool(graphs)
        self._finish = _finisher(traced)
        self._conditions: Callable[..., tuple[Any, ...]] | None = None
        if traced.conditions:
            asked = [c for c, _ in traced.conditions]
            self._conditions = generate(traced.inputs, asked).load()

    def fits(self, leaves: list[Any]) -> bool:
        """Whether Python's branches would go the way that they went when this was recorded."""
        if self._conditions is None:
            return True
        found = self._conditions(*leaves)
        return all(bool(f) == t for f, (_, t) in zip(found, self.traced.conditions, strict=True))

    def __call__(self, leaves: list[Any]) -> Any:
        return self._finish(self._run(*leaves, out=self._pool.take()))


class Compiled:
    """A function that runs as generated code. Made by `tx.compile`.

    It is recorded anew for arguments of other shapes or dtypes, for other values of arguments that
    are neither arrays nor floats, and where a branch of Python's goes another way. It may be called
    from several threads at once.

    Attributes:
        source: the code for the arguments of the last call that was recorded.
        memory: the bytes of temporaries that this code keeps from call to call.
    """

    def __init__(self, f: Callable[..., Any], generate: BackEnd) -> None:
        self._f, self._generate = f, generate
        self._programs: OrderedDict[Any, list[Program]] = OrderedDict()
        self._last: Program | None = None
        self._lock = threading.RLock()
        update_wrapper(self, f, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        key: list[Any] = []
        leaves: list[Any] = []
        for a in args:
            if type(a) is np.ndarray and a.dtype.isnative:
                key.append((a.shape, a.dtype))
                leaves.append(a)
            else:
                key.append(_signature(a, leaves))
        if kwargs:
            key.append(_signature(kwargs, leaves))
        if any(type(x) is Tensor for x in leaves):
            return self._f(*args, **kwargs)  # which is being recorded itself
        for program in self._programs.get(tuple(key), ()):
            if program.fits(leaves):
                return program(leaves)
        return self._made(tuple(key), leaves, args, kwargs)(leaves)

    def _made(self, key: Any, leaves: list[Any], args: Any, kwargs: Any) -> Program:
        """Record the function for these arguments."""
        with self._lock:
            program = Program(
                trace(leaves, lambda new: self._call(new, args, kwargs)), self._generate
            )
            variants = self._programs.setdefault(key, [])
            variants.insert(0, program)
            del variants[_VARIANTS:]
            while len(self._programs) > _PROGRAMS:
                self._programs.popitem(last=False)
            self._last = program
            return program

    def _call(self, new: list[Any], args: Any, kwargs: Any) -> Any:
        """The user's function with other leaves in the places of the arrays."""
        given, rebuild = flatten((args, kwargs))
        rest = iter(new)
        args, kwargs = rebuild([next(rest) if _is_leaf(x) else x for x in given])
        return self._f(*args, **kwargs)

    @property
    def source(self) -> str:
        return self._recorded().code.source

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

    >>> import tinygrad_xent as tx
    >>> def loss(z):
    ...     return -tx.log(tx.exp(z) / tx.sum(tx.exp(z)))[0]
    >>> value, slope = tx.compile(tx.value_and_grad(loss))(np.array([40.0, 0.0, 0.0]))
    >>> float(value), slope
    (8.496708510583178e-18, array([-8.49670851e-18,  4.24835426e-18,  4.24835426e-18]))
    """
    if not callable(f):
        raise CompileError(explain("compile: a function is wanted", describe(f), "tx.compile(f)"))
    return Compiled(f, back_end(backend))


# -- arguments and results ------------------------------------------------------------------------


def _is_leaf(x: Any) -> bool:
    """Whether an argument is numbers, which may be others in the next call."""
    return isinstance(x, (np.ndarray, np.generic, float, Tensor, list))


def _signature(arg: Any, leaves: list[Any]) -> Any:
    """What a call is looked up by; the arrays are added to the leaves."""
    if isinstance(arg, dict):
        return (dict, *((k, _signature(v, leaves)) for k, v in arg.items()))
    if isinstance(arg, tuple) or (isinstance(arg, list) and not is_numbers(arg)):
        return (type(arg), *(_signature(v, leaves) for v in arg))
    if _is_leaf(arg):
        leaf: Any = arg if isinstance(arg, (Tensor, float)) else _array(arg)
        leaves.append(leaf)
        return (float,) if type(leaf) is float else (leaf.shape, leaf.dtype)
    try:
        hash(arg)
    except TypeError:
        raise CompileError(
            explain("compile: an argument is neither numbers nor hashable", describe(arg),
                    "arrays, numbers, strings, None; in tuples, lists and dicts")
        ) from None  # fmt: skip
    return type(arg), arg


def _array(x: Any) -> Any:
    """An array in this machine's byte order, of a dtype that is computed with."""
    array = np.asarray(constant(x, "compile"))
    if array.dtype.kind not in "fiub":
        raise DtypeError(explain("compile: numbers must be real", describe(x), "floats, integers"))
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _finisher(traced: Traced) -> Callable[[tuple[Any, ...]], Any]:
    """What makes of the code's results what the function returns."""
    kinds = [type(o._value) is float if isinstance(o, Tensor) else None for o in traced.outputs]
    outputs, rebuild = traced.outputs, traced.rebuild

    def finish(results: tuple[Any, ...]) -> Any:
        rest = iter(results)
        return rebuild([
            _copied(o) if kind is None else float(next(rest)) if kind else next(rest)
            for o, kind in zip(outputs, kinds, strict=True)
        ])  # fmt: skip

    if all(kind is False for kind in kinds):
        return (lambda r: rebuild(list(r))) if len(kinds) != 1 else lambda r: rebuild([r[0]])
    return finish


def _copied(x: Any) -> Any:
    return np.array(x) if isinstance(x, np.ndarray) else x
