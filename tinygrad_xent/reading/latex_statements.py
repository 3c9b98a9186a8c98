"""What a formula says: chains of relations, with their conditions, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import ParseError
from .latex_cursor import RELATED, Scope
from .latex_formulas import Formulas
from .latex_tokens import Token
from .latex_tree import ONE, At, Dots, Name, Rel, Rows, Tree

_ALIGNED = frozenset([
    "align", "aligned", "split", "gather", "gathered", "equation", "multline", "eqnarray",
    "alignat", "flalign", "displaymath", "math", "alignedat",
])  # fmt: skip
_CONDITIONS = frozenset([
    "if", "for", "where", "when", "with", "all", "given", "assuming", "any", "every", "each",
])  # fmt: skip
_HOLDING = frozenset(["+", "-", "*", "/", "=", "(", "[", "\\{", "≈"])


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


# -- splitting ------------------------------------------------------------------------------------


def split_at(given: Sequence[Token], mark: str) -> list[list[Token]]:
    """Split at tokens of a kind, or with a text, outside brackets."""
    pieces: list[list[Token]] = [[]]
    depth = 0
    for token in given:
        depth += token.is_("(", "[", "\\{") - token.is_(")", "]", "\\}")
        if (token.kind == mark or token.is_(mark)) and (depth <= 0 or mark in ("row", "amp")):
            pieces.append([])
        else:
            pieces[-1].append(token)
    return pieces


def rows(given: Sequence[Token]) -> list[list[Token]]:
    """The rows of an environment."""
    return split_at(given, "row")


def split_case(row: Sequence[Token]) -> tuple[list[Token], list[Token]]:
    """Value and condition of one of the cases: at &, else at a comma, else at a word."""
    for mark in ("amp", ",", "space"):
        value, *rest = split_at(row, mark)
        if rest and value:
            return _stripped(value), [t for piece in rest for t in piece]
    for i, token in enumerate(row):
        if token.kind == "word" and i:
            return _stripped(row[:i]), list(row[i:])
    return _stripped(row), []


def _stripped(given: Sequence[Token]) -> list[Token]:
    found = list(given)
    while found and (found[-1].is_(",", ".", ";") or found[-1].kind in ("space", "amp")):
        found.pop()
    while found and (found[0].kind in ("space", "amp") or found[0].is_(",", ":")):
        found.pop(0)
    return found


def condition(given: Sequence[Token], scope: Scope) -> Tree | None:
    """`i = j`, `\\text{if } x > 0`; None for otherwise."""
    tokens = [t for t in _stripped(given) if t.kind not in ("word", "space", "amp")]
    if not tokens:
        return None
    if tokens[0].is_("\\{", "(", "[") and _closes_last(tokens):
        tokens = tokens[1:-1]
    chain = _chain(tokens, scope)
    if len(chain.sides) != 2 or any(side.tree is None for side in chain.sides):
        raise ParseError("this condition")
    left, right = (side.tree for side in chain.sides)
    assert left is not None
    assert right is not None
    return Rel(chain.ops[0], left, right)


# -- statements -----------------------------------------------------------------------------------


def statements(given: Sequence[Token], scope: Scope) -> list[Statement]:
    """All that a formula says, in order; what cannot be read is a side with a problem."""
    found: list[Statement] = []
    for row in _joined([_stripped(row) for row in _lines(given)]):
        found += _row(_without_number(row), scope)
    return found


def _lines(given: Sequence[Token]) -> list[list[Token]]:
    """The rows, of the environment if there is one around all."""
    content = _stripped(given)
    envs = [t for t in content if t.kind == "env" and t.text in _ALIGNED]
    if not envs:
        return rows(given)
    lines: list[list[Token]] = [[]]
    for token in content:
        if token in envs:
            inner = _lines(token.inside)
            lines[-1] += inner[0]
            lines += inner[1:]
        elif token.kind == "row":
            lines.append([])
        else:
            lines[-1].append(token)
    return lines


def _joined(lines: list[list[Token]]) -> list[list[Token]]:
    """Rows that go on in the next one, put together."""
    found: list[list[Token]] = []
    for line in lines:
        plain = [t for t in line if t.kind not in ("space", "amp")]
        if not plain:
            continue
        goes_on = plain[0].is_("+", "-", "*", "cdot", "times", "/") and not any(
            t.text in RELATED for t in plain
        )
        if found and (goes_on or _open(found[-1])):
            found[-1] = [*found[-1], *line]
        else:
            found.append(line)
    return found


def _open(line: Sequence[Token]) -> bool:
    plain = [t for t in line if t.kind not in ("space", "amp")]
    depth = sum(t.is_("(", "[", "\\{") - t.is_(")", "]", "\\}") for t in plain)
    return depth > 0 or (plain[-1].text in _HOLDING and plain[-1].kind == "op")


def _without_number(row: list[Token]) -> list[Token]:
    """Without `(1)` after a full stop or a wide space: the number of the equation."""
    texts = [t.text for t in row[-3:]]
    if len(row) > 4 and texts[0] == "(" and texts[1].isdigit() and texts[2] == ")":
        if row[-4].is_(".", ",") or row[-4].kind == "space":
            row = row[:-3]
    return _stripped(row)


def _row(row: list[Token], scope: Scope) -> Iterator[Statement]:
    listed = _listed(row, scope)
    if listed is not None:
        yield listed
        return
    conditions: list[Tree] = []
    main: list[Statement] = []
    for word, spoken in _clauses(_unwrapped(row)):
        clause, named = _named(spoken, scope)
        for piece in _implied(clause) if clause else ():
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


def _unwrapped(row: list[Token]) -> list[Token]:
    """Without brackets around a relation, as in (i \\sim p), and without words before a comma."""
    if row[0].is_("(") and row[-1].is_(")") and any(t.text in RELATED for t in row):
        if _closes_last(row):
            return row[1:-1]
    spoken = 0
    while spoken < len(row) and row[spoken].kind in ("func", "word", "space"):
        spoken += 1
    said = any(t.kind == "word" for t in row[:spoken])
    return row[spoken:] if said and spoken < len(row) and row[spoken].is_(",") else row


def _closes_last(row: Sequence[Token]) -> bool:
    """Whether the bracket that opens first closes last."""
    depth = 0
    for token in row[:-1]:
        depth += token.is_("(", "[", "\\{") - token.is_(")", "]", "\\}")
        if depth == 0:
            return False
    return True


def _as_statement(relation: Tree, row: Sequence[Token]) -> Statement:
    assert isinstance(relation, Rel)
    at, end = row[0].at, row[-1].end
    return Statement((Side(relation.left, at, at), Side(relation.right, at, end)), (relation.op,))


def _clauses(row: Sequence[Token]) -> Iterator[tuple[str, list[Token]]]:
    """What stands between commas, words and wide spaces, with the word before it."""
    word, clause, depth = "", list[Token](), 0
    for token in [*row, Token("word", "", 0)]:
        depth += token.is_("(", "[", "\\{") - token.is_(")", "]", "\\}")
        wide = token.kind == "space" and token.text in ("quad", "qquad")
        if token.kind == "word" or (depth <= 0 and (token.is_(",", ";") or wide)):
            if _stripped(clause):
                yield word, _stripped(clause)
                word = ""
            clause = []
            if token.kind == "word":
                spoken = token.text.strip().lower().split()
                word = spoken[0] if spoken else word
        else:
            clause.append(token)


def _named(clause: list[Token], scope: Scope) -> tuple[list[Token], Statement | None]:
    """What stands before `=: C`, and the statement that gives C its meaning."""
    cuts = [i for i, t in enumerate(clause) if t.is_("=") and clause[i + 1 : i + 2] != []]
    at = next((i for i in cuts if clause[i + 1].is_(":")), None)
    if at is None:
        return clause, None
    before, after = clause[:at], _stripped(clause[at + 2 :])
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


def _implied(clause: list[Token]) -> list[list[Token]]:
    """Premises and conclusion, around ⟹ where there is one."""
    pieces = [p for piece in split_at(clause, "⟹") for p in split_at(piece, "⟺") if p]
    return pieces if len(pieces) > 1 else [clause]


def _listed(row: list[Token], scope: Scope) -> Statement | None:
    """`i = 1, 2, ..., n` and `z_1, ..., z_m`: a list outside brackets."""
    plain = [t for t in row if t.kind not in ("space", "amp", "word")]
    cut = [i for i, piece in enumerate(split_at(plain, "ldots")) if i]
    if not cut or any(t.is_("(", "[", "\\{") for t in plain) or any(t.kind == "env" for t in plain):
        return None
    before, after = split_at(plain, "ldots")[0], split_at(plain, "ldots")[-1]
    first = split_at(before, ",")[0]
    last = _stripped(after)
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
        depth += token.is_("(", "[", "\\{") - token.is_(")", "]", "\\}")
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
