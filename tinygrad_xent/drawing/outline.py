"""Graphs without numbers: formulas and what goes into what, with colours for what differs.

What is marked differs from the rest in more than its colour: what goes away has a broken outline,
what is new a thick one. Every box and arrow carries its marks as classes, for the styles of a page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from .dot import FONT, INK, QUIET, escaped, font, lines

_WIDE = 64  # characters of a line in a heading


class Cell(NamedTuple):
    """One box. `kind` is leaf, constant, definition, operation or folded; `mark` a key of MARKS."""

    id: str
    kind: str
    title: str
    note: str = ""
    mark: str = ""


class Line(NamedTuple):
    """One arrow, from an argument to the operation that it goes into."""

    tail: str
    head: str
    mark: str = ""


class Panel(NamedTuple):
    """A graph in a drawing that may hold several; `title` is above it."""

    cells: Sequence[Cell]
    lines: Sequence[Line]
    title: str = ""


class Mark(NamedTuple):
    """How what is marked looks, and what a legend says of it. Dark text stays readable on it."""

    color: str
    fill: str
    width: str
    dashed: bool
    says: str


_ORANGE, _BLUE = "#b34700", "#0060a0"
GONE = Mark(_ORANGE, "#fde4d0", "2.2", True, "goes away next")
NEW = Mark(_BLUE, "#d6eaf8", "2.6", False, "new")
MARKS = {
    "gone": GONE,
    "new": NEW,
    "new gone": GONE._replace(fill=NEW.fill),
    "only-a": GONE._replace(says="only in a"),
    "only-b": NEW._replace(says="only in b"),
}

_KINDS = {
    "leaf": ("#7a7a7a", "#f0f0f0", "rounded"),
    "constant": ("#a0a0a0", "#f7f7f7", "rounded"),
    "definition": ("#8a6500", "#fff6d6", "rounded"),
    "operation": ("#7a7a7a", "#ffffff", ""),
    "folded": ("#5c5c5c", "#ffffff", "dotted"),
}
_GRAPH = {
    "bgcolor": "white", "fontname": FONT, "fontcolor": INK, "labelloc": "t", "nodesep": "0.28",
    "ranksep": "0.34", "ordering": "in", "pad": "0.15",
}  # fmt: skip
_NODE = {
    "shape": "box", "fontname": FONT, "fontsize": "14", "fontcolor": INK, "margin": "0.13,0.07",
    "height": "0.36", "width": "0.4",
}  # fmt: skip
_EDGE = {"arrowsize": "0.65", "color": "#8a8a8a"}


def outline(panels: Sequence[Panel], title: str = "") -> str:
    """The panels side by side as DOT text, under a title that is an HTML-like label."""
    from graphviz import Digraph  # type: ignore[import-untyped]  # here: imports stay fast

    graph = Digraph(graph_attr=_GRAPH, node_attr=_NODE, edge_attr=_EDGE)
    if title:
        graph.attr(label=f"<{title}>")
    for i, panel in enumerate(panels):
        if panel.title:
            with graph.subgraph(name=f"cluster_{i}") as part:
                part.attr(label=f"<{panel.title}>", color="#c8c8c8", style="rounded", margin="14")
                _fill(part, panel)
        else:
            _fill(graph, panel)
    return str(graph.source)


def _fill(graph: Any, panel: Panel) -> None:
    for cell in panel.cells:
        graph.node(cell.id, label=f"<{_label(cell)}>", id=cell.id, **_box_style(cell))
    for line in panel.lines:
        graph.edge(line.tail, line.head, **_line_style(line))


def _label(cell: Cell) -> str:
    title = lines(cell.title, _WIDE)
    note = f"<br/>{font(lines(cell.note, _WIDE), QUIET, 10)}" if cell.note else ""
    return title + note


def _box_style(cell: Cell) -> dict[str, str]:
    color, fill, style = _KINDS[cell.kind]
    mark = MARKS.get(cell.mark)
    width = "1"
    if mark:
        color, fill, width = mark.color, mark.fill, mark.width
        style = f"{style},dashed" if mark.dashed else style
    looks = ",".join(part for part in ("filled", style.strip(",")) if part)
    return {"class": f"{cell.kind} {cell.mark}".strip(), "color": color, "fillcolor": fill,
            "penwidth": width, "style": looks}  # fmt: skip


def _line_style(line: Line) -> dict[str, str]:
    mark = MARKS.get(line.mark)
    if mark is None:
        return {}
    style = "dashed" if mark.dashed else "solid"
    return {"class": line.mark, "color": mark.color, "penwidth": "1.8", "style": style}


# -- headings -------------------------------------------------------------------------------------


def heading(notes: Sequence[str], looks: Iterable[str], title: str = "", reason: str = "") -> str:
    """A heading: a large line, a plain one, and a row of notes with what the colours mean."""
    large, plain = font(escaped(title), INK, 18), font(lines(reason, _WIDE), INK, 13)
    above = [f"<b>{large}</b>" if title else "", plain if reason else ""]
    row = "".join([*(f"<td>{font(escaped(note), QUIET, 12)}</td>" for note in notes), *looks])
    small = f'<table border="0" cellspacing="6" cellpadding="3"><tr>{row}</tr></table>'
    cells = [f"<tr><td>{line}</td></tr>" for line in (*above, small) if line]
    return f'<table border="0" cellspacing="0" cellpadding="3">{"".join(cells)}</table>'


def chips(cells: Iterable[Cell], arrows: Iterable[Line]) -> list[str]:
    """What the marks that occur mean: a small box for each, which looks as they do."""
    marks = {*(cell.mark for cell in cells), *(arrow.mark for arrow in arrows)}
    used = {part for mark in marks for part in mark.split()}
    return [_chip(MARKS[mark]) for mark in sorted(used)]


def _chip(mark: Mark) -> str:
    style = "dashed" if mark.dashed else "solid"
    box = f'border="2" color="{mark.color}" bgcolor="{mark.fill}" style="{style}"'
    return f"<td {box}>{font(mark.says, INK, 12)}</td>"


SHARED = _chip(Mark("#7a7a7a", "#ffffff", "1", False, "in both"))


def counted(operations: int) -> str:
    """How many operations, in words.

    >>> counted(1), counted(0)
    ('1 operation', '0 operations')
    """
    return f"{operations} operation{'s' * (operations != 1)}"
