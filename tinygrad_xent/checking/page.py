"""A verdict as one HTML page, which requests nothing from anywhere."""

from __future__ import annotations

from typing import Any

from ..drawing.dot import spelled
from ..writing.templates import environment


def page(**fields: Any) -> str:
    """The template of verdicts, filled in; whatever is inserted is escaped."""
    return spelled(environment("checking").get_template("verdict.html").render(**fields))
