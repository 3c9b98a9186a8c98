"""How `z_1, z_2, ..., z_n` goes on: the entries that the dots stand for."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from ..reading.latex_tree import Dots, Name, Num, Tree, substitute, with_parts
from .values import CannotReadError, OutOfRangeError

LONGEST = 60  # entries of a list, and terms of a sum


def continued(entries: list[Tree], whole: Callable[[Tree], int]) -> list[Tree]:
    """The entries of a list with dots in it, written out.

    Args:
        entries: the first, perhaps more, dots, and the last.
        whole: the whole number that a tree is.
    """
    written = [e for e in entries if not isinstance(e, Dots)]
    first, last, listed = written[0], written[-1], written[:-1]
    if len(written) < 2:
        raise CannotReadError("dots that do not say how far")
    ends: set[Tree] = set()
    form = _template(first, last, ends)
    if form is None or len(ends) != 1:
        raise CannotReadError("dots between entries that do not go on alike")
    high = whole(ends.pop())
    if high > LONGEST:
        raise CannotReadError(f"a list to {high}")
    if high < len(listed):
        raise OutOfRangeError(f"{len(listed)} entries are written out, of {high}")
    between = [substitute(form, {"\\place": Num(Fraction(i))})
               for i in range(len(listed) + 1, high)]  # fmt: skip
    return [*listed, *between, *([last] if high > len(listed) else [])]


def _template(first: Tree, last: Tree, ends: set[Tree]) -> Tree | None:
    """The first entry with a mark where the last one has the end of the list."""
    if first == last:
        return first
    if isinstance(first, Num) and isinstance(last, Name | Num) and first.value == 1:
        ends.add(last)
        return Name("\\place")
    if type(first) is not type(last):
        return None
    mine, other = _children(first), _children(last)
    if len(mine) != len(other) or _bare(first) != _bare(last):
        return None
    found = [_template(a, b, ends) for a, b in zip(mine, other, strict=True)]
    if not found or any(f is None for f in found):
        return None
    queue = iter(f for f in found if f is not None)
    return with_parts(first, lambda _: next(queue))


def _children(tree: Tree) -> list[Tree]:
    found: list[Tree] = []
    with_parts(tree, lambda part: found.append(part) or part)  # type: ignore[func-returns-value]
    return found


def _bare(tree: Tree) -> Tree:
    """The node, whatever its parts are."""
    return with_parts(tree, lambda _: Name(""))
