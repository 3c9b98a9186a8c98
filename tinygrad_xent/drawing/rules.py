"""The backward rule of an operation, written out: `g / y` and `-g * out / y` for a division.

Rules are functions, not text. Called with named Tensors, a rule records the expression that it
computes, and that is printed as any other is: g the arriving cotangent, out the result, and the
arguments under the names they have in the rule's own signature.
"""

from __future__ import annotations

import inspect
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from ..graph import Primitive, Tensor, recording, shape_of, toposort
from ..writing.text import text
from .titles import named_leaf

_READABLE = 40  # operations in a rule; a longer one is named, not printed


class Rule(NamedTuple):
    """What an argument receives: the rule's text, and the shape of what it gives."""

    text: str
    shape: tuple[int, ...]


def local_rules(node: Tensor, g: Any) -> list[Rule | None]:
    """The rule for each argument of `node` when `g` arrives; None where nothing is passed back."""
    op = node.op
    assert op is not None
    names = argument_names(op, len(node.args))
    args = tuple([_symbol(name, a) for name, a in zip(names, node.args, strict=True)])
    g, out = named_leaf("g", g), named_leaf("out", node._value)
    with recording(), np.errstate(all="ignore"):
        pulled = [_pull(i, g, out, args, node) for i in range(len(args))]
    return [None if c is None else Rule(_written(c, op), shape_of(c)) for c in pulled]


def _pull(i: int, g: Tensor, out: Tensor, args: tuple[Any, ...], node: Tensor) -> Any:
    assert node.op is not None
    return node.op.pull(i, g, out, args, node.params) if type(node.args[i]) is Tensor else None


def _written(c: Any, op: Primitive) -> str:
    short = type(c) is not Tensor or len(toposort(c)) <= _READABLE
    return text(c) if short else f"vjp of {op.name}"


def argument_names(op: Primitive, n: int) -> list[str]:
    """What the rule calls its first `n` arguments: x, y; c, x, y for a choice.

    >>> from tinygrad_xent.graph import PRIMITIVES
    >>> argument_names(PRIMITIVES["where"], 3), argument_names(PRIMITIVES["concatenate"], 2)
    (['c', 'x', 'y'], ['parts0', 'parts1'])
    """
    rules = op.vjp if type(op.vjp) is tuple else (op.vjp,)
    rule = next((r for r in rules if r is not None), None)
    if rule is None:
        return [name for name, _ in zip(_alphabet(), range(n), strict=False)]
    parameters = list(inspect.signature(rule).parameters.values())[2:]
    return [name for name, _ in zip(_spelled(parameters), range(n), strict=False)]


def _spelled(parameters: list[inspect.Parameter]) -> Any:
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            yield from (f"{parameter.name}{i}" for i in count())
        yield parameter.name
    yield from _alphabet()


def _alphabet() -> Any:
    yield from "xy"
    yield from (f"x{i}" for i in count(2))


def _symbol(name: str, arg: Any) -> Any:
    """A plain number stays one, because rules simplify for some (`x**2`); the rest gets a name."""
    if type(arg) is Tensor:
        return named_leaf(name, arg._value)
    return arg if np.ndim(arg) == 0 else named_leaf(name, arg)
