"""Graphs in which equal nodes are one node, so that equal formulas can be told by identity."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ...graph import PRIMITIVES, Blank, Primitive, Tensor, dtype_of, numbers, record, shape_of
from ...ops.settling import SETTLING
from .tidying import tidied

_SMALL = 64  # entries up to which constant arrays are compared by what is in them


class Interner:
    """A workshop that makes each node once. It dies with the compilation that it serves.

    Args:
        final: nothing will be differentiated any more, so what only steers gradients is left out.
    """

    def __init__(self, final: bool = False) -> None:
        self.final = final
        self._made: dict[Any, Any] = {}
        self._known: dict[int, Any] = {}
        self._kept: list[Any] = []  # what is known by id() must stay alive

    def make(self, name: str, *args: Any, **params: Any) -> Any:
        """The node that says this operation of these arguments."""
        return self.apply(PRIMITIVES[name], args, params)

    def apply(self, op: Primitive, args: Iterable[Any], params: dict[str, Any]) -> Any:
        """The one node that says `op` of interned arguments, or what that comes to."""
        if op.name in SETTLING:  # stable forms have no need of it
            return next(iter(args))
        args = tuple(self._uniform(a) if isinstance(a, np.ndarray) else a for a in args)
        key = (op.name, tuple(map(self._key, args)), tuple(sorted(params.items())))
        if key not in self._made:
            values = [numbers(a) for a in args]
            if op.name == "scatter":  # small constants may make something large
                values[0] = Blank.of(shape_of(values[0]), dtype_of(values[0]))
            with np.errstate(all="ignore"):
                node = record(op, args, params, op.evaluate(values, params))
            steers = self.final and op.name in ("alias", "stop_gradient")
            simpler = args[0] if steers else tidied(op, args, params, self.make)
            fits = shape_of(simpler) == node.shape and dtype_of(simpler) == node.dtype
            self._made[key] = simpler if simpler is not None and fits else node
            self._kept.append(node)
        made = self._made[key]
        return self._known.setdefault(id(made), made) if isinstance(made, Tensor) else made

    def __call__(self, graph: Any) -> Any:
        """The same graph in interned nodes."""
        if not _is_node(graph):
            return graph
        return rebuilt(graph, self._known, self.apply, self._kept, self.final)

    def _uniform(self, array: np.ndarray) -> Any:
        """Constants that are one number everywhere, as that number spread."""
        if array.dtype.kind != "f" or array.ndim == 0 or not array.size:
            return array
        one = array.flat[0]
        same = bool((array == one).all())
        return self.make("broadcast_to", one, shape=array.shape) if same else array

    def _key(self, arg: Any) -> Any:
        if isinstance(arg, np.ndarray):
            self._kept.append(arg)
            content = arg.tobytes() if arg.size <= _SMALL else id(arg)
            return arg.shape, arg.dtype.str, content
        return id(arg) if isinstance(arg, Tensor) else (type(arg).__name__, arg)


def rebuilt(
    root: Tensor,
    known: dict[int, Any],
    apply: Callable[[Primitive, tuple[Any, ...], dict[str, Any]], Any],
    kept: list[Any],
    through: bool = False,
) -> Any:
    """The graph with every node made anew, arguments first; `known` says what is made already.

    It ends at the variables of a transform, unless it is to go `through` them.
    """
    stack = [root]
    while stack:
        node = stack[-1]
        waiting = [a for a in node.args if _is_node(a) and id(a) not in known]
        if id(node) in known:
            stack.pop()
        elif node.op is None or (is_boundary(node) and not through):
            known[id(node)] = node
            kept.append(node)
        elif waiting:
            stack.extend(waiting)
        else:
            args = tuple(known[id(a)] if _is_node(a) else a for a in node.args)
            assert node.op is not None
            known[id(node)] = apply(node.op, args, node.params)
            kept.append(node)
    return known[id(root)]


def is_boundary(node: Tensor) -> bool:
    """A leaf, or the variable of a transform: what is rewritten ends here."""
    return node.op is None or node.op.name == "alias"


def _is_node(x: Any) -> bool:
    return isinstance(x, Tensor)


def above_boundary(root: Tensor) -> list[Tensor]:
    """The nodes to visit, arguments first: nothing behind the variables of a transform."""
    order: list[Tensor] = []
    seen: set[int] = set()
    stack: list[tuple[Tensor, bool]] = [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            if not is_boundary(node):
                stack.extend((a, False) for a in node.args if isinstance(a, Tensor))
    return order
