"""A derivation as plain data: what was derived, the steps, the closed form, what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..graph import Tensor
from .views import Term, op_name


class Formula:
    """A closed form: prints as a formula, and carries the graph that computes it.

    Attributes:
        node: the graph, on the user's own Tensors (or a plain number).
        value: what it gives for their values.
    """

    def __init__(self, node: Any, line: str) -> None:
        self.node, self._line = node, line

    @property
    def value(self) -> Any:
        return self.node.value if isinstance(self.node, Tensor) else self.node

    @property
    def operations(self) -> int:
        """How many operations the formula does; names count as none."""
        return operations(self.node)

    def __str__(self) -> str:
        return self._line

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True)
class Step:
    """One line of a derivation.

    Attributes:
        rule: its name. reason: why it is true, in a sentence.
        before, after: the part that it rewrote, and what that became.
        whole: the whole expression after the step.
        used: the side conditions that it needed.
    """

    rule: str
    reason: str
    before: str
    after: str
    whole: str
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
    start: str
    steps: tuple[Step, ...]
    result: Formula
    assumptions: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    definitions: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        rules = ["recorded by the engine", *(step.rule for step in self.steps)]
        lines = [self.start, *(step.whole for step in self.steps)]
        margin = max(map(len, rules))
        body = [f"  {rule:<{margin}}  = {line}" for rule, line in zip(rules, lines, strict=True)]
        named = ", ".join(f"{name} = {body}" for name, body in self.definitions)
        taken = ", ".join(self.assumptions)
        return "\n".join(
            [
                self.title + (f"    where {named}" if named else ""),
                *body,
                "  holds " + (f"where {taken}" if taken else "for all values"),
            ]
        )


def operations(term: Term) -> int:
    """How many operations a term does. Names, signs of numbers and moving axes are none."""
    count, stack, seen = 0, [term], set()
    while stack:
        node = stack.pop()
        if not isinstance(node, Tensor) or id(node) in seen:
            continue
        seen.add(id(node))
        if node.op is not None and not node.name:
            count += op_name(node) not in _FREE
            stack += node.args
    return count


_FREE = frozenset({"broadcast_to", "expand_dims", "squeeze", "reshape", "transpose", "alias"})
