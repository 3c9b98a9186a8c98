"""`draw_diff(a, b)`: two graphs side by side, and what they have in common."""

from __future__ import annotations

from typing import Any

from ..algebra.terms.formula import Formula, operations
from ..errors import NotSupportedError, describe, explain
from ..graph import Tensor, record
from .changes import same
from .dot import INK, font
from .drawing import Drawing
from .outline import SHARED, Panel, chips, counted, heading, outline
from .skeleton import Keys, Node, skeleton
from .sketch import Sketch


def draw_diff(a: Any, b: Any) -> Drawing:
    """Draw two graphs side by side: what is in both is calm, what is in one only is coloured.

    What only `a` has is orange with a broken outline, what only `b` has blue with a thick one. Two
    parts are the same if they do the same operations on the same leaves; leaves are the same if
    their names are, or their numbers where they have no names. As in formulas, named Tensors are
    not opened and broadcasting is left out.

    Args:
        a, b: Tensors, such as `tx.gradient_graph(loss, z)`, or formulas, such as the `result` of a
            derivation.

    Raises:
        NotSupportedError: something that is neither.

    >>> import tinygrad_xent as tx
    >>> x = tx.tensor([1.0, 2.0], name="x")
    >>> loss = (x * x).sum()
    >>> draw_diff(tx.gradient_graph(loss, x), tx.derive(loss, x).result).nodes
    7
    """
    terms = _term(a), _term(b)
    keys: Keys = {}
    graphs = [skeleton(term, keys) for term in terms]
    pairs = same(*graphs)
    common = set(pairs.values()), set(pairs)
    panels = [
        _panel(which, term, graph, inside)
        for which, term, graph, inside in zip("ab", terms, graphs, common, strict=True)
    ]
    cells = [cell for panel in panels for cell in panel.cells]
    arrows = [line for panel in panels for line in panel.lines]
    return Drawing(outline(panels, heading([], [SHARED, *chips(cells, arrows)])), len(cells))


def _term(given: Any) -> Any:
    """The graph that is meant; of a formula, what it says."""
    if isinstance(given, Formula):
        return given.term
    if isinstance(given, Tensor):
        return given
    problem = "draw_diff: this is neither a Tensor nor a formula"
    works = "Tensors, such as tx.gradient_graph(loss, x); formulas, such as tx.derive(...).result"
    raise NotSupportedError(explain(problem, describe(given), works))


def _unnamed(term: Any) -> Any:
    """A named result is opened, although named Tensors in it are not."""
    named = isinstance(term, Tensor) and term.op is not None and term.name
    return record(term.op, term.args, term.params, term._value) if named else term


def _panel(which: str, term: Any, graph: list[Node], inside: set[int]) -> Panel:
    ids = [f"{which}{i}" for i in range(len(graph))]
    outside = set(range(len(graph))) - inside
    loose = {ids[i] for i in outside}
    mark = f"only-{which}"
    sketch = Sketch(graph, ids, outside, {})
    cells = sketch.cells(lambda i: mark * (i in outside))
    lines = sketch.lines(lambda ends: mark * (ends[1] in loose))
    hidden = f", {sketch.hidden} folded" if sketch.hidden else ""
    title = f"<b>{which}</b> &#160; {counted(operations(_unnamed(term)))}{hidden}"
    return Panel(cells, lines, font(title, INK, 14))
