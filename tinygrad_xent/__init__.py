"""tinygrad_xent: automatic differentiation that derives what it computes.

import tinygrad_xent as tx

z = tx.tensor([0.2, 5.0, 0.3], name="z")
p = tx.tensor([0.0, 1.0, 0.0], name="p")
q = (tx.exp(z) / tx.exp(z).sum()).named("q")
loss = -(p * tx.log(q)).sum()
loss.backward()                                  # z.grad
tx.derive(loss, wrt=z, assume=[tx.Simplex(p)])   # ... = q - p
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import functions, ops
from .errors import (
    CertificateError,
    CompileError,
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
from .memory import release as release_memory
from .ops import *
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

if TYPE_CHECKING:
    from . import testing
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
    from .checking import Gradcheck, Verdict, Verification, same
    from .checking.check import check
    from .checking.gradcheck import gradcheck
    from .checking.verify import verify
    from .compiling import Compiled, compile
    from .drawing import Drawing, Film, draw, draw_diff
    from .drawing.film import film
    from .linting import Item, Report, lint
    from .numerics import Accuracy, Limits, WhyNan, accuracy, limits, why_nan
    from .reading import derive
    from .stepping import Comparison, Walkthrough, compare, steps

# Who only differentiates does not wait for the rest: a room is opened when it is first asked for.
_ROOMS = {
    "algebra": """Constant Derivation Formula NonNegative Nonzero OneHot Positive Simplex Symmetric
        gradient_graph simplify""",
    "checking": "Gradcheck Verdict Verification check gradcheck same verify",
    "compiling": "Compiled compile",
    "drawing": "Drawing Film draw draw_diff film",
    "linting": "Item Report lint",
    "numerics": "Accuracy Limits WhyNan accuracy limits why_nan",
    "reading": "derive",
    "stepping": "Comparison Walkthrough compare steps",
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name == "testing":
        return import_module(".testing", __name__)
    if name not in _ROOM_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = getattr(import_module(f".{_ROOM_OF[name]}", __name__), name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "Accuracy",
    "CertificateError",
    "Comparison",
    "CompileError",
    "Compiled",
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
    "Limits",
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
    "WhyNan",
    "accuracy",
    "check",
    "compare",
    "compile",
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
    "limits",
    "lint",
    "no_grad",
    "primitive",
    "release_memory",
    "same",
    "simplify",
    "steps",
    "tensor",
    "testing",
    "value_and_grad",
    "verify",
    "vjp",
    "why_nan",
]
__all__ += functions.__all__
__all__ += ops.__all__

__version__ = "0.1.0"
