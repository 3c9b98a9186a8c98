"""Jinja as every page of this package uses it."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def environment(room: str, folder: str = ".", **more: Any) -> Environment:
    """An environment for a room's templates: what is inserted is escaped, what is missing an error.

    Args:
        room: the package below this one that the templates are in.
        folder: where in it.
        more: what Jinja is told besides.

    >>> environment("drawing").from_string("{{ name }}").render(name="<b>")
    '&lt;b&gt;'
    """
    return Environment(
        loader=PackageLoader(f"tinygrad_xent.{room}", folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **more,
    )
