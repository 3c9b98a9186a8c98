"""Backpropagation step by step: one trace, as plain data, and the views of it."""

from .making import steps
from .walkthrough import Walkthrough

__all__ = ["Walkthrough", "steps"]
