"""A syntax tree applied to Tensors, by calling the library's own operations: arguments first.

The parts of a node that are formulas come from `_parts`; settings (an axis, an index) are no
formulas and are read by `literals.py`.
"""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import ops
from ..errors import TinygradXentError
from ..graph import Tensor, dtype_of, recording, shape_of
from .grammar import Source, parse
from .literals import array, index, number, setting
from .table import FUNCTIONS, LISTS, PREFIXES, SETTINGS, nearest, signature

MOST = 4096  # entries of any array: what is read here are samples
_CONSTANTS = {"pi": math.pi, "e": math.e}
_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: ops.add, ast.Sub: ops.sub, ast.Mult: ops.mul, ast.Div: ops.div, ast.Pow: ops.power,
    ast.MatMult: ops.matmul, ast.USub: ops.neg, ast.Gt: ops.greater, ast.GtE: ops.greater_equal,
    ast.Lt: ops.less, ast.LtE: ops.less_equal, ast.Eq: ops.equal, ast.NotEq: ops.not_equal,
}  # fmt: skip
_NOT_OF_BOOLEANS = (ast.Add, ast.Sub, ast.USub, ast.Pow)  # NumPy refuses, or takes + for "or"


def read(text: str, variables: Mapping[str, Tensor]) -> Tensor:
    """The graph that a line of text describes.

    Args:
        text: NumPy-style Python: numbers, names, `+ - * / ** @`, comparisons, calls of the
            library's functions with `axis=` and `keepdims=`, methods, `x.T`, indices, `pi`.
        variables: what the names stand for.

    Raises:
        ParseError: text outside the grammar, an unknown name or function, too long or too deep; it
            points at the column.
        ShapeError: an operation whose arguments do not fit, at its column.

    >>> read("sum(x**2)/2", {"x": Tensor([1.0, 2.0], "x")}).value
    np.float64(2.5)
    """
    source = Source(text)
    return graph(source, parse(source), variables)


def graph(source: Source, tree: ast.expr, variables: Mapping[str, Tensor]) -> Tensor:
    """The graph of a syntax tree, or of a part of one."""
    with recording(), np.errstate(all="ignore"):
        found = Reader(source, variables).value(tree)
    return found if isinstance(found, Tensor) else Tensor(found)


def names(text: str) -> list[str]:
    """The names of the variables in a text, in order of appearance.

    >>> names("-sum(p*log(softmax(z))) + 2*pi*sum(p, axis=0)")
    ['p', 'z']
    """
    source = Source(text)
    order = Reader(source, {}).in_order(parse(source))
    found = [n.id for n in order if isinstance(n, ast.Name)]
    return [name for name in dict.fromkeys(found) if name != "pi"]


