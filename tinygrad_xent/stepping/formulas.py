"""The cotangents as formulas: the same walk with symbols in place of numbers.

What arrives at a node is a formula in the symbols of the graph. The node's rule is applied to it,
and each result is simplified by itself, so that nothing but the rule happens between two steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..algebra import simplify
from ..differentiate import conform
from ..drawing.titles import named_leaf
from ..errors import DeriveError, ShapeError
from ..graph import Tensor, interpret, op_name, recording, shape_of, toposort, with_args
from ..ops import broadcast_to
from ..writing.text import text
from .numbers import Math, math
from .symbols import Symbols

MOST = 60  # nodes of a graph whose cotangents are written as formulas
_LONGEST = 72  # characters of a formula that is passed on as it is


class Formulas:
    """What has arrived at each node, in symbols.

    Args:
        loss: where the walk begins.
        seed: what arrives there.
        symbols: what the nodes are called.
    """

    def __init__(self, loss: Tensor, seed: Any, symbols: Symbols) -> None:
        self._symbols = symbols
        plain = np.ndim(seed) == 0 and float(seed) == 1.0
        self._total: dict[int, Any] = {id(loss): named_leaf("1" if plain else "g", seed)}
        self._short: dict[int, Any] = {}

    def of(self, node: Tensor) -> Math:
        """What has arrived at a node."""
        return math(self._total[id(node)])

    def send(self, node: Tensor, i: int) -> tuple[Math, Math]:
        """What a node sends to its argument `i`, and what has then arrived there."""
        arg = node.args[i]
        with recording(), np.errstate(all="ignore"):
            sent = _tidy(self._pulled(node, i), arg)
            before = self._total.get(id(arg))
            total = sent if before is None else _tidy(before + sent, arg)
        self._total[id(arg)] = total
        return math(sent), math(total)

    def _pulled(self, node: Tensor, i: int) -> Any:
        assert node.op is not None
        args = tuple(self._symbols.of(a) for a in node.args)
        pulled = node.op.pull(i, self._arriving(node), self._symbols.of(node), args, node.params)
        return conform(pulled, node.args[i]._value)

    def _arriving(self, node: Tensor) -> Any:
        """The cotangent of a node, by a name of its own where its formula is long."""
        g = self._total[id(node)]
        if len(text(g)) <= _LONGEST:
            return g
        if id(node) not in self._short:
            symbol = self._symbols.of(node).name
            self._short[id(node)] = named_leaf(f"g({symbol})", g._value)
        return self._short[id(node)]


def _tidy(g: Any, like: Tensor) -> Any:
    """The formula simplified, at the shape of the node that receives it."""
    try:
        tidied = _counted(simplify(g).node) if isinstance(g, Tensor) else g
    except (DeriveError, ArithmeticError, ValueError):
        return g
    if not isinstance(tidied, Tensor):
        tidied = named_leaf(text(tidied), tidied)
    if shape_of(tidied) == like.shape:
        return tidied
    try:
        return broadcast_to(tidied, like.shape)
    except ShapeError:  # a number in it was stretched to the lengths that the simplifier tried
        return named_leaf(text(tidied), g._value)


def _counted(formula: Any) -> Any:
    """The formula with lengths as numbers: the simplifier calls some n, but here they are known."""
    if not isinstance(formula, Tensor):
        return formula

    def count(node: Tensor, args: tuple[Any, ...]) -> Any:
        length = op_name(node) == "alias" and type(args[0]) is not Tensor
        return int(node._value) if length or op_name(node) == "size" else with_args(node, args)

    return interpret(toposort(formula), count)[id(formula)]
