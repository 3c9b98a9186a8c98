"""A small counterexample: few entries and small numbers for which a line is wrong."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from ..reading.latex_tree import Num, Tree, substitute
from .comparing import Difference
from .values import CannotReadError, numbers
from .world import POINTS

if TYPE_CHECKING:
    from .judging import Judge

_FEW = np.array([0.0, 1.0, 2.0, -1.0, 0.5, 3.0])


def counterexample(judge: Judge, left: Tree, right: Tree, found: Difference | None) -> str:
    """In words: the numbers, the indices, and both sides."""
    if found is None:
        return ""
    if np.isnan(found.right) and found.left == 0.0:
        return "an index runs beyond the entries that there are"
    simple = _simple(left, right, found) or found
    world, point = simple.world, simple.point
    entries: dict[str, list[tuple[tuple[int, ...], float]]] = {}
    for (name, at), leaf in world.leaves.items():
        if not name.startswith("\\point"):
            value = float(numbers(leaf, POINTS)[point])
            entries.setdefault(name, []).append((at, value))
    shapes = {name: array.shape[1:] for name, array in world.arrays.items()}
    said = [_named(name, shapes.get(name), values) for name, values in sorted(entries.items())]
    said += [f"{index} = {i}" for index, i in sorted(simple.chosen.items())]
    return f"{', '.join(said)}: {_number(simple.left)} above, {_number(simple.right)} here"


def _simple(left: Tree, right: Tree, found: Difference) -> Difference | None:
    """The same indices at points made of small numbers; None if they show no difference."""
    from .evaluate import World
    from .world import seeded

    world = World(found.world.document, found.world.trial, found.world.facts, found.world.fixed)
    world.least = found.world.least
    for name, array in found.world.arrays.items():
        rng = seeded("small", name)
        reach = np.minimum(2 + np.arange(POINTS) // 4, len(_FEW))  # larger numbers come later
        reach = reach.reshape(-1, *[1] * (array.ndim - 1))
        world.arrays[name] = _FEW[np.floor(rng.uniform(0, 1, array.shape) * reach).astype(int)]
    at: dict[str, Tree] = {name: Num(Fraction(i)) for name, i in found.chosen.items()}
    if world.facts != type(world.facts)():
        return None
    try:
        with np.errstate(all="ignore"):
            a, b = world.value(substitute(left, at)), world.value(substitute(right, at))
    except CannotReadError:
        return None
    if a.shape or b.shape:
        return None
    x, y = numbers(a.scalar, POINTS), numbers(b.scalar, POINTS)
    bad = np.isfinite(x) & np.isfinite(y) & (np.abs(x - y) > 1e-6)
    if not bad.any():
        return None
    point = int(np.argmax(bad))
    return Difference(world, found.chosen, point, float(x[point]), float(y[point]))


def _named(
    name: str, shape: tuple[int, ...] | None, values: list[tuple[tuple[int, ...], float]]
) -> str:
    """`z = (0, 1)` where all entries are in use, else `z_{1} = 0`."""
    if values[0][0] == ():
        return f"{name} = {_number(values[0][1])}"
    values = sorted(values)
    if shape == (len(values),):
        return f"{name} = ({', '.join(_number(v) for _, v in values)})"
    return ", ".join(f"{name}_{{{','.join(map(str, at))}}} = {_number(v)}" for at, v in values)


def _number(value: float) -> str:
    return f"{float(f'{value:.4g}') + 0.0:.4g}"  # no -0
