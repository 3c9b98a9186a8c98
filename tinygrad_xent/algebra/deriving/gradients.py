"""From a loss to the closed form of its gradient, as a list of steps.

The loss is copied onto random numbers for which the assumptions hold, its backward graph is
recorded there, and that graph is rewritten. The last node is then rebuilt on the user's own
Tensors, where it is compared with the gradient that the engine computes.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from ...differentiate import cotangents, not_recorded, seed_for
from ...errors import DeriveError, DtypeError, describe, explain
from ...graph import Tensor, is_float, recording, toposort
from ...writing.text import leaf_names, text
from ..attempts.ground import Ground
from ..attempts.recognising import recognise
from ..attempts.run import IMPATIENT, PATIENT, Run
from ..facts.assumptions import Assumption, Constant
from ..facts.stating import of_the_loss, stated
from ..loss.copying import Copy
from ..loss.slopes import why_zero
from ..presenting.derivation import Derivation
from ..presenting.report import conditions, rebuilt, report
from ..rewriting import weight
from ..rewriting.rewrite import NoEndError
from ..rules import ALGEBRA, FORMS, SHRINKING
from ..terms.formula import Formula, operations
from ..terms.views import forget

T = TypeVar("T")
_HOPELESS = 10  # operations: more than three times the best and these are not worth tidying
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
        g = cotangents(loss, seed, (wrt,), record=True).get(wrt)
    if g is not None:
        return g if isinstance(g, Tensor) else Tensor(g)
    problem = f"derive: the loss does not depend on {text(wrt)}, its gradient is zero everywhere"
    works = "a Tensor on a path to the loss that no comparison or stop_gradient cuts"
    raise DeriveError(explain(f"{problem}: {why_zero(loss, wrt)}", describe(wrt), works))


def gradient(loss: Tensor, wrt: Tensor | str, assume: Any = ()) -> Derivation:
    """The gradient of a scalar loss in closed form, in named steps; see `derive`."""
    loss, wrt = checked(loss, wrt)
    title = f"d {loss.name or 'loss'} / d {name_of(loss, wrt)}"
    return attempted(loss, wrt, assume, lambda run: report(run, title, stated(assume)))


def checked(loss: Any, wrt: Any) -> tuple[Tensor, Tensor]:
    """A scalar loss, and the Tensor to differentiate with respect to, or an error."""
    if not isinstance(loss, Tensor):
        raise not_recorded("derive", loss)
    seed_for(loss, None, "derive")
    return loss, variable(loss, wrt)


def attempted(loss: Tensor, wrt: Tensor, assume: Any, told: Callable[[Run], T]) -> T:
    """The gradient in closed form, as the best attempt at it is told."""
    with derivation():
        given = stated(assume)
        facts = [*given, *of_the_loss(loss)]
        copy = Copy(loss, wrt, facts, given)
        start = gradient_graph(copy.loss, copy.of(wrt))
        recognise(copy)
        run = shortest(start, copy)
        _compare(rebuilt(run), loss, wrt, facts)
        return told(run)


def _compare(result: Any, loss: Tensor, wrt: Tensor, facts: list[Assumption]) -> None:
    """The closed form has to give the engine's gradient, where the assumptions hold."""
    cut = any(isinstance(a, Constant) for a in facts)
    if cut or not all(a.holds(a.of._value) for a in facts):
        return
    seed = seed_for(loss, None)
    engine = cotangents(loss, seed, (wrt,))[wrt]
    value = result.value if isinstance(result, Tensor) else result
    x, y = np.broadcast_arrays(np.asarray(value, float), np.asarray(engine, float))
    known = np.isfinite(x) & np.isfinite(y)
    scale = np.abs(y[known]).max(initial=1.0)
    if np.any(np.abs(x[known] - y[known]) > _TOLERANCE * scale):
        raise DeriveError("derive: the closed form is not the gradient; this is a bug, report it")


def simplify(node: Tensor, assume: Any = ()) -> Formula:
    """The closed form of a graph: the same values, in fewer operations.

    Args:
        node: any Tensor.
        assume: facts about Tensors: `tx.Simplex(p)`, `tx.Positive(x)`, `p.sum() == 1`, `x > 0`.

    Returns:
        The formula; its `conditions` say where it is equal to the graph.

    Raises:
        NotSupportedError: what is given is no Tensor.
        DeriveError: an assumption is not understood.

    >>> import tinygrad_xent as tx
    >>> x = tx.tensor([1.0, 2.0], name="x")
    >>> simplify(tx.log(tx.exp(x) * tx.exp(x)))
    2*x
    >>> simplify(x * x / x)
    x    where x != 0
    """
    if not isinstance(node, Tensor):
        raise not_recorded("simplify", node)
    with derivation():
        given = stated(assume)
        copy = Copy(node, None, [*given, *of_the_loss(node)], given)
        recognise(copy)
        run = shortest(copy.loss, copy)
        return Formula(run.end, rebuilt(run), conditions(run, given))


@contextmanager
def derivation() -> Iterator[None]:
    """Record, stay quiet about the odd numbers a term is checked on, and forget at the end."""
    try:
        with recording(), np.errstate(all="ignore"):
            yield
    except OverflowError:
        problem = "derive: the numbers in it multiply to more than a float can hold"
        raise DeriveError(problem) from None
    finally:
        forget()
        weight.forget()


def _named(loss: Tensor, name: str) -> Tensor:
    named = {n.name: n for n in toposort(loss) if n.name}
    if name not in named:
        raise DeriveError(
            explain(f"derive: nothing in the loss is named {name}", "", ", ".join(named))
        )
    return named[name]


def variable(loss: Tensor, wrt: Any) -> Tensor:
    """What can be differentiated with respect to, or an error."""
    wrt = _named(loss, wrt) if isinstance(wrt, str) else wrt
    if isinstance(wrt, Tensor) and is_float(wrt._value):
        return wrt
    problem = "derive: there is no derivative with respect to this"
    raise DtypeError(explain(problem, describe(wrt), "a floating point Tensor, or its name"))


def name_of(loss: Tensor, wrt: Tensor) -> str:
    return wrt.name or leaf_names(loss).get(id(wrt)) or text(wrt)


def _least(runs: list[Run]) -> float:
    return min((operations(run.end) for run in runs), default=math.inf)


def shortest(start: Tensor, copy: Copy) -> Run:
    """The best of four ways: multiplying out or not, with definitions kept closed or opened."""
    grounds = [Ground(copy, opened=False)]
    if any(not copy.is_count(n) for n in copy.definitions):
        grounds.append(Ground(copy, opened=True))
    runs: list[Run] = []
    for ground, algebra in itertools.product(grounds, (SHRINKING, ALGEBRA)):
        with contextlib.suppress(NoEndError):
            patience = IMPATIENT if runs else PATIENT
            runs.append(Run(ground, start, algebra, FORMS, patience, _HOPELESS + 3 * _least(runs)))
    if _least(runs) > operations(start):
        runs.append(Run(grounds[0], start, (), ()))
    return min(runs, key=lambda run: (operations(run.end), len(text(run.end)), run.reading))
