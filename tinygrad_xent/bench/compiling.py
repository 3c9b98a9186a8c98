"""Functions compiled by this package, and by the back end that the row of the table names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .case import MissingError


def compiled_by(backend: str, f: Callable[..., Any], *args: Any) -> Any:
    """`tx.compile(f)`, called once with some arguments to see which back end answers.

    Raises:
        ImportError: numba is asked for and not installed.
        MissingError: numba is asked for and the code does not use it.
    """
    import tinygrad_xent as tx

    if backend == "numba":
        import numba  # noqa: F401
    compiled = tx.compile(f, backend=backend)
    compiled(*args)
    if backend == "numba" and "numba" not in compiled.source:
        raise MissingError("not compiled by numba: NumPy's code would run in its place")
    return compiled
