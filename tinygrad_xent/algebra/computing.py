"""The loss in the form to compute it by: where neither exp overflows nor log meets a zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..graph import Tensor
from .assumptions import Assumption, of_the_loss
from .copying import Copy
from .deriving import derivation, shortest
from .naming import CALLS
from .recognising import recognise
from .rewriting import replace, rewrite
from .rules import COMPUTING, NAMING
from .run import Run
from .views import Term, op_name
from .weight import exposure, tidiness


def computable(loss: Any, assume: Sequence[Assumption] = ()) -> Term:
    """The closed form of a loss, with log(softmax(z)) and the like rewritten.

    >>> import tinygrad_xent as tx
    >>> z, p = tx.tensor([1.0, 2.0], name="z"), tx.tensor([0.0, 1.0], name="p")
    >>> from tinygrad_xent.writing.text import text
    >>> text(computable(-(p * tx.log(tx.softmax(z))).sum()))
    '-sum(p*(z - logsumexp(z)))'
    """
    with derivation():
        copy = Copy(loss, None, [*assume, *of_the_loss(loss)], assume)
        recognise(copy)
        run = shortest(copy.loss, copy)
        return rewrite(_spelled(run), COMPUTING, run.terms, run.facts, exposure)[0]


def _spelled(run: Run) -> Term:
    """The end of an attempt, with softmax or a sigmoid in place of their names."""
    end = run.end
    for node in run.copy.definitions:
        atom = run.ground.atoms[id(node)]
        body = run.facts.definitions.get(id(atom), atom)
        named, _ = rewrite(body, NAMING, run.terms, run.facts, tidiness)
        if isinstance(end, Tensor):
            meant = named if op_name(named) in CALLS else node
            end = replace(end, atom, meant, run.terms)
    return end
