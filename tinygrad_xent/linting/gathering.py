"""What there is to judge in a document, and what all of it says about its letters."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from ..errors import ParseError
from ..reading.latex_passages import Passage, passages
from ..reading.latex_plain import as_latex
from ..reading.latex_statements import Statement, statements
from ..reading.latex_tokens import Token, tokens
from ..reading.latex_tree import At, Big, Name, Rel, Tree, substitute, walk
from .document import Document
from .report import UNREAD, Item
from .scope import scope_of
from .shapes import Shapes


@dataclass(frozen=True)
class Line:
    """A statement with where it stands; `number` counts statements."""

    number: int
    passage: Passage
    statement: Statement

    def mapped(self, f: Callable[[Tree], Tree]) -> Line:
        """The line with its trees changed."""
        sides = tuple(replace(s, tree=f(s.tree) if s.tree else None) for s in self.statement.sides)
        return replace(self, statement=replace(self.statement, sides=sides))


def gather(text: str, until: float) -> tuple[Document, list[Line], list[Item]]:
    """The document, its statements, and what could not be read.

    Args:
        text: the document.
        until: when to stop reading, on the monotonic clock.
    """
    gathered = _Gathered(until)
    lines = gathered.lines(text)
    trees = [s.tree for line in lines for s in line.statement.sides if s.tree is not None]
    gathered.survey(lines, trees)
    same = _matrices(gathered.document, trees)
    if same:
        lines = [line.mapped(lambda tree: substitute(tree, same)) for line in lines]
    return gathered.document, lines, gathered.unread


@dataclass
class _Gathered:
    until: float
    document: Document = field(default_factory=Document)
    unread: list[Item] = field(default_factory=list)
    bold: set[str] = field(default_factory=set)

    def lines(self, text: str) -> list[Line]:
        read: list[tuple[Passage, Sequence[Token]]] = []
        for passage in passages(text):
            if time.monotonic() > self.until:
                self._unread(passage, "the time for this document is over", 0)
                continue
            try:
                source = as_latex(passage.text) if passage.plain else passage.text
                read.append((passage, tokens(source)))
            except ParseError as error:
                self._unread(passage, str(error), getattr(error, "at", 0))
        scope, bold = scope_of([given for _, given in read])
        self.document.functions |= scope.functions
        self.document.letters |= scope.indices
        found = []
        for passage, given_tokens in read:
            try:
                said = statements(given_tokens, scope)
            except (ParseError, RecursionError) as error:
                problem = str(error) if isinstance(error, ParseError) else "nested too deeply"
                self._unread(passage, problem, getattr(error, "at", 0))
                continue
            if not said and passage.text.strip():
                self._unread(passage, "no formula here", 0)
            found += [Line(0, passage, s) for s in said]
        self.bold = bold
        return [replace(line, number=i) for i, line in enumerate(found)]

    def _unread(self, passage: Passage, problem: str, at: int) -> None:
        line, column = passage.place(min(at, len(passage.text)))
        self.unread.append(Item(line, column, passage.text.strip()[:400], UNREAD,
                               f"Not read: {problem}."))  # fmt: skip

    def survey(self, lines: list[Line], trees: list[Tree]) -> None:
        document = self.document
        relations = [_relation(line.statement) for line in lines]
        document.survey([*trees, *(r for r in relations if r)], self.bold)
        document.arguments(
            (a, b) for line in lines for a, b in pairwise(s.tree for s in line.statement.sides)
            if a is not None and b is not None
        )  # fmt: skip
        document.sizes |= {n.text for t in trees for n in _sizes(t)}
        for line in lines:
            for side in line.statement.sides:
                if side.tree is not None:
                    document.lengths.declare(line.number, side.tree)
        for line, relation in zip(lines, relations, strict=True):
            if relation is not None:
                document.lengths.declare(line.number, relation)
        document.sizes |= {*document.lengths.labels.values()}
        for line in lines:
            sides = [s.tree for s in line.statement.sides if s.tree is not None]
            document.lengths.read(line.number, sides)
        shapes = Shapes(document.lengths, document.rank, document.functions)
        found = (document.defines(s.tree) for line in lines for s in line.statement.sides if s.tree)
        shapes.params = {p for d in found if d and d[1].kind == "function" for p in d[1].params}
        for line in lines:
            for a, b in pairwise(s.tree for s in line.statement.sides):
                if a is not None and b is not None:
                    shapes.equal(a, b)


def _matrices(document: Document, trees: Sequence[Tree]) -> dict[str, Tree]:
    """w_{ij} are the entries of W, where W has no subscripts and w has two."""
    nodes = [node for tree in trees for node in walk(tree)]
    indexed = {n.base.text for n in nodes if isinstance(n, At) and isinstance(n.base, Name)}
    found = {}
    for name, rank in [*document.ranks.items()]:
        large = name.upper()
        if rank == 2 and name in indexed and len(name) == 1 and large != name:
            if document.rank(large) == 2 and large not in indexed:
                found[name] = Name(large)
                for k in range(2):
                    document.lengths.same(("axis", large, k), ("axis", name, k))
    return dict(found)


def _relation(statement: Statement) -> Tree | None:
    """A declaration as one tree: z = (z_1, ..., z_m) in R^m is about z."""
    if "∈" not in statement.ops or any(s.tree is None for s in statement.sides):
        return None
    at = statement.ops.index("∈")
    sides = [s.tree for s in statement.sides]
    left, right = sides[0] if at < 2 else sides[at], sides[at + 1]
    return Rel("∈", left, right) if left is not None and right is not None else None


def _sizes(tree: Tree) -> list[Name]:
    """Names that say how far a sum runs."""
    return [n.high for n in walk(tree) if isinstance(n, Big) and isinstance(n.high, Name)]
