"""Documents from files, and reports into files."""

from __future__ import annotations

import sys
from pathlib import Path

from ..errors import ParseError, explain
from ..reading.latex_passages import MOST_CHARACTERS


def read(path: Path) -> str:
    """The text of a document; - is standard input. What is not UTF-8 becomes a replacement mark.

    Raises:
        ParseError: the file cannot be read, or it is too large.
    """
    try:
        if str(path) == "-":
            data = sys.stdin.buffer.read(4 * MOST_CHARACTERS + 1)
        else:
            with path.open("rb") as file:
                data = file.read(4 * MOST_CHARACTERS + 1)
    except OSError as error:
        given, works = f"{path}: {error.strerror}", "a file with LaTeX, Markdown or plain lines"
        raise ParseError(explain("lint: the file cannot be read", given, works)) from None
    text = data.decode("utf-8", errors="replace")
    if len(text) > MOST_CHARACTERS:
        raise ParseError(explain("lint: the document is too long", str(path),
                                 f"up to {MOST_CHARACTERS} characters"))  # fmt: skip
    return text
