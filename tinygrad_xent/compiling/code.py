"""What a back end gives back: source code, and what is needed to run it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FILE = str(Path(__file__).with_name("<compiled>"))  # here: errors name the line that called it


@dataclass(frozen=True)
class Code:
    """A program as source code.

    Attributes:
        source: Python code that defines `run(<inputs>, out=None)`, which returns a tuple of the
            outputs; `out` may hold for each an array to write it into, or None. These are in C
            order, and none may share memory with an input or with another.
        constants: what the code takes for granted besides its imports: large arrays, by name.
        memory: the bytes of temporaries, which are kept from call to call.
    """

    source: str
    constants: dict[str, Any]
    memory: int

    def load(self) -> Callable[..., tuple[Any, ...]]:
        """The function that the source defines."""
        return defined_by(self.source, self.constants)


def defined_by(source: str, given: dict[str, Any]) -> Callable[..., tuple[Any, ...]]:
    """The function `run` that code defines, given what it takes for granted."""
    space = dict(given)
    exec(compile(source, _FILE, "exec"), space)
    run: Callable[..., tuple[Any, ...]] = space["run"]
    return run
