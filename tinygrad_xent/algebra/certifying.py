"""A derivation as a certificate: one table of nodes, in which every line is a number.

Nothing is said twice. A name stands at the node that it is the name of, each step says from which
node to which it leads, and each assumption which node it is about. Titles and reasons, which nobody
could check, are left out.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DeriveError
from ..graph import Tensor, toposort
from ..writing.text import text
from .assumptions import Nonzero, OneHot, Positive, Simplex, SumsToOne
from .formula import Formula, encoded

if TYPE_CHECKING:
    from .derivation import Derivation

FORMAT = "tinygrad_xent certificate 1"
_KINDS: dict[str, Any] = {
    kind.__name__: kind for kind in (Nonzero, Positive, SumsToOne, Simplex, OneHot)
}


def certificate(derivation: Derivation) -> str:
    """What `verify` checks, as JSON text.

    Raises:
        DeriveError: one name stands for two things.
    """
    if derivation.loss is None:
        raise DeriveError("certificate: this derivation does not say what the loss is")
    table = Table({name: form.term for name, form in derivation.forms})
    loss = table.add(derivation.loss.term)
    facts = [
        {"kind": k, "of": table.add(of.term), "axis": axis} for k, of, axis in derivation.facts
    ]
    line = start = table.add(derivation.start.term)
    steps = []
    for step in derivation.steps:
        line, before = table.add(step.whole.term), line
        steps.append({"rule": step.rule, "from": before, "to": line})
    wrt, result = table.names[derivation.wrt], table.add(derivation.result.term)
    data = {"format": FORMAT, "nodes": table.nodes, "loss": loss, "wrt": wrt, "facts": facts}
    return json.dumps(data | {"start": start, "steps": steps, "result": result}, ensure_ascii=False)


class Table:
    """Nodes of all formulas, each once.

    Args:
        forms: what those names stand for that the loss itself does not define.
    """

    def __init__(self, forms: dict[str, Any] | None = None) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.names: dict[str, int] = {}
        self._forms, self._seen = forms or {}, dict[str, int]()

    def add(self, term: Any) -> int:
        """The number of a term's node."""
        if not isinstance(term, Tensor):
            return self._entered({"shape": [], "data": term})
        place: dict[int, int] = {}
        for n in toposort(term):
            entry = encoded(n, place)
            if "data" in entry:
                entry.pop("name", None)
            place[id(n)] = (
                self._entered(entry) if entry.keys() & {"op", "data"} else self._leaf(entry)
            )
        return place[id(term)]

    def _leaf(self, entry: dict[str, Any]) -> int:
        """The node that has the leaf's name: a variable, or what a definition stands for."""
        name = entry["name"]
        if name not in self.names and name in self._forms:
            args = [{"node": self.add(self._forms[name])}]
            self._entered({"op": "alias", "args": args, "params": {}} | entry)
        i = self.names[name] if name in self.names else self._entered(entry)
        if self.nodes[i]["shape"] != entry["shape"]:
            raise DeriveError(f"certificate: two things are named {name}")
        return i

    def _entered(self, entry: dict[str, Any]) -> int:
        i = self._seen.setdefault(json.dumps(entry), len(self.nodes))
        if i == len(self.nodes):
            self.nodes.append(entry)
            name = entry.get("name")
            if name and self.names.setdefault(name, i) != i:
                raise DeriveError(f"certificate: two things are named {name}")
        return i


def statement(page: str) -> str:
    """What a certificate says, for people: the derivative, and what it rests on.

    >>> import tinygrad_xent as tx
    >>> x = tx.tensor([1.0, 2.0], name="x")
    >>> print(statement(tx.derive((x * x).sum(), x).certificate()))
    loss = sum(x*x)
    d loss / d x = 2*x
    """
    data = json.loads(page)
    nodes, facts = data["nodes"], data["facts"]
    wrt, loss, result = (_term(nodes, data[key]) for key in ("wrt", "loss", "result"))
    about = [_term(nodes, f["of"]) for f in facts]
    roots = [t for t in (loss, result, *about) if isinstance(t, Tensor)]
    named = {n.name: n for n in toposort(*roots) if n.name and n.op and n is not loss}
    lines = [f"loss = {text(loss)}", f"d loss / d {wrt.name} = {text(result)}"]
    lines += [f"where {name} = {text(n)}" for name, n in named.items()]
    lines += [f"holds where {_fact(f, of)}" for f, of in zip(facts, about, strict=True)]
    return "\n".join(dict.fromkeys(lines))


def _fact(fact: dict[str, Any], of: Any) -> str:
    kind = _KINDS[fact["kind"]]
    return str(kind(of, fact["axis"]) if issubclass(kind, SumsToOne) else kind(of))


def _term(nodes: list[dict[str, Any]], i: int) -> Any:
    """The term at a node, with plain data named by what it prints."""
    shown = [n | ({"name": text(np.asarray(n["data"]))} if "data" in n else {}) for n in nodes]
    return Formula.from_data({"nodes": shown[: i + 1]}).term
