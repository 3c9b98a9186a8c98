"""What a formula says: chains of relations, with their conditions, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import ParseError
from .latex_cursor import RELATED, Scope
from .latex_formulas import Formulas
from .latex_splitting import (
    clauses,
    closes_last,
    implied,
    lines,
    nesting,
    split_at,
    stripped,
    unwrapped,
)
from .latex_tokens import Token
from .latex_tree import ONE, At, Dots, Name, Rel, Rows, Tree

_CONDITIONS = frozenset([
    "if", "for", "where", "when", "with", "all", "given", "assuming", "any", "every", "each",
])  # fmt: skip


@dataclass(frozen=True)
class Side:
    """One side of a relation: its tree, or why it was not read; and where it stands."""

    tree: Tree | None
    start: int
    end: int
    problem: str = ""
    problem_at: int = 0


@dataclass(frozen=True)
class Statement:
    """sides[0] ops[0] sides[1] ops[1] ...; it may continue what the row above said."""

    sides: tuple[Side, ...]
    ops: tuple[str, ...]
    conditions: tuple[Tree, ...] = ()
    continues: str = ""

    @property
    def start(self) -> int:
        return self.sides[0].start

    @property
    def end(self) -> int:
        return self.sides[-1].end


def statements(given: Sequence[Token], scope: Scope) -> list[Statement]:
    """All that a formula says, in order; what cannot be read is a side with a problem."""
    return [statement for line in lines(given) for statement in _row(line, scope)]


def condition(given: Sequence[Token], scope: Scope) -> Tree | None:
    """`i = j`, `\\text{if } x > 0`; None for otherwise."""
    tokens = [t for t in stripped(given) if t.kind not in ("word", "space", "amp")]
    if not tokens:
        return None
    if tokens[0].is_("\\{", "(", "[") and closes_last(tokens):
        tokens = tokens[1:-1]
    chain = _chain(tokens, scope)
    if len(chain.sides) != 2 or any(side.tree is None for side in chain.sides):
        raise ParseError("this condition")
    left, right = (side.tree for side in chain.sides)
    assert left is not None
    assert right is not None
    return Rel(chain.ops[0], left, right)


def _row(row: list[Token], scope: Scope) -> Iterator[Statement]:
    listed = _listed(row, scope)
    if listed is not None:
        yield listed
        return
    conditions: list[Tree] = []
    main: list[Statement] = []
    for word, spoken in clauses(unwrapped(row)):
        clause, named = _named(spoken, scope)
        for piece in implied(clause) if clause else ():
            statement = _chain(piece, scope)
            readable = len(statement.sides) == 2 and all(s.tree for s in statement.sides)
            first, second = (s.tree for s in statement.sides[:2]) if readable else (None, None)
            if readable and first and second and (word in _CONDITIONS or piece is not clause):
                relation = Rel(statement.ops[0], first, second)
                if piece is clause or piece[-1] is not clause[-1]:
                    conditions.append(relation)
                    continue
            main.append(statement)
        main += [named] if named else []
    if not main and conditions:
        yield from (_as_statement(c, row) for c in conditions)
    for statement in main:
        yield Statement(statement.sides, statement.ops, tuple(conditions), statement.continues)


def _as_statement(relation: Tree, row: Sequence[Token]) -> Statement:
    assert isinstance(relation, Rel)
    at, end = row[0].at, row[-1].end
    return Statement((Side(relation.left, at, at), Side(relation.right, at, end)), (relation.op,))


def _named(clause: list[Token], scope: Scope) -> tuple[list[Token], Statement | None]:
    """What stands before `=: C`, and the statement that gives C its meaning."""
    cuts = [i for i, t in enumerate(clause) if t.is_("=") and clause[i + 1 : i + 2] != []]
    at = next((i for i in cuts if clause[i + 1].is_(":")), None)
    if at is None:
        return clause, None
    before, after = clause[:at], stripped(clause[at + 2 :])
    equal = [i for i in cuts if i < at]
    start, end = clause[at].at, clause[-1].end
    name, meaning = (
        _side(after, scope, end),
        _side(before[equal[-1] + 1 if equal else 0 :], scope, end),
    )
    if not isinstance(name.tree, Name | At) or meaning.tree is None:
        unread = Side(None, start, end, "what stands after =: is no name, or nothing before it")
        return before if equal else [], Statement((unread,), ())
    sides = Side(name.tree, start, start), Side(meaning.tree, start, end)
    return before if equal else [], Statement(sides, ("=",))


def _listed(row: list[Token], scope: Scope) -> Statement | None:
    """`i = 1, 2, ..., n` and `z_1, ..., z_m`: a list outside brackets."""
    plain = [t for t in row if t.kind not in ("space", "amp", "word")]
    cut = [i for i, piece in enumerate(split_at(plain, "ldots")) if i]
    if not cut or any(t.is_("(", "[", "\\{") for t in plain) or any(t.kind == "env" for t in plain):
        return None
    before, after = split_at(plain, "ldots")[0], split_at(plain, "ldots")[-1]
    first = split_at(before, ",")[0]
    last = stripped(after)
    start, end = row[0].at, row[-1].end
    try:
        high = Formulas(last, scope, end).whole()
        if len(first) == 3 and first[1].is_("=", "∈"):
            low = Formulas(first[2:], scope, end).whole()
            spread = Rows(((low, Dots(), high),))
            return Statement((Side(Name(first[0].text), start, start), Side(spread, start, end)),
                             ("∈",))  # fmt: skip
        low = Formulas(first, scope, end).whole()
    except ParseError:
        return None
    return Statement((Side(Rows(((low, Dots(), high),)), start, end),), ())


def _chain(given: Sequence[Token], scope: Scope) -> Statement:
    """Sides and relations."""
    tokens = [t for t in given if t.kind not in ("space", "amp")]
    sides: list[Side] = []
    ops: list[str] = []
    piece: list[Token] = []
    depth, continues = 0, ""
    for token in [*tokens, Token("op", "end", tokens[-1].end)]:
        depth += nesting(token)
        relation = token.kind == "op" and (token.text in RELATED or token.text == "end")
        if token.is_(":") and depth <= 0:
            continue
        if relation and (depth <= 0 or token.text == "end"):
            if piece or (token.text == "end" and ops):
                member = bool(ops) and ops[-1] == "∈"
                sides.append(_set(piece, scope) if member and _is_set(piece) else
                             _side(piece, scope, token.at))  # fmt: skip
            elif not sides:
                continues = token.text
                continue
            if token.text != "end":
                ops.append(token.text)
            piece = []
        else:
            piece.append(token)
    return Statement(tuple(sides) or (Side(None, tokens[0].at, tokens[-1].at, "no formula"),),
                     tuple(ops), (), continues)  # fmt: skip


def _is_set(piece: Sequence[Token]) -> bool:
    brackets = len(piece) == 3 and piece[0].is_("[") and piece[2].is_("]")
    return brackets or (len(piece) == 3 and piece[1].is_("ldots"))


def _set(piece: Sequence[Token], scope: Scope) -> Side:
    """[m] and 1 ... m: the numbers from 1 to m."""
    last = piece[1:2] if piece[0].is_("[") else piece[2:]
    high = _side(last, scope, piece[2].at).tree
    spread = Rows(((ONE, Dots(), high),)) if high is not None else None
    return Side(spread, piece[0].at, piece[2].end)


def _side(piece: Sequence[Token], scope: Scope, end: int) -> Side:
    start = piece[0].at if piece else end
    try:
        return Side(Formulas(piece, scope, end).whole(), start, piece[-1].end)
    except ParseError as error:
        return Side(None, start, end, str(error), getattr(error, "at", start))
    except (RecursionError, IndexError):
        return Side(None, start, end, "nested too deeply" if piece else "nothing here", start)
