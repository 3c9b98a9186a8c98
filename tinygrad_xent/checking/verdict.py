"""What a check found, as plain data, and how it is printed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..graph import Tensor
from ..writing.derivations import code, plain
from .counterexample import Counterexample, shown
from .numbers import Entry

if TYPE_CHECKING:
    from ..drawing import Drawing

_ROWS = 6  # of the table, in text
_LONG = 240  # characters of a line of numbers that is still read


@dataclass(frozen=True)
class Diagnosis:
    """A mistake that gives exactly the user's numbers.

    Attributes:
        kind: the family it belongs to: sign, factor, path, transpose ...
        sentence: what is wrong, in words.
        evidence: numbers that show it.
        where: the formula of the node concerned, or "".
        when: what had to be assumed for it, or "".
    """

    kind: str
    sentence: str
    evidence: str = ""
    where: str = ""
    when: str = ""
    node: Tensor | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return self.sentence + (f" (where {self.when})" if self.when else "")


@dataclass(frozen=True)
class Verdict:
    """Whether a hand-written gradient is right. True in a condition if it is.

    Attributes:
        equal: whether it is right, at least wherever `needs` hold.
        needs: the conditions under which it is; none if it always is.
        only_if: whether it is wrong wherever they do not hold.
        how: how that is known.
        title: what was checked, such as `d loss / d z`.
        gradient: the gradient in closed form, or "".
        residual: what yours differs by, in closed form, or "".
        counterexample: values at which it is wrong, the plainest that were found.
        diagnosis: the mistake that explains it, or None.
        alternatives: other mistakes that give the same numbers, less simple ones.
        table: both gradients entry by entry at the sample's values, the worst first.
        remarks: what else is worth knowing, such as an overflow.
        wrong: how many entries of the table differ.
        explained: whether a mistake was looked for.
    """

    equal: bool
    needs: tuple[str, ...] = ()
    only_if: bool = False
    how: str = ""
    title: str = ""
    gradient: str = ""
    residual: str = ""
    counterexample: Counterexample | None = None
    diagnosis: Diagnosis | None = None
    alternatives: tuple[Diagnosis, ...] = ()
    table: tuple[Entry, ...] = ()
    remarks: tuple[str, ...] = ()
    wrong: int = 0
    explained: bool = True
    loss: Tensor | None = field(default=None, repr=False, compare=False)

    def __bool__(self) -> bool:
        return self.equal

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        if self.equal and not self.needs:
            return f"equal ({self.how})" if self.how else "equal"
        if self.equal:
            return f"equal {'if and only if' if self.only_if else 'if'} {' and '.join(self.needs)}"
        return f"different: {self.diagnosis or self.unexplained}" if self.explained else "different"

    @property
    def unexplained(self) -> str:
        """What can be said where no mistake is known that gives these numbers."""
        if not self.wrong:
            return "none of the usual mistakes explains it"
        worst = self.table[0]
        place = f"entry {list(worst.index)}" if worst.index else "it"
        ratio = f"{worst.hand / worst.gradient:.6g}" if worst.gradient else ""
        few = ratio and 4 * self.wrong <= 3 * len(self.table)
        times = f", {place} is {ratio} x the gradient" if few else ""
        return f"{self.wrong} of {len(self.table)} entries are off{times}; no usual mistake fits"

    @property
    def lines(self) -> list[str]:
        """What stands below the headline."""
        found = []
        if self.residual and self.explained:
            found.append(f"in general the gradient is  {self.gradient};"
                         f"  yours differs by  {self.residual}")  # fmt: skip
        elif self.residual:
            found.append(f"the second less the first is  {self.residual}")
        if self.counterexample is not None and len(str(self.counterexample)) <= _LONG:
            found.append(f"smallest counterexample found: {self.counterexample}")
        if self.diagnosis is not None and 0 < len(self.diagnosis.evidence) <= _LONG:
            found.append(f"evidence: {self.diagnosis.evidence}")
        found += [f"or: {other}" for other in self.alternatives]
        return found + list(self.remarks)

    def __str__(self) -> str:
        return "\n".join([self.headline, *(f"  {line}" for line in self.lines), *self._rows()])

    def _rows(self) -> list[str]:
        """The worst entries, where numbers are all there is."""
        if self.equal or self.residual or not self.table:
            return []
        rows = [("entry", "gradient", "yours", "relative error")]
        rows += [row(entry) for entry in self.table[:_ROWS]]
        wide = [max(len(r[i]) for r in rows) for i in range(4)]
        lines = ["  " + "  ".join(c.rjust(w) for c, w in zip(r, wide, strict=True)) for r in rows]
        more = len(self.table) - _ROWS
        return lines + ([f"  ... and {more} more"] if more > 0 else [])

    def markdown(self) -> str:
        """The verdict as Markdown: the headline, what stands below it, and the worst entries."""
        head, _, rest = self.headline.partition(":")
        title = f"**{plain(head)}**" + (f": {plain(rest.strip())}" if rest else "")
        body = [f"* {plain(line)}" for line in self.lines]
        table = ["| entry | gradient | yours | relative error |", "|---|---|---|---|"]
        table += [f"| {' | '.join(map(code, row(e)))} |" for e in self.table[:_ROWS]]
        shown_table = ["", *table] if self.table else []
        return "\n".join([f"{code(self.title)}: {title}", "", *body, *shown_table, ""])

    def html(self) -> str:
        """The verdict as a page that requests nothing."""
        from .page import page

        return page(verdict=self, row=row, rows=self.table[:_ROWS])

    def json(self) -> str:
        """The verdict as JSON text."""
        return json.dumps(self._data(), ensure_ascii=False, indent=1)

    def _data(self) -> dict[str, Any]:
        plain_fields = ("equal", "needs", "only_if", "how", "title", "gradient", "residual")
        data = {name: getattr(self, name) for name in plain_fields}
        example = self.counterexample
        data["headline"] = self.headline
        data["counterexample"] = example and {
            "values": {name: value.tolist() for name, value in example.values},
            "gradient": np.asarray(example.gradient).tolist(),
            "yours": np.asarray(example.hand).tolist(),
        }
        data["diagnosis"] = _told(self.diagnosis)
        data["alternatives"] = [_told(other) for other in self.alternatives]
        data["table"] = [_entry(e) for e in self.table]
        return data | {"wrong": self.wrong, "remarks": self.remarks}

    def drawing(self) -> Drawing:
        """The backward pass, with the node that the diagnosis names marked."""
        from ..drawing import draw

        marked = [self.diagnosis.node] if self.diagnosis and self.diagnosis.node is not None else []
        return draw(self.loss, backward=True, mark=marked)

    def _repr_html_(self) -> str:
        return self.html()


def row(entry: Entry) -> tuple[str, str, str, str]:
    """An entry of the table as text."""
    place = f"[{', '.join(map(str, entry.index))}]" if entry.index else "all"
    right = f"{entry.gradient:.6g}"
    if entry.between is not None:
        right = f"{shown(entry.between[0])} to {shown(entry.between[1])}"
    return place, right, f"{entry.hand:.6g}", f"{entry.error:.2g}"


def _told(diagnosis: Diagnosis | None) -> dict[str, str] | None:
    if diagnosis is None:
        return None
    return {
        key: getattr(diagnosis, key) for key in ("kind", "sentence", "evidence", "where", "when")
    }


def _entry(e: Entry) -> dict[str, Any]:
    error = e.error if np.isfinite(e.error) else None
    return {"index": e.index, "gradient": e.gradient, "yours": e.hand, "error": error,
            "between": e.between}  # fmt: skip
