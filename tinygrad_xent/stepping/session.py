"""Stepping with keys: where one is, what a key does, what is then to be seen. Knows no terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import TinygradXentError
from .comparison import Comparison
from .records import BACKWARD, Backward, Step
from .walkthrough import Walkthrough

HELP = (
    "arrows or n, p: next, previous   Home, End: first, last   space: play   s: formulas   "
    "up, down: what is too long   e: what the sizes say   "
    "g: go to a node   b: stop at nan, log, z, >10, <1e-3   w: why an entry   q: quit"
)
KEYS = {
    "\x1b[C": "next", "\x1bOC": "next", "\xe0M": "next", "n": "next", "l": "next", "\r": "next",
    "\x1b[D": "previous", "\x1bOD": "previous", "\xe0K": "previous", "p": "previous",
    "h": "previous", "\x1b[H": "first", "\x1bOH": "first", "\x1b[1~": "first", "\xe0G": "first",
    "\x1b[A": "up", "\x1bOA": "up", "\xe0H": "up", "k": "up",
    "\x1b[B": "down", "\x1bOB": "down", "\xe0P": "down", "j": "down", "e": "explain",
    "\x1b[F": "last", "\x1bOF": "last", "\x1b[4~": "last", "\xe0O": "last", " ": "play",
    "s": "symbols", "g": "go", "b": "stop", "w": "why", "q": "quit", "?": "help",
    "\x1b": "quit", "\x03": "quit", "\x04": "quit",
}  # fmt: skip
_LINES = 5  # that the arrows up and down move
ASKS = {"go": "go to node: ", "stop": "stop at (nan, log, z, >10, <0.001): ",
        "why": "why entry (z 2): "}  # fmt: skip


@dataclass
class Session:
    """Walks, and the row that is shown.

    Attributes:
        walks, rows: what is stepped through; a row has the number of a step for each walk, or 0.
        row: where one is, from 0 on.
        symbols: formulas in place of numbers.
        playing: whether it goes on by itself.
        message: what the last key had to say.
        says: of several walks, what the sizes of their cotangents show.
        down: how many lines of what is too long for the screen are above it.
        asking, typed: what a line of input is for, and what there is of it.
    """

    walks: tuple[Walkthrough, ...]
    rows: Sequence[tuple[int, ...]]
    row: int = 0
    symbols: bool = False
    playing: bool = False
    message: str = HELP
    asking: str = ""
    typed: str = ""
    says: tuple[str, ...] = ()
    down: int = 0

    @classmethod
    def of(cls, thing: Walkthrough | Comparison) -> Session:
        """A session at the first step."""
        if isinstance(thing, Comparison):
            return cls(thing.walks, thing.rows, says=thing.says)
        return cls((thing,), [(step.number,) for step in thing])

    def steps(self, row: int | None = None) -> list[Step | None]:
        """The steps of a row; None where a walk has none."""
        numbers = self.rows[self.row if row is None else row]
        return [w.steps[n - 1] if n else None for w, n in zip(self.walks, numbers, strict=True)]

    def press(self, key: str) -> bool:
        """Do what a key asks for; False if it is to quit."""
        if self.asking:
            return self._type(key)
        move = KEYS.get(key, "")
        self.message = ""
        if move == "quit":
            return False
        if move in ASKS:
            self.asking = move
        elif move:
            self.playing = move == "play" and not self.playing
            self._move(move)
        return True

    def _type(self, key: str) -> bool:
        """One more key of a line of input."""
        if key in ("\r", "\n"):
            self.answer(self.typed)
        elif key in ("\x1b", "\x03", "\x04"):
            self.asking = self.typed = ""
        elif key in ("\x7f", "\b"):
            self.typed = self.typed[:-1]
        else:
            self.typed += key if key.isprintable() else ""
        return True

    def _move(self, move: str) -> None:
        last, before = len(self.rows) - 1, self.row
        places = {"next": self.row + 1, "previous": self.row - 1, "first": 0, "last": last}
        self.row = min(last, max(0, places.get(move, self.row)))
        lines = {"up": -_LINES, "down": _LINES}.get(move, 0)
        self.down = max(0, self.down + lines) if self.row == before else 0
        if move == "symbols":
            self.symbols = not self.symbols
        elif move == "explain":
            self.message = "\n".join(self.says) or "There is one walk, and nothing beside it."
        elif move == "help":
            self.message = HELP

    def settle(self, down: int) -> None:
        """What is too long has been moved by so many lines, and no further."""
        self.down = down

    def tick(self) -> None:
        """One step on, while it plays."""
        self._move("next")
        self.playing = self.row < len(self.rows) - 1

    def answer(self, text: str) -> None:
        """Do what was asked for, with a line of input."""
        asked, self.asking, self.typed = self.asking, "", ""
        try:
            {"go": self._go, "stop": self._stop, "why": self._why}[asked](text.strip())
        except TinygradXentError as error:
            self.message = str(error).split("\n  at:")[0]

    def _go(self, name: str) -> None:
        """To the step of a node, on the way back if that is where one is."""
        back = any(s is not None and s.phase == BACKWARD for s in self.steps())
        found = [(w, i) for i in range(len(self.rows)) for w, s in enumerate(self.steps(i))
                 if s is not None and isinstance(s, Backward) == back
                 and name in (s.box, self.walks[w].box(s.box).symbol.text)]  # fmt: skip
        if found:
            self.row = found[0][1]
        else:
            self.message = f"No node is called {name} here."

    def _stop(self, text: str) -> None:
        """To the next row at which a breakpoint holds in one of the walks."""
        on, bounds = breakpoint_from(text)
        rows = []
        for k, w in enumerate(self.walks):
            here = max((row[k] for row in self.rows[: self.row + 1]), default=0)
            step = w.find(on, after=here, **bounds)
            if step is not None:
                rows.append(next(i for i, row in enumerate(self.rows) if row[k] == step.number))
        if rows:
            self.row = min(rows)
            self.message = "\n".join(w.story for w in self.walks if on == "nan" and w.story)
        else:
            self.message = "No further step like this."

    def _why(self, text: str) -> None:
        name, *index = text.replace(",", " ").replace("[", " ").replace("]", " ").split()
        place = tuple(int(i) for i in index if i.lstrip("-").isdigit())
        self.message = "\n".join(str(w.why(name, place)) for w in self.walks)


def breakpoint_from(text: str) -> tuple[str | None, dict[str, float]]:
    """What a line of input asks to stop at.

    >>> breakpoint_from("log"), breakpoint_from("> 10")
    (('log', {}), (None, {'above': 10.0}))
    """
    sign = {">": "above", "<": "below"}.get(text[:1])
    try:
        return (None, {sign: float(text[1:])}) if sign else (text or None, {})
    except ValueError:
        return text, {}
