"""A derivation as plain data: what was derived, the steps, the closed form, what it rests on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .formula import Formula


@dataclass(frozen=True)
class Step:
    """One line of a derivation.

    Attributes:
        rule: its name.
        reason: why it is true, in a sentence.
        before, after: the part that it rewrote, and what that became.
        whole: the whole expression after the step.
        used: the side conditions that were assumed for it.
    """

    rule: str
    reason: str
    before: Formula
    after: Formula
    whole: Formula
    used: tuple[str, ...] = ()


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
    """

    title: str
    start: Formula
    steps: tuple[Step, ...]
    result: Formula
    assumptions: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    definitions: tuple[tuple[str, Formula], ...] = ()

    def __str__(self) -> str:
        rules = ["recorded by the engine", *(step.rule for step in self.steps)]
        lines = [self.start, *(step.whole for step in self.steps)]
        margin = max(map(len, rules))
        body = [f"  {rule:<{margin}}  = {line}" for rule, line in zip(rules, lines, strict=True)]
        return "\n".join([self.heading, *body, "  " + self.footing])

    @property
    def heading(self) -> str:
        """The title, and what the names in the formulas stand for."""
        named = ", ".join(f"{name} = {body}" for name, body in self.definitions)
        return self.title + (f"    where {named}" if named else "")

    @property
    def footing(self) -> str:
        """What the result rests on."""
        taken = ", ".join(self.assumptions)
        return f"holds where {taken}" if taken else "holds for all values"

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
        steps = tuple(Step(**_fields(step, ("before", "after", "whole"))) for step in data["steps"])
        named = tuple((name, Formula.from_data(body)) for name, body in data["definitions"])
        rest = _fields(data, ("start", "result")) | {"steps": steps, "definitions": named}
        return cls(**rest)


def _to_data(value: Any) -> Any:
    if isinstance(value, Formula):
        return value.to_data()
    if isinstance(value, tuple):
        return [_to_data(v) for v in value]
    if isinstance(value, (Step, Derivation)):
        return {name: _to_data(field) for name, field in vars(value).items()}
    return value


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
