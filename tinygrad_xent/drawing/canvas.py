"""SVGs that are seen one after another, on a canvas of one size."""

from __future__ import annotations

import re
from typing import NamedTuple

_HEAD = re.compile(r'width="([\d.]+)pt" height="([\d.]+)pt"\s+viewBox="([^"]+)"')


class Size(NamedTuple):
    """Width and height in points."""

    width: float
    height: float


def size(svg: str) -> Size:
    """The size that a drawing of Graphviz has."""
    found = _HEAD.search(svg)
    assert found is not None
    return Size(float(found[1]), float(found[2]))


def common(svgs: list[str]) -> Size:
    """The smallest canvas that has room for each."""
    sizes = [size(svg) for svg in svgs]
    return Size(max(s.width for s in sizes), max(s.height for s in sizes))


def on_one_canvas(svgs: list[str]) -> list[str]:
    """The drawings at their own scale, each in the middle of the top of a canvas of one size."""
    return [placed(svg, common(svgs)) for svg in svgs] if svgs else []


def placed(svg: str, canvas: Size) -> str:
    """A drawing on a larger canvas."""
    left = (canvas.width - size(svg).width) / -2
    view = f"{left:g} 0 {canvas.width:g} {canvas.height:g}"
    head = f'width="{canvas.width:g}pt" height="{canvas.height:g}pt" viewBox="{view}"'
    paper = f'<rect x="{left:g}" width="100%" height="100%" fill="white"/>'
    return _HEAD.sub(head, svg, count=1).replace('<g id="graph0"', paper + '<g id="graph0"', 1)
