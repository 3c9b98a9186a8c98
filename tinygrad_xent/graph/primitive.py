"""One operation: how it is applied, and how its application is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..errors import DtypeError, ShapeError, describe, explain
from .recording import is_recording
from .tensor import NO_PARAMS, Tensor, detached, record, record_pair
from .values import constant

_ARRAYS = frozenset({ndarray, np.float64, np.float32})  # which NumPy computes with, unasked
_PLAIN = _ARRAYS | {float, int}
recording = is_recording.get
PRIMITIVES: dict[str, Primitive] = {}


class Primitive:
    """One operation: how to compute it, how to pull a cotangent back, how to write it down.

    Made by `primitive(...)`. Calling it with plain numbers and arrays just computes; with a Tensor
    among the arguments it also records the node.
    """

    __slots__ = (
        "arity", "array", "code", "elementwise", "latex", "name", "pairwise", "precedence",
        "rows", "sample", "scalar", "selects", "text", "vjp", "works",
    )  # fmt: skip

    if TYPE_CHECKING:
        vjp: Any
        pairwise: bool
        scalar: Callable[..., float] | None
        rows: Any
        elementwise: bool
        selects: bool
        works: str
        text: str
        latex: str
        code: str
        precedence: int
        sample: tuple[Any, ...]

    def __init__(self, name: str, array: Callable[..., Any], **fields: Any) -> None:
        self.name, self.array = name, array
        self.arity = array.nin if isinstance(array, np.ufunc) else None  # one more would be out=
        for key, value in fields.items():
            setattr(self, key, value)
        self.pairwise = type(self.vjp) is tuple and len(self.vjp) == 2 and all(self.vjp)

    def __call__(self, *args: Any, **params: Any) -> Any:
        if len(args) == 1:  # the short way for one array: much of a graph, and of its rules
            (a,) = args
            x = a._value if type(a) is Tensor else a
            if type(x) in _ARRAYS and (x is a or recording()):
                try:
                    value = self.array(x, **params) if params else self.array(x)
                except (ValueError, TypeError, IndexError) as error:
                    raise self._misfit(args, params, error) from None
                return value if x is a else record(self, args, params or NO_PARAMS, value)
        return self._apply(args, params)

    def _apply(self, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """The general way: any number of arguments, of any kind."""
        if len(args) != self.arity and self.arity is not None:
            raise self._miscounted(args)
        values = []
        traced = plain = False
        for a in args:
            if type(a) is Tensor:
                traced = True
                values.append(a._value)
            else:
                plain = True
                values.append(a if type(a) in _PLAIN else constant(a, self.name))
        try:
            if values and type(values[0]) is ndarray:
                value = self.array(*values, **params)
            else:
                value = self.evaluate(values, params)
        except (ValueError, TypeError, IndexError) as error:
            raise self._misfit(args, params, error) from None
        if not traced:
            return value
        if not recording():
            return detached(value)
        if plain:
            args = tuple([a if type(a) is Tensor else constant(v, self.name)
                          for a, v in zip(args, values)])  # noqa: B905  # fmt: skip
        return record(self, args, params or NO_PARAMS, value)

    def giving(self, value: Any, *args: Any) -> Any:
        """Record that applying this to `args` gives `value`, if that was computed with more care.

        What was rounded in the arguments need not be lost in the value. It is for operations
        without settings.
        """
        if not any(type(a) is Tensor for a in args):
            return value
        if not is_recording.get():
            return detached(value)
        held = tuple(a if type(a) is Tensor else constant(a, self.name) for a in args)
        return record(self, held, NO_PARAMS, value)

    def evaluate(self, values: list[Any], params: dict[str, Any]) -> Any:
        """The value: by Python's own arithmetic for Python numbers, else by NumPy's."""
        if self.scalar is not None and _are_python_floats(*values):
            try:
                return self.scalar(*values)
            except (ArithmeticError, ValueError):
                return float(self.array(*values))  # inf or nan, with NumPy's warning
        return self.array(*values, **params)

    def pull(self, i: int, g: Any, out: Any, args: Any, params: dict[str, Any]) -> Any:
        """The cotangent that argument `i` receives when `out` receives `g`, or None."""
        rules = self.vjp
        if type(rules) is tuple:
            rule = rules[i]
            return None if rule is None else rule(g, out, *args, **params)
        return None if rules is None else rules(g, out, *args, **params)[i]

    def _miscounted(self, args: Any) -> Exception:
        given = ", ".join(describe(a) for a in args)
        works = f"{self.arity} positional, no array to write into and no base"
        problem = f"{self.name}: arguments: takes {self.arity}, not {len(args)}"
        return DtypeError(explain(problem, given or "none", works))

    def _misfit(self, args: Any, params: Any, error: Exception) -> Exception:
        if len(args) != self.arity and self.arity is not None:
            return self._miscounted(args)
        given = ", ".join(describe(a) for a in args)
        settings = "".join(f", {k}={v}" for k, v in params.items())
        kind = DtypeError if isinstance(error, TypeError) else ShapeError
        problem = str(error).strip().removeprefix(f"{self.name}: ")
        return kind(explain(f"{self.name}: {problem}", given + settings, self.works))

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _load_primitive, (self.name,)


def express(op: Primitive) -> Callable[[Any, Any], Any]:
    """`op` of two arguments by the short way, for operators: a graph of scalars is made of them.

    It records what `op` would. Whatever is out of the ordinary is left to `op`, errors included.
    """
    scalar: Any = op.scalar

    def apply(a: Any, b: Any) -> Any:
        x = a._value if type(a) is Tensor else a
        y = b._value if type(b) is Tensor else b
        if recording():
            try:
                if (type(x) is float and type(y) is float) or _are_python_floats(x, y):
                    return record_pair(op, a, b, scalar(x, y))
                if type(x) is ndarray or type(y) is ndarray:
                    if type(a) is not Tensor:
                        a = x = constant(a)
                    elif type(b) is not Tensor:
                        b = y = constant(b)
                    return record_pair(op, a, b, op.array(x, y))
            except (ArithmeticError, ValueError, TypeError):
                pass
        return op(a, b)

    return apply


def _are_python_floats(x: Any, y: Any = 1.0) -> bool:
    """Whether Python's arithmetic gives a float for these: two floats, or a float and an int."""
    if type(x) is float:
        return type(y) is float or type(y) is int
    return type(x) is int and type(y) is float


def _load_primitive(name: str) -> Primitive:
    return PRIMITIVES[name]