class Reader:
    """The values of the nodes of one text."""

    def __init__(self, source: Source, variables: Mapping[str, Tensor]) -> None:
        self._source, self._variables = source, variables
        self._done: dict[ast.AST, Any] = {}

    def value(self, tree: ast.expr) -> Any:
        for node in self.in_order(tree):
            self._done[node] = _VALUE[type(node)](self, node)
        return self._done[tree]

    def in_order(self, tree: ast.expr) -> list[ast.expr]:
        """The nodes that are formulas, each after its parts."""
        order, waiting = [], [tree]
        while waiting:
            order.append(waiting.pop())
            waiting += self._parts(order[-1])
        return order[::-1]

    def _parts(self, node: ast.expr) -> list[ast.expr]:
        match node:
            case ast.BinOp():
                return [node.left, node.right]
            case ast.UnaryOp():
                return [node.operand]
            case ast.Compare():
                return [node.left, *node.comparators]
            case ast.Attribute() if _dotted(node.value) not in PREFIXES:
                return [node.value]
            case ast.Subscript():
                return [node.value]
            case ast.Call():
                return self._arguments(node)
        return []

    # -- leaves -----------------------------------------------------------------------------------

    def _number(self, node: ast.Constant) -> float:
        return number(self._source, node)

    def _array(self, node: ast.List | ast.Tuple) -> np.ndarray:
        return array(self._source, node)

    def _name(self, node: ast.Name) -> Any:
        if node.id in self._variables:
            return self._variables[node.id]
        if node.id == "pi":
            return math.pi
        if node.id in FUNCTIONS:
            works = f"{node.id}{signature(node.id)}"
            self._source.refuse(
                f"read: {node.id} is a function, with nothing to act on", node, works
            )
        works = nearest(node.id, self._variables) or "numbers; no names are known here"
        self._source.refuse(f"read: nothing is named {node.id}", node, works)

    def _attribute(self, node: ast.Attribute) -> Any:
        if _dotted(node.value) in PREFIXES and node.attr in _CONSTANTS:
            return _CONSTANTS[node.attr]
        if node.attr != "T" or node.value not in self._done:
            self._source.refuse(f"read: there is no .{node.attr} here", node, "x.T, x.sum(), np.pi")
        return self._applied(node, ops.transpose, self._done[node.value])

    # -- operations -------------------------------------------------------------------------------

    def _operation(self, node: ast.BinOp | ast.UnaryOp) -> Any:
        if isinstance(node.op, ast.UAdd):
            return self._done[node.operand]
        values = [self._done[part] for part in self._parts(node)]
        if isinstance(node.op, _NOT_OF_BOOLEANS):
            values = [_counted(value) for value in values]
        return self._applied(node, _OPERATORS[type(node.op)], *values)

    def _comparison(self, node: ast.Compare) -> Any:
        pair = self._done[node.left], self._done[node.comparators[0]]
        return self._applied(node, _OPERATORS[type(node.ops[0])], *pair)

    def _indexed(self, node: ast.Subscript) -> Any:
        x = self._done[node.value]
        if not shape_of(x):
            self._source.refuse("read: a number has no entries to index", node, "x[0] of a vector")
        return self._applied(node, ops.getitem, x, index(self._source, node.slice))

    # -- calls ------------------------------------------------------------------------------------

    def _arguments(self, node: ast.Call) -> list[ast.expr]:
        """The arguments of a call that are formulas."""
        found: list[ast.expr] = []
        for name, given in self._bound(node).arguments.items():
            if name in LISTS:
                found += self._listed(given)
            elif name not in SETTINGS:
                found.append(given)
        return found

    def _called(self, node: ast.Call) -> Any:
        bound = self._bound(node)
        for name, given in bound.arguments.items():
            bound.arguments[name] = self._argument(name, given)
        return self._applied(node, FUNCTIONS[self._function(node)[0]], *bound.args, **bound.kwargs)

    def _argument(self, name: str, given: Any) -> Any:
        if name in LISTS:
            return [self._done[part] for part in self._listed(given)]
        if name not in SETTINGS:
            label = name == "targets" and isinstance(given, ast.Constant)
            return given.value if label and type(given.value) is int else self._done[given]
        if isinstance(given, tuple):
            return tuple(setting(self._source, name, part) for part in given)
        return setting(self._source, name, given)

    def _bound(self, node: ast.Call) -> inspect.BoundArguments:
        """Which parameter each part of a call is for."""
        name, args = self._function(node)
        works = f"{name}{signature(name)}"
        named = {k.arg: k.value for k in node.keywords if k.arg}
        if len(named) < len(node.keywords):
            self._source.refuse(f"read: {name} is given a name twice, or **", node, works)
        try:
            return signature(name).bind(*args, **named)
        except TypeError as error:
            self._source.refuse(f"read: {name}: {error}", node, works)

    def _function(self, node: ast.Call) -> tuple[str, list[ast.expr]]:
        """The name of the function that is called, and what it is called with."""
        match node.func:
            case ast.Name(id=name):
                args = node.args
            case ast.Attribute(value=value, attr=name) if _dotted(value) in PREFIXES:
                args = node.args
            case ast.Attribute(value=value, attr=name) if hasattr(Tensor, name):
                args = [value, *node.args]
            case _:
                self._source.refuse("read: this cannot be called", node, "exp(x), x.sum(axis=1)")
        if name not in FUNCTIONS:
            works = nearest(name, FUNCTIONS)
            self._source.refuse(f"read: there is no function {name}", node.func, works)
        return name, args

    def _listed(self, node: ast.expr) -> list[ast.expr]:
        if not isinstance(node, (ast.List, ast.Tuple)):
            self._source.refuse("read: a list is wanted here", node, "concatenate([x, y])")
        return node.elts

    # -- application ------------------------------------------------------------------------------

    def _applied(self, node: ast.expr, function: Callable[..., Any], *args: Any, **kw: Any) -> Any:
        """The function's value; what goes wrong is reported at the node."""
        self._check_size(node, args)
        try:
            found = function(*args, **kw)
        except TinygradXentError as error:
            problem, _, place = str(error).partition("\n  at:")
            where = self._source.shown(self._source.column(node))
            shown = f"{problem}\n  in:    {where}" + (f"\n  at:{place}" if place else "")
            raise type(error)(shown) from None
        except (TypeError, ValueError, IndexError, ArithmeticError) as error:
            self._source.refuse(f"read: {error}", node)
        self._check_size(node, (found,))
        if not isinstance(found, Tensor) and not np.isfinite(found).all():
            self._source.refuse(f"read: this gives {found}", node, "finite numbers")
        return found

    def _check_size(self, node: ast.expr, values: tuple[Any, ...]) -> None:
        """Refuse what would fill the memory; shapes that do not fit report themselves."""
        try:
            shape = np.broadcast_shapes(*map(shape_of, values))
        except ValueError:
            return
        if math.prod(shape) > MOST:
            works = f"at most {MOST} entries; letters for lengths (--shape z=N,K) choose small ones"
            self._source.refuse(f"read: an array of shape {shape} is too large", node, works)


def _dotted(node: ast.expr) -> str:
    """`np.linalg` for that; nothing for what is no dotted name of one or two parts."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=name), attr=attr):
            return f"{name}.{attr}"
    return ""


def _counted(value: Any) -> Any:
    """A condition that is calculated with as the 1 or 0 that it means."""
    return value * 1.0 if dtype_of(value).kind == "b" else value


_VALUE: dict[type[ast.expr], Callable[..., Any]] = {
    ast.Constant: Reader._number, ast.List: Reader._array, ast.Tuple: Reader._array,
    ast.Name: Reader._name, ast.Attribute: Reader._attribute, ast.UnaryOp: Reader._operation,
    ast.BinOp: Reader._operation, ast.Compare: Reader._comparison, ast.Call: Reader._called,
    ast.Subscript: Reader._indexed,
}  # fmt: skip
