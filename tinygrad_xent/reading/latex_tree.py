"""Formulas over indices as a tree: sums over an index, entries, Kronecker deltas, derivatives.

Names carry the LaTeX that prints them, such as `z` or `\\hat{y}`. Indices are names, too: in
`z_i` the tree is `At(Name("z"), (Name("i"),))`. Nothing here computes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any


class Tree:
    """What all nodes have in common: they can be walked and rebuilt."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Num(Tree):
    """A number; `digits` after the decimal point where it was written with one."""

    value: Fraction
    digits: int | None = None


@dataclass(frozen=True, slots=True)
class Name(Tree):
    text: str


@dataclass(frozen=True, slots=True)
class At(Tree):
    """An entry: z_i, w_{jk}."""

    base: Tree
    at: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Call(Tree):
    """A function of its arguments: exp, softmax, f; with primes, its derivative."""

    name: str
    args: tuple[Tree, ...]
    primes: int = 0


@dataclass(frozen=True, slots=True)
class Big(Tree):
    """A sum (prod, max, min) over an index. `low` and `high` are None where no range is given."""

    kind: str
    index: str
    low: Tree | None
    high: Tree | None
    where: Tree | None
    body: Tree


@dataclass(frozen=True, slots=True)
class Add(Tree):
    terms: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Neg(Tree):
    of: Tree


@dataclass(frozen=True, slots=True)
class Mul(Tree):
    """A product; `dot` is "" side by side, "\\cdot", "\\times", or "\\odot" for entry by entry."""

    left: Tree
    right: Tree
    dot: str = ""


@dataclass(frozen=True, slots=True)
class Frac(Tree):
    over: Tree
    under: Tree


@dataclass(frozen=True, slots=True)
class Pow(Tree):
    base: Tree
    exponent: Tree


@dataclass(frozen=True, slots=True)
class Norm(Tree):
    """The length of a vector: the root of the sum of squares, or the sum of absolute values."""

    of: Tree
    order: int = 2


@dataclass(frozen=True, slots=True)
class Transposed(Tree):
    of: Tree


@dataclass(frozen=True, slots=True)
class Delta(Tree):
    i: Tree
    j: Tree


@dataclass(frozen=True, slots=True)
class Partial(Tree):
    """The derivative of one quantity by one or more others."""

    of: Tree
    by: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Nabla(Tree):
    """The gradient with respect to all entries; `by` is None where the formula does not say."""

    of: Tree
    by: Tree | None


@dataclass(frozen=True, slots=True)
class Rel(Tree):
    """A relation of two sides: =, \\neq, <, \\in ..."""

    op: str
    left: Tree
    right: Tree


@dataclass(frozen=True, slots=True)
class Test(Tree):
    """1 where the condition holds, else 0."""

    condition: Tree


@dataclass(frozen=True, slots=True)
class Cases(Tree):
    """Values with their conditions, of which the last may be None: otherwise."""

    values: tuple[Tree, ...]
    conditions: tuple[Tree | None, ...]


@dataclass(frozen=True, slots=True)
class Dots(Tree):
    """... in a list of entries."""


@dataclass(frozen=True, slots=True)
class Rows(Tree):
    """A matrix or vector, written out."""

    rows: tuple[tuple[Tree, ...], ...]


ZERO, ONE, TWO = (Num(Fraction(n)) for n in (0, 1, 2))


def _mapped(value: Any, f: Callable[[Tree], Tree]) -> Any:
    if isinstance(value, Tree):
        return f(value)
    return tuple(_mapped(v, f) for v in value) if isinstance(value, tuple) else value


def with_parts(tree: Tree, f: Callable[[Tree], Tree]) -> Tree:
    """The node with `f` applied to each part."""
    old = {field.name: getattr(tree, field.name) for field in fields(tree)}  # type: ignore[arg-type]
    new = {name: _mapped(value, f) for name, value in old.items()}
    changed = any(new[name] != old[name] for name in old)
    return replace(tree, **new) if changed else tree  # type: ignore[type-var]


def parts(tree: Tree) -> Iterator[Tree]:
    """The nodes directly below."""
    stack: list[Any] = [getattr(tree, f.name) for f in reversed(fields(tree))]  # type: ignore[arg-type]
    while stack:
        value = stack.pop()
        if isinstance(value, Tree):
            yield value
        elif isinstance(value, tuple):
            stack.extend(reversed(value))


def walk(tree: Tree) -> Iterator[Tree]:
    """The node and all below it, from the top."""
    yield tree
    for part in parts(tree):
        yield from walk(part)


def substitute(tree: Tree, values: dict[str, Tree]) -> Tree:
    """Replace names, but not those that a sum binds. The caller avoids capture."""
    if isinstance(tree, Name):
        return values.get(tree.text, tree)
    if isinstance(tree, Big):
        inner = {name: value for name, value in values.items() if name != tree.index}
        low, high = (end and substitute(end, values) for end in (tree.low, tree.high))
        where = tree.where and substitute(tree.where, inner)
        return Big(tree.kind, tree.index, low, high, where, substitute(tree.body, inner))
    return with_parts(tree, lambda part: substitute(part, values))


def names(tree: Tree) -> set[str]:
    """The names that occur free: not those that a sum binds."""
    if isinstance(tree, Name):
        return {tree.text}
    if isinstance(tree, Big):
        ends = [names(end) for end in (tree.low, tree.high) if end]
        inside = names(tree.body) | (names(tree.where) if tree.where else set())
        return (inside - {tree.index}).union(*ends)
    return set().union(*(names(part) for part in parts(tree)))


def indices(tree: Tree) -> set[str]:
    """The names that occur free in the place of an index."""
    if isinstance(tree, At):
        return indices(tree.base).union(*(names(i) for i in tree.at))
    if isinstance(tree, Delta):
        return names(tree.i) | names(tree.j)
    if isinstance(tree, Rel) and tree.op in ("=", "≠") and _between_indices(tree):
        return names(tree)
    if isinstance(tree, Big):
        inside = indices(tree.body) | (indices(tree.where) if tree.where else set())
        return inside - {tree.index}
    return set().union(*(indices(part) for part in parts(tree)))


def _between_indices(tree: Rel) -> bool:
    sides = (tree.left, tree.right)
    return all(isinstance(side, Name | Num) for side in sides) and not all(
        isinstance(side, Num) for side in sides
    )


def negated(tree: Tree) -> Tree:
    """The same with the other sign."""
    return tree.of if isinstance(tree, Neg) else Neg(tree)
