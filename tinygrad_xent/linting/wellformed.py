"""Index problems that can be seen without computing: what a sum binds, and what it leaves free."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ..reading.latex_tree import (
    Add,
    Big,
    Mul,
    Name,
    Neg,
    Tree,
    indices,
    names,
    negated,
    substitute,
    walk,
    with_parts,
)
from .lengths import Conflict


@dataclass(frozen=True)
class Problem:
    """What is wrong with an index, and the formula as it may have been meant, likeliest first."""

    kind: str  # unused, captured, range
    text: str
    repairs: tuple[Tree, ...] = ()


def problems(
    tree: Tree, outside: set[str], conflicts: list[Conflict], sizes: Iterable[str] = ()
) -> list[Problem]:
    """The index problems of one side of a relation.

    Args:
        tree: the side.
        outside: the indices that are free on the other side.
        conflicts: ranges that do not fit, on this line.
        sizes: the names of lengths, for repairs.
    """
    found = [*_captured(tree, outside, sorted(sizes)), *_unused(tree, outside, sorted(sizes))]
    kept: dict[str, Problem] = {}
    for problem in found:
        kept.setdefault(problem.kind, problem)
    return [*kept.values(), *_ranges(tree, conflicts)]


def widened(tree: Tree, outside: set[str]) -> Tree:
    """A sum that reaches to the end: in sum_i a_i + b_i, where i is nowhere else, b_i is in it."""
    if not isinstance(tree, Add):
        return (
            with_parts(tree, lambda part: widened(part, outside)) if isinstance(tree, Mul) else tree
        )
    for k, term in enumerate(tree.terms[:-1]):
        rest = tree.terms[k + 1 :]
        big = term.of if isinstance(term, Neg) else term
        if isinstance(big, Big) and big.index not in outside:
            if all(big.index in indices(other) for other in rest):
                inside = [negated(t) for t in rest] if isinstance(term, Neg) else rest
                body = Add((big.body, *inside))
                whole = Big(big.kind, big.index, big.low, big.high, big.where, body)
                head = negated(whole) if isinstance(term, Neg) else whole
                return Add((*tree.terms[:k], head)) if k else head
    return tree


def _unused(tree: Tree, outside: set[str], sizes: list[str]) -> Iterator[Problem]:
    """A sum of entries in which its index does not occur."""
    for big in _sums(tree):
        inside = names(big.body) | (names(big.where) if big.where else set())
        free = indices(big.body) - {*sizes}
        if big.index in inside or not free:
            continue
        stray = sorted((free & indices(tree)) - outside)
        text = f"the summation index {big.index} does not occur in the summand"
        if stray:
            renamed_ = [renamed(big, stray[0]), *_to_sizes(renamed(big, stray[0]), sizes)]
            yield Problem("unused", f"{text}, and nothing binds {stray[0]}",
                          tuple(replaced(tree, big, r) for r in renamed_))  # fmt: skip
        else:
            meant = [substitute(big.body, {letter: Name(big.index)}) for letter in sorted(free)]
            bodies = [Big(big.kind, big.index, big.low, big.high, big.where, m) for m in meant]
            yield Problem("unused", text, tuple(replaced(tree, big, r) for r in bodies))


def _captured(tree: Tree, outside: set[str], sizes: list[str]) -> Iterator[Problem]:
    """A sum that binds a letter which is in use around it."""
    for big, around in _with_surroundings(tree, frozenset(outside)):
        if big.index not in around:
            continue
        stray = sorted((indices(big.body) & indices(tree)) - outside - {big.index, *sizes})
        taken = {n.text for n in walk(tree) if isinstance(n, Name)} | outside
        taken |= {n.index for n in walk(tree) if isinstance(n, Big)}
        fresh = next(c for c in "jkilmnrstuv" if c not in taken)
        meant = [with_bound(big, fresh)]
        if stray:
            meant = [renamed(big, stray[0]), *_to_sizes(renamed(big, stray[0]), sizes), *meant]
        yield Problem("captured", f"the sum binds {big.index}, which is also a free index",
                      tuple(replaced(tree, big, m) for m in meant))  # fmt: skip


def _to_sizes(big: Big, sizes: list[str]) -> Iterator[Big]:
    """The same sum, to the other lengths."""
    for size in sizes if big.high is not None else ():
        if big.high != Name(size):
            yield Big(big.kind, big.index, big.low, Name(size), big.where, big.body)


def _ranges(tree: Tree, conflicts: list[Conflict]) -> Iterator[Problem]:
    for conflict in conflicts:
        for big in _sums(tree):
            if big.index == conflict.index and big.high is not None:
                high = Name(conflict.had if big.high == Name(conflict.found) else conflict.found)
                right = Big(big.kind, big.index, big.low, high, big.where, big.body)
                yield Problem("range", range_text(conflict), (replaced(tree, big, right),))
                break


def range_text(conflict: Conflict) -> str:
    return (f"the index {conflict.index} runs to {conflict.found}, and {conflict.symbol} has "
            f"{conflict.had} entries")  # fmt: skip


def _sums(tree: Tree) -> Iterator[Big]:
    for node in walk(tree):
        if isinstance(node, Big):
            yield node


def _with_surroundings(tree: Tree, around: frozenset[str]) -> Iterator[tuple[Big, frozenset[str]]]:
    """Each sum with the index letters that are in use where it stands."""
    if isinstance(tree, Big):
        yield tree, around
        inside = around | ({tree.index} if tree.index in indices(tree.body) else set())
        yield from _with_surroundings(tree.body, inside)
        return
    children: list[Tree] = []
    with_parts(tree, lambda part: children.append(part) or part)  # type: ignore[func-returns-value]
    for k, child in enumerate(children):
        beside = set().union(*(indices(c) for i, c in enumerate(children) if i != k))
        together = isinstance(child, Big) or any(isinstance(n, Big) for n in walk(child))
        yield from _with_surroundings(child, around | (beside if together else set()))


def renamed(big: Big, index: str) -> Big:
    """The sum over another letter, its body as it is: the letter was there already."""
    return Big(big.kind, index, big.low, big.high, big.where, big.body)


def with_bound(big: Big, fresh: str) -> Big:
    """The same sum with another letter for its index."""
    swap: dict[str, Tree] = {big.index: Name(fresh)}
    where = big.where and substitute(big.where, swap)
    return Big(big.kind, fresh, big.low, big.high, where, substitute(big.body, swap))


def replaced(tree: Tree, old: Tree, new: Tree) -> Tree:
    """The tree with one node replaced, by identity."""
    if tree is old:
        return new
    find: Callable[[Tree], Tree] = lambda part: replaced(part, old, new)  # noqa: E731
    return with_parts(tree, find)
