"""Backpropagation step by step: one trace, as plain data, and the views of it."""

from .comparison import Comparison, compare
from .making import steps
from .walkthrough import Walkthrough

__all__ = ["Comparison", "Walkthrough", "compare", "steps"]
