"""Graphs to look at: picture (plain data) -> DOT (text) -> SVG and PNG (bytes)."""

from . import tensors
from .difference import draw_diff
from .drawing import Drawing, draw
from .film import Film, film

__all__ = ["Drawing", "Film", "draw", "draw_diff", "film", "tensors"]
