"""What is raised on bad input: what was given, what would work, and the user's own line.

Every class also derives from the built-in exception that NumPy or Python would raise in the same
place, so `except ValueError` and `except TypeError` keep working.
"""

from __future__ import annotations

import linecache
import os
import sys
import textwrap
from types import FrameType

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep


class TinygradXentError(Exception):
    """The base of every error this package raises on purpose."""


class ShapeError(TinygradXentError, ValueError, IndexError):
    """Shapes, axes or indices that do not fit; both of NumPy's, as its own AxisError is."""


class DtypeError(TinygradXentError, TypeError):
    """Complex numbers, text, or a derivative with respect to integers."""


class GradientError(TinygradXentError, ValueError):
    """A gradient that is not defined as asked, such as that of a non-scalar."""


class NotSupportedError(TinygradXentError, TypeError):
    """An operation with no rule, or one that would lose the graph."""


class DeriveError(TinygradXentError, ValueError):
    """A derivation that cannot be made as asked, or a step that failed its check."""


class CertificateError(TinygradXentError, ValueError):
    """Text that is not a certificate."""


class CompileError(TinygradXentError, TypeError):
    """A function that cannot be compiled, because its result depends on more than its arguments."""


class ParseError(TinygradXentError, ValueError):
    """Text that is not in the grammar of formulas, or a name in it that is not known."""


class RenderError(TinygradXentError, RuntimeError):
    """A drawing that could not be rendered or written."""


def explain(problem: str, given: str = "", works: str = "") -> str:
    """The text of an error: the problem, what was given, what works, and where it was asked."""
    parts = [problem]
    if given:
        parts.append(f"  given: {given}")
    if works:
        parts.append(f"  works: {works}")
    return "\n".join(parts + user_line())


def user_line() -> list[str]:
    """The innermost line of code outside this package and NumPy, as `  at: file:line: code`."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_internal(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is None:
        return []
    path, line = frame.f_code.co_filename, frame.f_lineno
    code = textwrap.shorten(linecache.getline(path, line), 120, placeholder=" ...")
    return [f"  at:    {path}:{line}" + (f": {code}" if code else "")]


def _is_internal(path: str) -> bool:
    return os.path.abspath(path).startswith(_PACKAGE) or f"{os.sep}numpy{os.sep}" in path


def describe(value: object) -> str:
    """`(3, 4) float64` for an array or Tensor, else its type: what error messages say was given."""
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is not None and dtype is not None:
        return f"{shape} {dtype}"
    return repr(value) if isinstance(value, (int, float, complex)) else type(value).__name__
