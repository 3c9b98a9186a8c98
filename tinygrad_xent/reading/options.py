"""What is given on the command line beside the formula: shapes and values."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ..errors import ParseError, explain

Lengths = tuple[int | str, ...]

_SHAPE = "a name and lengths: z=N,K; z=5; T= for one number"
_VALUE = "a name and numbers: T=2, z=1,2,3, or rows: X=1,2;3,4"


def lengths(text: str) -> Lengths:
    """The lengths in `N,K` or `5,3`: letters stay letters; nothing means one number.

    >>> lengths("N,3"), lengths("")
    (('N', 3), ())
    """
    parts = [part.strip() for part in text.strip().strip("()").split(",")]
    if parts[-1] == "":  # also where a tuple of one ends in a comma
        parts.pop()
    if not all(re.fullmatch(r"[1-9][0-9]{0,8}|[^\W\d]\w*", part, re.ASCII) for part in parts):
        raise ParseError(explain("shape: not a list of lengths", text, _SHAPE))
    return tuple(int(part) if part.isdigit() else part for part in parts)


def shapes(given: Sequence[str]) -> dict[str, Lengths]:
    """`["z=N,K"]` as `{"z": ("N", "K")}`."""
    return {name: lengths(text) for name, text in _pairs("shape", given, _SHAPE)}


def values(given: Sequence[str]) -> dict[str, np.ndarray]:
    """`["z=1,2,3"]` as `{"z": array([1., 2., 3.])}`; one number alone is a scalar."""
    return {name: _value(text) for name, text in _pairs("at", given, _VALUE)}


def _pairs(option: str, given: Sequence[str], works: str) -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name.isidentifier() or name in found:
            twice = f"{name} is given twice" if name in found else "no name with a ="
            raise ParseError(explain(f"{option}: {twice}", text, works))
        found[name] = value
    return list(found.items())


def _value(text: str) -> np.ndarray:
    try:
        rows = [[float(x) for x in row.split(",") if x.strip()] for row in text.split(";")]
        value = np.array(rows if ";" in text else rows[0])
    except ValueError:
        raise ParseError(explain("at: not numbers in rows of one length", text, _VALUE)) from None
    if not value.size or not np.isfinite(value).all():
        raise ParseError(explain("at: finite numbers are wanted", text, _VALUE))
    return value if "," in text or ";" in text else value.reshape(())
