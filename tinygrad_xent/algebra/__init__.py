"""Rewriting the gradient that the engine recorded into its closed form, in named, checked steps."""

from .assumptions import Nonzero, OneHot, Positive, Simplex
from .derivation import Derivation, Step
from .deriving import derive, gradient_graph, simplify
from .formula import Formula

__all__ = [
    "Derivation",
    "Formula",
    "Nonzero",
    "OneHot",
    "Positive",
    "Simplex",
    "Step",
    "derive",
    "gradient_graph",
    "simplify",
]
