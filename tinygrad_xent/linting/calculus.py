"""Derivatives, by the engine: of what a formula says, by what it says it depends on."""

from __future__ import annotations

from ..graph import Tensor, toposort
from ..reading.latex_tree import (
    At,
    Nabla,
    Name,
    Num,
    Partial,
    Tree,
)
from .base import Base
from .values import (
    CannotReadError,
    Value,
    slopes,
)
from .world import POINTS


class UnknownError(CannotReadError):
    """A derivative of something that nothing says depends on the variable."""

    def __init__(self, of: str, by: str) -> None:
        super().__init__(f"nothing says how {of} depends on {by}")
        self.of, self.by = of, by


class Differentiated(Base):
    """Evaluates derivatives."""

    def _partial(self, tree: Partial) -> Value:
        *rest, last = tree.by
        of: Tree = Partial(tree.of, tuple(rest)) if rest else tree.of
        try:
            self._depends(tree.of, last)
        except UnknownError:
            return self._otherwise(tree)
        value, by = self.value(of), self.value(last)
        self._reached(tree.of, last, value)
        found = [slopes(e, by.entries, POINTS) for e in value.entries]
        entries = tuple(x for row in found for x in row)
        turn = "either" if by.shape and not value.shape else value.turn
        return Value(value.shape + by.shape, entries, turn)

    def _otherwise(self, tree: Partial) -> Value:
        """By another formula that the document gives for the same quantity, if it helps."""
        name = tree.of.text if isinstance(tree.of, Name) else ""
        for other in self.document.others.get(name, ()):
            if _about(tree.by[-1]) in self.document.closure(other):
                return self.value(Partial(other, tree.by))
        self._depends(tree.of, tree.by[-1])
        raise CannotReadError("this derivative")

    def _nabla(self, tree: Nabla) -> Value:
        if tree.by is None:
            raise CannotReadError("a gradient that does not say with respect to what")
        return self.value(Partial(tree.of, (tree.by,)))

    def _depends(self, of: Tree, by: Tree) -> None:
        """A derivative is 0 only where something says what the quantity depends on."""
        base = by.base if isinstance(by, At) else by
        name = base.text if isinstance(base, Name) else getattr(base, "name", None)
        if name is None:
            raise CannotReadError("a derivative by something without a name")
        used = self.document.closure(of)
        hidden = {x for q, xs in self.facts.depends.items() if q in used for x in xs}
        while more := {x for q in hidden for x in self.facts.depends.get(q, ())} - hidden:
            hidden |= more
        if name not in used | hidden and not isinstance(of, Num):
            from ..reading.latex_text import latex

            raise UnknownError(latex(of), latex(by))

    def _reached(self, of: Tree, by: Tree, value: Value) -> None:
        """A quantity in which no entry of the variable is found is not differentiated to 0."""
        nodes = {id(n) for e in value.entries if isinstance(e, Tensor) for n in toposort(e)}
        name = _about(by)
        family = [v for (n, _), v in self.leaves.items() if n == name]
        for tree, found in self.memo.items():
            if type(tree) in (At, type(by)) and _about(tree) == name:
                family += found.entries
        if nodes and not any(id(node) in nodes for node in family):
            from ..reading.latex_text import latex

            raise UnknownError(latex(of), latex(by))


def _about(tree: Tree) -> str:
    """The name that a name, an entry or a call is about."""
    base = tree.base if isinstance(tree, At) else tree
    return base.text if isinstance(base, Name) else getattr(base, "name", "")
