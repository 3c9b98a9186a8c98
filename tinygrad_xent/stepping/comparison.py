"""Two walks side by side, aligned by node: where one cotangent grows, shrinks, or never was."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ..errors import NotSupportedError, describe, explain
from .contrast import says, spine
from .data import dumps, loads
from .making import steps
from .records import Backward, Step
from .walkthrough import Walkthrough


@dataclass(frozen=True)
class Comparison:
    """Several walkthroughs, aligned.

    Attributes:
        walks: the walkthroughs.
        rows: the steps that belong together: for each walk the number of a step, or 0.
        shared: of the rows, those in which every walk visits the same node on the way back.
        spines: for each walk the rows of nodes through which all goes that reaches the leaf that is
            farthest away; what lies beside them receives only a part.
        says: what the cotangents' sizes show, in plain sentences.
    """

    walks: tuple[Walkthrough, ...]
    rows: tuple[tuple[int, ...], ...]
    shared: tuple[int, ...]
    spines: tuple[tuple[int, ...], ...]
    says: tuple[str, ...] = ()

    def json(self) -> str:
        """The comparison as JSON text, which `Comparison.from_json` reads."""
        return dumps(self)

    @classmethod
    def from_json(cls, text: str) -> Comparison:
        """The comparison that `json` wrote."""
        return loads(cls, text)  # type: ignore[no-any-return]

    def norms(self, walk: int) -> list[tuple[int, float]]:
        """The norms of what arrives, along the walk back: the number of a row, and the norm."""
        w = self.walks[walk]
        at = [(i, w.steps[row[walk] - 1]) for i, row in enumerate(self.rows) if row[walk]]
        return [(i, step.arriving.norm) for i, step in at if isinstance(step, Backward)]

    def __str__(self) -> str:
        from .plain import compared

        return compared(self)

    def show(self, ascii: bool = False) -> None:
        """Step through both in the terminal; where there is none, print what they show."""
        from .terminal import show

        show(self, ascii)

    def html(self) -> str:
        """One page with both graphs and the sizes of their cotangents on one scale."""
        from .chart import head
        from .page import page

        return page(self.walks, self.rows, head(self))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page (.html) or the data (.json), whole or not at all; returns the path."""
        from .page import save

        return save(self, path)

    def _repr_html_(self) -> str:
        from .notebook import shown

        return shown(self)


def compare(*losses: Any, names: tuple[str, ...] = (), **options: Any) -> Comparison:
    """Walk back through several losses side by side.

    Args:
        losses: as `tx.steps` takes them, or walkthroughs; two or more.
        names: what to call them; their own names, unless given.
        options: as for `tx.steps`, for all of them.

    Nodes are the same if they are the same Tensor, or if they say the same about leaves of the same
    name.

    Raises:
        NotSupportedError: fewer than two losses, or names that are not one for each.

    >>> import tinygrad_xent as tx
    >>> z, p = tx.tensor([4.0, -1.0, -3.0], name="z"), tx.tensor([0.0, 0.0, 1.0], name="p")
    >>> q = tx.softmax(z).named("q")
    >>> c = compare(-(p * tx.log(q)).sum(), ((q - p) ** 2).sum() / 2, names=("ce", "se"))
    >>> print(c.says[0])
    At q, the last node before the two part, 1105 arrives in ce and 1.408 in se.
    """
    if len(losses) < 2:
        problem = "compare: at least two losses are compared"
        raise NotSupportedError(explain(problem, f"{len(losses)}", "tx.compare(a, b)"))
    called = names or (None,) * len(losses)
    if len(called) != len(losses) or len(set(names)) != len(names):
        problem = "compare: each loss needs a name of its own, or none is given"
        raise NotSupportedError(explain(problem, f"{names}", f"{len(losses)} different names"))
    walks = tuple(_walk(x, called[i], i, options) for i, x in enumerate(losses))
    keys = [_keys(w) for w in walks]
    rows = tuple(_rows(walks, keys))
    shared = tuple(i for i, row in enumerate(rows) if _is_shared(walks, keys, row))
    boxes = [spine(w) for w in walks]
    spines = tuple(tuple(_rows_of(w, k, rows, boxes[k])) for k, w in enumerate(walks))
    found = Comparison(walks, rows, shared, spines)
    return replace(found, says=tuple(says(found)))


def _walk(loss: Any, name: str | None, i: int, options: dict[str, Any]) -> Walkthrough:
    if isinstance(loss, Walkthrough):
        return loss
    if not (isinstance(loss, str) or hasattr(loss, "op")):
        raise NotSupportedError(explain("compare: not a loss", describe(loss), "Tensors, or text"))
    return steps(loss, name=name or getattr(loss, "name", None) or "abcdefgh"[i % 8], **options)


# -- which steps belong together ------------------------------------------------------------------


def _keys(w: Walkthrough) -> dict[str, Hashable]:
    """What a node says: its operation and what its arguments say; leaves are known by name."""
    keys: dict[str, Hashable] = {}
    for box in w.boxes:
        values = box.value.brief if box.kind == "constant" else ""
        args = tuple(hash(keys.get(a)) for a in box.args)
        formula = box.formula.text if box.kind != "leaf" and not args else ""
        keys[box.id] = (box.op or box.symbol.text, box.value.shape, values, formula, args)
    return keys


def _rows(
    walks: tuple[Walkthrough, ...], keys: list[dict[str, Hashable]]
) -> Iterator[tuple[int, ...]]:
    """Phase by phase, the steps of the first walk beside those of each other that match."""
    for phase in ("forward", "backward", "closing"):
        lists: list[list[Step]] = [list(getattr(w, phase)) for w in walks]
        table: list[tuple[int, ...]] = [(s.number,) for s in lists[0]]
        spoken = [keys[0][s.box] for s in lists[0]]
        for steps_, known in zip(lists[1:], keys[1:], strict=True):
            other = [known[s.box] for s in steps_]
            table, spoken = _merged(table, spoken, [s.number for s in steps_], other)
        yield from table


def _merged(
    table: list[tuple[int, ...]], spoken: list[Hashable], numbers: list[int], other: list[Hashable]
) -> tuple[list[tuple[int, ...]], list[Hashable]]:
    """The table with one more column; what matches nothing stands beside what matches nothing."""
    rows: list[tuple[int, ...]] = []
    keys: list[Hashable] = []
    nothing = (0,) * len(table[0]) if table else (0,)
    blocks = SequenceMatcher(None, spoken, other, autojunk=False).get_opcodes()
    for _, a, b, c, d in blocks:
        for i, j in zip_longest(range(a, b), range(c, d)):
            rows.append((*(table[i] if i is not None else nothing), 0 if j is None else numbers[j]))
            keys.append(spoken[i] if i is not None else other[j])
    return rows, keys


def _is_shared(
    walks: tuple[Walkthrough, ...], keys: list[dict[str, Hashable]], row: tuple[int, ...]
) -> bool:
    if not all(row):
        return False
    visited = [w.steps[n - 1] for w, n in zip(walks, row, strict=True)]
    said = {known[s.box] for known, s in zip(keys, visited, strict=True)}
    return len(said) == 1 and all(isinstance(s, Backward) for s in visited)


def _rows_of(
    w: Walkthrough, k: int, rows: tuple[tuple[int, ...], ...], boxes: set[str]
) -> Iterator[int]:
    for i, row in enumerate(rows):
        step = w.steps[row[k] - 1] if row[k] else None
        if isinstance(step, Backward) and step.box in boxes:
            yield i
