"""`draw(node)`: a graph to look at, save, or show in a notebook."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from ..differentiate import not_recorded
from ..errors import RenderError, explain
from ..graph import Tensor
from . import render
from .dot import dot
from .files import write
from .picture import picture


@dataclass(frozen=True, repr=False)
class Drawing:
    """A drawn graph.

    Attributes:
        dot: the graph in Graphviz's language, the same bytes for the same graph in every process.
        nodes: how many nodes it shows.

    In a notebook it shows itself.
    """

    dot: str
    nodes: int

    def svg(self) -> str:
        """The drawing as one `<svg>` element.

        Raises:
            RenderError: no layout program was found, or it failed or took too long.
        """
        return render.svg(self.dot)

    def png(self) -> bytes:
        """The drawing as a PNG image, at most 4000 pixels wide and high; raises as `svg` does."""
        return render.png(self.dot)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the drawing to a file, whole or not at all, and return its path.

        Args:
            path: ends in .svg or .png, or in .gv or .dot for the graph in Graphviz's language.

        Raises:
            RenderError: another ending; a path that cannot be written; or nothing to render with,
                in which case the graph is in a .gv file beside it.

        >>> import tempfile, tinygrad_xent as tx
        >>> x = tx.tensor(3.0, name="x")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     tx.draw(x * x).save(f"{folder}/square.svg").name
        'square.svg'
        """
        file = Path(path)
        write(file, self._as(file))
        return file

    def _as(self, file: Path) -> bytes:
        kind = file.suffix.lower()
        if kind in (".gv", ".dot"):
            return self.dot.encode()
        if kind not in (".svg", ".png"):
            raise RenderError(
                explain("save: the ending says what to write", str(file), ".svg .png .gv .dot")
            )
        try:
            return self.svg().encode() if kind == ".svg" else self.png()
        except RenderError as error:
            source = file.with_suffix(".gv")
            write(source, self.dot.encode())
            command = f"dot -T{kind[1:]} {source} -o {file}"
            raise RenderError(f"{error}\n  wrote: {source}, for: {command}") from None

    # -- notebooks --------------------------------------------------------------------------------

    def _repr_svg_(self) -> str | None:
        try:
            return self.svg()
        except RenderError:
            return None

    def _repr_html_(self) -> str:
        return self._image(self._repr_svg_())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        svg = self._repr_svg_()
        shown = {} if svg is None else {"image/svg+xml": svg}
        return {"text/plain": repr(self), "text/html": self._image(svg), **shown}

    def _image(self, svg: str | None) -> str:
        """An image element, because that shows in a saved notebook that is not trusted, too."""
        if svg is None:
            return f"<pre>{escape(self.dot)}</pre>"
        data = base64.b64encode(svg.encode()).decode()
        alt = f"Graph of {self.nodes} nodes"
        return f'<img style="max-width:100%" alt="{alt}" src="data:image/svg+xml;base64,{data}"/>'

    def __repr__(self) -> str:
        return f"<Drawing of {self.nodes} nodes: .save(path), .svg(), .png(), .dot>"


def draw(node: Any, backward: bool = False, mark: Iterable[Tensor] = ()) -> Drawing:
    """Draw the graph that a Tensor was made by: any Tensor, so a gradient's graph as well.

    Args:
        node: the result to draw, or several; also a derivation's result, which has a `.node`.
        backward: draw the walk back instead: the cotangent that arrives at each node, and on each
            arrow, from result to argument, the rule that it is multiplied through. It is computed
            for the drawing; `.grad` does not change.
        mark: nodes to set off from the others.

    Every box shows an operation with its shape, value and cotangent; `·` where none has been
    computed. Without `backward` the cotangents are those in `.grad`. Of a graph of more than 3000
    nodes the first and the last are shown.

    Raises:
        GradientError: `backward` for a result that is not a scalar.
        NotSupportedError: something that is not a Tensor.

    >>> import tinygrad_xent as tx
    >>> x = tx.tensor(3.0, name="x")
    >>> draw(x * x).dot.count("->")
    2
    """
    given = node if isinstance(node, (list, tuple)) else (node,)
    roots: tuple[Any, ...] = tuple(getattr(root, "node", root) for root in given)
    for root in roots:
        if not isinstance(root, Tensor):
            raise not_recorded("draw", root)
    shown = picture(roots, backward, tuple(mark))
    return Drawing(dot(shown), sum(box.kind not in ("constant", "gap") for box in shown.boxes))
