"""One walk through a graph, forwards and then backwards, written down step by step.

The cotangents are the engine's: they come from its own loop. What each edge adds to them is asked
for edge by edge, from the function that the loop itself uses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..differentiate import contributions, cotangents, not_recorded, seed_for
from ..drawing.picture import LARGEST
from ..drawing.rules import Rule, argument_names, local_rules
from ..errors import NotSupportedError, describe, explain
from ..graph import Tensor, shape_of, toposort
from .formulas import MOST, Formulas
from .hands import Hands
from .local import jacobian
from .numbers import Math, Numbers, numbers
from .records import Backward, Box, Edge, Forward
from .sentences import backward_sentence, forward_sentence, gradient_sentence
from .symbols import Symbols

_ENDS = 8  # nodes shown at each end of a graph that is too large to be walked through


class Walked:
    """A graph whose cotangents are known: the engine's, and what each edge brought.

    Args:
        loss: the result to walk back from.
        cotangent: of the loss; needed unless it has one entry.

    Raises:
        GradientError: a result of several entries, without a cotangent.
        NotSupportedError: what is no Tensor, or was not computed from Tensors.

    Attributes:
        seed: what arrives at the loss.
        shown: the nodes that get steps, arguments before results.
        hidden: how many do not.
        order: all of them.
        received: what arrives, by the `id` of the node; only of nodes that are shown, and of their
            arguments.
    """

    def __init__(self, loss: Any, cotangent: Any = None) -> None:
        if not isinstance(loss, Tensor):
            raise not_recorded("steps", loss)
        if loss.op is None:
            problem = "steps: this Tensor was not computed from others: there is nothing to walk"
            raise NotSupportedError(
                explain(problem, describe(loss), "a loss composed of tx operations, recorded")
            )
        seed = seed_for(loss, cotangent, "steps")
        self.loss, self.seed = loss, seed._value if isinstance(seed, Tensor) else seed
        self.order = toposort(loss)
        self.hidden = len(self.order) - 2 * _ENDS if len(self.order) > LARGEST else 0
        self.shown = [*self.order[:_ENDS], *self.order[-_ENDS:]] if self.hidden else self.order
        self.ids = {id(n): f"n{self._place(i)}" for i, n in enumerate(self.shown)}
        self.received, self._poisoned = self._walk()
        self.visited = [n for n in reversed(self.shown) if id(n) in self.received]

    def _place(self, i: int) -> int:
        return i if i < _ENDS or not self.hidden else i + self.hidden

    def _walk(self) -> tuple[dict[int, Any], set[int]]:
        """The engine's own loop; remember where it began to guard zeros, as it does itself."""
        wanted = {id(a) for n in self.shown for a in (n, *n.args)}
        poisoned = not np.all(self.seed)
        received, guarded = {}, set()
        with np.errstate(all="ignore"):  # an infinity is shown, which says more than a warning
            arrived = cotangents(self.loss, self.seed)
            for node in reversed(self.order):
                if node not in arrived:
                    continue
                poisoned = poisoned or (node.op is not None and node.op.selects)
                if id(node) in wanted:
                    received[id(node)] = arrived[node]
                    if poisoned:
                        guarded.add(id(node))
        return received, guarded

    def sent(self, node: Tensor, g: Any = None) -> list[tuple[int, Any]]:
        """What a node sends to its arguments, by place, when `g` arrives (else the engine's)."""
        arriving = self.received[id(node)] if g is None else g
        with np.errstate(all="ignore"):
            sent = contributions(node, arriving, poisoned=id(node) in self._poisoned)
            return [(i, c) for i, c in sent if id(node.args[i]) in self.received]

    def place_id(self, node: Tensor, i: int) -> str:
        """The box of argument `i`: a constant belongs to the operation that it is written in."""
        arg = node.args[i]
        if type(arg) is Tensor:
            return self.ids.get(id(arg), "gap")
        return f"{self.ids[id(node)]}c{i}"

    def loose(self) -> list[str]:
        """The boxes that only nodes which are not shown use."""
        used = {id(a) for n in self.shown for a in n.args}
        return [self.ids[id(n)] for n in self.shown[:_ENDS] if id(n) not in used]


# -- boxes and forward steps ------------------------------------------------------------------


def boxes(walked: Walked, symbols: Symbols) -> Iterator[Box]:
    """A box for each node that is shown, and for each constant."""
    for node in walked.shown:
        yield from _constants(walked, symbols, node)
        yield _box(walked, symbols, node)
    if walked.hidden:
        gap = Math(f"... {walked.hidden:,} more nodes ...")
        yield Box("gap", "gap", gap, gap, numbers(0.0), args=tuple(walked.loose()))


