"""Calls of the library's own functions, as single nodes that stand at the end of a derivation.

Inside a derivation such a node is opaque. In the result it is the function's real composition,
named by what it prints, so that the result can be differentiated and drawn like anything else.
"""

from __future__ import annotations

from typing import Any

from .. import functions
from ..graph import Primitive, Tensor, record
from ..writing.text import text
from .views import Term

_TEMPLATE = {
    "vjp": None, "scalar": None, "elementwise": False, "selects": False, "works": "", "code": "",
    "latex": "", "precedence": 9, "sample": (),
}  # fmt: skip


def _call(name: str) -> Primitive:
    function = getattr(functions, name)

    def array(x: Any, named_axis: str = "", **params: Any) -> Any:
        return function(x, **params)

    return Primitive(name, array, text=name + "({0}{named_axis})", **_TEMPLATE)


_SOFTMAX, _LOGSUMEXP, _SIGMOID = _call("softmax"), _call("logsumexp"), _call("sigmoid")
CALLS = {op.name: op for op in (_SOFTMAX, _LOGSUMEXP, _SIGMOID)}


def _node(op: Primitive, x: Any, **params: Any) -> Any:
    value = x._value if isinstance(x, Tensor) else x
    result = op.array(value, **params)
    if not isinstance(x, Tensor):
        return result
    return record(op, (x,), {**params, "named_axis": _axis_text(x, params)}, result)


def _axis_text(x: Tensor, params: dict[str, Any]) -> str:
    axis = params.get("axis", x.ndim - 1)
    return "" if axis == x.ndim - 1 else f", axis={axis}"


def softmax(x: Any, along: Any) -> Any:
    """softmax along the one axis that `along` sums over."""
    return _node(_SOFTMAX, x, axis=along.axis[0])


def logsumexp(x: Any, along: Any) -> Any:
    """logsumexp along the one axis that `along` sums over."""
    return _node(_LOGSUMEXP, x, axis=along.axis[0], keepdims=along.keepdims)


def sigmoid(x: Any) -> Any:
    """The sigmoid, entry by entry."""
    return _node(_SIGMOID, x)


def opened(node: Tensor, args: tuple[Term, ...]) -> Term:
    """The composition that a call stands for, on real arguments, named by what it prints."""
    assert node.op is not None
    params = {k: v for k, v in node.params.items() if k != "named_axis"}
    result = node.op.array(*args, **params)
    return result.named(text(node)) if isinstance(result, Tensor) else result
