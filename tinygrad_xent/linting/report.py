"""What a lint found: one item for each line, as text, Markdown, HTML, JSON and in the terminal."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

DEFINES, FOLLOWS, ASSUMING = "defines", "follows", "follows under an assumption"
WRONG, ILL, UNREAD, NOTHING = "does not follow", "ill-formed", "not read", "no claim"
_FAILS = (WRONG, ILL)
_COLORS = {FOLLOWS: "green", ASSUMING: "yellow", WRONG: "red", ILL: "red", UNREAD: "magenta",
           DEFINES: "cyan", NOTHING: "dim"}  # fmt: skip


@dataclass(frozen=True)
class Item:
    """One formula, or one step of a chain, and what was found.

    Attributes:
        line, column: where it begins, from 1.
        source: its LaTeX, as it is written.
        verdict: defines, follows, follows under an assumption, does not follow, ill-formed,
            not read, or no claim.
        explanation: why, in a sentence or two.
        kind: what kind of slip: sign, index, subscripts, symbol, factor, sum, delta, range,
            captured, unused, term; or "".
        assumptions: under which it follows.
        repaired: the line with its slip put right, where one change does that.
        counterexample: numbers for which it is wrong.
    """

    line: int
    column: int
    source: str
    verdict: str
    explanation: str = ""
    kind: str = ""
    assumptions: tuple[str, ...] = ()
    repaired: str = ""
    counterexample: str = ""

    @property
    def wrong(self) -> bool:
        """Whether it does not follow or is ill-formed."""
        return self.verdict in _FAILS

    def details(self) -> Iterator[tuple[str, str]]:
        """What there is to say beside the verdict."""
        if self.explanation:
            yield "", self.explanation
        if self.assumptions:
            yield "assuming", "; ".join(self.assumptions)
        if self.counterexample:
            yield "counterexample", self.counterexample
        if self.repaired:
            yield "repaired", self.repaired


@dataclass(frozen=True)
class Report:
    """All lines of a derivation with their verdicts; true if none is wrong.

    >>> from tinygrad_xent import lint
    >>> report = lint("L = sum_i x_i**2\\ndL/dx_k = x_k")
    >>> bool(report), report.items[1].verdict, report.items[1].explanation
    (False, 'does not follow', 'A factor 2 is missing.')
    """

    items: tuple[Item, ...]

    def __bool__(self) -> bool:
        return not any(item.wrong for item in self.items)

    @property
    def wrong(self) -> tuple[Item, ...]:
        """What does not follow or is ill-formed."""
        return tuple(item for item in self.items if item.wrong)

    def summary(self) -> str:
        """How many of each."""
        counts = Counter(item.verdict for item in self.items)
        order = (FOLLOWS, ASSUMING, DEFINES, WRONG, ILL, UNREAD, NOTHING)
        said = [f"{counts[verdict]} {verdict}" for verdict in order if counts[verdict]]
        return ", ".join(said) if said else "no formulas found"

    def __str__(self) -> str:
        lines = []
        for item in self.items:
            lines.append(f"{item.line}:{item.column}: {item.verdict}: {_one_line(item.source)}")
            lines += [f"    {name + ': ' if name else ''}{text}" for name, text in item.details()]
        return "\n".join([*lines, self.summary()])

    def json(self) -> str:
        """The items as JSON."""
        data = {"ok": bool(self), "items": [asdict(item) for item in self.items]}
        return json.dumps(data, indent=2, ensure_ascii=False)

    def markdown(self) -> str:
        """A section for each verdict that needs attention, and a table of all lines."""
        rows = ["| place | formula | verdict |", "|---|---|---|"]
        for item in self.items:
            said = "<br>".join(
                f"{name + ': ' if name else ''}{_cell(text, name == 'repaired')}"
                for name, text in item.details()
            )
            shown = f"**{item.verdict}**" if item.wrong else item.verdict
            place = f"{item.line}:{item.column}"
            found = f"{shown}{'<br>' * bool(said)}{said}"
            rows.append(f"| {place} | {_cell(item.source, True)} | {found} |")
        return "\n".join([*rows, "", self.summary().capitalize() + ".", ""])

    def html(self) -> str:
        """A page that requests nothing; what it prints of the document is escaped."""
        from ..writing.templates import environment

        return environment("linting").get_template("report.html").render(report=self)

    def _repr_html_(self) -> str:
        return self.html()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.text import Text

        for item in self.items:
            line = Text(f"{item.line}:{item.column}  ", "bold")
            line.append(item.verdict, _COLORS[item.verdict])
            line.append("  " + _one_line(item.source))
            yield line
            for name, text in item.details():
                yield Text(f"    {name + ': ' if name else ''}{text}", "" if item.wrong else "dim")
        yield Text(self.summary(), "bold")


def _one_line(source: str) -> str:
    text = " ".join(source.split())
    return text if len(text) < 160 else text[:156] + " ..."


def _cell(text: str, code: bool) -> str:
    """Text for one cell of a table of Markdown; code is shown as it is."""
    text = _one_line(text).replace("|", "\\|")
    if not code:
        return text.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
    ticks = "`" * (1 + max((len(run) for run in _runs_of_ticks(text)), default=0))
    return f"{ticks}{' ' * (len(ticks) > 1)}{text}{' ' * (len(ticks) > 1)}{ticks}"


def _runs_of_ticks(text: str) -> list[str]:
    return re.findall(r"`+", text)
