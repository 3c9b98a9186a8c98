"""Random points for the letters of a document, at small lengths, where assumptions may hold.

A third of the points are any numbers, a third positive, a third between 0 and 1, so that there are
points at which logarithms and odds are defined. A name that nothing defines is a variable; a
function that nothing defines is a smooth function like no other.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..graph import Tensor
from ..ops import exp, sin

POINTS = 24


@dataclass(frozen=True)
class Facts:
    """What is taken for granted.

    Attributes:
        simplex: vectors whose entries are positive and sum to 1.
        onehot: vectors that are 1 at the place that the named index has (or at the first).
        positive, unit: names that are above 0; between 0 and 1.
        symmetric, identity: square matrices that are their own transposes; that are the identity.
        binary: names that are 0 or 1.
        sizes: lengths with a value, such as n = 2.
        equal, unequal: pairs of indices.
        functions: what an undefined function is, such as sigma: sigmoid.
        depends: names that depend on another in a way that is not said: q on theta.
        given: entries with a value: x_1 = 0.2.
        spread: how far apart values are drawn; large, where something is to be nearly 0 or 1.
    """

    simplex: frozenset[str] = frozenset()
    onehot: Mapping[str, str] = field(default_factory=dict)
    positive: frozenset[str] = frozenset()
    unit: frozenset[str] = frozenset()
    symmetric: frozenset[str] = frozenset()
    identity: frozenset[str] = frozenset()
    binary: frozenset[str] = frozenset()
    sizes: Mapping[str, int] = field(default_factory=dict)
    equal: frozenset[tuple[str, str]] = frozenset()
    unequal: frozenset[tuple[str, str]] = frozenset()
    functions: Mapping[str, str] = field(default_factory=dict)
    depends: Mapping[str, frozenset[str]] = field(default_factory=dict)
    given: Mapping[tuple[str, tuple[int, ...]], float] = field(default_factory=dict)
    spread: float = 1.0


def seeded(*parts: object) -> np.random.Generator:
    """The same numbers for the same names, in every run."""
    return np.random.default_rng(zlib.crc32(repr(parts).encode()))


def drawn(name: str, shape: tuple[int, ...], trial: int, facts: Facts) -> np.ndarray:
    """Values of a variable, the points along the first axis."""
    rng = seeded(name, shape, trial)
    full = (POINTS, *shape)
    kind = np.arange(POINTS).reshape(-1, *[1] * len(shape)) % 3
    unit = rng.uniform(0.05, 0.95, full)
    values = np.where(kind == 0, rng.normal(size=full) * 1.3, np.where(kind == 1, unit * 3, unit))
    values = values * facts.spread
    if name in facts.positive:
        values = unit * 3
    if name in facts.unit:
        values = unit
    if name in facts.binary:
        values = np.round(unit)
    if name in facts.symmetric and len(shape) == 2 and shape[0] == shape[1]:
        values = values + values.swapaxes(1, 2)
    if name in facts.identity and len(shape) == 2:
        values = np.broadcast_to(np.eye(*shape), full).copy()
    if name in facts.simplex and shape:
        values = unit / unit.sum(axis=-1, keepdims=True)
    for (given, at), value in facts.given.items():
        if given == name and all(1 <= i <= n for i, n in zip(at, shape, strict=False)):
            places: tuple[Any, ...] = (..., *(i - 1 for i in at))
            values[places] = value
    return values


def opaque(name: str, x: Any) -> Any:
    """A smooth function that only the same name shares."""
    a, b, c, d = seeded("function", name).uniform(0.5, 1.5, 4)
    return a * sin(b * x + c) + d * 0.3 * x * x


def implicit(name: str, at: tuple[int, ...], base: Any, on: list[Any]) -> Any:
    """A quantity as some smooth function of others, which keeps its sign."""
    weights = seeded("depends", name, at).uniform(0.2, 0.9, len(on))
    result: Any = 0.0
    for weight, x in zip(weights, on, strict=True):
        result = result + float(weight) * sin(x * float(1 + weight))
    return base * exp(result)


def leaf(values: np.ndarray) -> Tensor:
    return Tensor(np.ascontiguousarray(values))
