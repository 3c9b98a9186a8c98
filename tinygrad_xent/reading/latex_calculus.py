"""Derivatives as they are written: fractions of partials, operators before a product, nabla."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from .latex_tokens import Token, unreadable
from .latex_tree import Nabla, Num, Partial, Pow, Rel, Tree

if TYPE_CHECKING:
    from .latex_formulas import Formulas

__all__ = ["derivative"]


def derivative(reader: Formulas) -> Tree | None:
    """The derivative that begins here, if one does."""
    token = reader.next
    if token.is_("frac"):
        return _fraction(reader)
    if token.is_("partial"):
        return _partial(reader)
    if token.is_("nabla"):
        return _nabla(reader)
    return None


def _is_d(token: Token) -> bool:
    return token.is_("partial") or (token.kind == "letter" and token.text in ("d", "\\text{d}"))


def _flat(token: Token) -> list[Token]:
    return [t for t in token.inside if t.kind not in ("space", "amp")]


def _fraction(reader: Formulas) -> Tree | None:
    """`\\frac{\\partial L}{\\partial z_i}`, `\\frac{d}{dx}` before what it applies to."""
    over, under = _flat(reader.peek(1)), _flat(reader.peek(2))
    if not over or len(under) < 2 or not (_is_d(over[0]) and _is_d(under[0])):
        return None
    at = reader.next.at
    reader.i += 3
    order, of = _order(over[1:], reader)
    by = _by(under, order, reader, at)
    if of:
        return Partial(reader.inside(Token("group", "{", at, tuple(of))).whole(), by)
    return Partial(_operand(reader), by)


def _order(after: Sequence[Token], reader: Formulas) -> tuple[int, Sequence[Token]]:
    if len(after) >= 2 and after[0].is_("^"):
        exponent = after[1].inside[0] if after[1].kind == "group" else after[1]
        if not exponent.text.isdigit() or int(exponent.text) > 3:
            raise unreadable("a derivative of this order", exponent.at)
        return int(exponent.text), after[2:]
    return 1, after


def _by(under: Sequence[Token], order: int, reader: Formulas, at: int) -> tuple[Tree, ...]:
    pieces: list[list[Token]] = []
    for token in under:
        if _is_d(token) and (token.is_("partial") or not pieces or pieces[-1]):
            pieces.append([])
        else:
            pieces[-1].append(token)
    found: list[Tree] = []
    for piece in pieces:
        tree = reader.inside(Token("group", "{", at, tuple(piece))).whole()
        if order > 1 and len(pieces) == 1 and isinstance(tree, Pow):
            if tree.exponent == Num(Fraction(order)):
                found += [tree.base] * order
                continue
        found.append(tree)
    if len(found) != order:
        raise unreadable("a derivative whose order and variables do not agree", at)
    return tuple(found)


def _operand(reader: Formulas) -> Tree:
    """What an operator applies to: the product that follows; after a bracket, only the bracket."""
    bracket = reader.next.text in ("(", "[", "\\{")
    start = reader.next.at
    of = reader.factor() if bracket else reader.product()
    if bracket and reader.starts_factor():
        raise unreadable("how far the derivative reaches is open here: brackets", start)
    return of


def _partial(reader: Formulas) -> Tree:
    r"""`\partial L / \partial z_i` and `\partial_x f`."""
    at = reader.take().at
    if reader.sees("_"):
        reader.take()
        by = reader.argument().whole()
        return Partial(_operand(reader), (by,))
    of = reader.factor()
    reader.expect("/")
    reader.expect("partial")
    by = reader.factor()
    if isinstance(of, Rel):
        raise unreadable("the derivative of a relation", at)
    return Partial(of, (by,))


def _nabla(reader: Formulas) -> Tree:
    at = reader.take().at
    if reader.sees("^"):
        raise unreadable("a second nabla", at)
    by = None
    if reader.sees("_"):
        reader.take()
        by = reader.argument().whole()
    return Nabla(_operand(reader), by)
