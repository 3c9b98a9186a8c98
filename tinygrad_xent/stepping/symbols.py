"""What each node is called in formulas: its name, a short formula, or v1, v2 ... in order."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ..algebra.loss.compositions import Found
from ..drawing.titles import leaf_names, named_leaf
from ..drawing.values import brief
from ..graph import Tensor, record, toposort
from ..writing.text import number, text
from .numbers import Math, math

_LONGEST = 16  # characters of a formula that stands for itself
_CALL = re.compile(r"\w+\(([^()]|\([^()]*\))*\)")  # which reads as one thing wherever it stands


class Symbols:
    """The symbols of the nodes of a graph.

    Args:
        shown: the nodes, arguments before results; the last is the loss.
        found: the compositions among them, which are called by their functions' names.
        markup: whether formulas are wanted as MathML, too.
    """

    def __init__(self, shown: list[Tensor], found: list[Found], markup: bool = True) -> None:
        self._markup = markup
        self._named = {id(f.root): f for f in found}
        self._leaves = leaf_names(shown)
        self._taken = {n.name for n in shown if n.name} | set(self._leaves.values())
        self._made: dict[int, Tensor] = {}
        self._formulas: dict[int, Tensor] = {}
        self._labels = 0
        for node in shown:
            self._add(node, node is shown[-1])

    def of(self, x: Any) -> Any:
        """A leaf with the symbol of a node; numbers stay, other constants print briefly."""
        if type(x) is Tensor:
            return self._made[id(x)] if id(x) in self._made else named_leaf("...", x._value)
        return x if np.ndim(x) == 0 else named_leaf(_written(x), x)

    def symbol(self, node: Tensor) -> Math:
        """What the node is called."""
        made = self._made[id(node)]
        formula = self._formulas.get(id(node))
        itself = formula is not None and text(formula) == made.name
        return math(formula if itself else made, self._markup)

    def formula(self, node: Tensor) -> Math:
        """How the node is made from the symbols of its arguments."""
        return math(self._formulas.get(id(node), self._made[id(node)]), self._markup)

    def whole(self, node: Tensor) -> Math:
        """The formula of a node in the names that are the user's, or a known function's."""
        done: dict[int, Any] = {}
        for n in toposort(node):
            if n.op is None or (n is not node and (n.name or id(n) in self._named)):
                done[id(n)] = self._made[id(n)]
            else:
                args = tuple([done[id(a)] if type(a) is Tensor else self.of(a) for a in n.args])
                done[id(n)] = record(n.op, args, n.params, n._value)
        return math(done[id(node)], self._markup)

    def called(self, x: Any) -> str:
        """The symbol of a node, or a constant, as text."""
        return text(self.of(x))

    def constant(self, x: Any) -> Math:
        """A constant argument, as it is written."""
        return Math(self.called(x))

    def _add(self, node: Tensor, last: bool) -> None:
        if node.op is None:
            self._made[id(node)] = named_leaf(self._leaves[id(node)], node._value)
            return
        args = tuple([self.of(a) for a in node.args])
        formula = record(node.op, args, node.params, node._value)
        if node.op.text == "{0}":  # which prints as its argument alone
            formula = named_leaf(f"{node.op.name}({text(args[0])})", node._value)
        self._formulas[id(node)] = formula
        self._made[id(node)] = named_leaf(self._called(node, formula, last), node._value)

    def _called(self, node: Tensor, formula: Tensor, last: bool) -> str:
        if node.name:
            return node.name
        found = self._named.get(id(node))
        line = text(formula)
        if found is not None:
            line = f"{found.template.name}({text(self.of(found.argument))}"
            line += f"{found.template.settings})"
        short = _CALL.fullmatch(line) and (len(line) <= _LONGEST or found)
        if short and line not in self._taken:
            self._taken.add(line)
            return line
        if last and "loss" not in self._taken:
            return "loss"
        return self._label()

    def _label(self) -> str:
        while True:
            self._labels += 1
            if f"v{self._labels}" not in self._taken:
                return f"v{self._labels}"


def _written(x: Any) -> str:
    same = x.size and (x == x.flat[0]).all()
    return number(x.flat[0].item()) if same else brief(x).replace("\n", ", ")
