"""Calls of the library's own functions, as single nodes that stand at the end of a derivation.

Inside a derivation such a node is opaque. In the result it is the function's real composition,
named by what it prints, so that the result can be differentiated and drawn like anything else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ... import functions
from ...functions.arithmetic import eye as eye_of
from ...graph import PRIMITIVES, Primitive, Tensor, numbers, record
from ...ops import exp, log, others, sum
from ...writing.text import text
from .views import Term

_TEMPLATE = {
    "vjp": None, "scalar": None, "elementwise": False, "selects": False, "works": "", "code": "",
    "latex": "", "precedence": 9, "sample": (),
}  # fmt: skip


_REDUCTIONS = frozenset({"mean", "norm", "centred"})
_ROWS = frozenset({"softmax", "logsumexp", "log_softmax", "log_others_softmax", "deviation"})
_OF_TWO = frozenset({"outer", "logaddexp", "deviation"})


def _centred(x: Any, axis: tuple[int, ...], keepdims: bool = True) -> Any:
    return x - functions.mean(x, axis, keepdims=True)


def _log_others_softmax(x: Any, axis: int) -> Any:
    return log(others(functions.softmax(x, axis), axis))


def _log_softmax(x: Any, axis: int) -> Any:
    return x - log(sum(exp(x), axis, keepdims=True))


def _deviation(x: Any, q: Any, axis: int) -> Any:
    return x * others(q, axis) - others(q * x, axis)


def _log_cosh(x: Any) -> Any:
    return log((exp(x) + exp(-x)) / 2)


def _log_add_exp(x: Any, y: Any) -> Any:
    return log(exp(x) + exp(y))


def _log_less_exp(x: Any) -> Any:
    return log(1 - exp(x))


def _off_diagonal(x: Any) -> Any:
    return x * (1 - np.eye(x.shape[0]))


_OWN: dict[str, Callable[..., Any]] = {  # what the library has no function for
    "eye": eye_of, "centred": _centred, "logaddexp": _log_add_exp, "log1mexp": _log_less_exp,
    "log_others_softmax": _log_others_softmax, "off_diagonal": _off_diagonal,
    "log_softmax": _log_softmax, "deviation": _deviation, "logcosh": _log_cosh,
}  # fmt: skip


def _call(name: str) -> Primitive:
    settings = "{axis}{keepdims}" * (name in _REDUCTIONS) + "{named_axis}" * (name in _ROWS)
    function = _OWN.get(name) or getattr(functions, name)

    def array(*args: Any, named_axis: str = "", **params: Any) -> Any:
        return function(*args, **params)

    args = "{0}, {1}" if name in _OF_TWO else "{0}"
    return Primitive(name, array, text=f"{name}({args}{settings})", **_TEMPLATE)


_NAMES = (
    "softmax", "logsumexp", "sigmoid", "mean", "norm", "diag", "outer", "softplus", *_OWN,
)  # fmt: skip
CALLS = {name: _call(name) for name in _NAMES}


def _node(name: str, x: Any, **params: Any) -> Any:
    op = CALLS[name]
    result = op.array(numbers(x), **params)
    if not isinstance(x, Tensor):
        return result
    if name in _ROWS:
        params["named_axis"] = _axis_text(x, params)
    return record(op, (x,), params, result)


def summed(node: Tensor) -> dict[str, Any]:
    """The axes that a node sums along, as the settings of a sum."""
    if node.op is None or node.op.name not in _ROWS:
        return node.params
    return {"axis": (node.params["axis"],), "keepdims": node.params.get("keepdims", True)}


def _axis_text(x: Tensor, params: dict[str, Any]) -> str:
    axis = params.get("axis", x.ndim - 1)
    return "" if axis == x.ndim - 1 else f", axis={axis}"


def softmax(x: Any, along: Any) -> Any:
    """softmax along the one axis that `along` sums over."""
    if along.is_pattern:
        return record(CALLS["softmax"], (x,), {"along": along}, x._value)
    return _node("softmax", x, axis=along.axis[0])


def log_softmax(x: Any, along: Any) -> Any:
    """The logarithm of softmax along the one axis that `along` sums over."""
    return x if along.is_pattern else _node("log_softmax", x, axis=along.axis[0])


def log_others_softmax(x: Any, along: Any) -> Any:
    """The logarithm of the sum of the other shares along the one axis of `along`."""
    return x if along.is_pattern else _node("log_others_softmax", x, axis=along.axis[0])


def centred(x: Any, along: Any) -> Any:
    """What is left when the mean along the axes that `along` sums over is taken away."""
    return x if along.is_pattern else _node("centred", x, axis=along.axis, keepdims=True)


def deviation(x: Any, q: Any, along: Any) -> Any:
    """What stays of x when its expectation is taken away, q being the probabilities."""
    if along.is_pattern:
        return x
    x, q = (PRIMITIVES["broadcast_to"](a, shape=along.shape) for a in (x, q))
    params = {"axis": along.axis[0], "named_axis": _axis_text(x, {"axis": along.axis[0]})}
    value = CALLS["deviation"].array(x._value, q._value, axis=along.axis[0])
    return record(CALLS["deviation"], (x, q), params, value)


def logaddexp(x: Any, y: Any) -> Any:
    """log(e^x + e^y), entry by entry."""
    args = np.broadcast_arrays(*(getattr(a, "_value", a) for a in (x, y)))
    return record(CALLS["logaddexp"], (x, y), {}, CALLS["logaddexp"].array(*args))


def logcosh(x: Any) -> Any:
    """The logarithm of the hyperbolic cosine, entry by entry."""
    return _node("logcosh", x)


def off_diagonal(x: Any) -> Any:
    """A square matrix with zeros on its diagonal."""
    return _node("off_diagonal", x)


def log1mexp(x: Any) -> Any:
    """log(1 - e^x), entry by entry."""
    return _node("log1mexp", x)


def logsumexp(x: Any, along: Any) -> Any:
    """logsumexp along the one axis that `along` sums over."""
    if along.is_pattern:
        return record(CALLS["logsumexp"], (x,), {"along": along}, along(x)._value)
    return _node("logsumexp", x, axis=along.axis[0], keepdims=along.keepdims)


def sigmoid(x: Any) -> Any:
    """The sigmoid, entry by entry."""
    return _node("sigmoid", x)


def mean(x: Any, along: Any) -> Any:
    """The mean along the axes that `along` sums over."""
    return _reduced("mean", x, along)


def norm(x: Any, along: Any) -> Any:
    """The root of the sum of squares along the axes that `along` sums over."""
    return _reduced("norm", x, along)


def softplus(x: Any) -> Any:
    """log(1 + e^x), entry by entry."""
    return _node("softplus", x)


def diag(x: Any) -> Any:
    """The matrix with a vector on its diagonal."""
    return _node("diag", x)


def eye(n: Any) -> Any:
    """The matrix with ones on its diagonal."""
    return record(CALLS["eye"], (n,), {}, CALLS["eye"].array(numbers(n)))


def outer(x: Any, y: Any) -> Any:
    """The matrix of the products of two vectors' entries."""
    return record(CALLS["outer"], (x, y), {}, CALLS["outer"].array(x._value, y._value))


def _reduced(name: str, x: Any, along: Any) -> Any:
    """In a rule's pattern, the axes are those of whichever sum it meets."""
    if along.is_pattern:
        return record(CALLS[name], (x,), {"along": along}, along(x)._value)
    return _node(name, x, axis=along.axis, keepdims=along.keepdims)


def opened(node: Tensor, args: tuple[Term, ...]) -> Term:
    """The composition that a call stands for, on real arguments, named by what it prints."""
    assert node.op is not None
    params = {k: v for k, v in node.params.items() if k != "named_axis"}
    result = node.op.array(*args, **params)
    return result.named(text(node)) if isinstance(result, Tensor) else result
