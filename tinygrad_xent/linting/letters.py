"""What may stand in a repair: the letters of a line, and the entries and factors made of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from ..reading.latex_tree import (
    Add,
    At,
    Big,
    Call,
    Delta,
    Name,
    Tree,
    indices,
    walk,
)
from .document import Document


@dataclass(frozen=True)
class Letters:
    """What may stand in an edit: index letters, lengths, names of each rank, and small factors."""

    indices: tuple[str, ...]
    sizes: tuple[str, ...]
    names: dict[str, int]
    factors: tuple[Tree, ...]


def letters_of(document: Document, a: Tree, b: Tree) -> Letters:
    """The letters of two sides of a relation, and of what they are made of."""
    everything = [*walk(a), *walk(b)]
    used = document.closure(a) | document.closure(b)
    bound = {n.index for n in everything if isinstance(n, Big)}
    found = sorted((indices(a) | indices(b) | bound) - document.sizes)
    places = {id(i) for n in everything for i in (n.at if isinstance(n, At) else ())}
    shown = {n.text for n in everything if isinstance(n, Name) and id(n) not in places}
    named = {x: document.rank(x) for x in sorted(shown - document.sizes - {*found})}
    factors = dict.fromkeys(n for n in everything if _is_factor(n, document.sizes, {*found}))
    factors |= dict.fromkeys(_entries(document, used - document.sizes - {*found}, found))
    factors |= dict.fromkeys(_exponentials(document, used, found))
    deltas = [Delta(Name(i), Name(j)) for i, j in itertools.combinations(found, 2)]
    sizes = tuple(sorted(document.sizes & used))
    return Letters(tuple(found), sizes, named, (*list(factors)[:40], *deltas[:3]))


def _entries(document: Document, used: set[str], letters: list[str]) -> Iterator[Tree]:
    """The entries of what the two sides are made of, at the indices of the line."""
    for name in sorted(used):
        if name in document.functions or (len(name) > 1 and name.isalpha()):
            continue
        rank = document.rank(name)
        for at in itertools.permutations(letters, rank) if rank < 3 else ():
            yield At(Name(name), tuple(map(Name, at))) if rank else Name(name)


def _exponentials(document: Document, used: set[str], letters: list[str]) -> Iterator[Tree]:
    """e^{z_k}, where an exponential is in use."""
    for name in sorted(used - document.definitions.keys()) if "exp" in used else ():
        if document.rank(name) == 1:
            for letter in letters:
                yield Call("exp", (At(Name(name), (Name(letter),)),))


def _is_factor(tree: Tree, sizes: set[str], letters: set[str]) -> bool:
    if isinstance(tree, Name):
        return tree.text not in sizes | letters
    if isinstance(tree, Add):
        return len(tree.terms) == 2 and all(len([*walk(t)]) < 6 for t in tree.terms)
    return isinstance(tree, At | Delta) or (isinstance(tree, Call) and len([*walk(tree)]) < 8)
