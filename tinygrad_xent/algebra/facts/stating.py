"""Where assumptions come from.

One is stated by the user (`Simplex(p)`, `Positive(x)`, `x > 0`, `p.sum() == 1`), or comes with the
loss: where log x occurs, x is positive, or there would be no loss to differentiate.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...errors import DeriveError, describe, explain
from ...graph import Tensor, op_name, toposort
from ...writing.text import text
from ..terms.views import is_number
from .assumptions import Assumption, Kink, NonNegative, Nonzero, Positive, SumsToOne, Symmetric


def stated(assume: Any) -> list[Assumption]:
    """The assumptions of a caller, who may write them as comparisons."""
    facts = assume if isinstance(assume, (list, tuple)) else (assume,)
    return [fact if isinstance(fact, Assumption) else _from_comparison(fact) for fact in facts]


def _from_comparison(fact: Any) -> Assumption:
    name = op_name(fact)
    args: tuple[Any, ...] = fact.args if name else ()
    if name in _SIGNS and is_number(args[1]) and args[1] == 0:
        return _SIGNS[name](args[0])
    if name in _MIRRORED and is_number(args[1]) and args[1] == 0:
        return _MIRRORED[name](-args[0])
    if name == "equal" and op_name(args[0]) == "sum" and is_number(args[1]) and args[1] == 1:
        if len(args[0].params["axis"]) == 1:
            return SumsToOne(args[0].args[0], args[0].params["axis"][0])
    if name == "equal" and any(_is_transpose(x, y) for x, y in (args, args[::-1])):
        return Symmetric(args[0] if op_name(args[1]) == "transpose" else args[1])
    raise DeriveError(
        explain(
            "derive: not an assumption it knows",
            text(fact) if isinstance(fact, Tensor) else describe(fact),
            "tx.Simplex(p), tx.OneHot(y), tx.Positive(x), tx.NonNegative(x), tx.Nonzero(x), "
            "tx.Symmetric(A), tx.Constant(t), p.sum() == 1, x > 0, x >= 0, x != 0",
        )
    )


def _is_transpose(x: Any, y: Any) -> bool:
    return op_name(y) == "transpose" and y.args[0] is x


_SIGNS = {"greater": Positive, "greater_equal": NonNegative, "not_equal": Nonzero}
_MIRRORED = {"less": Positive, "less_equal": NonNegative}


def of_the_loss(loss: Tensor) -> list[Assumption]:
    """What must hold for the loss to have a value and a slope."""
    return [fact for node in toposort(loss) for fact in _needed_by(node)]


def _needed_by(node: Tensor) -> Iterator[Assumption]:
    name, args = op_name(node), node.args
    if name in ("log", "sqrt") or (name == "power" and not _is_integer(args[1])):
        if isinstance(args[0], Tensor):
            yield Positive(args[0])
    elif name == "div" and isinstance(args[1], Tensor):
        yield Nonzero(args[1])
    elif name in ("maximum", "minimum"):
        yield Kink(args[0] - args[1])


def _is_integer(exponent: Any) -> bool:
    return is_number(exponent) and float(exponent).is_integer()
