"""A verdict as one HTML page, which requests nothing from anywhere."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ..drawing.dot import spelled


def page(**fields: Any) -> str:
    """The template of verdicts, filled in; whatever is inserted is escaped."""
    environment = Environment(
        loader=PackageLoader("tinygrad_xent.checking", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return spelled(environment.get_template("verdict.html").render(**fields))
