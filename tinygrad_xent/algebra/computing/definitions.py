"""What the names in a derivation stand for, in the form to compute it by.

A definition is printed as the user wrote it, `q = exp(z)/sum(exp(z))`; it is computed as
softmax(z), which does not overflow.
"""

from __future__ import annotations

from ...graph import Tensor, record
from ..facts.known import Facts
from ..loss.copying import Copy
from ..rewriting.rewrite import rewrite
from ..rewriting.weight import tidiness
from ..rules import NAMING
from ..terms.formula import Formula
from ..terms.standard import Terms


def closed_forms(
    copy: Copy, atoms: dict[int, Tensor], facts: Facts
) -> tuple[tuple[str, Formula], ...]:
    """Each definition's name and closed form, those that others use first.

    Args:
        copy: the loss, with its definitions.
        atoms: what stands for each definition in formulas.
        facts: what is known, the definitions' closed forms among it.
    """
    terms = Terms(expanded=False)
    forms = []
    for node in copy.definitions:
        body = facts.definitions.get(id(atoms[id(node)]), meaning(node).term)
        named, _ = rewrite(body, NAMING, terms, facts, tidiness)
        forms.append((node.name or "", Formula(named)))
    return tuple(forms)


def meaning(definition: Tensor) -> Formula:
    """What a definition stands for: the node without its name."""
    assert definition.op is not None
    return Formula(record(definition.op, definition.args, definition.params, definition._value))
