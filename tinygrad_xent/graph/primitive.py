"""One operation: how it is applied, and how its application is recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from types import BuiltinFunctionType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..errors import DtypeError, ShapeError, describe, explain
from .large import LARGE, Large
from .recording import is_recording
from .tensor import ALONE, NEVER, NO_PARAMS, Tensor, detached, record
from .values import constant

_ARRAYS = frozenset({ndarray, Large, np.float64, np.float32})  # which NumPy computes with, unasked
_PLAIN = _ARRAYS | {float, int, bool}
_HELD = _PLAIN - {ndarray, Large} | {Tensor}  # what a node holds as it is
_KNOWN = _PLAIN | {Tensor}
recording = is_recording.get
PRIMITIVES: dict[str, Primitive] = {}


class Primitive:
    """One operation: how to compute it, how to pull a cotangent back, how to write it down.

    Made by `primitive(...)`. Calling it with plain numbers and arrays just computes; with a Tensor
    among the arguments it also records the node.
    """

    __slots__ = (
        "alone", "arity", "array", "code", "elementwise", "latex", "name", "pair", "pairwise",
        "precedence", "reads_result", "rows", "sample", "scalar", "selects", "text", "together",
        "vjp", "works",
    )  # fmt: skip

    if TYPE_CHECKING:
        vjp: Any
        pairwise: bool  # a rule for each of two arguments
        together: bool  # one rule for all arguments
        reads_result: bool  # whether a rule does
        alone: Any  # the short way for one argument
        pair: Any  # the short way for two arguments, if these are what it takes
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
        self.arity = _arity(array)
        for key, value in fields.items():
            setattr(self, key, value)
        rules = self.vjp if type(self.vjp) is tuple else (self.vjp,)
        self.pairwise = len(rules) == 2 and all(rules)
        self.together = callable(self.vjp)
        self.reads_result = any(map(_reads_result, rules))
        self.alone = express_alone(self)
        self.pair = express_pair(self) if self.arity == 2 else None

    def __call__(self, *args: Any, **params: Any) -> Any:
        if len(args) == 1:  # the short ways first; what fails there, `apply` does again
            return self.alone(args[0], params or NO_PARAMS)
        if _PLAIN.issuperset(map(type, args)) and self.arity in (None, len(args)):
            try:
                return self.evaluate(args, params)
            except (ValueError, TypeError, IndexError):
                pass
        elif self.pair is not None and len(args) == 2 and not params:
            return self.pair(*args)
        return self.apply(args, params)

    def apply(self, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """The general way: any number of arguments, of any kind."""
        for a in args:
            if type(a) not in _KNOWN and hasattr(a, "applied"):
                return a.applied(self, args, params)  # it says itself what this does to it
        if len(args) != self.arity and self.arity is not None:
            raise self._miscounted(args)
        values = [
            a._value if type(a) is Tensor else a if type(a) in _PLAIN else constant(a, self.name)
            for a in args
        ]
        try:
            value = self.evaluate(values, params)
        except (ValueError, TypeError, IndexError) as error:
            raise self._misfit(args, params, error) from None
        return self._recorded(value, args, values, params) if Tensor in map(type, args) else value

    def _recorded(self, value: Any, args: Any, values: Any, params: dict[str, Any]) -> Tensor:
        if not recording():
            return detached(value)
        if not _HELD.issuperset(map(type, args)):
            args = tuple([a if type(a) in _HELD else constant(v, self.name)
                          for a, v in zip(args, values)])  # noqa: B905  # fmt: skip
        return record(self, args, params or NO_PARAMS, value)

    def giving(self, value: Any, *args: Any) -> Any:
        """Record that applying this to `args` gives `value`, if that was computed with more care.

        What was rounded in the arguments need not be lost in the value. It is for operations
        without settings.
        """
        if Tensor not in map(type, args):
            return value
        return self._recorded(value, args, args, NO_PARAMS)

    def evaluate(self, values: Sequence[Any], params: dict[str, Any]) -> Any:
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


def express_alone(op: Primitive) -> Callable[..., Any]:
    """`op` of one argument by the short way; its settings come as a dict, which the node keeps."""
    array, new = op.array, Tensor.__new__
    on_float: Any = getattr(op, "scalar", None) or array
    unused, use = (0, 1) if op.vjp is not None else (NEVER, 0)

    def apply(a: Any, params: dict[str, Any] = NO_PARAMS) -> Any:
        x = a._value if type(a) is Tensor else a
        compute: Any = array if type(x) in _ARRAYS else on_float if type(x) is float else None
        try:
            value = compute(x, **params) if params else compute(x)
        except (ArithmeticError, ValueError, TypeError, IndexError):
            return op.apply((a,), params)
        if x is a:
            return value
        if not recording():
            return detached(value)
        node = new(Tensor)
        node.op = op
        node._first = a
        node._second = ALONE
        node.params = params
        node._value = value
        node.name = None
        node._grad = None
        node._uses = unused
        a._uses += use
        return node

    return apply


def express_pair(op: Primitive) -> Callable[[Any, Any], Any]:
    """`op` of two arguments by the short way: a graph of scalars is made of them.

    It records what `op` would. Whatever is out of the ordinary is left to `op.apply`, errors
    included.
    """
    scalar: Any = getattr(op, "scalar", None)
    array, new = op.array, Tensor.__new__
    unused, use = (0, 1) if op.vjp is not None else (NEVER, 0)

    def apply(a: Any, b: Any) -> Any:
        x = a._value if type(a) is Tensor else a
        y = b._value if type(b) is Tensor else b
        value: Any = None
        if recording():
            try:
                if type(x) is float and type(y) is float:
                    value = scalar(x, y)
                elif type(x) in _ARRAYS or type(y) in _ARRAYS:
                    if type(a) is not Tensor:
                        if type(b) is not Tensor:
                            return op.apply((a, b), {})
                        a = x = constant(a)
                    elif type(b) is not Tensor:
                        b = y = constant(b)
                    value = array(x, y)
                    if type(value) is ndarray and value.nbytes >= LARGE:
                        value = value.view(Large)
                elif _are_python_floats(x, y):
                    value = scalar(x, y)
            except (ArithmeticError, ValueError, TypeError):
                pass
        if value is None:
            return op.apply((a, b), {})
        node = new(Tensor)  # what `record` does, with no more calls
        node.op = op
        node._first = a
        node._second = b
        node.params = NO_PARAMS
        node._value = value
        node.name = None
        node._grad = None
        node._uses = unused
        if x is not a:
            a._uses += use
        if y is not b:
            b._uses += use
        return node

    return apply


def _are_python_floats(x: Any, y: Any = 1.0) -> bool:
    """Whether Python's arithmetic gives a float for these: two floats, or a float and an int."""
    if type(x) is float:
        return type(y) is float or type(y) is int
    return type(x) is int and type(y) is float


def _arity(array: Callable[..., Any]) -> int | None:
    """How many arguments there are, if that is known: to a ufunc, one more would be out=."""
    if isinstance(array, np.ufunc):
        return array.nin
    return len(signature(array).parameters) if type(array) is BuiltinFunctionType else None


def _reads_result(rule: Any) -> bool:
    """Whether a rule looks at the result; one that does not calls it `_`."""
    code = getattr(rule, "__code__", None)
    return rule is not None and (code is None or code.co_varnames[1:2] != ("_",))


def _load_primitive(name: str) -> Primitive:
    return PRIMITIVES[name]