def _box(walked: Walked, symbols: Symbols, node: Tensor) -> Box:
    here, symbol, value = walked.ids[id(node)], symbols.symbol(node), numbers(node._value)
    if node.op is None:
        return Box(here, "leaf", symbol, symbol, value)
    count = len(node.args)
    args = tuple(walked.place_id(node, i) for i in range(count))
    places = tuple(argument_names(node.op, count)) if count > 1 else ("",) * count
    kind = "definition" if node.name else "operation"
    return Box(here, kind, symbol, symbols.formula(node), value, node.op.name, args, places)


def _constants(walked: Walked, symbols: Symbols, node: Tensor) -> Iterator[Box]:
    for i, a in enumerate(node.args):
        if type(a) is not Tensor:
            written = symbols.constant(a)
            yield Box(walked.place_id(node, i), "constant", written, written, numbers(a))


def forward(walked: Walked, symbols: Symbols) -> Iterator[Forward]:
    """A step for each value."""
    for number, node in enumerate(walked.shown, 1):
        say = forward_sentence(node, symbols.of(node).name)
        yield Forward(number, walked.ids[id(node)], say)


# -- backward steps ---------------------------------------------------------------------------


@dataclass
class Ledger:
    """What has arrived so far, as the walk goes on."""

    total: dict[int, Any]
    formulas: Formulas | None
    due: Counter[int]
    seen: Counter[int] = field(default_factory=Counter)

    def add(self, key: int, contribution: Any) -> tuple[Numbers | None, Numbers]:
        """The total before and after."""
        before = self.total.get(key)
        self.total[key] = contribution if before is None else before + contribution
        self.seen[key] += 1
        return None if before is None else numbers(before), numbers(self.total[key])


def backward(walked: Walked, symbols: Symbols, hands: Hands) -> Iterator[Backward]:
    """A step for each node that something arrives at, in the order of the engine's walk."""
    small = len(walked.shown) <= MOST and not walked.hidden
    formulas = Formulas(walked.loss, walked.seed, symbols) if small else None
    due = Counter(id(n.args[i]) for n in walked.visited for i, _ in walked.sent(n))
    ledger = Ledger({id(walked.loss): walked.seed}, formulas, due)
    for number, node in enumerate(walked.visited, len(walked.shown) + 1):
        g = walked.received[id(node)]
        formula = formulas.of(node) if formulas else None
        edges = tuple(_edges(walked, node, g, ledger))
        say = _sentence(walked, symbols, node, edges, due)
        yield Backward(
            number, walked.ids[id(node)], say, numbers(g), formula, edges, hands.beside(node, g)
        )


def _edges(walked: Walked, node: Tensor, g: Any, ledger: Ledger) -> Iterator[Edge]:
    """What goes to each argument of a node; where nothing does, the edge says so."""
    if node.op is None:
        return
    sent, rules = dict(walked.sent(node)), local_rules(node, g)
    places = argument_names(node.op, len(node.args)) if len(node.args) > 1 else [""]
    for i, (arg, place, rule) in enumerate(zip(node.args, places, rules, strict=True)):
        to = walked.place_id(node, i)
        yield (
            Edge(to, place)
            if i not in sent or rule is None
            else _edge(node, i, to, place, rule, sent[i], ledger, id(arg))
        )


def _edge(
    node: Tensor, i: int, to: str, place: str, rule: Rule, sent: Any, ledger: Ledger, key: int
) -> Edge:
    before, after = ledger.add(key, sent)
    formula, total = ledger.formulas.send(node, i) if ledger.formulas else (None, None)
    return Edge(
        to, place, rule.text, _undone(rule, node.args[i]), jacobian(node, i), numbers(sent),
        formula, before, after, total, ledger.seen[key], ledger.due[key],
    )  # fmt: skip


def _undone(rule: Rule, arg: Any) -> str:
    """How broadcasting is undone, which no rule mentions."""
    if rule.shape == shape_of(arg):
        return ""
    return f"{'summed' if rule.shape else 'spread'} to {shape_of(arg)}"


def _sentence(
    walked: Walked, symbols: Symbols, node: Tensor, edges: tuple[Edge, ...], due: Counter[int]
) -> str:
    symbol = symbols.of(node).name
    if node.op is None:
        return gradient_sentence(symbol, symbols.of(walked.loss).name, due[id(node)])
    names = [symbols.called(a) for a in node.args]
    return backward_sentence(node, symbol, names, edges, node is walked.loss)
