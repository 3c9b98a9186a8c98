"""A picture as DOT, Graphviz's language: how boxes and arrows look.

Labels are HTML-like, so that a box can hold a small table. Whatever users write in names goes
through `escaped`, the one way into a label.
"""

from __future__ import annotations

import re
import textwrap
from html import escape
from typing import NamedTuple

from .picture import Arrow, Box, Picture
from .values import MISSING

FONT = "Helvetica"  # Graphviz knows its widths, and writes `Helvetica,sans-Serif` into the SVG
INK, QUIET, _COTANGENT, _MARK = "#1a1a1a", "#5c5c5c", "#b03a00", "#c2006b"
_TITLE, _RULE = 60, 34  # characters: of a line in a box, and beside an arrow
_ASIDE, _SPINE = "1", "6"  # operations line up, their leaves and constants stand aside


class Style(NamedTuple):
    """Border, fill and line style of one kind of box; they differ in grey print too."""

    color: str
    fill: str
    style: str = "filled"
    width: str = "1.2"


STYLES = {
    "leaf": Style("#0060a0", "#e3f0fa", "filled,rounded", "1.6"),
    "constant": Style("#8a8a8a", "#f4f4f4", "filled,rounded", "0.8"),
    "definition": Style("#8a6500", "#fff3cc", "filled", "2.6"),
    "operation": Style("#444444", "#ffffff"),
    "gap": Style("#8a8a8a", "#ffffff", "dashed"),
}

_CAPTION = (
    "<i>g</i>: the cotangent that arrives, <i>out</i>: the operation's result, "
    "<i>x</i>, <i>y</i>: its arguments, in order"
)
_MANY = 400  # boxes, from which on the layout stops improving early: seconds, not a minute
_HURRY = {"nslimit": "1", "nslimit1": "1", "mclimit": "0.3"}
_GAP = "&#160;&#160;"


def dot(picture: Picture) -> str:
    """The picture as DOT text; the same picture gives the same bytes."""
    from graphviz import Digraph  # type: ignore[import-untyped]  # here: imports stay fast

    graph = Digraph(graph_attr=_graph(picture), node_attr=_NODE, edge_attr=_EDGE)
    for box in picture.boxes:
        graph.node(box.id, label=_box_label(box), **_box_style(box))
    inputs = {box.id for box in picture.boxes if box.kind in ("leaf", "constant")}
    for arrow in picture.arrows:
        weight = _SPINE if inputs.isdisjoint((arrow.tail, arrow.head)) else _ASIDE
        graph.edge(arrow.tail, arrow.head, weight=weight, **_arrow_style(arrow))
    return str(graph.source)


_NODE = {"shape": "box", "fontname": FONT, "fontsize": "13", "fontcolor": INK, "margin": "0.06"}
_EDGE = {"fontname": FONT, "fontsize": "11", "arrowsize": "0.7", "color": QUIET}


def _graph(picture: Picture) -> dict[str, str]:
    """Results lie below arguments in both directions, so the two drawings can be compared."""
    plain = {
        "rankdir": "BT" if picture.backward else "TB", "bgcolor": "white", "fontname": FONT,
        "fontsize": "11", "fontcolor": QUIET, "nodesep": "0.35", "ranksep": "0.4",
    }  # fmt: skip
    hurried = _HURRY if len(picture.boxes) > _MANY else {}
    return {**plain, **hurried, **({"label": f"<{_CAPTION}>"} if picture.backward else {})}


def _box_style(box: Box) -> dict[str, str]:
    style = STYLES[box.kind]
    if box.marked:
        style = style._replace(color=_MARK, width="4")
    return {"color": style.color, "fillcolor": style.fill, "style": style.style,
            "penwidth": style.width}  # fmt: skip


def _arrow_style(arrow: Arrow) -> dict[str, str]:
    label = _arrow_label(arrow)
    shown = {"label": f"<{label}>"} if label else {}
    if arrow.kind == "cotangent":
        return {**shown, "color": _COTANGENT, "fontcolor": _COTANGENT, "penwidth": "1.4"}
    return {**shown, "style": "dashed", "arrowhead": "none"} if arrow.kind == "blocked" else shown


# -- labels ---------------------------------------------------------------------------------------


def _box_label(box: Box) -> str:
    title = lines(box.title, _TITLE)
    if box.kind in ("constant", "gap"):
        note = f"<br/>{font(escaped(box.note), QUIET, 10)}" if box.note else ""
        return f"<{font(title, QUIET)}{note}>"
    rows = [
        f'<tr><td colspan="2"><b>{title}</b></td></tr>',
        f'<tr><td colspan="2">{font(lines(box.note, _TITLE), QUIET, 10)}</td></tr>',
        _row("value", box.value, INK),
        _row("cotangent", box.cotangent, _COTANGENT),
    ]
    return f'<<table border="0" cellspacing="0" cellpadding="1">{"".join(rows)}</table>>'


def _row(name: str, value: str, color: str) -> str:
    """A name on the left and, line by line, numbers on the right."""
    shown = font(lines(value, _TITLE), color)
    if value == MISSING:
        shown = f"<b>{font(value, color, 15)}</b>"
    name = font(name + _GAP, color, 10)
    return f'<tr><td align="left">{name}</td><td align="right" balign="right">{shown}</td></tr>'


def _arrow_label(arrow: Arrow) -> str:
    """Symbols of a rule are in italics: its x is not the user's `x`."""
    place = font(f"<i>{escaped(arrow.place)}</i>" + ":" * bool(arrow.rule), QUIET, 10)
    parts = [_GAP + place] if arrow.place else []
    if arrow.rule:
        parts.append(f"{_GAP}<i>{lines(arrow.rule, _RULE)}</i>{_GAP}")
    if arrow.note:
        parts.append("<br/>" + font(_GAP + escaped(arrow.note), QUIET, 10))
    return "".join(parts)


def font(label: str, color: str, size: int | None = None) -> str:
    """A label in a colour and, if given, a size in points."""
    points = "" if size is None else f' point-size="{size}"'
    return f'<font color="{color}"{points}>{label}</font>'


def lines(text: str, width: int) -> str:
    """Escaped text in lines of about this width; at most a handful, the rest is elided."""
    lines = [part for line in spelled(text).split("\n") for part in _wrapped(line, width)]
    kept = [*lines[:6], "..."] if len(lines) > 7 else lines
    return "<br/>".join(escaped(line) for line in kept)


def _wrapped(line: str, width: int) -> list[str]:
    return textwrap.wrap(line, width, break_on_hyphens=False) or [" "]


def escaped(text: str) -> str:
    r"""Any text as text in an HTML-like label; what XML cannot hold is spelled out.

    Graphviz replaces `\N` and the like by names of its own, unless the backslash is doubled.

    >>> print(escaped("<b> & \x1b"), escaped(r"\N"))
    &lt;b&gt; &amp; \\x1b \\N
    """
    return escape(spelled(text).replace("\\", "\\\\"), quote=False)


# What XML cannot hold: control characters, lone surrogates, and two that are no characters.
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def spelled(text: str) -> str:
    """Text with what neither XML nor HTML can hold spelled out."""
    return _FORBIDDEN.sub(lambda found: ascii(found[0])[1:-1], text)
