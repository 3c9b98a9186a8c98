"""Rewriting the gradient that the engine recorded into its closed form, in named, checked steps."""

from .assumptions import Constant, NonNegative, Nonzero, OneHot, Positive, Simplex, Symmetric
from .derivation import Derivation
from .deriving import gradient_graph, simplify
from .formula import Formula
from .higher import derive
from .steps import Computation, Step

__all__ = [
    "Computation",
    "Constant",
    "Derivation",
    "Formula",
    "NonNegative",
    "Nonzero",
    "OneHot",
    "Positive",
    "Simplex",
    "Step",
    "Symmetric",
    "derive",
    "gradient_graph",
    "simplify",
]
