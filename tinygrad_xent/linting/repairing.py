"""A line that is wrong by one slip: the edits that people need, tried until one is right."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from ..reading.latex_formulas import sum_of
from ..reading.latex_text import latex
from ..reading.latex_tree import (
    Add,
    At,
    Big,
    Call,
    Cases,
    Delta,
    Frac,
    Mul,
    Name,
    Neg,
    Num,
    Pow,
    Tree,
    indices,
    negated,
    substitute,
    with_parts,
)
from .letters import Letters

_HALF = Num(Fraction(1, 2))


@dataclass(frozen=True)
class Edit:
    """One change, what kind of slip it undoes, and that slip in words."""

    kind: str
    text: str
    tree: Tree


def edits(tree: Tree, letters: Letters) -> Iterator[Edit]:
    """Formulas that differ from this one in one place, likely slips first."""
    seen = {tree}
    for found in _all(tree, letters):
        if found.tree not in seen:
            seen.add(found.tree)
            yield found


def _all(tree: Tree, letters: Letters) -> Iterator[Edit]:
    yield Edit("sign", "the sign is flipped", _flipped(tree))
    yield from _everywhere(tree, lambda node: _signs(node))
    yield from _everywhere(tree, lambda node: _index_edits(node, letters))
    yield from _sums(tree, letters)
    for i, j in itertools.combinations(letters.indices, 2):
        swapped = substitute(tree, {i: Name(j), j: Name(i)})
        yield Edit("index", f"the indices {i} and {j} are swapped", swapped)
    yield from _everywhere(tree, lambda node: _range_edits(node, letters))
    yield from _everywhere(tree, lambda node: _symbol_edits(node, letters))
    yield from _everywhere(tree, lambda node: _extra(node))
    yield from _everywhere(tree, lambda node: _number_edits(node, letters))
    yield from _scaled(tree, letters)
    yield from _missing(tree, letters)
    yield from _everywhere(tree, lambda node: _other_entry(node, letters))
    yield from _added(tree, letters)


def _flipped(tree: Tree) -> Tree:
    """The other sign; of a difference, the other difference."""
    if not isinstance(tree, Add):
        return negated(tree)
    terms = [negated(term) for term in tree.terms]
    return Add(tuple(sorted(terms, key=lambda term: isinstance(term, Neg))))


Local = Callable[[Tree], Iterator[Edit]]


def _everywhere(tree: Tree, local: Local) -> Iterator[Edit]:
    """Each local edit, at each place."""
    yield from local(tree)
    children: list[Tree] = []
    with_parts(tree, lambda part: children.append(part) or part)  # type: ignore[func-returns-value]
    for k, child in enumerate(children):
        for edit in _everywhere(child, local):
            queue = iter([*children[:k], edit.tree, *children[k + 1 :]])
            yield Edit(edit.kind, edit.text, with_parts(tree, lambda _, q=queue: next(q)))  # type: ignore[misc]


def _signs(node: Tree) -> Iterator[Edit]:
    if isinstance(node, Add):
        for k, term in enumerate(node.terms):
            terms = (*node.terms[:k], negated(term), *node.terms[k + 1 :])
            yield Edit("sign", "the sign of a term is flipped", Add(terms))
    elif isinstance(node, Neg):
        yield Edit("sign", "a minus too many", node.of)
    elif isinstance(node, Cases):
        for k, value in enumerate(node.values):
            values = (*node.values[:k], negated(value), *node.values[k + 1 :])
            yield Edit("sign", "the sign of a case is flipped", Cases(values, node.conditions))
    elif isinstance(node, Call) and node.name == "exp":
        other = Call("exp", (negated(node.args[0]),))
        yield Edit("sign", "the sign of an exponent is flipped", other)


def _index_edits(node: Tree, letters: Letters) -> Iterator[Edit]:
    if isinstance(node, At):
        yield from _at_edits(node, letters)
    elif isinstance(node, Delta):
        for i in letters.indices:
            if isinstance(node.i, Name) and i != node.i.text:
                yield _index(node.i.text, i, Delta(Name(i), node.j))
            if isinstance(node.j, Name) and i != node.j.text:
                yield _index(node.j.text, i, Delta(node.i, Name(i)))


def _at_edits(node: At, letters: Letters) -> Iterator[Edit]:
    for a, b in itertools.combinations(range(len(node.at)), 2):
        at = [*node.at]
        at[a], at[b] = at[b], at[a]
        yield Edit("subscripts", "two subscripts are swapped", At(node.base, tuple(at)))
    for k, index in enumerate(node.at):
        if isinstance(index, Name):
            for other in letters.indices:
                if other != index.text:
                    at = [*node.at]
                    at[k] = Name(other)
                    yield _index(index.text, other, At(node.base, tuple(at)))
        elif isinstance(index, Num):
            for other_place in (1, 2, 3):
                if index.value != other_place:
                    at = [*node.at]
                    at[k] = Num(Fraction(other_place))
                    yield _index(str(index.value), str(other_place), At(node.base, tuple(at)))


def _index(wrong: str, right: str, tree: Tree) -> Edit:
    return Edit("index", f"an index is {wrong} where {right} is meant", tree)


def _sums(tree: Tree, letters: Letters) -> Iterator[Edit]:
    for index in letters.indices:
        yield from _everywhere(tree, lambda n, i=index: _summed(n, i))  # type: ignore[misc]
    yield from _everywhere(tree, lambda node: _over(node, letters))


def _summed(node: Tree, index: str) -> Iterator[Edit]:
    if isinstance(node, Mul | At | Add | Frac | Neg) and index in indices(node):
        text = f"the sum over {index} is missing"
        yield Edit("sum", text, Big("sum", index, None, None, None, node))


def _over(node: Tree, letters: Letters) -> Iterator[Edit]:
    if isinstance(node, Big):
        for index in letters.indices:
            if index != node.index:
                other = Big(node.kind, index, node.low, node.high, node.where, node.body)
                yield Edit("index", f"the sum runs over {node.index} where {index} is meant", other)
        yield Edit("sum", "a sum too many", node.body)


def _range_edits(node: Tree, letters: Letters) -> Iterator[Edit]:
    if isinstance(node, Big) and node.high is not None:
        for size in letters.sizes:
            if node.high != Name(size):
                other = Big(node.kind, node.index, node.low, Name(size), node.where, node.body)
                yield Edit("range", f"the sum has to run to {size}", other)
    if isinstance(node, Name) and node.text in letters.sizes:
        for size in letters.sizes:
            if size != node.text:
                yield Edit("range", f"{node.text} where {size} is meant", Name(size))


def _symbol_edits(node: Tree, letters: Letters) -> Iterator[Edit]:
    if isinstance(node, At) and isinstance(node.base, Name):
        rank = letters.names.get(node.base.text)
        for other, its in letters.names.items():
            if other != node.base.text and its == rank:
                yield _symbol(node.base.text, other, At(Name(other), node.at))
    elif isinstance(node, Name) and node.text in letters.names:
        for other, its in letters.names.items():
            if other != node.text and its == letters.names[node.text]:
                yield _symbol(node.text, other, Name(other))


def _other_entry(node: Tree, letters: Letters) -> Iterator[Edit]:
    """W_{ji} where x_i is meant."""
    if isinstance(node, At):
        for factor in letters.factors:
            if isinstance(factor, At | Name) and factor != node:
                yield _symbol(latex(node), latex(factor), factor)


def _symbol(wrong: str, right: str, tree: Tree) -> Edit:
    return Edit("symbol", f"{wrong} stands where {right} is meant", tree)


def _scaled(tree: Tree, letters: Letters) -> Iterator[Edit]:
    for factor, name in ((Num(Fraction(2)), "2"), (_HALF, "1/2")):
        yield Edit("factor", f"a factor {name} is missing", _times(factor, tree))
    for size in letters.sizes:
        yield Edit("factor", f"a factor {size} is missing", _times(Name(size), tree))
    scalars = [factor for factor in letters.factors if isinstance(factor, Name)]
    for below in (*map(Name, letters.sizes), *scalars):
        over = Frac(Num(Fraction(1)), below)
        yield Edit("factor", f"a factor 1/{below.text} is missing", _times(over, tree))
    if isinstance(tree, Add):
        for k, term in enumerate(tree.terms):
            for factor, name in ((Num(Fraction(2)), "2"), (_HALF, "1/2")):
                terms = (*tree.terms[:k], _times(factor, term), *tree.terms[k + 1 :])
                yield Edit("factor", f"a factor {name} is missing in a term", Add(terms))


def _times(factor: Tree, tree: Tree) -> Tree:
    return Neg(Mul(factor, tree.of)) if isinstance(tree, Neg) else Mul(factor, tree)


def _number_edits(node: Tree, letters: Letters) -> Iterator[Edit]:
    if isinstance(node, Num):
        for value in (Fraction(1), Fraction(2), Fraction(1, 2), Fraction(0)):
            if value != node.value:
                yield Edit("factor", f"{node.value} where {value} is meant", Num(value))
        for delta in letters.factors:
            if isinstance(delta, Delta) and node.value == 1:
                yield Edit("delta", "a Kronecker delta is missing", delta)
    elif isinstance(node, Pow):
        yield Edit("factor", "a power too many", node.base)
    elif isinstance(node, Frac):
        yield Edit("factor", "a fraction is upside down", Frac(node.under, node.over))


def _missing(tree: Tree, letters: Letters) -> Iterator[Edit]:
    for factor in letters.factors:
        kind, what = ("delta", "a Kronecker delta") if isinstance(factor, Delta) else (
            "factor", "a factor")  # fmt: skip
        text = f"{what} is missing"
        yield Edit(kind, text, _times(factor, tree))
        yield from _everywhere(tree, lambda n, f=factor, k=kind, t=text: _into(n, f, k, t))  # type: ignore[misc]


def _into(node: Tree, factor: Tree, kind: str, text: str) -> Iterator[Edit]:
    if isinstance(node, Add):
        for k, term in enumerate(node.terms):
            terms = (*node.terms[:k], _times(factor, term), *node.terms[k + 1 :])
            yield Edit(kind, text, Add(terms))
    elif isinstance(node, Big):
        body = _times(factor, node.body)
        yield Edit(kind, text, Big(node.kind, node.index, node.low, node.high, node.where, body))
    elif isinstance(node, Frac):
        yield Edit(kind, text, Frac(node.over, _times(factor, node.under)))


def _extra(node: Tree) -> Iterator[Edit]:
    if isinstance(node, Mul):
        for kept, gone in ((node.left, node.right), (node.right, node.left)):
            kind = "delta" if isinstance(gone, Delta) else "factor"
            yield Edit(kind, "a factor too many", kept)
    elif isinstance(node, Add):
        for k in range(len(node.terms)):
            yield Edit("term", "a term too many", sum_of((*node.terms[:k], *node.terms[k + 1 :])))
    elif isinstance(node, Frac):
        yield Edit("factor", "a denominator too many", node.over)


def _added(tree: Tree, letters: Letters) -> Iterator[Edit]:
    terms = tree.terms if isinstance(tree, Add) else (tree,)
    for factor in letters.factors:
        kind = "delta" if isinstance(factor, Delta) else "term"
        for term in (factor, Neg(factor)):
            yield Edit(kind, "a term is missing", Add((*terms, term)))
        yield from _everywhere(tree, lambda n, f=factor, k=kind: _bracketed(n, f, k))  # type: ignore[misc]


def _bracketed(node: Tree, factor: Tree, kind: str) -> Iterator[Edit]:
    """δ - q where a product has only -q."""
    if isinstance(node, Neg | At | Num) and isinstance(factor, Delta):
        yield Edit(kind, "a Kronecker delta is missing", Add((factor, node)))
    if isinstance(node, Mul):
        for other in (factor, Neg(factor)):
            if isinstance(node.right, Add):
                grown = Add((*node.right.terms, other))
                yield Edit(kind, "a term is missing", Mul(node.left, grown))
            if isinstance(factor, Delta) and isinstance(node.right, At | Neg):
                for right in (node.right, negated(node.right)):
                    whole = Mul(node.left, Add((other, right)))
                    yield Edit(kind, "a Kronecker delta is missing", whole)
