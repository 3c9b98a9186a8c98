"""Subscripts and superscripts: indices, labels, powers, transposition; and what a sum runs over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .latex_splitting import split_at
from .latex_tokens import Token, unreadable
from .latex_tree import At, Call, Name, Pow, Rel, Transposed, Tree

if TYPE_CHECKING:
    from .latex_cursor import Scope
    from .latex_formulas import Formulas

_TRANSPOSED = frozenset(["top", "T", "\\text{T}", "intercal", "\\mathsf{T}", "\\top"])


@dataclass(frozen=True)
class _Scripts:
    at: tuple[Tree, ...] = ()
    label: str = ""
    power: Tree | None = None
    transposed: bool = False
    primes: int = 0


def scripted(reader: Formulas, base: Tree) -> Tree:
    """The base with all scripts that follow it."""
    scripts = _Scripts()
    while reader.sees("_", "^", "'"):
        mark = reader.take()
        if mark.text == "'":
            scripts = replace(scripts, primes=scripts.primes + 1)
        elif mark.text == "_":
            scripts = _below(reader, scripts)
        else:
            scripts = _above(reader, scripts)
    if reader.sees("!"):
        raise unreadable("a factorial", reader.next.at)
    return _with(base, scripts, reader)


def _with(base: Tree, scripts: _Scripts, reader: Formulas) -> Tree:
    from .latex_formulas import kronecker

    if scripts.label or scripts.primes:
        if not isinstance(base, Name):
            raise unreadable("a label or prime on something without a name", reader.next.at)
        base = Name(base.text + scripts.label)
    if scripts.primes:
        if isinstance(base, Name) and base.text in reader.scope.functions and not scripts.at:
            return Call(base.text, (), scripts.primes)
        assert isinstance(base, Name)
        base = Name(base.text + "'" * scripts.primes)
    if scripts.at:
        base = kronecker(base, scripts.at, reader.scope) or At(base, scripts.at)
    if scripts.transposed:
        base = Transposed(base)
    return base if scripts.power is None else Pow(base, scripts.power)


def _below(reader: Formulas, scripts: _Scripts) -> _Scripts:
    inside = reader.argument().given
    pieces = _pieces(inside)
    if any(_is_label(piece, reader.scope) for piece in pieces):
        shown = ",".join("".join(_printed(t) for t in piece) for piece in pieces)
        return replace(scripts, label=scripts.label + f"_{{{shown}}}")
    found = tuple(_index(piece, reader.scope) for piece in pieces)
    return replace(scripts, at=scripts.at + found)


def _pieces(inside: Sequence[Token]) -> list[list[Token]]:
    """The subscripts in `ij`, `i,j`, `i+1` and `j1`: operators hold what is around together."""
    pieces: list[list[Token]] = []
    joined = False
    for token in inside:
        if token.is_("_", "^"):
            raise unreadable("an index that has an index", token.at)
        if token.is_(","):
            joined = False
        elif token.is_("+", "-"):
            joined = bool(pieces)
            if joined:
                pieces[-1].append(token)
        elif joined:
            pieces[-1].append(token)
            joined = False
        else:
            pieces.append([token])
    return pieces


def _is_label(piece: Sequence[Token], scope: Scope) -> bool:
    for token in piece:
        if token.kind not in ("letter", "number") and not token.is_("+", "-"):
            return True
        if token.kind == "letter" and not _may_be_index(token.text, scope):
            return True
    return not piece


def _may_be_index(text: str, scope: Scope) -> bool:
    """Small Latin letters are, and what a sum of the document runs over."""
    return text in scope.indices or (len(text) == 1 and text.islower() and text not in scope.labels)


def _printed(token: Token) -> str:
    if token.kind == "group":
        return "{" + "".join(map(_printed, token.inside)) + "}"
    return {"func": f"\\{token.text}", "macro": f"\\{token.text} "}.get(token.kind, token.text)


def _index(piece: Sequence[Token], scope: Scope) -> Tree:
    from .latex_formulas import Formulas

    return Formulas(piece, scope, piece[0].at).whole()


def _above(reader: Formulas, scripts: _Scripts) -> _Scripts:
    from .latex_formulas import Formulas

    at = reader.next.at
    inside = list(reader.argument().given)
    if len(inside) == 1 and inside[0].text in _TRANSPOSED:
        return replace(scripts, transposed=True)
    if inside and all(t.is_("'", "prime") for t in inside):
        return replace(scripts, primes=scripts.primes + len(inside))
    if inside and inside[0].is_("*", "ast", "star", "+", "dagger"):
        return replace(scripts, label=f"{scripts.label}^{{{''.join(map(_printed, inside))}}}")
    if len(inside) > 2 and inside[0].is_("(", "[") and inside[-1].is_(")", "]"):
        return _in_brackets(reader, scripts, inside)
    if not inside:
        raise unreadable("an empty superscript", at)
    if inside[0].text in ("l", "L") and _layer(inside):
        return replace(scripts, label=f"{scripts.label}^{{{''.join(map(_printed, inside))}}}")
    return replace(scripts, power=Formulas(inside, reader.scope, at).whole())


def _layer(inside: Sequence[Token]) -> bool:
    """`l`, `L`, `l-1`: the number of a layer."""
    return len(inside) == 1 or (len(inside) == 3 and inside[1].is_("+", "-"))


def _in_brackets(reader: Formulas, scripts: _Scripts, inside: Sequence[Token]) -> _Scripts:
    """`x^{(i)}` where a sum runs over i, or a label such as `W^{(1)}`."""
    middle = inside[1:-1]
    if len(middle) == 1 and middle[0].text in reader.scope.indices:
        return replace(scripts, at=(Name(middle[0].text), *scripts.at))
    if not all(t.kind in ("letter", "number") or t.is_("+", "-") for t in middle):
        raise unreadable("this superscript", inside[0].at)
    return replace(scripts, label=f"{scripts.label}^{{{''.join(map(_printed, inside))}}}")


def bound(
    under: Sequence[Token], scope: Scope, at: int
) -> tuple[list[str], Tree | None, Tree | None]:
    """What stands under a sum: its indices, from where, and which are left out."""
    from .latex_formulas import Formulas
    from .latex_statements import condition

    under = [t for t in under if t.kind not in ("space",)]
    if len(under) == 2 and under[0].is_("substack"):
        lines = split_at(under[1].inside, "row")
        under = [t for line in lines for t in (*line, Token("op", ",", at))][:-1]
    pieces = split_at(under, ",")
    if not under or under[0].kind != "letter":
        raise unreadable("a sum that does not say over what", at)
    found, low, where = [], None, None
    for piece in pieces:
        if all(t.kind == "letter" for t in piece):
            found += [t.text for t in piece]  # i, and ij
        elif len(piece) > 2 and piece[1].is_("=") and not found:
            found.append(piece[0].text)
            low = Formulas(piece[2:], scope, at).whole()
        elif len(piece) > 2 and piece[1].is_("∈"):
            found.append(piece[0].text)  # over all of a set whose name says nothing more
            if not (len(piece) == 5 and piece[2].is_("[")):
                raise unreadable("a sum over a set", at)
        else:
            where = condition(piece, scope)
            if not isinstance(where, Rel):
                raise unreadable("this range of a sum", at)
            if not found and isinstance(where.left, Name):
                found.append(where.left.text)
    if not found:
        raise unreadable("a sum that does not say over what", at)
    return found, low, where
