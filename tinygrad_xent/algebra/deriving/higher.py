"""Jacobians and Hessians: derived as products with a vector, and read off as matrices."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, count
from typing import Any

import numpy as np

from ...differentiate import not_recorded
from ...errors import DeriveError, explain
from ...graph import Tensor, shape_of, toposort
from ...writing.text import text
from ..attempts.run import Run
from ..facts.stating import stated
from ..loss.slopes import depends
from ..presenting.derivation import Derivation
from ..presenting.report import rebuilt, report
from ..rewriting.rewrite import Rewrite, check, rewrite
from ..rewriting.turning import presented
from ..rewriting.weight import tidiness
from ..rules import NAMING, TIDYING
from ..terms.formula import Formula, operations
from ..terms.views import Term, unbroadcast
from .gradients import attempted, checked, gradient, name_of, variable
from .matrices import NotLinearError, matrix_of


def derive(loss: Tensor, wrt: Tensor | str, assume: Any = (), of: str = "gradient") -> Derivation:
    """A derivative in closed form, in named steps.

    Args:
        loss: one number, composed of Tensors; for a Jacobian a vector.
        wrt: the Tensor to differentiate with respect to, or its name.
        assume: facts about Tensors: `tx.Simplex(p)`, `tx.Positive(x)`, `p.sum() == 1`, `x > 0`.
        of: "gradient"; "hvp", the Hessian's product with a vector named v; "hessian" or "jacobian",
            the matrix, for vectors.

    Raises:
        GradientError: the loss is not one number.
        DeriveError: the loss does not depend on `wrt`, an assumption is not understood, or no
            matrix was found.

    >>> import tinygrad_xent as tx
    >>> z = tx.tensor([0.2, 5.0, 0.3], name="z")
    >>> p = tx.tensor([0.0, 1.0, 0.0], name="p")
    >>> q = (tx.exp(z) / tx.exp(z).sum()).named("q")
    >>> loss = -(p * tx.log(q)).sum()
    >>> derive(loss, wrt=z).result, derive(loss, wrt=z, assume=[tx.Simplex(p)]).result
    (sum(p)*q - p, q - p)
    >>> derive(loss, z, tx.Simplex(p), of="hvp").result
    q*(v - sum(q*v))
    >>> derive(loss, z, tx.Simplex(p), of="hessian").result, derive(q, z, of="jacobian").result
    (diag(q) - outer(q, q), diag(q) - outer(q, q))
    """
    if of not in _DERIVED:
        problem = f"derive: there is no derivative called {of!r}"
        raise DeriveError(explain(problem, "", ", ".join(map(repr, _DERIVED))))
    return _DERIVED[of](loss, wrt, assume)


def _hvp(loss: Any, wrt: Any, assume: Any) -> Derivation:
    loss, wrt = checked(loss, wrt)
    product, vector = _slope_along(loss, wrt, assume)
    title = f"{_second(loss, wrt)} {text(vector)}"
    if not depends(product, wrt):
        return _zero(title, wrt, "hvp")
    return attempted(product, wrt, assume, lambda run: report(run, title, stated(assume), "hvp"))


def _hessian(loss: Any, wrt: Any, assume: Any) -> Derivation:
    loss, wrt = checked(loss, wrt)
    _is_vector("hessian", "wrt", wrt)
    product, vector = _slope_along(loss, wrt, assume)
    if not depends(product, wrt):
        return _zero(_second(loss, wrt), wrt, "hessian")
    told = _read_off(lambda run: _second(loss, wrt), vector, assume, "hessian")
    return attempted(product, wrt, assume, told)


def _jacobian(output: Any, wrt: Any, assume: Any) -> Derivation:
    if not isinstance(output, Tensor):
        raise not_recorded("derive", output)
    wrt = variable(output, wrt)
    if output.ndim == 0:
        return gradient(output, wrt, assume)
    for what, x in (("wrt", wrt), ("the output", output)):
        _is_vector("jacobian", what, x)
    vector = _probe(output, "u", output.shape)

    def title(run: Run) -> str:
        made = run.copy.of(output)
        return f"d {made.name or text(made)} / d {name_of(output, wrt)}"

    told = _read_off(title, vector, assume, "jacobian")
    return attempted((output * vector).sum(), wrt, assume, told)


_DERIVED: dict[str, Callable[[Any, Any, Any], Derivation]] = {
    "gradient": gradient, "hvp": _hvp, "hessian": _hessian, "jacobian": _jacobian,
}  # fmt: skip


def _zero(title: str, wrt: Tensor, of: str) -> Derivation:
    """The derivative of what does not change."""
    zero = Formula(0, 0)
    return Derivation(title, zero, (), zero, wrt=wrt.name or "x", of=of)


def _slope_along(loss: Tensor, wrt: Tensor, assume: Any) -> tuple[Tensor, Tensor]:
    """The gradient in closed form, at its full shape, times a vector; and the vector."""
    slope = unbroadcast(attempted(loss, wrt, assume, rebuilt))
    if not depends(slope, wrt):
        return Tensor(0.0), wrt
    if shape_of(slope) != wrt.shape:
        slope = slope + 0 * wrt  # so that the lengths are tied to those of wrt
    vector = _probe(loss, "v", wrt.shape)
    return (slope * vector).sum(), vector


def _probe(graph: Tensor, name: str, shape: tuple[int, ...]) -> Tensor:
    """A vector whose name nothing else has."""
    taken = {n.name for n in toposort(graph)}
    free = next(x for x in chain([name], map(f"{name}_{{}}".format, count(1))) if x not in taken)
    return Tensor(np.random.default_rng(0).normal(size=shape), free)


def _second(loss: Tensor, wrt: Tensor) -> str:
    return f"d² {loss.name or 'loss'} / d {name_of(loss, wrt)}²"


def _is_vector(of: str, what: str, x: Tensor) -> None:
    if x.ndim > 1 or (of == "jacobian" and x.ndim == 0):
        problem = f"derive: for a {of}, {what} has to be a vector"
        works = "of='hvp', which works for every shape" if of == "hessian" else "shape (n,)"
        raise DeriveError(explain(problem, f"shape {x.shape}", works))


def _read_off(
    title: Callable[[Run], str], vector: Tensor, assume: Any, of: str
) -> Callable[[Run], Derivation]:
    """Tells an attempt whose end is linear in a vector as a derivation of the matrix."""

    def told(run: Run) -> Derivation:
        matrix, whole = _matrix(run, run.copy.of(vector), turned=of == "jacobian")
        name, reason = "as a matrix", "What is linear in a vector is a matrix times it."
        step = Rewrite(name, reason, run.end, whole, whole)
        check(run.end, step)
        run.steps.append(step)
        return report(run, title(run), stated(assume), of, matrix)

    return told


def _matrix(run: Run, vector: Tensor, turned: bool) -> tuple[Term, Term]:
    """The matrix, and its product with the vector."""
    n = shape_of(vector)[:1]
    length = run.terms.lengths.get(*n, *n) if n else 1
    try:
        made = matrix_of(run.end, vector, length, run.terms, turned)
    except NotLinearError:
        problem = f"derive: no matrix was found for {text(run.end)}"
        raise DeriveError(explain(problem, "", "of='hvp', the product with a vector")) from None
    made, _ = rewrite(made, TIDYING, run.terms, run.facts, tidiness, operations)
    made = presented(rewrite(made, NAMING, run.terms, run.facts, tidiness)[0], run.terms)
    if not n:
        return made, made * vector
    return made, (vector @ made if turned else made @ vector)
