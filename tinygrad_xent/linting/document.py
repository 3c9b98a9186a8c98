"""What a document says so far: its definitions, its lengths, and which names are vectors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..reading.latex_tree import (
    At,
    Big,
    Call,
    Frac,
    Mul,
    Name,
    Norm,
    Num,
    Pow,
    Rel,
    Transposed,
    Tree,
    walk,
)
from ..reading.latex_words import FUNCTIONS
from .lengths import Lengths

VECTOR_FUNCTIONS = frozenset(["softmax", "log_softmax", "logsumexp"])


@dataclass(frozen=True)
class Definition:
    """What a name means.

    Attributes:
        params: letters of indices for `q_i = ...`; argument names for `f(x) = ...`.
        kind: "plain" for `L = ...`, "family" for `q_i = ...`, "function" for `f(x, y) = ...`,
            "entry" for `s(x_i) = ...`, which may use other entries of x.
        line: where.
    """

    kind: str
    params: tuple[str, ...]
    body: Tree
    line: int


@dataclass
class Document:
    definitions: dict[str, Definition] = field(default_factory=dict)
    others: dict[str, list[Tree]] = field(default_factory=dict)  # what is equal to a definition
    lengths: Lengths = field(default_factory=Lengths)
    ranks: dict[str, int] = field(default_factory=dict)
    sizes: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)
    letters: set[str] = field(default_factory=set)
    bound: set[str] = field(default_factory=set)  # letters that a sum binds somewhere

    def rank(self, name: str) -> int:
        return self.ranks.get(name, 0)

    def survey(self, trees: Iterable[Tree], bold: set[str]) -> None:
        """How many axes each name has, from how it is written anywhere."""
        everything = [node for tree in trees for node in walk(tree)]
        self.bound |= {node.index for node in everything if isinstance(node, Big)}
        for node in everything:
            if isinstance(node, At) and isinstance(node.base, Name):
                self._at_least(node.base.text, len(node.at))
        for node in everything:
            self._vectors(node)
        for name in bold:
            if not name.startswith("\\text"):
                self._at_least(name, 2 if name.isupper() else 1)
        for node in everything:
            self._matrix(node)

    def _at_least(self, name: str, rank: int) -> None:
        self.ranks[name] = max(rank, self.ranks.get(name, 0))

    def _vectors(self, node: Tree) -> None:
        of: Tree | None = None
        if isinstance(node, Call) and node.name in VECTOR_FUNCTIONS and node.args:
            of = node.args[0]
        elif isinstance(node, Norm | Transposed):
            of = node.of
        if isinstance(of, Name) and self.rank(of.text) == 0:
            self._at_least(of.text, 2 if of.text.isupper() and len(of.text) == 1 else 1)
        if isinstance(node, Call) and node.name in ("sum", "mean", "dot"):
            for inner in walk(node):
                if isinstance(inner, Name) and self.rank(inner.text) == 0:
                    self._at_least(inner.text, 1)
        if isinstance(node, Rel) and node.op == "∈" and isinstance(node.right, Pow):
            if node.right.base == Name(r"\mathbb{R}") and isinstance(node.left, Name):
                times = sum(isinstance(n, Mul) for n in walk(node.right.exponent))
                self._at_least(node.left.text, 1 + times)

    def arguments(self, pairs: Iterable[tuple[Tree, Tree]]) -> None:
        """Examples x^{(i)} that a function takes as vectors have one more axis."""
        pairs = [*pairs]
        wanted = {}
        for left, right in pairs:
            found = self.defines(left)
            if found and found[1].kind == "function":
                wanted[found[0]] = [_is_vector_in(p, right) for p in found[1].params]
        calls = [n for pair in pairs for tree in pair for n in walk(tree) if isinstance(n, Call)]
        for call in calls:
            for arg, vector in zip(call.args, wanted.get(call.name, ()), strict=False):
                if vector and isinstance(arg, At) and isinstance(arg.base, Name):
                    self._at_least(arg.base.text, len(arg.at) + 1)

    def _matrix(self, node: Tree) -> None:
        """A capital beside a vector, as in Wx."""
        if not isinstance(node, Mul) or not isinstance(node.right, Name):
            return
        left: Tree = node.left
        while isinstance(left, Mul):
            left = left.right
        if isinstance(left, Name) and left.text[0].isupper() and left.text not in self.sizes:
            if self.rank(node.right.text) == 1 and self.rank(left.text) == 0:
                self._at_least(left.text, 2)

    # -- what depends on what ---------------------------------------------------------------------

    def closure(self, tree: Tree) -> set[str]:
        """The names and functions that a formula uses, through definitions."""
        found: set[str] = set()
        stack = [tree]
        while stack:
            for node in walk(stack.pop()):
                name = node.text if isinstance(node, Name) else getattr(node, "name", None)
                if name and name not in found:
                    found.add(name)
                    if name in self.definitions:
                        stack.append(self.definitions[name].body)
        return found

    def defines(self, left: Tree) -> tuple[str, Definition] | None:
        """The definition that `left = ...` would make, without its body."""
        if isinstance(left, Call) and left.name in FUNCTIONS.values():
            return None  # what softmax is, is known
        match left:
            case Name(text):
                return text, Definition("plain", (), left, 0)
            case At(Name(text), at) if all(isinstance(i, Name) for i in at):
                letters = tuple(i.text for i in at if isinstance(i, Name))
                if len({*letters}) == len(letters):
                    return text, Definition("family", letters, left, 0)
            case Call(text, (At(Name(x), (Name(i),)),), 0):
                return text, Definition("entry", (x, i), left, 0)
            case Call(text, args, 0) if args and all(isinstance(a, Name) for a in args):
                params = tuple(a.text for a in args if isinstance(a, Name))
                return text, Definition("function", params, left, 0)
            case Call(text, args, 0) if args and all(_argument(a) for a in args):
                params = tuple(next(n.text for n in walk(a) if isinstance(n, Name)) for a in args)
                return text, Definition("function", params, left, 0)
        return None


def _is_vector_in(name: str, body: Tree) -> bool:
    """Whether a formula multiplies a name as a vector: w^T x."""
    for node in walk(body):
        if isinstance(node, Transposed) and node.of == Name(name):
            return True
        if isinstance(node, Mul) and node.right == Name(name) and isinstance(node.left, Transposed):
            return True
    return False


def _argument(tree: Tree) -> bool:
    if isinstance(tree, At) and isinstance(tree.base, Name):
        return all(isinstance(i, Name) for i in tree.at)
    return isinstance(tree, Name)


def is_number(tree: Tree) -> bool:
    """Digits, with a sign or a bar."""
    return all(isinstance(n, Num | Frac) or type(n).__name__ == "Neg" for n in walk(tree))
