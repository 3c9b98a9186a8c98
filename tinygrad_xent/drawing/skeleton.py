"""A graph as its formula shows it: broadcasting is not there, and names are not opened.

Two nodes have the same key if they say the same: the same operation, with the same settings, of
arguments that say the same. Leaves are known by their names, or by their numbers if they have none.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np

from ..graph import Tensor, toposort

_EITHER_WAY = frozenset({"add", "mul", "maximum", "minimum", "equal", "not_equal"})

Keys = dict[Hashable, int]  # shared by all the graphs that are compared


class Node(NamedTuple):
    """One node of a skeleton.

    term: the Tensor, or the number, that it stands for.
    label: what another node has to share to be the same operation, whatever its arguments are.
    args: where its arguments are in the skeleton.
    key: the same for nodes that say the same.
    """

    term: Any
    label: Hashable
    args: tuple[int, ...]
    key: int


def skeleton(root: Any, keys: Keys) -> list[Node]:
    """The nodes of a graph, arguments before results; the root is the last.

    >>> import tinygrad_xent as tx
    >>> x, y = tx.tensor(2.0, name="x"), tx.tensor(3.0, name="y")
    >>> [node.key for node in skeleton(x * y + y * x, {})]
    [0, 1, 2, 2, 3]
    """
    root = _shown(root)
    nodes: list[Node] = []
    places: dict[int, int] = {}
    for term in _order(root) if isinstance(root, Tensor) else [root]:
        args = [places[id(_shown(a))] for a in _inner(term, root) if isinstance(a, Tensor)]
        label = _label(term, root)
        keyed = [nodes[i].key for i in args]
        key: Hashable = (label, tuple(sorted(keyed) if commutes(label) else keyed))
        places[id(term)] = len(nodes)
        nodes.append(Node(term, label, tuple(args), keys.setdefault(key, len(keys))))
    return nodes


def commutes(label: Hashable) -> bool:
    """Whether an operation does not care in which order its arguments come."""
    return isinstance(label, tuple) and label[0] in _EITHER_WAY


def _shown(term: Any) -> Any:
    """The term without what formulas do not print, such as broadcasting."""
    while isinstance(term, Tensor) and term.op is not None and _is_silent(term):
        term = term.args[0]
    return term


def _is_silent(term: Tensor) -> bool:
    return term.op is not None and term.op.text == "{0}" and not term.name


def _inner(term: Any, root: Any) -> tuple[Any, ...]:
    """The arguments that are shown: those of a named node are not, unless it is all there is."""
    opened = isinstance(term, Tensor) and (not term.name or term is root)
    return tuple(map(_shown, term.args)) if opened else ()


def _order(root: Tensor) -> list[Tensor]:
    """What is shown, arguments before results."""
    seen: set[int] = set()
    stack: list[Any] = [root]
    while stack:
        term = stack.pop()
        if isinstance(term, Tensor) and id(term) not in seen:
            seen.add(id(term))
            stack += _inner(term, root)
    return [n for n in toposort(root) if id(n) in seen]


def _label(term: Any, root: Any) -> Hashable:
    if not isinstance(term, Tensor):
        return "number", _bytes(term)
    if term.op is None or (term.name and term is not root):
        return ("leaf", term.name) if term.name else ("data", _bytes(term._value))
    written = [None if isinstance(a, Tensor) else _bytes(a) for a in map(_shown, term.args)]
    if term.op.name in _EITHER_WAY:
        written.sort(key=repr)
    return term.op.name, tuple(written), repr(sorted(term.params.items()))


def _bytes(value: Any) -> Hashable:
    array = np.asarray(value)
    array = array.astype(float) if array.dtype.kind in "bif" else array
    return array.shape, array.tobytes()
