"""`accuracy`: how many units in the last place each component of a value and gradient is off."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..differentiate import cotangents, not_recorded, seed_for
from ..errors import DtypeError, NotSupportedError, describe, explain
from ..graph import Tensor, is_float, toposort
from ..writing.derivations import code
from ..writing.text import leaf_names
from .closed import closed_form, compiled_form
from .lines import called, parameters
from .precise import exactly

_SHOWN = 12  # rows of the report as text
_SHOWN_BITS = 120


@dataclass(frozen=True)
class Error:
    """One component, as computed and as it is.

    Attributes:
        form: how it was computed: "as composed", "compiled" or "closed form".
        of: "value", or the gradient, such as `d loss / d z`.
        index: which entry; empty for a number.
        computed: what came out.
        exact: what it is, to 17 digits.
        ulps: the distance, in units in the last place of the exact one; infinite where the exact
            one is zero or finite and the computed one is not.
    """

    form: str
    of: str
    index: tuple[int, ...]
    computed: float
    exact: str
    ulps: float

    def __str__(self) -> str:
        place = self.of + (f"[{', '.join(map(str, self.index))}]" if self.index else "")
        numbers = f"{self.computed!r}, exactly {self.exact}"
        return f"{self.ulps:<10.3g} {self.form:<12} {place:<16} {numbers}"


@dataclass(frozen=True)
class Accuracy:
    """The errors of a value and a gradient, the worst first.

    Attributes:
        errors: one for each component and form.
        digits: the decimal digits with which the exact numbers were computed.
        formula: the closed form of the gradient, or "" if none was found.
    """

    errors: tuple[Error, ...]
    digits: int
    formula: str = ""

    @property
    def worst(self) -> dict[str, float]:
        """The largest error of each form, in units in the last place."""
        return {e.form: e.ulps for e in reversed(self.errors)}

    def __str__(self) -> str:
        rows = [f"  {e}" for e in self.errors[:_SHOWN]]
        hidden = len(self.errors) - len(rows)
        more = [f"  ... and {hidden} more"] if hidden else []
        return "\n".join([self._head, *rows, *more])

    @property
    def _head(self) -> str:
        closed = f"; closed form: {self.formula}" if self.formula else ""
        return f"errors in units in the last place, against {self.digits} digits{closed}"

    def markdown(self) -> str:
        """The report as a Markdown table."""
        rows = [f"| {e.ulps:.3g} | {e.form} | {code(e.of)} | {code(list(e.index))} | "
                f"{code(e.computed)} | {code(e.exact)} |" for e in self.errors]  # fmt: skip
        head = ["| ulps | form | of | entry | computed | exact |", "|---|---|---|---|---|---|"]
        return "\n".join([*head, *rows])

    def json(self) -> str:
        """The report as JSON text; numbers that JSON does not have as strings."""
        data = asdict(self)
        for error in data["errors"]:
            for key in ("computed", "ulps"):
                error[key] = error[key] if np.isfinite(error[key]) else str(error[key])
        return json.dumps(data, ensure_ascii=False, indent=1)


def accuracy(
    f: Tensor | Callable[..., Any], at: Any = None, wrt: Tensor | str | None = None
) -> Accuracy:
    """How accurate a function and its gradient are, against arbitrary precision.

    The graph as it is composed, as `tx.compile` runs it, and the code of the closed form that
    `tx.derive` finds, are compared with the same graph in arithmetic of as many digits as it takes.
    Inputs are exact.

    Args:
        f: a function of arrays composed of `tx` operations; or a Tensor. If it is one number, its
            gradient is compared too.
        at: what the function is called with: an array, a tuple of arrays, or a dict by parameter.
        wrt: what to differentiate with respect to, or its name: by default the first argument.

    Raises:
        NotSupportedError: mpmath is not installed, or does not know an operation.
        GradientError: the numbers in the graph are too far apart for any precision.
        DtypeError: there is no derivative with respect to `wrt`.

    >>> import tinygrad_xent as tx
    >>> found = accuracy(lambda z: tx.log(tx.exp(z).sum()) - z[0], at=[40.0, 0.0, 0.0])
    >>> found.errors[0].exact, found.errors[0].computed
    ('8.496708510583178e-18', 0.0)
    """
    out, leaves = _recorded(f, at)
    if not is_float(out._value):
        raise DtypeError(explain("accuracy: floating point is compared", describe(out), "float64"))
    parts, formula = [("as composed", "value", out._value)], ""
    roots = [out]
    if out.size == 1:
        variable = _variable(out, leaves, wrt)
        parts, roots, formula = _with_gradient(out, variable)
    exact, digits = exactly(*roots)
    errors = [
        e for form, of, value in parts for e in _errors(form, of, value, exact[of != "value"])
    ]
    return Accuracy(tuple(sorted(errors, key=lambda e: -e.ulps)), digits, formula)


def _recorded(f: Any, at: Any) -> tuple[Tensor, list[Tensor]]:
    if not isinstance(f, Tensor) and callable(f):
        f, leaves, _ = called(f, _arguments(f, at))
    else:
        leaves = []
    if not isinstance(f, Tensor):
        raise not_recorded("accuracy", f)
    return f, leaves or [n for n in toposort(f) if n.op is None and is_float(n._value)]


def _arguments(f: Callable[..., Any], at: Any) -> tuple[Any, ...]:
    if not isinstance(at, Mapping):
        return at if isinstance(at, tuple) else () if at is None else (at,)
    names = parameters(f, len(at))
    if set(names) != set(at):
        given, works = ", ".join(map(str, at)), ", ".join(names)
        raise NotSupportedError(explain("accuracy: these are not the parameters", given, works))
    return tuple(at[name] for name in names)


def _variable(out: Tensor, leaves: list[Tensor], wrt: Tensor | str | None) -> Tensor:
    if wrt is None and leaves:
        return leaves[0]
    found = [n for n in toposort(out) if n is wrt or (isinstance(wrt, str) and n.name == wrt)]
    if not found or not is_float(found[0]._value):
        given = wrt if isinstance(wrt, str) else describe(wrt)
        known = ", ".join(n.name for n in leaves if n.name) or "a Tensor in the loss"
        raise DtypeError(explain("accuracy: no derivative with respect to this", given, known))
    return found[0]


def _with_gradient(
    out: Tensor, wrt: Tensor
) -> tuple[list[tuple[str, str, Any]], list[Tensor], str]:
    """What was computed, the graphs of what it should be, and the closed form."""
    from ..algebra import gradient_graph

    title = f"d {out.name or 'loss'} / d {wrt.name or leaf_names(out).get(id(wrt), 'x')}"
    with np.errstate(all="ignore"):
        graph = gradient_graph(out, wrt)
        slope = cotangents(out, seed_for(out, None), (wrt,))[wrt]
    parts = [("as composed", "value", out._value), ("as composed", title, slope)]
    value, gradient = compiled_form(out, wrt)
    parts += [("compiled", "value", value), ("compiled", title, gradient)]
    found = closed_form(out, wrt)
    if found is None:
        return parts, [out, graph], ""
    gradient = np.broadcast_to(found.gradient, wrt.shape)
    parts += [("closed form", "value", found.value), ("closed form", title, gradient)]
    return parts, [out, graph], found.formula + found.where


def _errors(form: str, of: str, computed: Any, exact: Any) -> Iterator[Error]:
    computed = np.asarray(computed)
    for index in np.ndindex(computed.shape):
        number, true = computed[index], np.asarray(exact)[index]
        ulps = _distance(number, true)
        yield Error(form, of, index, float(number), _shown(true), ulps)


def _distance(number: Any, true: Any) -> float:
    """In units in the last place that numbers of this type have where the true one is."""
    with np.errstate(over="ignore", under="ignore"):
        nearest = number.dtype.type(float(true))
    if nearest == number and (np.isinf(nearest) or true == number):
        return 0.0
    if np.isnan(nearest) and np.isnan(number):
        return 0.0
    if not np.isfinite(number) or not np.isfinite(nearest) or true == 0:
        return float("inf")
    return float(abs(float(number) - true) / float(np.spacing(abs(nearest))))


def _shown(true: Any) -> str:
    context = getattr(true, "context", None)
    if context is None:
        return str(true)
    with context.workprec(_SHOWN_BITS):  # thousands of digits cannot be printed
        return str(context.nstr(+true, 17))
