"""Graphs to look at: picture (plain data) -> DOT (text) -> SVG and PNG (bytes)."""

from .drawing import Drawing, draw

__all__ = ["Drawing", "draw"]
