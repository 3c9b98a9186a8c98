"""The demo's own dependencies, asked for only when it runs."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..errors import TinygradXentError, explain


class MissingExtraError(TinygradXentError, ImportError):
    """A package that only the demo needs is not installed."""


def extra(module: str, package: str) -> Any:
    """Import a module of the `demo` extra.

    Raises:
        MissingExtraError: it is not installed; says how to install it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            explain(f"demo: {package} is not installed", str(error),
                    "pip install 'tinygrad-xent[demo]'")
        ) from error  # fmt: skip
