"""A drawing of a walkthrough that stands alone, as an image: with its own styles and arrowheads."""

from __future__ import annotations

from pathlib import Path

_SVG = 'xmlns="http://www.w3.org/2000/svg"'
_TIP = (
    '<marker id="tip-plain" viewBox="0 0 10 10" refX="9" refY="5" markerUnits="userSpaceOnUse" '
    'markerWidth="8" markerHeight="8" orient="auto"><path d="M0,1 10,5 0,9Z" fill="#68707a"/>'
    "</marker>"
)


def standalone(svg: str) -> str:
    """The `<svg>` of a page as a file of its own."""
    style = (Path(__file__).parent / "graph.css").read_text(encoding="utf-8")
    inside = f"<style>{style}</style><defs>{_TIP}</defs>"
    head, tail = svg.split(">", 1)
    return f"{head.replace('<svg ', f'<svg {_SVG} ', 1)}>{inside}{tail}"
