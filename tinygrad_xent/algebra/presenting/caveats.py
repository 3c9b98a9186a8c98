"""What a reader should know of a derivative besides its formula."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...graph import Tensor, op_name, toposort
from ...writing.text import text
from ..attempts.run import Run
from ..loss.slopes import path
from ..rewriting.turning import presented
from ..terms.formula import operations
from ..terms.standard import Terms

_WORTH_SAYING = 5  # operations: of fewer nobody expects a shorter form
_TRACES = {"abs": {"sign"}, "max": {"equal"}, "min": {"equal"}}  # what kinks leave in a formula


def caveats(run: Run, wrt: Tensor) -> Iterator[str]:
    """Kinks at which a slope was chosen, and that no shorter form was found.

    Args:
        run: the attempt that is shown.
        wrt: the copy of what was differentiated by.
    """
    tidy = run.ground.workshop(expanded=False)
    left = {op_name(n) for n in toposort(run.end)} if isinstance(run.end, Tensor) else set()
    kinks = [n for n in path(run.copy.loss, wrt) if left & _TRACES.get(op_name(n), set())]
    found = [said for node in kinks for said in _kink(node, run, tidy)]
    yield from dict.fromkeys(found)
    if operations(run.end) >= max(operations(run.start), _WORTH_SAYING):
        yield "no shorter form was found"


def _kink(node: Tensor, run: Run, terms: Terms) -> Iterator[str]:
    if op_name(node) == "abs":
        inner = terms.standard(run.ground.closed(node.args[0], terms))
        zero = terms.make("equal", terms.bare(inner)[1], 0)
        where = text(presented(zero, terms))
        yield f"abs has no slope where {where}, 0 is taken"
    if op_name(node) in ("max", "min"):
        name = text(terms.standard(run.ground.closed(node.args[0], terms)))
        which = "largest" if op_name(node) == "max" else "smallest"
        yield f"where several entries of {name} are the {which}, they share the slope"


def of_branches(taken: Sequence[tuple[Any, bool]]) -> tuple[str, ...]:
    """That a derivative holds for the branch that Python took, by the conditions it asked for.

    >>> import tinygrad_xent as tx
    >>> x = tx.tensor([1.0, 2.0], name="x")
    >>> of_branches([(x.sum() > 0, True), (x.max() > 9, False)])
    ('holds for the branch taken, where sum(x) > 0 and not max(x) > 9',)
    """
    conditions = [("" if truth else "not ") + text(condition) for condition, truth in taken]
    said = " and ".join(dict.fromkeys(conditions))
    return (f"holds for the branch taken, where {said}",) if said else ()
