"""Assumptions under which a line may follow: tried one by one, then in pairs, weakest first."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from ..errors import ParseError, explain
from ..reading.latex_text import latex
from ..reading.latex_tree import At, Name, Num, Rel, Transposed, Tree, indices, walk
from .comparing import index_pairs
from .document import Document
from .world import Facts

_INDICES = frozenset("ijklrst")


@dataclass(frozen=True)
class Assumption:
    """Something taken for granted, with how it is named in a report."""

    text: str
    facts: Facts


def together(*several: Facts) -> Facts:
    """All of them."""
    merged: dict[str, Any] = {}
    for field in fields(Facts):
        values = [getattr(f, field.name) for f in several]
        if isinstance(values[0], frozenset):
            merged[field.name] = frozenset().union(*values)
        elif isinstance(values[0], float):
            merged[field.name] = max(values)
        else:
            merged[field.name] = {k: v for value in values for k, v in value.items()}
    return Facts(**merged)


def sums_to_one(name: str, rank: int = 1) -> Assumption:
    at = "i" if rank == 1 else ",".join("nij"[:rank])
    index = at[-1]
    return Assumption(rf"\sum_{index} {_with(name, at)} = 1", Facts(simplex=frozenset([name])))


def _with(name: str, at: str) -> str:
    return f"{name}_{at}" if len(at) == 1 else f"{name}_{{{at}}}"


def candidates(document: Document, a: Tree, b: Tree) -> Iterator[tuple[Assumption, ...]]:
    """What may be missing, from what the two sides use."""
    used = document.closure(a) | document.closure(b)
    free = sorted(x for x in used if _is_variable(document, x, (a, b)))
    vectors = [x for x in free if document.rank(x)]
    simplex = [sums_to_one(x, document.rank(x)) for x in vectors]
    sizes = [*_sizes(document, a, b)]
    functions = [*_functions(document, used), *_identity(document, free)]
    for x in free:
        yield (Assumption(f"{x} > 0", Facts(positive=frozenset([x]))),)
    if len(free) > 1:
        yield (Assumption(", ".join(free) + " > 0", Facts(positive=frozenset(free))),)
    for one in [*simplex, *functions, *_onehot(document, vectors, a, b), *sizes,
                *_unequal(document, a, b), *_binary(document, free)]:  # fmt: skip
        yield (one,)
    yield from itertools.product(sizes, simplex)
    yield from itertools.product(functions, simplex)
    yield from itertools.combinations(simplex, 2)


def _is_variable(document: Document, name: str, trees: tuple[Tree, ...]) -> bool:
    letters = set().union(*map(indices, trees)) | {"\\pi", "\\infty"} | document.functions
    return not (name in document.definitions or name in document.sizes or name in letters
                or name in document.lengths.declared or _is_index(document, name)
                or (len(name) > 1 and name[0].isalpha() and "_" not in name))  # fmt: skip


def _is_index(document: Document, name: str) -> bool:
    return name in document.letters and document.rank(name) == 0


def _onehot(document: Document, vectors: list[str], a: Tree, b: Tree) -> Iterator[Assumption]:
    letters = sorted((indices(b) - indices(a)) - document.sizes - document.bound)
    for x in vectors:
        for letter in letters:
            if document.rank(x) == 1:
                text = f"{x} is one-hot, with the 1 at {letter}"
                yield Assumption(text, Facts(onehot={x: letter}))


def _sizes(document: Document, a: Tree, b: Tree) -> Iterator[Assumption]:
    """n = 2 where entries 1 and 2 are written out."""
    largest: dict[str, int] = {}
    for node in (*walk(a), *walk(b)):
        if isinstance(node, At) and isinstance(node.base, Name):
            for k, i in enumerate(node.at):
                if isinstance(i, Num) and i.value.denominator == 1:
                    label = document.lengths.label(("axis", node.base.text, k))
                    key = label or f"|{node.base.text}|"
                    largest[key] = max(largest.get(key, 0), i.value.numerator)
    if largest and max(largest.values()) > 1:
        text = " and ".join(f"{k} = {v}" for k, v in sorted(largest.items()))
        yield Assumption(text, Facts(sizes=largest))


def _unequal(document: Document, a: Tree, b: Tree) -> Iterator[Assumption]:
    """i != k; but not where a delta of the two has just been dropped: that is a slip."""
    both = sorted((indices(a) & indices(b)) - document.sizes)
    for i, j in itertools.combinations(both, 2):
        if (i, j) not in index_pairs((a,)):
            yield Assumption(rf"{i} \neq {j}", Facts(unequal=frozenset([(i, j)])))


def _functions(document: Document, used: set[str]) -> Iterator[Assumption]:
    """sigma is usually the logistic function."""
    for name in sorted(used & document.functions - document.definitions.keys()):
        for known in ("sigmoid", "softmax", "tanh"):
            if name in ("\\sigma", "S", "s", "g", "\\phi", "f"):
                yield Assumption(f"{name} is the {known}", Facts(functions={name: known}))


def _identity(document: Document, free: list[str]) -> Iterator[Assumption]:
    """I is usually the identity matrix, whose entries are Kronecker's delta."""
    if "I" in free and document.rank("I") == 2:
        yield Assumption("I is the identity matrix", Facts(identity=frozenset(["I"])))


