"""What a walkthrough consists of, as plain data: boxes, edges, and the steps of three phases."""

from __future__ import annotations

from dataclasses import dataclass

from .numbers import Math, Numbers

FORWARD, BACKWARD, CLOSING = "forward", "backward", "derivation"


@dataclass(frozen=True)
class Box:
    """A node of the graph.

    Attributes:
        id: n0, n1 ... in the order of computation; constants are n4c1: the argument 1 of n4.
        kind: leaf, constant, definition or operation; gap stands for nodes that are left out.
        op: the primitive; empty for leaves.
        symbol: what formulas call it: `z`, `log(q)`, `v3`.
        formula: how it is made from the symbols of its arguments; that of a leaf is its symbol.
        value: what was computed.
        args, places: the ids of its arguments, and what its rule calls them (`x`, `y`).
        block: the ids of the blocks that it lies in, the outermost first.
    """

    id: str
    kind: str
    symbol: Math
    formula: Math
    value: Numbers
    op: str = ""
    args: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    block: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """`q = e/s`, or only one of both where the other would repeat it."""
        symbol, formula = self.symbol.text, self.formula.text
        return symbol if symbol == formula else f"{symbol} = {formula}"


@dataclass(frozen=True)
class Block:
    """Boxes that belong together and can be shown as one: a composite function, or a part.

    Attributes:
        id: b0, b1 ...
        title: `softmax(z)`, or what it ends in.
        count: how many operations are in it.
        inside: the id of the block around it.
    """

    id: str
    title: str
    count: int
    inside: str = ""


@dataclass(frozen=True)
class Jacobian:
    """The derivative of each entry of a result (rows) by each entry of an argument (columns).

    Attributes:
        rows, columns: how many.
        entries: the numbers, if there are few; else the rule says what they are.
        diagonal: entry i of the result depends on entry i of the argument only.
    """

    rows: int
    columns: int
    entries: tuple[tuple[float, ...], ...] | None = None
    diagonal: bool = False


@dataclass(frozen=True)
class Edge:
    """What one argument of an operation receives from it.

    Attributes:
        to: the box of the argument.
        place: what the rule calls it.
        rule: the rule: g is what arrives, out the result, x and y the arguments.
        note: how broadcasting is undone, which no rule mentions.
        local: the local Jacobian; None where nothing flows back.
        contribution: what is sent; None where nothing flows back.
        formula: the same in symbols.
        before, after: what had arrived at the argument, and what has then.
        index, count: contribution `index` of `count`.
    """

    to: str
    place: str = ""
    rule: str = ""
    note: str = ""
    local: Jacobian | None = None
    contribution: Numbers | None = None
    formula: Math | None = None
    before: Numbers | None = None
    after: Numbers | None = None
    after_formula: Math | None = None
    index: int = 0
    count: int = 0


@dataclass(frozen=True)
class Hand:
    """A gradient derived by hand beside the engine's.

    Attributes:
        text: what was given.
        value: its numbers.
        difference: the largest relative difference |h - e| / max(|h|, |e|) of an entry.
        worst: the index of that entry.
    """

    text: str
    value: Numbers
    difference: float
    worst: tuple[int, ...] = ()


@dataclass(frozen=True)
class Forward:
    """A value is computed, or given."""

    number: int
    box: str
    say: str
    phase = FORWARD


@dataclass(frozen=True)
class Backward:
    """A node passes on what has arrived at it.

    Attributes:
        number: of the step, over all phases, from 1 on.
        box: the node.
        say: one sentence.
        arriving: the cotangent, complete.
        formula: the same in symbols.
        edges: what goes where; empty for a leaf.
        hand: a gradient by hand for this node.
    """

    number: int
    box: str
    say: str
    arriving: Numbers
    formula: Math | None = None
    edges: tuple[Edge, ...] = ()
    hand: Hand | None = None
    phase = BACKWARD


@dataclass(frozen=True)
class Rewrite:
    """A step of the derivation, from the recorded gradient to its closed form."""

    number: int
    box: str
    rule: str
    say: str
    whole: Math
    before: Math | None = None
    after: Math | None = None
    used: tuple[str, ...] = ()
    phase = CLOSING


Step = Forward | Backward | Rewrite


@dataclass(frozen=True)
class Path:
    """One way from a node to the loss, and what it contributes.

    Attributes:
        boxes: from the node up; the last is the loss unless paths were merged.
        value: its share of the entry.
        count: how many paths share the boxes that are listed, if they were merged.
    """

    boxes: tuple[str, ...]
    value: float
    count: int = 1


@dataclass(frozen=True)
class Why:
    """The paths that make up one entry of a gradient, the largest first.

    Attributes:
        box: the node.
        index: of the entry.
        total: the engine's number.
        paths: what each contributes.
        rounding: what the engine's own sums rounded away; with it, the paths sum to `total`.
        titles: of the boxes on the paths, for printing.
    """

    box: str
    index: tuple[int, ...]
    total: float
    paths: tuple[Path, ...]
    rounding: float = 0.0
    titles: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        from .plain import why_table

        return why_table(self)
