"""The closed form of a loss and its gradient, run as the code that `tx.derive` prints."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph import Tensor, interpret, toposort
from ..transforms import value_and_grad

_LARGEST = 80  # nodes of a graph that is rewritten, which takes a while


@dataclass(frozen=True)
class ClosedForm:
    """What the derived code gives.

    Attributes:
        value, gradient: the numbers.
        loss, formula: the formulas of the loss, as it is computed, and of the gradient.
        where: what they rest on, if they do.
    """

    value: Any
    gradient: Any
    loss: str
    formula: str
    where: str


def closed_form(loss: Tensor, wrt: Tensor) -> ClosedForm | None:
    """The value and gradient by the derived code, and its formulas.

    >>> x = Tensor([1.0, 2.0], name="x")
    >>> closed_form((x * x).sum(), x).formula
    '2*x'
    """
    from ..algebra import derive

    order = toposort(loss)
    if len(order) > _LARGEST:
        return None
    try:
        derivation = derive(loss, wrt)
        code = derivation.source()
    except Exception:  # a report on odd numbers does without what rewriting cannot do with them
        return None
    found = _run(code, {n.name: n._value for n in order if n.op is None and n.name})
    if found is None:
        return None
    formulas = (str(derivation.computations[0].result), str(derivation.result))
    return ClosedForm(*found, *formulas, _rests_on(derivation))


def _rests_on(derivation: Any) -> str:
    facts = ", ".join(derivation.assumptions)
    return f" where {facts}" if facts else ""


def _run(code: str, values: dict[str, Any]) -> tuple[Any, Any] | None:
    """What generated code gives for named arguments; None if it calls them otherwise."""
    space: dict[str, Any] = {}
    exec(compile(code, "<derived>", "exec"), space)  # the library's own text, names made safe
    function = space["value_and_gradient"]
    names = inspect.signature(function).parameters
    if not names.keys() <= values.keys():
        return None
    try:
        with np.errstate(all="ignore"):
            value, gradient = function(*(_number(values[name]) for name in names))
    except AttributeError:  # a primitive of the user's own, which NumPy does not have
        return None
    return value, gradient


def _number(value: Any) -> Any:
    """What NumPy computes with: at a pole Python's numbers would raise."""
    return np.float64(value) if type(value) is float else value


def compiled_form(out: Tensor, wrt: Tensor) -> tuple[Any, Any]:
    """The value of a graph and its gradient, as `tx.compile` computes them."""
    from ..compiling import compile

    def replayed(x: Any) -> Any:
        """The graph once more, with another Tensor in the place of `wrt`."""

        def again(node: Tensor, args: tuple[Any, ...]) -> Any:
            return node if node.op is None else node.op(*args, **node.params)

        return interpret(toposort(out), again, {id(wrt): x})[id(out)]

    result: tuple[Any, Any] = compile(value_and_grad(replayed))(wrt._value)
    return result