def _binary(document: Document, free: list[str]) -> Iterator[Assumption]:
    for x in free:
        if x in ("y", "t", "d"):
            yield Assumption(f"{x} is 0 or 1", Facts(binary=frozenset([x])))


# -- said in the document -------------------------------------------------------------------------


def conditions_of(document: Document, relations: Sequence[Tree]) -> list[Assumption]:
    """What conditions such as i = j, x > 0 and n = 2 let one take for granted."""
    found = []
    for relation in relations:
        facts = _said(document, relation)
        if facts is not None:
            found.append(Assumption(latex(relation), facts))
    return found


def symmetric(document: Document) -> list[Assumption]:
    """That the square matrices of a document are symmetric, where its words say so."""
    square = [x for x, rank in document.ranks.items() if rank == 2 and x.isupper()]
    return [Assumption(rf"{x} = {x}^\top", Facts(symmetric=frozenset([x]))) for x in square]


def _said(document: Document, relation: Tree) -> Facts | None:
    match relation:
        case Rel("=" | "≠" as op, Name(i), Name(j)) if {i, j} <= document.letters | _INDICES:
            pair = frozenset([(min(i, j), max(i, j))])
            return Facts(equal=pair) if op == "=" else Facts(unequal=pair)
        case Rel("=", Name(x), Transposed(Name(other))) if x == other:
            return Facts(symmetric=frozenset([x]))
        case Rel(">" | "≥", Name(x) | At(Name(x)), Num(value)) if value == 0:
            return Facts(positive=frozenset([x]))
        case Rel("=", Name(n), Num(value)) if n in document.sizes and value.denominator == 1:
            return Facts(sizes={n: value.numerator}) if 0 < value < 5 else None
    return None


# -- given by the user ----------------------------------------------------------------------------

_WORKS = "sum(p)=1, sum_i p_i = 1, x>0, onehot(p), n=2, i!=k"


def given(text: str) -> Assumption:
    """An assumption as a user writes it.

    Raises:
        ParseError: none of the forms that are known.

    >>> given("sum(p) = 1").facts.simplex
    frozenset({'p'})
    """
    name = r"(\\?[A-Za-z]\w*)"
    squeezed = re.sub(r"\s+|\{|\}", "", text)
    forms: list[tuple[str, str]] = [
        (rf"sum\({name}\)=1", "simplex"), (rf"\\?sum_[a-z]({name[1:-1]}?)_\w+=1", "simplex"),
        (rf"simplex\({name}\)", "simplex"), (rf"{name}>0", "positive"),
        (rf"positive\({name}\)", "positive"), (rf"one_?hot\({name}\)", "onehot"),
        (r"([A-Za-z])=(\d)", "size"), (r"([a-z])(?:!=|\\neq?|≠)([a-z])", "unequal"),
        (r"([a-z])=([a-z])", "equal"), (r"([A-Z])=\1(?:\^T|\^\\top|\.T)", "symmetric"),
    ]  # fmt: skip
    for form, kind in forms:
        match = re.fullmatch(form, squeezed)
        if match:
            return Assumption(text.strip(), _facts(kind, *match.groups()))
    raise ParseError(explain("assume: not one of the assumptions that it knows", text, _WORKS))


def _facts(kind: str, first: str, second: str = "") -> Facts:
    if kind in ("simplex", "positive", "symmetric"):
        return Facts(**{kind: frozenset([first])})  # type: ignore[arg-type]
    if kind == "onehot":
        return Facts(onehot={first: ""})
    if kind == "size":
        return Facts(sizes={first: int(second)})
    return Facts(**{kind: frozenset([(min(first, second), max(first, second))])})  # type: ignore[arg-type]
