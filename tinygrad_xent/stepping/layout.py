"""Where boxes and arrows go: the layout program's answer, in pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from ..drawing.render import layout

_INCH = 72.0
_GRAPH = "nodesep=0.25; ranksep=0.24; rankdir=TB; splines=true;"
_HURRY = "nslimit=1; nslimit1=1; mclimit=0.3;"  # as for any large drawing
_MANY = 400


class Point(NamedTuple):
    """From the left, and from the top."""

    x: float
    y: float


class Layout(NamedTuple):
    """Middles of boxes by id, control points of arrows in the order in which these were given."""

    width: float
    height: float
    boxes: dict[str, Point]
    arrows: list[list[Point]]


def laid_out(sizes: dict[str, tuple[float, float]], arrows: Sequence[tuple[str, str]]) -> Layout:
    """Boxes of these sizes, from arguments above to results below.

    Boxes are numbered, so that parts of a graph that look the same are laid out once.
    """
    number = {id: str(i) for i, id in enumerate(sizes)}
    asked = tuple((number[tail], number[head]) for tail, head in arrows)
    place = _laid_out(tuple(sizes.values()), asked)
    return place._replace(boxes={id: place.boxes[i] for id, i in number.items()})


@lru_cache(maxsize=256)
def _laid_out(
    sizes: tuple[tuple[float, float], ...], arrows: tuple[tuple[str, str], ...]
) -> Layout:
    answer = layout(_dot(sizes, arrows)).splitlines()
    width, height = (float(n) * _INCH for n in answer[0].split()[2:4])
    boxes: dict[str, Point] = {}
    found: dict[tuple[str, str], list[list[Point]]] = {}
    for line in answer[1:]:
        kind, *words = line.split()
        if kind == "node":
            boxes[words[0]] = _points(words[1:3], height)[0]
        elif kind == "edge":
            way = _points(words[3 : 3 + 2 * int(words[2])], height)
            found.setdefault((words[0], words[1]), []).append(way)
    return Layout(width, height, boxes, [found[arrow].pop(0) for arrow in arrows])


def _dot(sizes: tuple[tuple[float, float], ...], arrows: tuple[tuple[str, str], ...]) -> str:
    nodes = (f'{i} [width={w / _INCH:.3f}, height={h / _INCH:.3f}, label=""];'
             for i, (w, h) in enumerate(sizes))  # fmt: skip
    inner = {head for _, head in arrows}  # operations line up, leaves stand aside
    edges = (f"{tail} -> {head} [weight={6 if tail in inner else 1}];" for tail, head in arrows)
    hurried = _HURRY if len(sizes) > _MANY else ""
    shape = "node [shape=box, fixedsize=true]; edge [arrowhead=none];"
    return "\n".join(["digraph {", _GRAPH, hurried, shape, *nodes, *edges, "}"])


def _points(words: Iterable[str], height: float) -> list[Point]:
    numbers = [float(n) * _INCH for n in words]
    return [Point(x, height - y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
