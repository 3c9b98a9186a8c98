"""A drawing of a walkthrough that stands alone, as an image: with its own styles and arrowheads."""

from __future__ import annotations

from pathlib import Path

from .marks import Marks
from .records import Step
from .scale import scale
from .sheets import Sheets
from .walkthrough import Walkthrough

_SVG = 'xmlns="http://www.w3.org/2000/svg"'
_TIPS = {"plain": 8, "in": 13, "out": 13}  # pixels
_STRIPES = (
    '<pattern id="stripes" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<rect width="6" height="6" class="odd-a"/><rect width="3" height="6" class="odd-b"/></pattern>'
)


def picture(w: Walkthrough, at: Step | None = None) -> str:
    """The graph as an SVG file, at a step, or with all its numbers."""
    marks = Marks(w, scale(step.arriving.norm for step in w.backward))
    svg = Sheets(w, marks).svg(at=at)
    style = (Path(__file__).parent / "graph.css").read_text(encoding="utf-8")
    tips = "".join(_tip(name, size) for name, size in _TIPS.items())
    head, tail = svg.split(">", 1)
    inside = f"<style>{style}</style><defs>{tips}{_STRIPES}</defs>"
    return f"{head.replace('<svg ', f'<svg {_SVG} ', 1)}>{inside}{tail}"


def _tip(name: str, size: int) -> str:
    return (
        f'<marker id="tip-{name}" class="{name}" viewBox="0 0 10 10" refX="9" refY="5" '
        f'markerUnits="userSpaceOnUse" markerWidth="{size}" markerHeight="{size}" '
        'orient="auto-start-reverse"><path d="M0,1 10,5 0,9Z"/></marker>'
    )
