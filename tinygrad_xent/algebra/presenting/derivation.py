"""A derivation as plain data: what was derived, the steps, the closed form, what it rests on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ...writing.derivations import align, markdown, markup
from ...writing.source import source
from ..terms.formula import Formula
from .certifying import certificate
from .steps import Computation, Step


@dataclass(frozen=True)
class Derivation:
    """The steps from the recorded gradient to its closed form.

    Attributes:
        title: what is derived, such as `d loss / d z`.
        start: the gradient as the engine recorded it.
        steps: the rewrite steps, in order.
        result: the closed form.
        assumptions: what was taken for granted and used.
        unused: what was assumed and turned out not to be needed.
        definitions: the names in the formulas, and what they stand for.
        wrt: what the loss is differentiated with respect to.
        loss: the loss, as it was composed.
        forms: every name that was used or recognised, in the form to compute it by.
        facts: the assumptions that steps used, as data: their kind, what about, and which axis.
        lengths: the letters for lengths that the loss leaves open, with those of the formulas.
        of: which derivative it is: "gradient", "hvp", "hessian" or "jacobian".
        caveats: what else to know: kinks, the branches that Python took, that it got no shorter.
        computations: how the loss and the closed form are computed, so that no digits are lost.
    """

    title: str
    start: Formula
    steps: tuple[Step, ...]
    result: Formula
    assumptions: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    definitions: tuple[tuple[str, Formula], ...] = ()
    wrt: str = ""
    loss: Formula | None = None
    forms: tuple[tuple[str, Formula], ...] = ()
    facts: tuple[tuple[str, Formula, int], ...] = ()
    lengths: tuple[tuple[str, int], ...] = ()
    of: str = "gradient"
    caveats: tuple[str, ...] = ()
    computations: tuple[Computation, ...] = ()

    def __str__(self) -> str:
        forms = [f"  {form}" for form in self.safer]
        return "\n".join([self.heading, *self._body(), "  " + self.footing, *forms])

    @property
    def safer(self) -> list[Computation]:
        """How the derivative, and the loss, are computed in a form that keeps more digits."""
        return [c for c in reversed(self.computations) if c.by]

    def explained(self) -> str:
        """The derivation as text, with the reason of every step and its side conditions.

        >>> import tinygrad_xent as tx
        >>> x = tx.tensor([1.0, 2.0], name="x")
        >>> print(tx.derive((x * x).sum(), x).explained())
        d loss / d x
          = 1*x + 1*x    recorded by the engine
          = 2*x    standard form: Signs, numbers and broadcasting are collected.
          = 2*x    holds for all values
        """
        steps = map(_line, self.steps)
        first = f"  = {self.start}    recorded by the engine"
        last = f"  = {self.result}    {self.footing}"
        forms = [line for c in self.safer for line in (c.title, *map(_line, c.steps))]
        return "\n".join([self.heading, first, *steps, last, *forms])

    def _body(self) -> list[str]:
        margin = max(len(rule) for rule, _ in self.lines)
        return [f"  {rule:<{margin}}  = {formula}" for rule, formula in self.lines]

    @property
    def lines(self) -> list[tuple[str, Formula]]:
        """What the gradient was after each step, with the name of the step."""
        return [("recorded by the engine", self.start), *((s.rule, s.whole) for s in self.steps)]

    @property
    def heading(self) -> str:
        """The title, and what the names in the formulas stand for."""
        named = ", ".join(f"{name} = {body}" for name, body in self.definitions)
        return self.title + (f"    where {named}" if named else "")

    @property
    def footing(self) -> str:
        """What the result rests on, and what else to know of it."""
        taken = ", ".join(self.assumptions)
        return "; ".join(
            [f"holds where {taken}" if taken else "holds for all values", *self.caveats]
        )

    def latex(self) -> str:
        r"""The derivation as LaTeX: an `align*` environment, with one line per step.

        >>> import tinygrad_xent as tx
        >>> x = tx.tensor([1.0, 2.0], name="x")
        >>> print(tx.derive((x * x).sum(), x).latex())
        \begin{align*}
        \frac{\partial\,\mathrm{loss}}{\partial\,x} &= 1 x + 1 x && \text{recorded by the engine} \\
         &= 2 x && \text{standard form} \\
         &\phantom{={}} \text{holds for all values}
        \end{align*}
        """
        return align(self)

    def mathml(self) -> str:
        """The derivation as a MathML table, which browsers draw without a script.

        >>> import tinygrad_xent as tx
        >>> x = tx.tensor([1.0, 2.0], name="x")
        >>> tx.derive((x * x).sum(), x).mathml().startswith("<math")
        True
        """
        return markup(self)

    def markdown(self) -> str:
        """The derivation as Markdown: a table of steps, formulas, reasons and assumptions.

        >>> import tinygrad_xent as tx
        >>> x = tx.tensor([1.0, 2.0], name="x")
        >>> print(tx.derive((x + x).sum(), x).markdown())  # doctest: +ELLIPSIS
        **d loss / d x = <code>2</code>**
        <BLANKLINE>
        | step | formula | reason | assumes |
        |---|---|---|---|
        ...
        """
        return markdown(self)

    def _repr_latex_(self) -> str:
        return self.latex()

    def _repr_html_(self) -> str:
        return self.mathml()

    def source(self, language: str = "numpy") -> str:
        '''Python code that runs as printed: `gradient` and `value_and_gradient`, or `hessian` etc.

        Args:
            language: "numpy", "torch" or "jax".

        Raises:
            DeriveError: the language is unknown, or one name means two things.

        >>> import tinygrad_xent as tx
        >>> x = tx.tensor([1.0, 2.0], name="x")
        >>> print(tx.derive((x * x).sum(), x).source())
        # holds for all values
        import numpy as np
        <BLANKLINE>
        <BLANKLINE>
        def gradient(x):
            """The gradient with respect to x."""
            return 2*x
        <BLANKLINE>
        <BLANKLINE>
        def value_and_gradient(x):
            """The loss and its gradient with respect to x."""
            value = np.sum(x**2)
            return value, 2*x
        <BLANKLINE>
        '''
        forms = {name: form.term for name, form in self.forms}
        computed = {c.of: c.result.term for c in self.computations}
        result = computed.get(self.of, self.result.term)
        value = computed.get("value")
        loss = None if self.loss is None or self.of != "gradient" else self.loss.term
        return source(language, result, self.wrt, loss, forms, self._notes(), self.of, value)

    def _notes(self) -> tuple[str, ...]:
        """What the code rests on."""
        taken = dict.fromkeys(fact for c in self.computations for fact in c.assumptions)
        return (self.footing, *([f"computed for {', '.join(taken)}"] if taken else []))

    def certificate(self) -> str:
        """The derivation as JSON text that `tx.verify` checks, without trusting this library.

        Raises:
            DeriveError: one name stands for two things.

        >>> import tinygrad_xent as tx
        >>> x = tx.tensor([1.0, 2.0], name="x")
        >>> bool(tx.verify(tx.derive((x * x).sum(), x).certificate()))
        True
        """
        return certificate(self)

    def json(self) -> str:
        """The derivation as JSON text, which `Derivation.from_json` reads.

        >>> import tinygrad_xent as tx
        >>> x = tx.tensor([1.0, 2.0], name="x")
        >>> derivation = tx.derive((x * x).sum(), x)
        >>> Derivation.from_json(derivation.json()) == derivation
        True
        """
        return json.dumps(_to_data(self), ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, page: str) -> Derivation:
        """The derivation that `json` wrote. Its formulas have no values."""
        data = json.loads(page)
        steps = _steps(data["steps"])
        computations = tuple(
            Computation(**_fields(c, ("start",)) | {"steps": _steps(c["steps"])})
            for c in data["computations"]
        )
        named = {key: _pairs(data[key]) for key in ("definitions", "forms")}
        facts = tuple((kind, Formula.from_data(of), axis) for kind, of, axis in data["facts"])
        rest = _fields(data, ("start", "result", "loss"))
        lengths = tuple((letter, length) for letter, length in data["lengths"])
        told = {"steps": steps, "facts": facts, "lengths": lengths, "computations": computations}
        return cls(**rest | named | told)


def _line(step: Step) -> str:
    return f"  = {step.whole}    {step.rule}: {step.because}"


def _to_data(value: Any) -> Any:
    if isinstance(value, Formula):
        return value.to_data()
    if isinstance(value, tuple):
        return [_to_data(v) for v in value]
    if isinstance(value, (Step, Computation, Derivation)):
        return {name: _to_data(field) for name, field in vars(value).items()}
    return value


def _steps(data: list[Any]) -> tuple[Step, ...]:
    return tuple(Step(**_fields(step, ("before", "after", "whole"))) for step in data)


def _pairs(data: list[Any]) -> tuple[tuple[str, Formula], ...]:
    return tuple((name, Formula.from_data(body)) for name, body in data)


def _fields(data: dict[str, Any], formulas: tuple[str, ...]) -> dict[str, Any]:
    """The fields of a dataclass: formulas as formulas, lists as tuples."""
    return {
        key: Formula.from_data(value)
        if key in formulas
        else tuple(value)
        if isinstance(value, list)
        else value
        for key, value in data.items()
    }
