"""Which axes have one length because whole vectors and matrices meet: W x + b."""

from __future__ import annotations

from collections.abc import Callable

from ..reading.latex_tree import (
    Add,
    At,
    Call,
    Frac,
    Mul,
    Name,
    Neg,
    Partial,
    Rel,
    Transposed,
    Tree,
    parts,
)
from .lengths import Axis, Lengths


class Shapes:
    """Reads formulas for the lengths of their vectors; what does not fit is left alone."""

    def __init__(self, lengths: Lengths, rank: Callable[[str], int], opaque: set[str]) -> None:
        self.lengths, self.rank, self.opaque = lengths, rank, opaque
        self.params: set[str] = set()  # of functions: an example x, where the data are x^{(i)}

    def equal(self, left: Tree, right: Tree) -> None:
        """Both sides of an equation have one shape."""
        self._meet(self.of(left), self.of(right))

    def of(self, tree: Tree) -> list[Axis] | None:
        """The axes of a formula; None where it is not known."""
        match tree:
            case Name(text):
                return [("axis", text, k) for k in range(self.rank(text))]
            case At(base, at):
                inner = self.of(base)
                return inner[len(at) :] if inner is not None else None
            case Add(terms):
                return self._together([self.of(t) for t in terms])
            case Frac(over, under):
                return self._together([self.of(over), self.of(under)])
            case Neg(of):
                return self.of(of)
            case Transposed(of):
                inner = self.of(of)
                return inner[::-1] if inner is not None else None
            case Mul(left, right, dot):
                b = self.of(right)
                example = isinstance(right, Name) and right.text in self.params
                return self._product(self.of(left), b[-1:] if example and b else b, left, dot)
            case Call(name, (arg,), _) if name not in self.opaque:
                inner = self.of(arg)
                return [] if name in ("logsumexp", "sum", "mean") else inner
            case Partial(of, (by,)):
                of_axes, by_axes = self.of(of), self.of(by)
                known = of_axes is not None and by_axes is not None
                return [*(of_axes or []), *(by_axes or [])] if known else None
        for part in parts(tree):
            if isinstance(tree, Rel):
                self.of(part)
        return None if not isinstance(tree, Rel) else []

    def _together(self, found: list[list[Axis] | None]) -> list[Axis] | None:
        known = [axes for axes in found if axes]
        for axes in known[1:]:
            self._meet(known[0], axes)
        return known[0] if known else ([] if None not in found else None)

    def _meet(self, a: list[Axis] | None, b: list[Axis] | None) -> None:
        if a and b and len(a) == len(b):
            for x, y in zip(a, b, strict=True):
                self.lengths.same(x, y)

    def _product(
        self, a: list[Axis] | None, b: list[Axis] | None, left: Tree, dot: str
    ) -> list[Axis] | None:
        if a is None or b is None or not a or not b:
            return a if b == [] else b if a == [] else None
        if dot in ("\\odot", "*"):
            return self._together([a, b])
        if len(a) == 2:
            self.lengths.same(a[1], b[0])
            return [a[0], *b[1:]]
        if isinstance(left, Transposed):
            self.lengths.same(a[0], b[0])
            return b[1:]
        return None
