"""What nodes are called in a diagnosis: softmax(z), mean(x), and not the operations they are of.

Names are for reading: a shift by a constant, as inside a stable softmax, is left out of them.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from ..algebra.attempts.recognising import recognise
from ..algebra.loss.copying import Copy
from ..errors import DeriveError
from ..graph import Tensor, interpret, op_name, record, toposort
from ..writing.text import number, text
from .subject import Subject

_LONGEST = 70


class Titles:
    """Names for the nodes of a subject, worked out when they are asked for."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._shown: dict[int, Any] = {}

    def __call__(self, node: Any) -> str:
        """What a node or a number is called."""
        if not isinstance(node, Tensor):
            return text(node) if hasattr(node, "shape") else number(node)
        shown = interpret(toposort(node), self._display, self._shown)
        written = text(shown[id(node)])
        return written if len(written) <= _LONGEST or node.op is None else f"{node.op.name}(...)"

    @cached_property
    def _usual(self) -> dict[int, str]:
        """The quotients of the loss that have a usual name, such as softmax(z)."""
        try:
            copy = Copy(self._subject.loss, None, self._subject.implied)
            recognise(copy)
        except DeriveError:
            return {}
        made = {id(n): copy.of(n) for n in toposort(self._subject.loss) if n.op is not None}
        return {i: c.name for i, c in made.items() if isinstance(c, Tensor) and c.name}

    def _display(self, n: Tensor, args: tuple[Any, ...]) -> Any:
        """A node to print: with the usual names, without shifts by constants."""
        if n.op is None or n.name:
            return _leaf(n, self._subject.name(n))
        if id(n) in self._usual:
            return _leaf(n, self._usual[id(n)])
        if op_name(n) == "sub" and op_name(n.args[1]) == "stop_gradient":
            return args[0]
        if op_name(n) == "add" and op_name(n.args[1]) == "stop_gradient":
            return args[0]
        if op_name(n) == "sum" and n.size == n.args[0].size:
            return args[0]
        called = _statistic(n) or _gate(n)
        if called is not None:
            name, of = called
            axis = _axis(n.args[0]) if op_name(n) == "div" else ""
            return _leaf(n, f"{name}({text(self._shown[id(of)])}{axis})")
        return record(n.op, args, n.params, n._value)


def _leaf(n: Tensor, name: str) -> Tensor:
    return record(None, (), {}, n._value).named(name)  # type: ignore[arg-type]


def _statistic(n: Tensor) -> tuple[str, Tensor] | None:
    """`mean` or `var`, and of what, if that is what a quotient computes."""
    if op_name(n) != "div" or op_name(n.args[0]) != "sum" or op_name(n.args[1]) != "size":
        return None
    of = n.args[0].args[0]
    if n.args[1].args[0] is not of and n.args[1].args[0].shape != of.shape:
        return None
    if op_name(of) in ("mul", "power") and op_name(of.args[0]) == "sub":
        x, centre = of.args[0].args
        squared = of.args[1] is of.args[0] or (op_name(of) == "power" and of.args[1] == 2)
        if squared and isinstance(centre, Tensor) and _statistic(centre) == ("mean", x):
            return "var", x
    return "mean", of


def _gate(n: Tensor) -> tuple[str, Tensor] | None:
    """`relu`, and of what, if that is what a choice computes."""
    if op_name(n) != "where" or op_name(n.args[0]) != "greater":
        return None
    x, least = n.args[0].args
    fits = x is n.args[1] and not isinstance(least, Tensor) and np.ndim(least) == 0
    zero = fits and least == 0 and not isinstance(n.args[2], Tensor) and np.all(n.args[2] == 0)
    return ("relu", x) if zero else None


def _axis(total: Tensor) -> str:
    axis = total.params["axis"]
    every = axis == tuple(range(total.args[0].ndim))
    return "" if every else f", axis={axis[0] if len(axis) == 1 else axis}"
