"""Calls of the library's own functions, as single nodes that stand at the end of a derivation.

Inside a derivation such a node is opaque. In the result it is the function's real composition,
named by what it prints, so that the result can be differentiated and drawn like anything else.
"""

from __future__ import annotations

from typing import Any

from .. import functions
from ..functions.arithmetic import eye as eye_of
from ..graph import Primitive, Tensor, record
from ..writing.text import text
from .views import Term

_TEMPLATE = {
    "vjp": None, "scalar": None, "elementwise": False, "selects": False, "works": "", "code": "",
    "latex": "", "precedence": 9, "sample": (),
}  # fmt: skip


_REDUCTIONS, _ROWS = frozenset({"mean", "norm"}), frozenset({"softmax", "logsumexp"})


def _call(name: str) -> Primitive:
    settings = "{axis}{keepdims}" * (name in _REDUCTIONS) + "{named_axis}" * (name in _ROWS)
    function = eye_of if name == "eye" else getattr(functions, name)

    def array(*args: Any, named_axis: str = "", **params: Any) -> Any:
        return function(*args, **params)

    args = "{0}, {1}" if name == "outer" else "{0}"
    return Primitive(name, array, text=f"{name}({args}{settings})", **_TEMPLATE)


_NAMES = ("softmax", "logsumexp", "sigmoid", "mean", "norm", "diag", "outer", "eye", "softplus")
CALLS = {name: _call(name) for name in _NAMES}


def _node(name: str, x: Any, **params: Any) -> Any:
    op = CALLS[name]
    value = x._value if isinstance(x, Tensor) else x
    result = op.array(value, **params)
    if not isinstance(x, Tensor):
        return result
    if name in _ROWS:
        params["named_axis"] = _axis_text(x, params)
    return record(op, (x,), params, result)


def summed(node: Tensor) -> dict[str, Any]:
    """The axes that a node sums along, as the settings of a sum."""
    if node.op is not None and node.op.name == "softmax":
        return {"axis": (node.params["axis"],), "keepdims": True}
    return node.params


def _axis_text(x: Tensor, params: dict[str, Any]) -> str:
    axis = params.get("axis", x.ndim - 1)
    return "" if axis == x.ndim - 1 else f", axis={axis}"


def softmax(x: Any, along: Any) -> Any:
    """softmax along the one axis that `along` sums over."""
    if along.is_pattern:
        return record(CALLS["softmax"], (x,), {"along": along}, x._value)
    return _node("softmax", x, axis=along.axis[0])


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
    value = n._value if isinstance(n, Tensor) else n
    return record(CALLS["eye"], (n,), {}, CALLS["eye"].array(value))


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
