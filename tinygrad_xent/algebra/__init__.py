"""Rewriting the gradient that the engine recorded into its closed form, in named, checked steps.

Each part imports only from those before it. The first five rewrite any formula:

    terms        formulas in one form, so that equal ones are the same object
    facts        what is assumed, and what is known of terms
    matching     what a rule is, and where it applies
    rules        the rules, by what they are for
    rewriting    rules applied until none applies, each step checked

The others derive:

    loss         the loss on random numbers, at lengths of our own choice
    attempts     one attempt: algebra, tidying, naming
    computing    the form that keeps its digits
    presenting   the derivation as people see it, and as a certificate
    deriving     gradients, Jacobians, Hessians; where to begin, from the top
"""

from .deriving.gradients import gradient_graph, simplify
from .deriving.higher import derive
from .facts.assumptions import Constant, NonNegative, Nonzero, OneHot, Positive, Simplex, Symmetric
from .presenting.derivation import Derivation
from .presenting.steps import Computation, Step
from .terms.formula import Formula

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
