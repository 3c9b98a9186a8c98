"""A derivation as one HTML page, which requests nothing from anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ..errors import RenderError


def page(derivation: Any) -> str:
    """The page of a derivation: the result, the steps with their reasons, what it rests on."""
    environment = Environment(
        loader=PackageLoader("tinygrad_xent.writing", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(derivation=derivation)


def save_page(derivation: Any, path: Path) -> None:
    """Write the page into a file, and make its folder if there is none.

    Raises:
        RenderError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(derivation), encoding="utf-8")
    except OSError as error:
        raise RenderError(f"derive: cannot write {path}: {error.strerror}") from None
