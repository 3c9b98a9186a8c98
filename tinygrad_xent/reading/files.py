"""A loss that is a function in a Python file of the user's. Here, and only here, code is run."""

from __future__ import annotations

import inspect
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from ..errors import DeriveError, ParseError, ShapeError, explain
from .expressions import Variables, sampled
from .table import nearest

_NAMED = re.compile(r"(?P<path>.+\.py):(?P<name>\w*)")


def file_and_function(text: str) -> tuple[Path, str] | None:
    """The parts of `FILE.py:FUNCTION`, which no formula looks like.

    >>> path, function = file_and_function("losses.py:my_loss")
    >>> str(path), function, file_and_function("x[0:1]")
    ('losses.py', 'my_loss', None)
    """
    found = _NAMED.fullmatch(text.strip())
    return (Path(found["path"]), found["name"]) if found else None


def from_file(
    path: Path, name: str, shapes: Mapping[str, Any], values: Mapping[str, Any], axes: int = 0
) -> tuple[Any, Variables]:
    """A function of a file called with sample Tensors, one for each of its parameters.

    Parameters that have a default keep it, unless they are given a shape or values.

    Raises:
        ParseError: no such file or function, or parameters whose shapes cannot be guessed.
        DeriveError: what went wrong in the user's code, with its line.
    """
    function = function_of(path, name)

    def reported(**variables: Any) -> Any:
        with _reported(path):
            return function(**variables)

    return _called(reported, _parameters(function, {*shapes, *values}), shapes, values, axes)


def from_function(function: Callable[..., Any], axes: int = 0) -> tuple[Any, Variables]:
    """A function called with sample Tensors, one for each parameter that has no default.

    >>> loss, variables = from_function(lambda x, y: ((x - y) ** 2).sum())
    >>> sorted(variables)
    ['x', 'y']
    """
    return _called(function, _parameters(function, set()), {}, {}, axes)


def _called(
    function: Callable[..., Any],
    parameters: list[str],
    shapes: Mapping[str, Any],
    values: Mapping[str, Any],
    axes: int,
) -> tuple[Any, Variables]:
    return sampled(lambda known: function(**known), parameters, shapes, values, axes=axes)


def result_of(path: Path, name: str) -> Any:
    """What a function that needs no arguments returns; None if it needs some.

    Raises:
        ParseError, DeriveError: as for `from_file`.
    """
    function = function_of(path, name)
    if _parameters(function, set()):
        return None
    with _reported(path):
        return function()


def function_of(path: Path, name: str) -> Callable[..., Any]:
    """A function of a file.

    Raises:
        ParseError: there is no such file or function.
        DeriveError: what went wrong when the file was run, with its line.
    """
    defined = _run(path)
    functions = [n for n, thing in defined.items() if inspect.isfunction(thing)]
    if name not in functions:
        works = nearest(name, functions) or "a file that defines one"
        raise ParseError(explain(f"derive: {path} has no function {name}", str(path), works))
    return defined[name]  # type: ignore[no-any-return]


def _run(path: Path) -> dict[str, Any]:
    """The names that a file defines; like a script, it may import its neighbours."""
    if not path.is_file():
        raise ParseError(explain("derive: there is no such file", str(path), "losses.py:my_loss"))
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.path.insert(0, str(path.parent.absolute()))
    try:
        with _reported(path):
            spec.loader.exec_module(module)
    finally:
        sys.path.pop(0)
    return vars(module)


def _parameters(function: Callable[..., Any], given: set[str]) -> list[str]:
    return [
        p.name
        for p in inspect.signature(function).parameters.values()
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        if p.default is p.empty or p.name in given
    ]


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    """Errors of the user's code become one message that names their line."""
    try:
        yield
    except Exception as error:
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__)
                 if Path(f.filename) == path.absolute() or Path(f.filename) == path]  # fmt: skip
        line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
        message = str(error).split("\n  at:")[0]
        where = f"{path}:{line}" if line else str(path)
        kind = ShapeError if isinstance(error, ShapeError) else DeriveError
        raise kind(f"{where}: {type(error).__name__}: {message}") from error
