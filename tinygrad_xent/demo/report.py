"""The demo's results as files: each picture by itself, and one page that shows them all."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from markupsafe import Markup

from ..errors import RenderError, explain
from ..writing.templates import environment
from . import curves
from .comparison import TOLERANCE, Comparison
from .digits import ATTRIBUTES
from .saturation import Saturation
from .story import Story, composition
from .training import Run

PICTURES = ("forward", "backward", "simplified", "accuracy", "gradient")
FILES = (*(f"{name}.svg" for name in PICTURES), "index.html")


def prepare(path: Path) -> Path:
    """The folder, made if it is not there.

    Raises:
        RenderError: it cannot be made or written into.
    """
    _attempt(path, lambda: _probe(path))
    return path


def _probe(path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True)
    TemporaryFile(dir=path).close()


def _attempt(path: Path, action: Callable[[], object]) -> None:
    try:
        action()
    except OSError as error:
        raise RenderError(
            explain(f"demo: cannot write {path}", error.strerror or str(error),
                    "another folder: tinygrad-xent demo --out DIR")
        ) from error  # fmt: skip


def write(
    folder: Path,
    story: Story,
    compared: Sequence[Comparison],
    duel: Sequence[Run],
    limits: Sequence[Saturation],
    last_layers: Sequence[Run],
) -> Path:
    """Write the pictures and the page; return the page."""
    pictures = story.pictures()
    pictures |= {"accuracy": curves.accuracy(duel), "gradient": curves.gradient(duel)}
    for name, svg in pictures.items():
        _write(folder / f"{name}.svg", svg)
    page = folder / "index.html"
    html = render(
        story=story, composition=composition(), compared=compared, tolerance=TOLERANCE,
        duel=duel, limits=limits, last_layers=last_layers, attributes=list(ATTRIBUTES),
        pictures={name: inline(svg, name) for name, svg in pictures.items()},
    )  # fmt: skip
    _write(page, html)
    return page


def _write(path: Path, text: str) -> None:
    _attempt(path, lambda: path.write_text(text, encoding="utf-8"))


def render(**content: Any) -> str:
    """The page for this content; what is not marked as safe is escaped."""
    return environment("demo", "templates").get_template("index.html").render(**content)


def inline(svg: str, name: str) -> Markup:
    """An SVG file as a part of a page: no prolog, and its ids its own."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", body, flags=re.DOTALL)
    return Markup(prefix_ids(body, f"{name}-"))


def prefix_ids(svg: str, prefix: str) -> str:
    """Every id, and every reference to one, with a prefix: no two pictures may share an id."""
    svg = re.sub(r'(\sid=")', rf"\1{prefix}", svg)
    svg = re.sub(r'(href="#)', rf"\1{prefix}", svg)
    return re.sub(r"(url\(#)", rf"\1{prefix}", svg)
