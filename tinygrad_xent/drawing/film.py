"""`film(derivation)`: the graph of the gradient after every step, from raw to simplified."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

from ..algebra import Derivation
from ..errors import NotSupportedError, describe, explain
from . import render
from .canvas import on_one_canvas
from .drawing import Drawing
from .files import made, write
from .outline import chips, counted, heading, outline
from .shots import Shot, shots


@dataclass(frozen=True)
class _Reel:
    """The frames' graphs, laid out together when the first of them is looked at."""

    dots: tuple[str, ...]

    @cached_property
    def svgs(self) -> list[str]:
        return on_one_canvas(render.svgs(self.dots))


@dataclass(frozen=True, repr=False)
class Frame(Drawing):
    """One drawing of a film, on a canvas that is as large as that of the others.

    Attributes:
        title: the rule's name.
    """

    title: str = ""
    reel: _Reel = field(default=_Reel(()), compare=False)
    place: int = 0

    def svg(self) -> str:
        return self.reel.svgs[self.place]


@dataclass(frozen=True, repr=False)
class Film(Sequence[Drawing]):
    """The graphs of a derivation, one drawing for the start and one for each step.

    In a notebook it shows itself, one step under the other, to be opened.
    """

    title: str
    frames: tuple[Frame, ...]

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: Any) -> Any:
        return self.frames[index]

    def __iter__(self) -> Iterator[Drawing]:
        return iter(self.frames)

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write the frames as `frame-00.svg`, `frame-01.svg` ..., each whole or not at all.

        Args:
            folder: made if it is not there; best one of its own.

        Raises:
            RenderError: the folder cannot be written, or there is nothing to lay out graphs with.
        """
        drawn = [frame.svg().encode() for frame in self.frames]
        digits = max(2, len(str(len(drawn) - 1)))
        home = made(folder)
        files = [home / f"frame-{i:0{digits}}.svg" for i in range(len(drawn))]
        for file, content in zip(files, drawn, strict=True):
            write(file, content)
        return files

    def _repr_html_(self) -> str:
        """Images that open and close without a script: a notebook need not be trusted."""
        last = len(self.frames) - 1
        return "".join(
            f"<details{' open' * (i in (0, last))}><summary>{i}. {escape(frame.title)}</summary>"
            f"{frame._repr_html_()}</details>"
            for i, frame in enumerate(self.frames)
        )

    def __repr__(self) -> str:
        return f"<Film of {self.title}, {len(self)} frames: .save(folder), [0] ... [-1]>"


def film(derivation: Derivation) -> Film:
    """A derivation as a film of graphs, from what the engine recorded to the closed form.

    One frame per step. In each, what the step made is blue with a thick outline, what the next step
    removes is orange with a broken one, and the rest is calm. A box that stays keeps its id, and
    all frames have one size and one scale. Broadcasting is left out, as it is in the formulas. Of a
    graph of more than 48 boxes the parts that do not change are folded, and the frame says so.

    Args:
        derivation: what `tx.derive` returns, also read from JSON.

    Raises:
        NotSupportedError: something that is not a derivation.

    >>> import tinygrad_xent as tx
    >>> x = tx.tensor([1.0, 2.0], name="x")
    >>> tx.film(tx.derive((x * x).sum(), x))
    <Film of d loss / d x, 2 frames: .save(folder), [0] ... [-1]>
    """
    if not isinstance(derivation, Derivation):
        problem = "film: this is not a derivation"
        works = "tx.film(tx.derive(loss, wrt))"
        raise NotSupportedError(explain(problem, describe(derivation), works))
    taken = shots(derivation)
    reel = _Reel(tuple(outline([s.graph], _heading(i, s)) for i, s in enumerate(taken)))
    frames = tuple(
        Frame(reel.dots[i], len(shot.graph.cells), shot.rule, reel, i)
        for i, shot in enumerate(taken)
    )
    return Film(derivation.title, frames)


def _heading(i: int, shot: Shot) -> str:
    folded = [f"{shot.hidden} of them folded"] if shot.hidden else []
    looks = chips(shot.graph.cells, shot.graph.lines)
    return heading([counted(shot.operations), *folded], looks, f"{i}  {shot.rule}", shot.reason)
