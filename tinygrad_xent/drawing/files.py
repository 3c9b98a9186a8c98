"""Writing files, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import RenderError, explain


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
        raise RenderError(
            explain(f"save: cannot write {file}", str(error), "a folder that exists and is yours")
        ) from error
