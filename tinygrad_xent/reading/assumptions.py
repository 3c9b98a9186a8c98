"""Assumptions as people write them: `sum(p)=1`, `x > 0`, `onehot(y)`."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from ..algebra.facts.assumptions import (
    Assumption,
    Constant,
    NonNegative,
    Nonzero,
    OneHot,
    Positive,
    Simplex,
    SumsToOne,
    Symmetric,
)
from ..algebra.facts.stating import stated
from ..errors import DeriveError
from ..graph import Tensor
from ..ops.shaping import axes
from .grammar import Source, parse
from .literals import setting
from .reader import graph

_KINDS: dict[str, type[Assumption]] = {
    "simplex": Simplex, "onehot": OneHot, "positive": Positive, "nonnegative": NonNegative,
    "nonzero": Nonzero, "symmetric": Symmetric, "constant": Constant,
}  # fmt: skip
_FORMS = "sum(p)=1, sum(p, axis=1)=1, x>0, x>=0, x!=0, A=A.T, " + ", ".join(
    f"{kind}(x)" for kind in _KINDS
)
_EQUALS = re.compile(r"(?<![<>=!])=(?!=)(?=[^()]*$)")  # not that of axis=1, nor of >=


def assumption(text: str, variables: Mapping[str, Tensor]) -> Assumption:
    """What a line of text takes for granted.

    Args:
        text: `sum(p)=1`, `sum(p, axis=1)=1`, `x>0`, `x>=0`, `x!=0`, `A=A.T`, `simplex(p)`,
            `onehot(y)`, `positive(x)`, `nonnegative(x)`, `nonzero(x)`, `symmetric(A)` or
            `constant(t)`.
        variables: what the names stand for.

    Raises:
        ParseError: none of these.

    >>> str(assumption("sum(p) = 1", {"p": Tensor([0.5, 0.5], "p")}))
    'sum(p) = 1'
    """
    source = Source(_EQUALS.sub("==", text))
    tree = parse(source)
    match tree:
        case ast.Call(func=ast.Name(id=name)) if name.replace("_", "").lower() in _KINDS:
            kind = _KINDS[name.replace("_", "").lower()]
            return _of_kind(source, kind, tree, variables)
        case ast.Compare():
            return _of_comparison(source, tree, variables)
    source.refuse("assume: this is not one of the assumptions it knows", tree, _FORMS)


def _of_kind(
    source: Source, kind: type[Assumption], call: ast.Call, variables: Mapping[str, Tensor]
) -> Assumption:
    settings = {k.arg: setting(source, "axis", k.value) for k in call.keywords}
    known = {"axis"} if issubclass(kind, SumsToOne) else set()
    whole = all(type(value) is int for value in settings.values())
    if len(call.args) != 1 or settings.keys() - known or not whole:
        source.refuse("assume: one expression is wanted here", call, _FORMS)
    of = graph(source, call.args[0], variables)
    if issubclass(kind, SumsToOne):
        axes("assume", of, settings.get("axis", -1))
    return kind(of, **settings)  # type: ignore[arg-type]


def _of_comparison(
    source: Source, tree: ast.Compare, variables: Mapping[str, Tensor]
) -> Assumption:
    try:
        return stated(graph(source, tree, variables))[0]
    except DeriveError:
        source.refuse("assume: this is not one of the assumptions it knows", tree, _FORMS)
