"""Equations that are no claims: they say what something is, or where it is to hold."""

from __future__ import annotations

from fractions import Fraction

from ..errors import ParseError
from ..reading.latex_text import latex
from ..reading.latex_tree import (
    ONE,
    At,
    Call,
    Nabla,
    Name,
    Num,
    Partial,
    Tree,
    indices,
    names,
    substitute,
    walk,
)
from ..reading.latex_words import FUNCTIONS
from .assuming import Assumption, given
from .document import Document, is_number
from .judging import Finding, Judge
from .report import NOTHING, UNREAD
from .values import CannotReadError, numbers
from .world import POINTS


def excuse(judge: Judge, head: Tree, right: Tree, first: bool) -> Finding | None:
    """Why an equation that does not hold everywhere is not wrong, if it may be meant otherwise.

    Args:
        judge: of the document.
        head: the left side.
        right: what it is said to equal.
        first: this is the first relation of its chain.
    """
    if is_number(right) and _varies(judge, head):
        return Finding(NOTHING, "It holds at particular values only: taken as a condition.")
    if not first or any(isinstance(n, Partial | Nabla) for n in walk(head)):
        return None
    if _is_undefined(judge.document, head) or _introduces(judge.document, head, right):
        return Finding(UNREAD, "Not judged: it may define its left side.")
    return None


def _varies(judge: Judge, head: Tree) -> bool:
    """Whether a quantity depends on anything: 2 = 3 is wrong, L = 3 holds somewhere."""
    document = judge.document
    if document.closure(head) & document.functions - document.definitions.keys():
        return True  # a function that nothing defines may have any value
    try:
        for world, chosen in judge.comparer.choices(0, judge.given, head):
            at: dict[str, Tree] = {name: Num(Fraction(i)) for name, i in chosen.items()}
            entries = world.value(substitute(head, at)).entries
            if any(abs(float(numbers(e, POINTS).std())) > 1e-9 for e in entries):
                return True
    except CannotReadError:
        return True
    return False


def _is_undefined(document: Document, head: Tree) -> bool:
    """`w_{t+1}`, `f(2)`: something that nothing else defines."""
    base = head.base if isinstance(head, At) else head
    name = base.text if isinstance(base, Name) else base.name if isinstance(base, Call) else None
    return name is not None and name not in document.definitions.keys() | {*FUNCTIONS.values()}


def _introduces(document: Document, head: Tree, right: Tree) -> bool:
    """A relation between letters that mean nothing yet, as dZ = A - Y: no identity has new ones."""
    used = document.closure(head)
    if used & document.definitions.keys():
        return False
    new = names(right) - names(head) - document.sizes - indices(right)
    return bool(new)


def assumption(head: Tree, right: Tree) -> Assumption | None:
    r"""`\sum_i p_i = 1` is nothing to prove, but something to assume."""
    if right != ONE:
        return None
    try:
        return given(latex(head).replace(" ", "") + "=1")
    except ParseError:
        return None
