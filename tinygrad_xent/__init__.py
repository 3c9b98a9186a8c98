"""tinygrad_xent: automatic differentiation that derives what it computes.

import tinygrad_xent as tx

z = tx.tensor([0.2, 5.0, 0.3], name="z")
p = tx.tensor([0.0, 1.0, 0.0], name="p")
q = (tx.exp(z) / tx.exp(z).sum()).named("q")
loss = -(p * tx.log(q)).sum()
loss.backward()                                  # z.grad
tx.derive(loss, wrt=z, assume=[tx.Simplex(p)])   # ... = q - p
"""

from . import functions, ops, testing
from .algebra import (
    Constant,
    Derivation,
    Formula,
    NonNegative,
    Nonzero,
    OneHot,
    Positive,
    Simplex,
    Symmetric,
    gradient_graph,
    simplify,
)
from .checking import Gradcheck, Verdict, Verification, check, gradcheck, same, verify
from .drawing import Drawing, Film, draw, draw_diff, film
from .errors import (
    CertificateError,
    DeriveError,
    DtypeError,
    GradientError,
    NotSupportedError,
    ParseError,
    RenderError,
    ShapeError,
    TinygradXentError,
)
from .functions import *
from .graph import Tensor, implements, no_grad, primitive, tensor
from .linting import Item, Report, lint
from .ops import *
from .reading import derive
from .stepping import Comparison, Walkthrough, compare, steps
from .transforms import (
    elementwise_grad,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    value_and_grad,
    vjp,
)

__all__ = [
    "CertificateError",
    "Comparison",
    "Constant",
    "Derivation",
    "DeriveError",
    "Drawing",
    "DtypeError",
    "Film",
    "Formula",
    "Gradcheck",
    "GradientError",
    "Item",
    "NonNegative",
    "Nonzero",
    "NotSupportedError",
    "OneHot",
    "ParseError",
    "Positive",
    "RenderError",
    "Report",
    "ShapeError",
    "Simplex",
    "Symmetric",
    "Tensor",
    "TinygradXentError",
    "Verdict",
    "Verification",
    "Walkthrough",
    "check",
    "compare",
    "derive",
    "draw",
    "draw_diff",
    "elementwise_grad",
    "film",
    "grad",
    "gradcheck",
    "gradient_graph",
    "hessian",
    "hvp",
    "implements",
    "jacobian",
    "jvp",
    "lint",
    "no_grad",
    "primitive",
    "same",
    "simplify",
    "steps",
    "tensor",
    "testing",
    "value_and_grad",
    "verify",
    "vjp",
]
__all__ += functions.__all__
__all__ += ops.__all__

__version__ = "0.1.0"
