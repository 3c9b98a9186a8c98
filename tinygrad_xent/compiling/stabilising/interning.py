"""Graphs in which equal nodes are one node, so that equal formulas can be told by identity."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any

import numpy as np

from ...graph import PRIMITIVES, Blank, Primitive, Tensor, dtype_of, numbers, record, shape_of
from ...ops.settling import SETTLING
from .shorter import entries_of_row
from .tidying import tidied

_OPENED = frozenset({"add", "sub", "mul", "div"})  # into which numbers are put, or of which taken
_SMALL = 64  # entries up to which constant arrays are compared by what is in them


class Interner:
    """A workshop that makes each node once. It dies with the compilation that it serves.

    Args:
        final: nothing will be differentiated any more, so what only steers gradients is left out.
        mixed: floats of several widths come in, so sums and products are brought to the widest.
    """

    def __init__(self, final: bool = False, mixed: bool = False) -> None:
        self.final, self.mixed = final, mixed
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
            if self.mixed and op.name in _OPENED:
                wide = [self._widened(a, node.dtype) for a in args]
                if any(w is not a for w, a in zip(wide, args, strict=True)):
                    return self._made.setdefault(key, self.apply(op, wide, params))
            steers = self.final and op.name in ("alias", "stop_gradient")
            simpler = args[0] if steers else tidied(op, args, params, self.make)
            if simpler is None and self.final and op.name == "getitem":
                simpler = self(entries_of_row(node))
            fits = shape_of(simpler) == node.shape and dtype_of(simpler) == node.dtype
            self._made[key] = simpler if simpler is not None and fits else node
            self._kept.append(node)
        made = self._made[key]
        return self._known.setdefault(id(made), made) if isinstance(made, Tensor) else made

    def __call__(self, graph: Any) -> Any:
        """The same graph in interned nodes."""
        if not isinstance(graph, Tensor):
            return graph
        return rebuilt(graph, self._known, self.apply, self._kept, self.final)

    def _widened(self, arg: Any, dtype: Any) -> Any:
        """An argument of a sum or product in its dtype: a number times float32 loses digits."""
        if not _is_narrower(arg, dtype):
            return arg
        return (
            self.make("astype", arg, dtype=dtype) if isinstance(arg, Tensor) else arg.astype(dtype)
        )

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


def _is_narrower(x: Any, dtype: np.dtype[Any]) -> bool:
    """Whether it is floats of fewer digits; Python's own numbers have as many as needed."""
    given = getattr(x, "dtype", dtype)
    return bool(given.kind == dtype.kind == "f" and given.itemsize < dtype.itemsize)


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
    for node in unknown(root, known, through):
        kept.append(node)
        if node.op is None or (is_boundary(node) and not through):
            known[id(node)] = node
        else:
            args = tuple(known[id(a)] if isinstance(a, Tensor) else a for a in node.args)
            known[id(node)] = apply(node.op, args, node.params)
    return known[id(root)]


def unknown(root: Tensor, known: Container[int], through: bool = False) -> Iterator[Tensor]:
    """The nodes whose id is not known yet, arguments first; each has to be before the next.

    Nothing behind the variables of a transform, unless it is to go `through` them.
    """
    stack = [root]
    while stack:
        node = stack[-1]
        ends = is_boundary(node) and not through
        args = () if ends or id(node) in known else node.args
        waiting = [a for a in args if isinstance(a, Tensor) and id(a) not in known]
        stack.extend(waiting)
        if not waiting and id(stack.pop()) not in known:
            yield node


def is_boundary(node: Tensor) -> bool:
    """A leaf, or the variable of a transform: what is rewritten ends here."""
    return node.op is None or node.op.name == "alias"
