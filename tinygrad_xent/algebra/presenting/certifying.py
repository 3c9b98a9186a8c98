"""A derivation as a certificate: one table of nodes, in which every line is a number.

Nothing is said twice. A name stands at the node that it is the name of, each step says from which
node to which it leads, and each assumption which node it is about. Titles and reasons, which nobody
could check, are left out.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import DeriveError
from ...graph import Tensor, interpret, op_name, recording, toposort, with_args
from ...writing.text import text
from ..facts.assumptions import (
    NonNegative,
    Nonzero,
    OneHot,
    Positive,
    Simplex,
    SumsToOne,
    Symmetric,
)
from ..terms.calls import CALLS, opened
from ..terms.formula import Formula, encoded

if TYPE_CHECKING:
    from .derivation import Derivation
    from .steps import Computation

FORMAT = "tinygrad_xent certificate 3"
RECORDED = "the first line is the derivative"
_COMPOSED = CALLS.keys() - {"diag", "outer", "eye", "off_diagonal"}
_KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (NonNegative, Nonzero, Positive, SumsToOne, Simplex, OneHot, Symmetric)
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
    computed = {c.of: c for c in derivation.computations if c.steps}
    forms = [_form(computed["value"], loss, table)] if "value" in computed else []
    facts = [
        {"kind": k, "of": table.add(of.term), "axis": axis} for k, of, axis in derivation.facts
    ]
    wrt = table.names[derivation.wrt]
    lines = [_line(RECORDED, table.add(derivation.start.term))]
    lines += [_line(s.rule, table.add(s.whole.term), s.used) for s in derivation.steps]
    if derivation.of in ("gradient", "hvp"):  # a matrix is in the last line, times a vector
        result = table.add(derivation.result.term)
        if lines[-1]["node"] != result:
            lines.append(_line("the result", result))
    said = {"format": FORMAT, "loss": loss, "wrt": wrt, "facts": facts, "lines": lines}
    if derivation.of in computed:
        of = table.add(derivation.result.term)
        forms.append(_form(computed[derivation.of], of, table))
    said["forms"] = forms
    return sealed(said | {"lengths": dict(derivation.lengths), "nodes": table.nodes})


def _form(computation: Computation, of: int, table: Table) -> dict[str, Any]:
    """What is computed, and the lines to the form to compute it by."""
    lines = [_line(s.rule, table.add(s.whole.term), s.used) for s in computation.steps]
    return {"of": of, "lines": lines}


def _line(rule: str, node: int, used: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"rule": rule, "used": list(used), "node": node}


def sealed(data: dict[str, Any]) -> str:
    """A certificate as text, with its seal: the SHA-256 of what it says while the seal is "".

    What is hashed is JSON with sorted keys, without spaces and in ASCII, so that line breaks do not
    matter.
    """
    blank = data | {"seal": ""}
    text = json.dumps(blank, sort_keys=True, separators=(",", ":"), allow_nan=False)
    seal = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps(blank | {"seal": seal}, ensure_ascii=False)


class Table:
    """Nodes of all formulas, each once.

    Args:
        forms: what those names stand for that the loss itself does not define.
    """

    def __init__(self, forms: dict[str, Any] | None = None) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.names: dict[str, int] = {}
        self._forms, self._seen, self._calls = forms or {}, dict[str, int](), set[str]()

    def add(self, term: Any) -> int:
        """The number of a term's node."""
        if not isinstance(term, Tensor):
            return self._entered(_written({"shape": [], "data": term}))
        place: dict[int, int] = {}
        term = self._spelled(term)
        for n in toposort(term):
            entry = _written(encoded(n, place))
            if entry.get("op") == "broadcast_to":
                entry["params"] = {"shape": entry["shape"]}  # () would leave what has axes as it is
            if "data" in entry:
                entry.pop("name", None)
            place[id(n)] = (
                self._entered(entry) if entry.keys() & {"op", "data"} else self._leaf(entry)
            )
        return place[id(term)]

    def _spelled(self, term: Tensor) -> Tensor:
        """The term with calls such as softmax(z) as the compositions that they stand for."""

        def spelled(n: Tensor, args: tuple[Any, ...]) -> Any:
            if op_name(n) not in _COMPOSED:
                return with_args(n, args)
            made = opened(n, args)
            self._calls.add(made.name)
            return made

        with recording():
            return interpret(toposort(term), spelled)[id(term)]  # type: ignore[no-any-return]

    def _leaf(self, entry: dict[str, Any]) -> int:
        """The node that has the leaf's name: a variable, or what a definition stands for."""
        name = entry["name"]
        if name not in self.names and name in self._forms:
            args = [{"node": self.add(self._forms[name])}]
            if name not in self.names:  # as it is if that is a call of this name
                self._entered({"op": "alias", "args": args, "params": {}} | entry)
        i = self.names[name] if name in self.names else self._entered(entry)
        if self.nodes[i]["shape"] != entry["shape"]:
            raise DeriveError(f"certificate: two things are named {name}")
        return i

    def _entered(self, entry: dict[str, Any]) -> int:
        i = self._seen.setdefault(json.dumps(entry), len(self.nodes))
        if i == len(self.nodes):
            name = entry.get("name")
            if name in self._calls and name in self.names:  # another composition has the name
                return self._entered({k: v for k, v in entry.items() if k != "name"})
            self.nodes.append(entry)
            if name and self.names.setdefault(name, i) != i:
                raise DeriveError(f"certificate: two things are named {name}")
        return i


def _written(entry: Any) -> Any:
    """A node in strict JSON: without what is only shown, and with infinity as a word."""
    if isinstance(entry, dict):
        return {k: _written(v) for k, v in entry.items() if k != "named_axis"}
    if isinstance(entry, (list, tuple)):
        return [_written(v) for v in entry]
    return str(entry) if isinstance(entry, float) and not math.isfinite(entry) else entry


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
    places = data["wrt"], data["loss"], data["lines"][-1]["node"]
    wrt, loss, result = (_term(nodes, i) for i in places)
    about = [_term(nodes, f["of"]) for f in facts]
    roots = [t for t in (loss, result, *about) if isinstance(t, Tensor)]
    named = {n.name: n for n in toposort(*roots) if n.name and n.op and n is not loss}
    lines = [f"loss = {text(loss)}", f"d loss / d {wrt.name} = {text(result)}"]
    lines += [f"where {name} = {text(n)}" for name, n in named.items()]
    lines += [f"holds where {_fact(f, of)}" for f, of in zip(facts, about, strict=True)]
    plain = ("".join(c if c.isprintable() else "?" for c in line) for line in lines)
    return "\n".join(dict.fromkeys(plain))


def _fact(fact: dict[str, Any], of: Any) -> str:
    kind = _KINDS[fact["kind"]]
    return str(kind(of, fact["axis"]) if issubclass(kind, SumsToOne) else kind(of))


def _term(nodes: list[dict[str, Any]], i: int) -> Any:
    """The term at a node, with plain data named by what it prints."""
    shown = [n | ({"name": text(np.asarray(n["data"]))} if "data" in n else {}) for n in nodes]
    return Formula.from_data({"nodes": shown[: i + 1]}).term
