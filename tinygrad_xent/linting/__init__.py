"""Derivations in LaTeX or as plain lines, judged line by line."""

from .linter import lint
from .report import Item, Report

__all__ = ["Item", "Report", "lint"]
