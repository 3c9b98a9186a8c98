"""Giving usual names to the parts of a loss that have one, such as softmax(z)."""

from __future__ import annotations

from ...graph import Tensor, op_name
from ...writing.text import text
from ..facts.known import Facts
from ..loss.copying import Copy
from ..rewriting.cases import settle
from ..rewriting.rewrite import rewrite
from ..rewriting.weight import tidiness
from ..rules import ALGEBRA, FORMS, NAMING
from ..terms.calls import CALLS
from ..terms.standard import Terms


def recognise(copy: Copy) -> None:
    """Name the quotients in the loss that have a usual name, such as softmax(z)."""
    named = {id(n.args[0]) for n in copy.inner if n.name and op_name(n) == "alias"}
    for node in copy.inner:
        if op_name(node) == "div" and not node.name and id(node) not in named:
            name = _usual_name(node, copy)
            if name:
                copy.recognise(node, name)


def _usual_name(node: Tensor, copy: Copy) -> str:
    terms = Terms()
    facts = Facts([(terms.standard(n), a) for n, a in copy.facts])
    rules = (*FORMS, *ALGEBRA)
    body, _ = settle(rewrite(node, rules, terms, facts)[0], rules, terms, facts)
    named, _ = rewrite(body, NAMING, terms, facts, tidiness)
    return text(named) if op_name(named) in CALLS else ""
