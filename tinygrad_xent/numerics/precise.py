"""A recorded graph evaluated with as many digits as it takes, by mpmath.

The inputs are taken as they are: a float64 is an exact number. Only operations that compute have an
entry in the table; those that move or choose entries do so with any kind of number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import GradientError, NotSupportedError, explain
from ..graph import Primitive, Tensor, interpret, toposort

_FEWEST, _MOST = 256, 400_000  # bits
_BITS_PER_NAT = 1.4427
_TAILS = frozenset({"exp", "expm1", "tanh"})  # of which a tail e^-2x may be all that is left
_FUNCTIONS = ("exp", "log", "expm1", "log1p", "sqrt", "sin", "cos", "tanh", "power")


def exactly(*roots: Tensor) -> tuple[list[Any], int]:
    """The values of graphs as arrays of mpmath's numbers, and the decimal digits it took.

    Raises:
        NotSupportedError: mpmath is not installed, or does not know an operation.
        GradientError: the numbers in the graph are too far apart.

    >>> x = Tensor(1e-20)
    >>> (value,), digits = exactly((1 + x) - 1)
    >>> float(value[()])
    1e-20
    """
    bits = _FEWEST
    while bits <= _MOST:
        evaluation = Evaluation(roots, bits)
        if evaluation.needed <= bits:
            return [evaluation.values[id(r)] for r in roots], int(bits / 3.3219)
        bits = max(evaluation.needed, 2 * bits)
    problem = "accuracy: the numbers in this graph are too far apart to be told from each other"
    raise GradientError(explain(problem, f"{bits:,} bits", "values closer to zero"))


class Evaluation:
    """All values of graphs, with so many bits.

    Attributes:
        values: by the `id` of the node.
        needed: how many bits keep apart what is added: the span of the magnitudes, twice.
    """

    def __init__(self, roots: Sequence[Tensor], bits: int) -> None:
        self.context = context()
        self.context.prec = bits
        self._table = _table(self.context)
        self._least, self._largest, self._tail = 0, 0, 0.0
        self.values = interpret(toposort(*roots), self._value)
        self.needed = 2 * (self._largest - self._least) + int(self._tail) + _FEWEST

    def _value(self, node: Tensor, args: tuple[Any, ...]) -> Any:
        if node.op is None:
            return self._measured(self._numbers(node._value))
        exact = list(map(self._numbers, args))
        if node.op.name in _TAILS:
            self._tail = max(self._tail, self._size(exact[0]) * 2 * _BITS_PER_NAT)
        return self._measured(self._numbers(self._applied(node.op, exact, node.params)))

    def _applied(self, op: Primitive, args: list[Any], params: dict[str, Any]) -> Any:
        if op.name in self._table:
            return self._table[op.name](*args, **params)
        try:
            value = op.array(*args, **params)
            if not _is_rough(value):
                return value
        except (TypeError, AttributeError):  # a function that NumPy has for its own numbers only
            pass
        known = getattr(self.context, op.name, None)
        if known is None:
            problem = f"accuracy: mpmath does not know the operation {op.name}"
            raise NotSupportedError(explain(problem, "", "operations of tx, composed"))
        return _entrywise(known, self.context)(*args)

    def _numbers(self, value: Any) -> Any:
        """Floating point as mpmath's numbers; masks and whole numbers as they are."""
        array = np.asarray(value)
        if array.dtype.kind != "f":
            return array
        return np.asarray(np.frompyfunc(lambda x: self.context.mpf(float(x)), 1, 1)(array))

    def _measured(self, value: Any) -> Any:
        value = np.asarray(value)
        if value.dtype == object:
            sizes = [self.context.mag(x) for x in value.flat if x and self.context.isfinite(x)]
            self._least = min([self._least, *map(int, sizes)])
            self._largest = max([self._largest, *map(int, sizes)])
        return value

    def _size(self, value: Any) -> float:
        finite = [abs(float(x)) for x in np.asarray(value).flat if self.context.isfinite(x)]
        return max(finite, default=0.0)


def context() -> Any:
    """mpmath's arithmetic, with a precision of its own.

    Raises:
        NotSupportedError: it is not installed.
    """
    try:
        import mpmath
    except ImportError:
        problem = "accuracy: arbitrary precision needs mpmath, which is not installed"
        works = 'pip install mpmath, or pip install "tinygrad-xent[accuracy]"'
        raise NotSupportedError(explain(problem, "", works)) from None
    return mpmath.mp.clone()


def _table(context: Any) -> dict[str, Callable[..., Any]]:
    """How to compute what NumPy computes for its own numbers only."""
    table = {name: _entrywise(getattr(context, name), context) for name in _FUNCTIONS}
    table["div"] = _entrywise(
        lambda x, y: context.mpf(x) / y, context, lambda x, y: x * context.inf
    )
    table["size"] = lambda x, axis: context.mpf(math.prod(x.shape[a] for a in axis))
    table["astype"] = lambda x, dtype: _cast(x, np.dtype(dtype), context)
    return table


def _entrywise(
    f: Callable[..., Any], context: Any, pole: Callable[..., Any] | None = None
) -> Callable[..., Any]:
    """A function of numbers on arrays, with NumPy's conventions at poles and outside the domain."""

    def real(*args: Any) -> Any:
        try:
            value = f(*args)
        except ZeroDivisionError:
            return context.inf if pole is None else pole(*args)
        return context.nan if isinstance(value, context.mpc) else context.mpf(value)

    def apply(*args: Any) -> Any:
        return np.asarray(np.frompyfunc(real, len(args), 1)(*args))

    return apply


def _is_rough(value: Any) -> bool:
    """Whether a user's own operation went through floating point after all."""
    array = np.asarray(value)
    return array.dtype.kind == "f" or any(isinstance(x, (float, np.floating)) for x in array.flat)


def _cast(x: Any, dtype: Any, context: Any) -> Any:
    """A conversion without its rounding: between lengths of floating point nothing happens."""
    if dtype.kind != "f":
        return x.astype(dtype)
    return (
        x if x.dtype == object else np.asarray(np.frompyfunc(context.mpf, 1, 1)(x.astype(object)))
    )
