"""Keys as they are pressed, without waiting for the end of a line."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_KEY = re.compile(r"\x1b(?:[\[O][0-9;]*[~A-Za-z])?|[\x00\xe0].|.", re.DOTALL)


def split(text: str) -> list[str]:
    r"""What was typed, key by key; an arrow is one key.

    >>> split("n\x1b[Cq")
    ['n', '\x1b[C', 'q']
    """
    return _KEY.findall(text)


if sys.platform == "win32":
    import msvcrt

    @contextmanager
    def unbuffered() -> Iterator[None]:
        """The console gives single keys anyway."""
        yield

    def pressed(seconds: float | None) -> list[str]:
        """The keys that were pressed, after a wait of at most so many seconds."""
        end = None if seconds is None else time.monotonic() + seconds
        while not msvcrt.kbhit():
            if end is not None and time.monotonic() > end:
                return []
            time.sleep(0.02)
        first = msvcrt.getwch()
        return [first + msvcrt.getwch()] if first in "\x00\xe0" else [first]

else:
    import select
    import termios
    import tty

    @contextmanager
    def unbuffered() -> Iterator[None]:
        """Inside this block the terminal neither waits for the end of a line nor shows the keys."""
        terminal = sys.stdin.fileno()
        before = termios.tcgetattr(terminal)
        try:
            tty.setcbreak(terminal, termios.TCSADRAIN)
            yield
        finally:
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)

    def pressed(seconds: float | None) -> list[str]:
        """The keys that were pressed, after a wait of at most so many seconds."""
        terminal = sys.stdin.fileno()
        if not select.select([terminal], [], [], seconds)[0]:
            return []
        return split(os.read(terminal, 1024).decode(errors="replace")) or ["\x04"]
