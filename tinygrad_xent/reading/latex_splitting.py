"""A formula's tokens in pieces: rows, cases, clauses. Nothing here says what a piece means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .latex_cursor import RELATED
from .latex_tokens import Token

_ALIGNED = frozenset([
    "align", "aligned", "split", "gather", "gathered", "equation", "multline", "eqnarray",
    "alignat", "flalign", "displaymath", "math", "alignedat",
])  # fmt: skip
_HOLDING = frozenset(["+", "-", "*", "/", "=", "(", "[", "\\{", "≈"])


def nesting(token: Token) -> int:
    """By how many brackets what follows is further in: 1, 0 or -1."""
    return token.is_("(", "[", "\\{") - token.is_(")", "]", "\\}")


def split_at(given: Sequence[Token], mark: str) -> list[list[Token]]:
    """Split at tokens of a kind, or with a text, outside brackets."""
    pieces: list[list[Token]] = [[]]
    depth = 0
    for token in given:
        depth += nesting(token)
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
            return stripped(value), [t for piece in rest for t in piece]
    for i, token in enumerate(row):
        if token.kind == "word" and i:
            return stripped(row[:i]), list(row[i:])
    return stripped(row), []


def stripped(given: Sequence[Token]) -> list[Token]:
    """Without spaces and punctuation around it."""
    found = list(given)
    while found and (found[-1].is_(",", ".", ";") or found[-1].kind in ("space", "amp")):
        found.pop()
    while found and (found[0].kind in ("space", "amp") or found[0].is_(",", ":")):
        found.pop(0)
    return found


# -- rows -----------------------------------------------------------------------------------------


def lines(given: Sequence[Token]) -> list[list[Token]]:
    """The lines of a formula, each whole, without what surrounds it."""
    whole = _joined([stripped(row) for row in _lines(given)])
    return [_without_number(line) for line in whole]


def _lines(given: Sequence[Token]) -> list[list[Token]]:
    """The rows, of the environment if there is one around all."""
    content = stripped(given)
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
    depth = sum(nesting(t) for t in plain)
    return depth > 0 or (plain[-1].text in _HOLDING and plain[-1].kind == "op")


def _without_number(row: list[Token]) -> list[Token]:
    """Without `(1)` after a full stop or a wide space: the number of the equation."""
    texts = [t.text for t in row[-3:]]
    if len(row) > 4 and texts[0] == "(" and texts[1].isdigit() and texts[2] == ")":
        if row[-4].is_(".", ",") or row[-4].kind == "space":
            row = row[:-3]
    return stripped(row)


# -- clauses --------------------------------------------------------------------------------------


def unwrapped(row: list[Token]) -> list[Token]:
    """Without brackets around a relation, as in (i \\sim p), and without words before a comma."""
    if row[0].is_("(") and row[-1].is_(")") and any(t.text in RELATED for t in row):
        if closes_last(row):
            return row[1:-1]
    spoken = 0
    while spoken < len(row) and row[spoken].kind in ("func", "word", "space"):
        spoken += 1
    said = any(t.kind == "word" for t in row[:spoken])
    return row[spoken:] if said and spoken < len(row) and row[spoken].is_(",") else row


def clauses(row: Sequence[Token]) -> Iterator[tuple[str, list[Token]]]:
    """What stands between commas, words and wide spaces, with the word before it."""
    word, clause, depth = "", list[Token](), 0
    for token in [*row, Token("word", "", 0)]:
        depth += nesting(token)
        wide = token.kind == "space" and token.text in ("quad", "qquad")
        if token.kind == "word" or (depth <= 0 and (token.is_(",", ";") or wide)):
            if stripped(clause):
                yield word, stripped(clause)
                word = ""
            clause = []
            if token.kind == "word":
                spoken = token.text.strip().lower().split()
                word = spoken[0] if spoken else word
        else:
            clause.append(token)


def implied(clause: list[Token]) -> list[list[Token]]:
    """Premises and conclusion, around ⟹ where there is one."""
    pieces = [p for piece in split_at(clause, "⟹") for p in split_at(piece, "⟺") if p]
    return pieces if len(pieces) > 1 else [clause]


def closes_last(row: Sequence[Token]) -> bool:
    """Whether the bracket that opens first closes last."""
    depth = 0
    for token in row[:-1]:
        depth += nesting(token)
        if depth == 0:
            return False
    return True
