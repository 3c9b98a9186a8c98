"""What a box is called: `z`, `log(q)`, `q = exp(z)/sum(exp(z))`; for a long one `log(... + y)`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph import Tensor, record
from ..writing.text import text

_LONGEST = 40  # characters of a formula
_NODES = 20  # that a formula of that length can hold
_ELIDED = "..."


def leaf_names(nodes: list[Tensor]) -> dict[int, str]:
    """What leaves are called: by their own name, else x1, x2 ... in order, none taken already."""
    taken = {n.name for n in nodes}
    free = (f"x{i}" for i in range(1, len(nodes) + len(taken) + 2) if f"x{i}" not in taken)
    return {id(n): n.name or next(free) for n in nodes if n.op is None}


def title(node: Tensor, names: dict[int, str], longest: int = _LONGEST) -> str:
    """The name, the formula, or `name = formula` for a definition."""
    if node.op is None:
        return names[id(node)]
    body = formula(node, names, longest)
    return f"{node.name} = {body}" if node.name else body


def note(node: Tensor) -> str:
    """The operation and the shape of its result; the dtype only where it is not the usual one."""
    made = "leaf" if node.op is None else node.op.name
    dtype = "" if node.dtype == np.float64 else f" {node.dtype}"
    return f"{made} {node.shape}{dtype}"


def formula(node: Tensor, names: dict[int, str], longest: int = _LONGEST) -> str:
    """The node's own expression; where that is too long, only the operations at its top."""
    assert node.op is not None
    for depth in (_NODES, 2, 1) if _is_small(node) else (2, 1):
        written = text(_cut(node, names, depth, top=True))
        written = f"{node.op.name}({written})" if node.op.text == "{0}" else written
        if len(written) <= longest:
            return written
    return f"{node.op.name}({_ELIDED})"


def _is_small(node: Tensor) -> bool:
    """Whether few nodes lie between this one and the named ones."""
    waiting, seen = [node], 0
    while waiting and seen <= _NODES:
        seen += 1
        waiting += [a for a in waiting.pop().args if type(a) is Tensor and not a.name]
    return seen <= _NODES


def _cut(node: Tensor, names: dict[int, str], depth: int, top: bool = False) -> Tensor:
    """A copy that ends at named nodes: printing the node itself would read its whole graph."""
    if node.op is None or depth == 0 or (node.name and not top):
        return named_leaf(node.name or names.get(id(node), _ELIDED), node._value)
    args = [
        _cut(a, names, depth - 1) if type(a) is Tensor
        else named_leaf(_ELIDED, a) if np.ndim(a)
        else a
        for a in node.args
    ]  # fmt: skip
    return record(node.op, tuple(args), node.params, node._value)


def named_leaf(name: str, value: Any) -> Tensor:
    """A leaf for printing, which shares its value: `Tensor(value)` would copy it."""
    return record(None, (), {}, value).named(name)  # type: ignore[arg-type]
