"""The coefficients of an expansion: numbers, or formulas in the entries of the variables.

A formula is a scalar Tensor at a random point, so that what is 0 there is 0 everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..graph import Tensor

Coefficient = Any  # a Python float, or a scalar Tensor
_TINY = 1e-11
_POSITIVE_OPS = frozenset({"exp", "abs", "sqrt", "size"})


def value(c: Coefficient) -> float:
    """What it is at the random point."""
    return c.item() if isinstance(c, Tensor) else float(c)


def add(a: Coefficient, b: Coefficient) -> Coefficient:
    """The sum; 0 where the parts cancel."""
    if _is(a, 0.0) or _is(b, 0.0):
        return b if _is(a, 0.0) else a
    total = a + b
    cancels = abs(value(total)) <= _TINY * (abs(value(a)) + abs(value(b)))
    return 0.0 if cancels else total


def mul(a: Coefficient, b: Coefficient) -> Coefficient:
    """The product, without factors of 1."""
    if _is(a, 0.0) or _is(b, 0.0):
        return 0.0
    for x, y in ((a, b), (b, a)):
        if _is(x, 1.0):
            return y
        if _is(x, -1.0):
            return -y
    return a * b


def _is(c: Coefficient, number: float) -> bool:
    return not isinstance(c, Tensor) and c == number


def sign(c: Coefficient, positive: frozenset[int]) -> float | None:
    """1, -1 or 0 if that is certain, else None.

    Args:
        positive: the `id` of the leaves that are known to be positive.

    >>> x = Tensor(0.5)
    >>> sign(x.exp() * -2, frozenset()), sign(x, frozenset())
    (-1.0, None)
    """
    if not isinstance(c, Tensor):
        return float((c > 0) - (c < 0))
    if c.op is None:
        return 1.0 if id(c) in positive else None
    if c.op.name in _POSITIVE_OPS:
        return 1.0
    rule = _SIGNS.get(c.op.name)
    signs = [sign(a, positive) for a in c.args]
    return None if rule is None or None in signs else rule(*signs)


def _of_sum(a: float, b: float) -> float | None:
    return a or b if a * b >= 0 else None


_SIGNS: dict[str, Callable[..., float | None]] = {
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a * b,
    "neg": lambda a: -a,
    "add": _of_sum,
    "sub": lambda a, b: _of_sum(a, -b),
    "power": lambda a, b: 1.0 if a > 0 else None,
    "log1p": lambda a: 1.0 if a > 0 else None,
    "tanh": lambda a: a,
    "sign": lambda a: a,
}
