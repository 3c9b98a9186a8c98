"""A formula as plain data: it prints as text and survives a round trip through JSON."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import DeriveError
from ...graph import PRIMITIVES, Tensor, op_name, record, toposort
from ...writing.latex import latex
from ...writing.mathml import mathml
from ...writing.text import is_data, text
from .calls import CALLS
from .views import Term


class Formula:
    """A formula: prints as text, compares equal to its text.

    Args:
        term: what it says: a graph, or a plain number.
        node: the graph that computes it on the user's own Tensors, where there is one.
        conditions: where it equals what it was made from; a Derivation lists its own.
    """

    def __init__(self, term: Term, node: Any = None, conditions: tuple[str, ...] = ()) -> None:
        self.term, self._node, self.conditions = term, node, conditions

    @property
    def node(self) -> Any:
        """The graph on the user's own Tensors (or a number): draw it, differentiate it.

        Raises:
            DeriveError: the formula is a step on the way, or was read from JSON.
        """
        if self._node is None:
            raise DeriveError("formula: only the result of a derivation has values; this has none")
        return self._node

    @property
    def value(self) -> Any:
        """What the formula gives for the user's own values."""
        return self.node.value if isinstance(self.node, Tensor) else self.node

    @property
    def operations(self) -> int:
        """How many operations the formula does; names count as none."""
        return operations(self.term)

    def latex(self) -> str:
        r"""The formula as LaTeX for math mode.

        >>> import tinygrad_xent as tx
        >>> z = tx.tensor([1.0, 2.0], name="z")
        >>> print(tx.simplify(tx.exp(2 * z) / 3).latex())
        \frac{e^{2 z}}{3}
        """
        return latex(self.term)

    def mathml(self) -> str:
        """The formula as a MathML element.

        >>> import tinygrad_xent as tx
        >>> z = tx.tensor([1.0, 2.0], name="z")
        >>> tx.simplify(2 * z).mathml().startswith("<math")
        True
        """
        return mathml(self.term)

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex()}$"

    def _repr_html_(self) -> str:
        return self.mathml()

    def __str__(self) -> str:
        return text(self.term)

    def __repr__(self) -> str:
        return str(self) + (f"    where {', '.join(self.conditions)}" if self.conditions else "")

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other) if isinstance(other, (str, Formula)) else NotImplemented

    def __hash__(self) -> int:
        return hash(str(self))

    def to_data(self) -> Any:
        """Lists, dicts, numbers and strings that `from_data` understands."""
        return encode(self.term)

    @classmethod
    def from_data(cls, data: Any) -> Formula:
        """The formula that `to_data` wrote."""
        return cls(decode(data))


def operations(term: Term) -> int:
    """How many operations a term does. Names, signs of numbers and moving axes are none."""
    count, stack, seen = 0, [term], set()
    while stack:
        node = stack.pop()
        if not isinstance(node, Tensor) or id(node) in seen:
            continue
        seen.add(id(node))
        if node.op is not None and not node.name:
            number = not any(isinstance(a, Tensor) for a in node.args)
            count += not number and op_name(node) not in _FREE
            stack += node.args
    return count


_FREE = frozenset(
    {"broadcast_to", "expand_dims", "squeeze", "reshape", "transpose", "alias", "size"}
)

# -- JSON -----------------------------------------------------------------------------------------
# A formula is a list of nodes, arguments before results; {"node": i} refers to the i-th.


def encode(term: Term) -> Any:
    """A term as plain data."""
    if not isinstance(term, Tensor):
        return _plain(term)
    order = toposort(term)
    place = {id(n): i for i, n in enumerate(order)}
    return {"nodes": [encoded(n, place) for n in order]}


def encoded(n: Tensor, place: dict[int, int]) -> dict[str, Any]:
    """One node as plain data, given the numbers of its arguments by their `id`."""
    data: dict[str, Any] = {"shape": list(n.shape)}
    if n.name:
        data["name"] = n.name
    if n.op is None:
        return data | ({"data": np.asarray(n._value).tolist()} if is_data(n) else {})
    args = [{"node": place[id(a)]} if isinstance(a, Tensor) else _plain(a) for a in n.args]
    return data | {"op": n.op.name, "args": args, "params": n.params}


def _plain(value: Any) -> Any:
    return {"data": value.tolist()} if isinstance(value, (np.ndarray, np.generic)) else value


def decode(data: Any) -> Term:
    """The term that `encode` wrote; its nodes have shapes but no values."""
    if not isinstance(data, dict):
        return data
    nodes: list[Tensor] = []
    for entry in data["nodes"]:
        node = _decoded(entry, nodes)
        node.name = entry.get("name")
        nodes.append(node)
    return nodes[-1]


def _decoded(entry: dict[str, Any], nodes: list[Tensor]) -> Tensor:
    unknown = np.broadcast_to(np.nan, entry["shape"])
    if "op" not in entry:
        return Tensor(np.asarray(entry["data"]) if "data" in entry else unknown)
    op = CALLS.get(entry["op"]) or PRIMITIVES[entry["op"]]
    args = tuple(_argument(a, nodes) for a in entry["args"])
    return record(op, args, _tuples(entry["params"]), unknown)


def _argument(a: Any, nodes: list[Tensor]) -> Any:
    if not isinstance(a, dict):
        return a
    return nodes[a["node"]] if "node" in a else np.asarray(a["data"])


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _tuples(v) for k, v in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
