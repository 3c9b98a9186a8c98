"""`Walkthrough`: backpropagation of one graph as plain data, made once, shown in many ways."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import GradientError, explain
from .data import dumps, loads
from .numbers import Math
from .records import Backward, Block, Box, Forward, Rewrite, Step, Why


@dataclass(frozen=True)
class Walkthrough:
    """Every step of backpropagation through one graph.

    Attributes:
        name: what links and titles call it, such as `ce`.
        loss: its formula.
        boxes: the nodes, in the order of computation.
        forward, backward, closing: the steps of the three phases.
        notes: what was left out, and why.
        blocks: parts that large drawings show as one box.
        whys: which paths make up the entries of the leaves' gradients, where these are few.
        origin: in which order NaN or an infinity first appeared: the step's number, or 0.
        story: how it came to be and travelled, as `tx.why_nan` tells it.
        hidden: how many nodes were left out.

    Made by `tx.steps`. Equal to what `Walkthrough.from_json(w.json())` gives.
    """

    name: str
    loss: Math
    boxes: tuple[Box, ...]
    forward: tuple[Forward, ...]
    backward: tuple[Backward, ...]
    closing: tuple[Rewrite, ...] = ()
    notes: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    whys: tuple[Why, ...] = ()
    origin: int = 0
    story: str = ""
    hidden: int = 0
    graph: Any = field(default=None, compare=False, repr=False)  # the live nodes, for `why`

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        return (*self.forward, *self.backward, *self.closing)

    @cached_property
    def _boxes(self) -> dict[str, Box]:
        return {box.id: box for box in self.boxes}

    def box(self, id: str) -> Box:
        """The box of this id."""
        return self._boxes[id]

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __eq__(self, other: object) -> bool:  # by text, because nan is not equal to itself
        return self.json() == other.json() if isinstance(other, Walkthrough) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.json())

    # -- data ---------------------------------------------------------------------------------

    def json(self) -> str:
        """The walkthrough as JSON text, which `Walkthrough.from_json` reads."""
        return dumps(self)

    @classmethod
    def from_json(cls, text: str) -> Walkthrough:
        """The walkthrough that `json` wrote.

        >>> import tinygrad_xent as tx
        >>> x = tx.tensor(3.0, name="x")
        >>> w = tx.steps(x * x)
        >>> Walkthrough.from_json(w.json()) == w
        True
        """
        return loads(cls, text)  # type: ignore[no-any-return]

    # -- questions ----------------------------------------------------------------------------

    def find(self, on: Any = None, after: int = 0, **bounds: float) -> Step | None:
        """The first step after step `after` at which a breakpoint holds.

        Args:
            on: "nan" for NaN or an infinity, the name of an operation such as "log", the symbol
                of a node, or a Tensor.
            after: the number of a step.
            bounds: `below=` or `above=`: a bound on the norm of the cotangent.

        >>> import tinygrad_xent as tx
        >>> w = tx.steps("sum(log(x))", at={"x": [0.0, 1.0]})
        >>> w.find(on="nan").say
        'log(x) is computed; -inf appears in it.'
        """
        from .breakpoints import breakpoint_on

        holds = breakpoint_on(self, on, **bounds)
        return next((s for s in self.steps[after:] if holds(s)), None)

    def why(self, of: Any, index: Any = ()) -> Why:
        """Which paths make up one entry of a gradient, and how much each contributes.

        Args:
            of: the node, its name, or its `.grad`.
            index: of the entry.

        >>> import tinygrad_xent as tx
        >>> x = tx.tensor([2.0, 3.0], name="x")
        >>> w = tx.steps((x * x + 4 * x).sum())
        >>> [path.value for path in w.why(x, 1).paths]
        [4.0, 3.0, 3.0]
        """
        from .paths import why

        if self.graph is None:
            problem = "why: the graph of this walkthrough is gone"
            raise GradientError(explain(problem, "one read from JSON", "tx.steps(loss) again"))
        return why(self, of, index)

    # -- views --------------------------------------------------------------------------------

    def __str__(self) -> str:
        from .plain import plain

        return plain(self)

    def show(self, ascii: bool = False) -> None:
        """Step through it in the terminal; where there is none, print every step."""
        from .terminal import show

        show(self, ascii)

    def html(self) -> str:
        """One page that needs nothing else: it opens from disk and requests nothing."""
        from .page import page

        return page((self,))

    def svg(self, step: int | None = None) -> str:
        """The graph as an SVG file, as it is at a step; with all its numbers unless one is given.

        >>> import tinygrad_xent as tx
        >>> w = tx.steps("x**2", at={"x": 3.0})
        >>> "9</text>" in w.svg(), "9</text>" in w.svg(1)
        (True, False)
        """
        from .picture import picture

        if step is not None and not 1 <= step <= len(self):
            problem = "svg: there is no such step"
            raise GradientError(explain(problem, f"{step}", f"1 to {len(self)}"))
        return picture(self, None if step is None else self.steps[step - 1])

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page (.html), the data (.json) or the graph (.svg), whole or not at all.

        Raises:
            RenderError: another ending, or a path that cannot be written.
        """
        from .page import save

        return save(self, path)

    def _repr_html_(self) -> str:
        from .notebook import shown

        return shown(self)
