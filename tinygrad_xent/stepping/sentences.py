"""What happens in a step, in one plain sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..graph import Tensor, numbers
from ..ops.settling import SETTLING
from .numbers import is_finite
from .records import Edge


def forward_sentence(node: Tensor, symbol: str) -> str:
    """A value is given, or computed.

    >>> import tinygrad_xent as tx
    >>> forward_sentence(tx.tensor([1.0, 2.0]), "x")
    'x is given.'
    """
    bad = _odd(node)
    odd = f"; {bad} appears in it" if bad else ""
    return f"{symbol} is {'given' if node.op is None else 'computed'}{odd}."


def _odd(node: Tensor) -> str:
    """NaN or an infinity that is in a result, but in none of its arguments."""
    if is_finite(node._value):
        return ""
    args = list(map(numbers, node.args))
    if node.op is not None and not all(map(is_finite, args)):
        return ""
    value = np.ravel(node._value)
    return str(value[~np.isfinite(value)][0])


def backward_sentence(
    node: Tensor, symbol: str, names: Sequence[str], edges: Sequence[Edge], first: bool
) -> str:
    """What a node passes back to each of its arguments.

    Args:
        node: the node.
        symbol: what it is called.
        names: what its arguments are called, edge by edge.
        edges: what goes where.
        first: whether the walk starts here.
    """
    start = "The walk back starts here. " if first else ""
    sent = [(n, e) for n, e in zip(names, edges, strict=True) if e.contribution is not None]
    if not sent:
        return f"{start}{symbol} passes nothing back."
    same = all(edge.rule == "g" for _, edge in sent)
    how = "what arrived" if same else "what arrived times its derivative,"
    if node.op is not None and node.op.name in SETTLING:
        how = "what arrived, for the largest entry as minus the sum of the others, digit by digit,"
    targets = [_target(name, edge) for name, edge in sent]
    return f"{start}{symbol} passes back {how} to {' and to '.join(targets)}."


def _target(name: str, edge: Edge) -> str:
    """`q`, with the number of the contribution if there are several."""
    which = f" (contribution {edge.index} of {edge.count})" if edge.count > 1 else ""
    return f"{name}{which}"


def gradient_sentence(symbol: str, loss: str, count: int) -> str:
    """All that a leaf receives has arrived."""
    how = {1: "The one contribution is in", 2: "Both contributions are in"}
    start = how.get(count, f"All {count} contributions are in")
    return f"{start}: this is d {loss} / d {symbol}."
