"""What a box is called: `z`, `log(q)`, `q = exp(z)/sum(exp(z))`; for a long one `log(... + y)`."""

from __future__ import annotations

import numpy as np

from ..graph import Tensor, record
from ..writing.text import text

_LONGEST = 40  # characters of a formula
_DEEPEST = 5  # operations inside one another that a formula of that length can hold
_ELIDED = "..."


def leaf_names(nodes: list[Tensor]) -> dict[int, str]:
    """What leaves are called: by their own name, else x1, x2 ... in order, none taken already."""
    taken = {n.name for n in nodes}
    free = (f"x{i}" for i in range(1, len(nodes) + len(taken) + 2) if f"x{i}" not in taken)
    return {id(n): n.name or next(free) for n in nodes if n.op is None}


def title(node: Tensor, names: dict[int, str]) -> str:
    """The name, the formula, or `name = formula` for a definition."""
    if node.op is None:
        return names[id(node)]
    return f"{node.name} = {_formula(node, names)}" if node.name else _formula(node, names)


def note(node: Tensor) -> str:
    """The operation and the shape of its result; the dtype only where it is not the usual one."""
    made = "leaf" if node.op is None else node.op.name
    dtype = "" if node.dtype == np.float64 else f" {node.dtype}"
    return f"{made} {node.shape}{dtype}"


def _formula(node: Tensor, names: dict[int, str]) -> str:
    """The node's own expression, down to where it gets too long."""
    assert node.op is not None
    for depth in range(_DEEPEST, 0, -1):
        written = text(_cut(node, names, depth, top=True))
        written = f"{node.op.name}({written})" if node.op.text == "{0}" else written
        if len(written) <= _LONGEST:
            return written
    return f"{node.op.name}({_ELIDED})"


def _cut(node: Tensor, names: dict[int, str], depth: int, top: bool = False) -> Tensor:
    """A copy that ends at named nodes: printing the node itself would read its whole graph."""
    if node.op is None or depth == 0 or (node.name and not top):
        leaf = record(None, (), {}, node._value)  # type: ignore[arg-type]
        return leaf.named(node.name or names.get(id(node), _ELIDED))
    args = [_cut(a, names, depth - 1) if type(a) is Tensor else a for a in node.args]
    return record(node.op, tuple(args), node.params, node._value)
