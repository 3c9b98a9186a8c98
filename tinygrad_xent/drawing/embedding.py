"""A drawing as a part of a page: colours come from the page's styles.

What Graphviz repeats on every element (fonts, colours, line widths) is said once, by classes, which
also makes dark pages possible and the page a fraction of the size.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html import escape

from .canvas import size

_SVG = "{http://www.w3.org/2000/svg}"
_NUMBER = re.compile(r"-?\d+\.\d+")
_DRAWN = {"path": ("d",), "polygon": ("points",)}
_SCALE = 1.25  # pixels on the page for a point in a drawing
_SMALL = 12.0  # points, below which text is a note


def embedded(svg: str, says: str) -> str:
    """A drawing of Graphviz as an `<svg>` element for a page that has `graph.css`.

    The ids of its boxes are in `data-id`, because a page may show a box in several drawings.

    Args:
        svg: as `render.svg` gives it.
        says: what it shows, for those who do not see it.
    """
    root = ET.fromstring(svg)
    graph = root.find(f"{_SVG}g")
    assert graph is not None
    drawn = "".join(_group(g) for g in graph.findall(f"{_SVG}g"))
    left, top = _corner(graph)
    width, height = size(svg)
    view = f'viewBox="{left:g} {top:g} {width:g} {height:g}" width="{width * _SCALE:.0f}"'
    return f'<svg class="graph" {view} role="img" aria-label="{escape(says)}">{drawn}</svg>'


def _corner(graph: ET.Element) -> tuple[float, float]:
    """Where the drawing begins, in its own coordinates, which Graphviz shifts."""
    shift = re.search(r"translate\((\S+) (\S+)\)", graph.get("transform", ""))
    assert shift is not None
    return -float(shift[1]), -float(shift[2])


def _group(group: ET.Element) -> str:
    """A box or an arrow."""
    look, name = group.get("class", ""), group.get("id", "")
    known = f' data-id="{escape(name)}"' if look.startswith("node") else ""
    middle = _middle(group)
    shapes = "".join(_shape(element, middle) for element in group.iter())
    return f'<g class="{escape(look)}"{known}>{shapes}</g>'


def _middle(group: ET.Element) -> float:
    """The middle of the outline from left to right: text is put there, whatever its font."""
    shapes = (e.get("points") or e.get("d") or "" for e in group.iter())
    places = [float(x) for shape in shapes for x in re.findall(r"(-?[\d.]+),", shape)]
    return (min(places) + max(places)) / 2 if places else 0.0


def _shape(element: ET.Element, middle: float) -> str:
    kind = element.tag.removeprefix(_SVG)
    if kind == "text":
        note = ' class="note"' * (float(element.get("font-size", 14)) < _SMALL)
        y = _short(element.get("y", ""))
        return f'<text{note} x="{_tenth(middle)}" y="{y}">{escape(element.text or "")}</text>'
    places = " ".join(f'{k}="{_short(element.get(k, ""))}"' for k in _DRAWN.get(kind, ()))
    return f"<{kind} {places}/>" if places else ""


def _short(numbers: str) -> str:
    """Coordinates to a tenth of a point."""
    return _NUMBER.sub(lambda found: _tenth(float(found[0])), numbers)


def _tenth(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
