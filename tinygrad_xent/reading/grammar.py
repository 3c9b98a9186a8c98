"""What may be written: a whitelist over Python's own syntax tree.

Python's parser settles precedence and brackets, and gives every part its place. A kind of node that
is not listed here goes no further, so nothing below ever meets an attribute, a lambda or a string.
"""

from __future__ import annotations

import ast
import re
from typing import NoReturn

from ..errors import ParseError, explain

LONGEST = 10_000  # characters
DEEPEST = 200  # operations inside each other
_WINDOW = 60  # characters that an error shows on either side of its place

_FORMULA = "an expression such as -sum(p*log(softmax(z))) or (X @ w - 2*y)**2"
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.MatMult, ast.UAdd, ast.USub)
_COMPARISONS = (ast.Gt, ast.GtE, ast.Lt, ast.LtE, ast.Eq, ast.NotEq)
_SHAPES = (ast.Subscript, ast.Slice, ast.List, ast.Tuple)
_NODES = (ast.Expression, ast.Constant, ast.Name, ast.UnaryOp, ast.BinOp, ast.Compare, ast.Call,
          ast.Attribute, ast.keyword, ast.Load, *_OPERATORS, *_COMPARISONS, *_SHAPES)  # fmt: skip

_INSTEAD = {
    ast.BitXor: "** for a power",
    ast.BitOr: "abs(x) for an absolute value",
    ast.Not: "where(condition, x, y)",
    ast.BoolOp: "where(condition, x, y), with a product of conditions for `and`",
    ast.IfExp: "where(condition, x, y)",
    ast.NamedExpr: "the expression itself in place of the name",
}
_SPELLINGS = str.maketrans(
    {"−": "-", "–": "-", "·": "*", "×": "*", "⋅": "*", "∗": "*", "÷": "/", "⁄": "/", "ᵀ": ".T",
     "⊤": ".T", "≥": ">=", "≤": "<=", "≠": "!=", "√": "sqrt", "Σ": "sum", "∑": "sum", "π": "pi",
     "\t": " ", "\n": " ", "\r": " ", "\xa0": " "}
)  # fmt: skip
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_ODD = re.compile(r"[^\w .,:=+\-*/@()\[\]<>!&|^~%]")


class Source:
    """One line of text, which knows how to point at a place in itself.

    Args:
        text: what the user wrote. Typographic signs become the ones of the grammar: `−`, `·`, `x²`.
    """

    def __init__(self, text: str) -> None:
        plain = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", _power, text.translate(_SPELLINGS))
        self.text = plain.strip(" ")

    def column(self, node: ast.AST) -> int:
        """Where a node starts, in characters (Python counts bytes)."""
        offset: int = getattr(node, "col_offset", 0)
        return len(self.text.encode()[:offset].decode())

    def shown(self, column: int) -> str:
        """The text around a column, and below it a caret."""
        start = max(0, column - _WINDOW)
        before = "..." if start else ""
        after = "..." if len(self.text) > column + _WINDOW else ""
        line = before + self.text[start : column + _WINDOW] + after
        line = "".join(c if c.isprintable() else "?" for c in line)
        return f"{line}\n{' ' * (len('  given: ') + len(before) + column - start)}^"

    def refuse(self, problem: str, where: ast.AST | int, works: str = _FORMULA) -> NoReturn:
        """Raise a ParseError that points at a node or a column."""
        column = where if isinstance(where, int) else self.column(where)
        raise ParseError(explain(problem, self.shown(column), works)) from None


def _power(match: re.Match[str]) -> str:
    return f"**({match[0].translate(_SUPERSCRIPTS)})"


def parse(source: Source) -> ast.expr:
    """The syntax tree of an expression, in which every node is one of the grammar's.

    Raises:
        ParseError: anything else, at its column.
    """
    _check_text(source)
    tree = _parsed(source)
    _check_depth(source, tree)
    for node in ast.walk(tree):
        _check(source, node)
    return tree


def _check_text(source: Source) -> None:
    text = source.text
    if not text:
        source.refuse("read: there is nothing to read", 0)
    if len(text) > LONGEST:
        source.refuse(f"read: {len(text)} characters are too many", 0, f"at most {LONGEST}")
    odd = _ODD.search(text)
    if odd:
        source.refuse(f"read: the character {odd[0]!a} has no place in a formula", odd.start())


def _parsed(source: Source) -> ast.expr:
    try:
        return ast.parse(source.text, mode="eval").body
    except SyntaxError as error:
        column = min((error.offset or 1) - 1, len(source.text))
        source.refuse("read: this is not an expression", column)
    except (RecursionError, MemoryError):
        _too_deep(source, 0)


def _check_depth(source: Source, tree: ast.expr) -> None:
    level: list[ast.AST] = [tree]
    for _ in range(DEEPEST):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    if level:
        _too_deep(source, level[0])


def _too_deep(source: Source, where: ast.AST | int) -> NoReturn:
    source.refuse("read: too many operations inside each other", where, f"at most {DEEPEST} deep")


def _check(source: Source, node: ast.AST) -> None:
    if isinstance(node, ast.BinOp | ast.UnaryOp) and not isinstance(node.op, _OPERATORS):
        place = node.left.end_col_offset if isinstance(node, ast.BinOp) else node.col_offset
        column = len(source.text.encode()[:place].decode())
        works = _INSTEAD.get(type(node.op), "the operators + - * / ** @")
        source.refuse("read: this operator is not known", column, works)
    if isinstance(node, ast.Compare) and not isinstance(node.ops[0], _COMPARISONS):
        source.refuse("read: this comparison is not known", node, "> >= < <= == !=")
    if isinstance(node, ast.Compare) and len(node.ops) > 1:
        source.refuse("read: one comparison at a time", node, "(a < b)*(b < c)")
    if not isinstance(node, (*_NODES, ast.operator, ast.unaryop, ast.cmpop)):
        works = _INSTEAD.get(type(node), _FORMULA)
        source.refuse("read: this has no place in a formula", _place(node), works)


def _place(node: ast.AST) -> ast.AST:
    """The node, or a part of it, that has a column (a comprehension's `for` has none)."""
    return next((n for n in ast.walk(node) if hasattr(n, "col_offset")), node)
