"""Writing files, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import RenderError, explain


def made(folder: str | os.PathLike[str]) -> Path:
    """The folder, made if it is not there.

    Raises:
        RenderError: it cannot be made.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise _failed(folder, error) from error
    return Path(folder)


def save(file: Path, text: str) -> None:
    """Write a text, and make its folder if there is none.

    Raises:
        RenderError: one of them cannot be written.
    """
    made(file.parent)
    write(file, text.encode("utf-8"))


def write(file: Path, content: bytes) -> None:
    """Write under another name first: a reader finds the old file or the new one, never half.

    Raises:
        RenderError: the file cannot be written.
    """
    try:
        draft = file.with_name(f".{os.urandom(6).hex()}.tmp")
        try:
            draft.write_bytes(content)
            os.replace(draft, file)
        finally:
            draft.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise _failed(file, error) from error


def _failed(path: str | os.PathLike[str], error: Exception) -> RenderError:
    works = "a folder that exists and is yours"
    given = getattr(error, "strerror", None) or str(error)  # without the name of the draft
    return RenderError(explain(f"save: cannot write {path}", given, works))
