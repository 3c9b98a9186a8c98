"""From a loss to the closed form of its gradient, as a list of steps.

The loss is copied onto random numbers for which the assumptions hold, its backward graph is
recorded there, and that graph is rewritten. The last node is then rebuilt on the user's own
Tensors, where it is compared with the gradient that the engine computes.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..differentiate import cotangents, not_recorded, seed_for
from ..errors import DeriveError, DtypeError, describe, explain
from ..graph import Tensor, is_float, recording, toposort
from ..writing.text import leaf_names, text
from .assumptions import Assumption, of_the_loss, stated
from .copying import Copy
from .derivation import Derivation
from .formula import Formula, operations
from .ground import Ground
from .recognising import recognise
from .report import report
from .rewriting import NoEndError
from .rules import ALGEBRA, FORMS, SHRINKING
from .run import IMPATIENT, PATIENT, Run
from .views import forget

_TOLERANCE = 1e-3  # float32 with cancellation is within it, a wrong formula is not


def gradient_graph(loss: Tensor, wrt: Tensor) -> Tensor:
    """The gradient of a scalar loss as a recorded graph.

    Args:
        loss: one number, composed of Tensors.
        wrt: a Tensor that the loss was made from.

    Raises:
        GradientError: the loss is not one number.
        DeriveError: the loss does not depend on `wrt`.

    >>> import tinygrad_xent as tx
    >>> x = tx.tensor([1.0, 2.0], name="x")
    >>> text(gradient_graph((x * x).sum(), x))
    '1*x + 1*x'
    """
    seed = Tensor(seed_for(loss, None), name="1")  # recorded, so that lengths are not counted out
    with recording():
        for node, g in cotangents(loss, seed, (wrt,), record=True):
            if node is wrt:
                return g if isinstance(g, Tensor) else Tensor(g)
    raise DeriveError(
        explain(
            f"derive: the loss does not depend on {text(wrt)}, its gradient is zero everywhere",
            describe(wrt),
            "a Tensor on a path to the loss that no comparison or stop_gradient cuts",
        )
    )


def derive(loss: Tensor, wrt: Tensor | str, assume: Any = ()) -> Derivation:
    """The gradient of a scalar loss in closed form, in named steps.

    Args:
        loss: one number, composed of Tensors.
        wrt: the Tensor to differentiate with respect to, or its name.
        assume: facts about Tensors: `tx.Simplex(p)`, `tx.Positive(x)`, `p.sum() == 1`, `x > 0`.

    Raises:
        GradientError: the loss is not one number.
        DeriveError: the loss does not depend on `wrt`, or an assumption is not understood.

    >>> import tinygrad_xent as tx
    >>> z = tx.tensor([0.2, 5.0, 0.3], name="z")
    >>> p = tx.tensor([0.0, 1.0, 0.0], name="p")
    >>> q = (tx.exp(z) / tx.exp(z).sum()).named("q")
    >>> loss = -(p * tx.log(q)).sum()
    >>> derive(loss, wrt=z).result, derive(loss, wrt=z, assume=[tx.Simplex(p)]).result
    (sum(p)*q - p, q - p)
    """
    if not isinstance(loss, Tensor):
        raise not_recorded("derive", loss)
    seed_for(loss, None, "derive")
    wrt = _variable(_named(loss, wrt) if isinstance(wrt, str) else wrt)
    with _derivation():
        facts = [*stated(assume), *of_the_loss(loss)]
        copy = Copy(loss, wrt, facts)
        gradient = gradient_graph(copy.loss, copy.of(wrt))
        recognise(copy)
        title = f"d {loss.name or 'loss'} / d {_name(loss, wrt)}"
        derivation = _shortest(title, gradient, copy, assume)
        _compare(derivation.result.value, loss, wrt, facts)
        return derivation


def _compare(result: Any, loss: Tensor, wrt: Tensor, facts: list[Assumption]) -> None:
    """The closed form has to give the engine's gradient, where the assumptions hold."""
    if not all(a.holds(a.of._value) for a in facts):
        return
    seed = seed_for(loss, None)
    engine = next(g for node, g in cotangents(loss, seed, (wrt,)) if node is wrt)
    x, y = np.broadcast_arrays(np.asarray(result, float), np.asarray(engine, float))
    known = np.isfinite(x) & np.isfinite(y)
    scale = np.abs(y[known]).max(initial=1.0)
    if np.any(np.abs(x[known] - y[known]) > _TOLERANCE * scale):
        raise DeriveError("derive: the closed form is not the gradient; this is a bug, report it")


def simplify(node: Tensor, assume: Any = ()) -> Formula:
    """The closed form of a graph: the same values, in fewer operations.

    >>> import tinygrad_xent as tx
    >>> x = tx.tensor([1.0, 2.0], name="x")
    >>> simplify(tx.log(tx.exp(x) * tx.exp(x)))
    2*x
    """
    with _derivation():
        facts = [*stated(assume), *of_the_loss(node)]
        copy = Copy(node, None, facts)
        recognise(copy)
        return _shortest(text(node), copy.loss, copy, assume).result


@contextmanager
def _derivation() -> Iterator[None]:
    """Record, stay quiet about the odd numbers a term is checked on, and forget at the end."""
    try:
        with recording(), np.errstate(all="ignore"):
            yield
    finally:
        forget()


def _named(loss: Tensor, name: str) -> Tensor:
    named = {n.name: n for n in toposort(loss) if n.name}
    if name not in named:
        raise DeriveError(
            explain(f"derive: nothing in the loss is named {name}", "", ", ".join(named))
        )
    return named[name]


def _variable(wrt: Any) -> Tensor:
    """What can be differentiated with respect to, or an error."""
    if isinstance(wrt, Tensor) and is_float(wrt._value):
        return wrt
    problem = "derive: there is no derivative with respect to this"
    raise DtypeError(explain(problem, describe(wrt), "a floating point Tensor, or its name"))


def _name(loss: Tensor, wrt: Tensor) -> str:
    return wrt.name or leaf_names(loss).get(id(wrt)) or text(wrt)


def _shortest(title: str, start: Tensor, copy: Copy, assume: Any) -> Derivation:
    """The best of four ways: multiplying out or not, with definitions kept closed or opened."""
    grounds = [Ground(copy, opened=False)]
    if any(not copy.is_count(n) for n in copy.definitions):
        grounds.append(Ground(copy, opened=True))
    runs: list[Run] = []
    for ground, algebra in itertools.product(grounds, (SHRINKING, ALGEBRA)):
        with contextlib.suppress(NoEndError):
            runs.append(Run(ground, start, algebra, FORMS, IMPATIENT if runs else PATIENT))
    runs = runs or [Run(grounds[0], start, (), ())]
    best = min(runs, key=lambda run: (operations(run.end), len(text(run.end)), run.reading))
    return report(best, title, stated(assume))
