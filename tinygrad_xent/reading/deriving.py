"""`derive` for losses and assumptions that are written as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .. import algebra
from ..algebra import Derivation
from ..algebra.presenting.caveats import of_branches
from ..errors import ParseError, explain
from ..graph import Tensor, branches, toposort
from . import options
from .assumptions import assumption
from .expressions import expression
from .files import file_and_function, from_file, from_function
from .table import nearest


def derive(
    loss: Tensor | str | Callable[..., Any],
    wrt: Tensor | str,
    assume: Any = (),
    of: str = "gradient",
) -> Derivation:
    """A derivative in closed form, in named steps: by default the gradient of a scalar loss.

    Args:
        loss: one number, composed of Tensors; or text such as `"-sum(p*log(softmax(z)))"`, or a
            function, whose names are taken to be vectors, or numbers where that does not give one
            number (`tinygrad_xent.reading.expression` makes Tensors of other shapes from text).
            What a function decides by values is said: the result holds for that branch.
        wrt: the Tensor to differentiate with respect to, or its name.
        assume: facts about Tensors: `tx.Simplex(p)`, `tx.Positive(x)`, `p.sum() == 1`, `x > 0`;
            or text: `"sum(p)=1"`, `"x>0"`, `"onehot(y)"`.
        of: "gradient"; "hvp", the Hessian's product with a vector named v; "hessian", the matrix,
            for a vector `wrt`; or "jacobian", the matrix, for a vector in place of the loss.

    Raises:
        ParseError: text that cannot be read, at its column.
        GradientError: the loss is not one number.
        DeriveError: the loss does not depend on `wrt`, an assumption is not understood, or no
            matrix was found.

    >>> import tinygrad_xent as tx
    >>> derive("-sum(p*log(softmax(z)))", wrt="z", assume="sum(p)=1").result
    softmax(z) - p
    >>> z, p = tx.tensor([0.2, 5.0, 0.3], name="z"), tx.tensor([0.0, 1.0, 0.0], name="p")
    >>> derive(-(p * tx.log(tx.softmax(z))).sum(), wrt=z).result
    sum(p)*softmax(z) - p
    >>> derive(tx.logsumexp(z), wrt=z, of="hessian").result
    diag(softmax(z)) - outer(softmax(z), softmax(z))
    """
    if isinstance(loss, Tensor) or not (isinstance(loss, str) or callable(loss)):
        return algebra.derive(loss, wrt, _assumed(assume, loss), of)
    with branches() as taken:
        read: Any = expression if isinstance(loss, str) else from_function
        made, variables = read(loss, axes=_axes(of))
    derivation = algebra.derive(made, _variable(wrt, variables), _assumed(assume, made), of)
    return _in_branch(derivation, taken, variables)


def _in_branch(
    derivation: Derivation, taken: Sequence[tuple[Any, bool]], variables: Mapping[str, Tensor]
) -> Derivation:
    """The derivation with what Python decided by these variables on the way to the loss."""
    mine = [(c, truth) for c, truth in taken if _made_from(c, variables)]
    return replace(derivation, caveats=(*derivation.caveats, *of_branches(mine)))


def _made_from(condition: Tensor, variables: Mapping[str, Tensor]) -> bool:
    known = {id(x) for x in variables.values()}
    return any(id(n) in known for n in toposort(condition))


def derive_text(
    loss: str,
    wrt: str,
    assume: Sequence[str] = (),
    shapes: Sequence[str] = (),
    values: Sequence[str] = (),
    of: str = "gradient",
) -> tuple[Derivation, str]:
    """What the command line asks for: everything as text, the loss maybe `FILE.py:FUNCTION`.

    Returns the derivation, and the sizes of the sample, which show in numbers such as a mean's.

    >>> found, sizes = derive_text("sum((X @ w - y)**2)", "w", shapes=["X=N,D", "w=D", "y=N"])
    >>> found.result, sizes
    (2*(X.T @ (X @ w - y)), 'X: 3 by 4, w: 4, y: 3')
    """
    with branches() as taken:
        made, variables = loss_text(loss, shapes, values, _axes(of))
    facts = [assumption(fact, variables) for fact in assume]
    derivation = algebra.derive(made, _variable(wrt, variables), facts, of)
    return _in_branch(derivation, taken, variables), _sizes(variables)


def _axes(of: str) -> int:
    """How many axes there are of what is differentiated."""
    return int(of == "jacobian")


def loss_text(
    loss: str, shapes: Sequence[str] = (), values: Sequence[str] = (), axes: int = 0
) -> tuple[Any, Mapping[str, Tensor]]:
    """A loss that is text or `FILE.py:FUNCTION`, on sample values, and its variables.

    >>> loss_text("sum(x**2)", values=["x=1,2"])[0].value
    np.float64(5.0)
    """
    named, given = options.shapes(shapes), options.values(values)
    place = file_and_function(loss)
    if place:
        return from_file(*place, named, given, axes=axes)
    return expression(loss, named, given, axes=axes)


def _sizes(variables: Mapping[str, Tensor]) -> str:
    shapes = {name: " by ".join(map(str, x.shape)) for name, x in variables.items() if x.ndim}
    return ", ".join(f"{name}: {shape}" for name, shape in shapes.items())


def _variable(wrt: Tensor | str, variables: Mapping[str, Tensor]) -> Tensor | str:
    if isinstance(wrt, str) and wrt not in variables:
        problem = f"derive: nothing in the loss is named {wrt}"
        raise ParseError(explain(problem, wrt, nearest(wrt, variables)))
    return variables[wrt] if isinstance(wrt, str) else wrt


def _assumed(assume: Any, loss: Any) -> list[Any]:
    """The assumptions, with text read in the names of the loss."""
    facts = list(assume) if isinstance(assume, (list, tuple)) else [assume]
    if any(isinstance(fact, str) for fact in facts) and isinstance(loss, Tensor):
        named = {n.name: n for n in toposort(loss) if n.name}
        facts = [assumption(f, named) if isinstance(f, str) else f for f in facts]
    return facts
