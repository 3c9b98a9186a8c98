"""`steps(loss)`: from a loss to its walkthrough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..algebra.loss.compositions import compositions
from ..graph import Tensor
from ..numerics import why_nan
from ..reading import expression
from .breakpoints import odd_numbers
from .closing import closing, derivation
from .contrast import farthest
from .folding import MANY, Folding
from .formulas import MOST
from .hands import Hands, node_named
from .numbers import is_finite
from .paths import whys
from .recording import Walked, backward, boxes, forward
from .symbols import Symbols
from .walkthrough import Walkthrough


def steps(
    loss: Any,
    *,
    name: str = "",
    wrt: Any = None,
    assume: Any = (),
    hand: Mapping[Any, Any] | None = None,
    cotangent: Any = None,
    at: Mapping[str, Any] | None = None,
) -> Walkthrough:
    """Walk through backpropagation, one operation at a time.

    Args:
        loss: what was computed; or text such as `"-sum(p*log(softmax(z)))"`.
        name: what links and titles call it; the loss's own name, unless given.
        wrt: whose gradient the third phase brings to closed form, as a Tensor or its name; the
            leaf that is farthest from the loss, unless given.
        assume: facts for the third phase, as `tx.derive` takes them.
        hand: gradients derived by hand, by node, name or symbol (`"log(q)"`): Tensors, arrays, or
            text such as `"softmax(z) - p"`. They appear beside the engine's.
        cotangent: where the walk begins; needed if the loss has several entries.
        at: values of the names, for a loss that is text.

    `.grad` does not change. Of a graph of more than 3000 nodes the two ends are walked through.

    Raises:
        NotSupportedError: a loss that was not computed from Tensors.
        GradientError: several entries and no cotangent.
        ParseError: text that cannot be read, or a name that no node has.
        ShapeError: a cotangent or gradient of the wrong shape.

    >>> w = steps("-sum(p*log(softmax(z)))", at={"z": [4.0, -1.0, -3.0], "p": [0.0, 0.0, 1.0]})
    >>> len(w.forward), len(w.backward), w.closing[-1].whole.text
    (12, 10, 'sum(p)*softmax(z) - p')
    """
    if isinstance(loss, str):
        loss, _ = expression(loss, None, at)
    walked = Walked(loss, cotangent)
    found = compositions(walked.shown)
    symbols = Symbols(walked.shown, found, markup=len(walked.order) <= MANY)
    folding = Folding(walked, symbols, found)
    hands = Hands(walked.order, {symbols.called(n): n for n in walked.shown}, hand or {})
    w = Walkthrough(
        name=name or loss.name or "loss",
        loss=symbols.whole(loss) if len(walked.order) <= MANY else symbols.formula(loss),
        boxes=tuple(replace(box, block=folding.of(box.id)) for box in boxes(walked, symbols)),
        forward=tuple(forward(walked, symbols)),
        backward=tuple(backward(walked, symbols, hands)),
        blocks=tuple(folding.blocks.values()),
        hidden=walked.hidden,
        graph=walked,
    )
    w = replace(w, origin=_origin(w), notes=(*_notes(walked), *hands.missed()))
    w = replace(w, story=str(why_nan(loss)) if w.origin and loss.size == 1 else "")
    w = _closed(w, walked, _variable(w, walked, wrt), assume)
    return replace(w, whys=tuple(whys(w))) if len(walked.order) <= MOST else w


def _variable(w: Walkthrough, walked: Walked, wrt: Any) -> Tensor:
    """What the third phase is about."""
    if wrt is not None:
        return node_named(wrt, {n.name: n for n in walked.shown if n.name})
    box = farthest(w)
    return next(n for n in walked.shown if walked.ids[id(n)] == box)


def _closed(w: Walkthrough, walked: Walked, wrt: Tensor, assume: Any) -> Walkthrough:
    """With the third phase, or with the reason why there is none."""
    found = derivation(walked, wrt, assume)
    if isinstance(found, str):
        return replace(w, notes=(*w.notes, found))
    phase = tuple(closing(found, walked.ids[id(wrt)], len(w) + 1))
    return replace(w, closing=phase)


def _origin(w: Walkthrough) -> int:
    """The step in which NaN or an infinity first appeared."""
    return next((step.number for step in w.steps if odd_numbers(w, step)), 0)


def _notes(walked: Walked) -> Iterator[str]:
    if walked.hidden:
        yield (f"The graph has {len(walked.order):,} nodes; the first and the last "
               f"{(len(walked.shown)) // 2} are walked through.")  # fmt: skip
        bad = next((i for i, n in enumerate(walked.order) if not is_finite(n._value)), -1)
        if bad >= 0:
            op = walked.order[bad].op
            made = "a leaf" if op is None else op.name
            yield f"The first value that is not finite is that of node {bad:,}, {made}."
