"""Stepping in the terminal: a tape of steps, and what arrives, the derivative, and what leaves.

Where there is no terminal, every step is printed.
"""

from __future__ import annotations

import sys

from rich import box as boxes
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ..drawing.values import number
from .comparison import Comparison
from .keys import pressed, unbuffered
from .numbers import Math, Numbers
from .plain import compared, hand_text, jacobian_text, plain, safe, to_ascii
from .records import Backward, Edge, Forward, Rewrite, Step
from .session import ASKS, Session
from .walkthrough import Walkthrough
from .window import Window

ARRIVING, LOCAL, LEAVING = "bright_blue", "magenta", "dark_orange"
_TAPE, _LEAST = 9, 3  # rows of the tape that are in view: at most, and at least
_SECONDS = 1.4  # of each step, while it plays
_ROWS = 8  # of a matrix


def show(thing: Walkthrough | Comparison, ascii: bool = False) -> None:
    """Step through walks with keys; without a terminal, print every step."""
    console = Console()
    if console.is_terminal and sys.stdin.isatty():
        _step(Session.of(thing), console, Screen(ascii))
    elif isinstance(thing, Walkthrough):
        print(plain(thing, ascii))
    else:
        parts = [compared(thing), *map(plain, thing.walks)]
        text = "\n\n".join(parts)
        print(to_ascii(text) if ascii else text)


def _step(session: Session, console: Console, screen: Screen) -> None:
    with console.screen(hide_cursor=True) as view, unbuffered():
        going = True
        while going:
            view.update(screen.drawn(session, console.height))
            keys = pressed(_SECONDS if session.playing else None)
            if not keys:
                session.tick()
            for key in keys:
                going = going and session.press(key)


class Screen:
    """How a session looks.

    Args:
        ascii: with no other letters than those of ASCII.
    """

    def __init__(self, ascii: bool = False) -> None:
        self._ascii = ascii
        self._box = boxes.ASCII if ascii else boxes.ROUNDED

    def drawn(self, session: Session, height: int = 0) -> RenderableType:
        """The whole screen; of so many lines, if a height is given."""
        panels = [self._panel(w, step, session)
                  for w, step in zip(session.walks, session.steps(), strict=True)
                  if step is not None]  # fmt: skip
        asked = f"{ASKS[session.asking]}{session.typed}_" if session.asking else session.message
        foot = self._text(asked, "bold" if session.asking else "dim")
        rows = _TAPE if not height else min(_TAPE, max(_LEAST, height // 4))
        head = Group(self._head(session), self._tape(session, rows))
        return Window(head, Group(*panels), foot, height, session.down, session.settle)

    def _text(self, text: str, style: str = "") -> Text:
        lines = "\n".join(safe(line) for line in text.split("\n"))
        return Text(to_ascii(lines) if self._ascii else lines, style, overflow="fold")

    def _head(self, session: Session) -> Text:
        names = "   ".join(f"{w.name}: {w.loss.text}" for w in session.walks)
        phase = next(s.phase for s in session.steps() if s is not None)
        count = f"   {phase} {session.row + 1}/{len(session.rows)}"
        return self._text(names + count + ("   playing" if session.playing else ""), "bold")

    # -- the tape -----------------------------------------------------------------------------

    def _tape(self, session: Session, rows: int) -> Table:
        table = Table(box=None, expand=True, show_header=False, padding=(0, 1))
        table.add_column(width=5, justify="right")
        for _ in session.walks:
            table.add_column(ratio=2, no_wrap=True, overflow="crop")
            table.add_column(ratio=2, no_wrap=True, overflow="crop", justify="right")
        first = max(0, min(session.row - rows // 2, len(session.rows) - rows))
        for row in range(first, min(first + rows, len(session.rows))):
            table.add_row(*self._line(session, row), style="reverse" if row == session.row else "")
        return table

    def _line(self, session: Session, row: int) -> list[Text]:
        cells = [self._text(f"{'>' if row == session.row else ' '}{row + 1}", "dim")]
        for w, step in zip(session.walks, session.steps(row), strict=True):
            title = "" if step is None else w.box(step.box).title
            told = "" if step is None else _told(w, step)
            cells += [self._cropped(title), self._cropped(told)]
        return cells

    def _cropped(self, text: str) -> Text:
        line = self._text(text)
        line.overflow = "crop"
        return line

    # -- the three parts ----------------------------------------------------------------------

    def _panel(self, w: Walkthrough, step: Step, session: Session) -> RenderableType:
        name = f"{w.name}: " if len(session.walks) > 1 else ""
        say = self._text(name + step.say, "bold")
        if isinstance(step, Rewrite):
            return Group(say, self._part(step.rule, "= " + step.whole.text, LOCAL))
        shown = self._forward(w, step) if isinstance(step, Forward) else self._backward(
            w, step, session.symbols
        )  # fmt: skip
        return Group(say, *shown)

    def _part(self, title: str, body: str, color: str) -> Panel:
        return Panel(self._text(body), title=self._text(title, f"bold {color}"), border_style=color,
                     box=self._box, title_align="left", padding=(0, 1))  # fmt: skip

    def _beside(self, *parts: RenderableType) -> Table:
        grid = Table.grid(expand=True)
        for _ in parts:
            grid.add_column(ratio=1)
        grid.add_row(*parts)
        return grid

    def _forward(self, w: Walkthrough, step: Forward) -> list[RenderableType]:
        box = w.box(step.box)
        given = [f"{w.box(a).symbol.text}\n{_matrix(w.box(a).value)}" for a in box.args]
        return [self._beside(
            self._part("arriving", "\n".join(given) or "nothing: it is given", ARRIVING),
            self._part("operation", box.formula.text, LOCAL),
            self._part("value", _matrix(box.value), LEAVING),
        )]  # fmt: skip

    def _backward(self, w: Walkthrough, step: Backward, symbols: bool) -> list[RenderableType]:
        arriving = self._part("arriving", _both(step.arriving, step.formula, symbols), ARRIVING)
        sent = [e for e in step.edges if e.contribution is not None]
        rows: list[RenderableType] = []
        for i, edge in enumerate(sent):
            rows.append(self._beside(arriving if i == 0 else Text(), *self._edge(w, edge, symbols)))
        if step.hand:
            rows.append(self._part("by hand", hand_text(step.hand), LOCAL))
        return rows if sent else [arriving, *rows]

    def _edge(self, w: Walkthrough, edge: Edge, symbols: bool) -> tuple[Panel, Panel]:
        assert edge.local is not None
        assert edge.contribution is not None
        name = w.box(edge.to).symbol.text
        local = jacobian_text(edge.local).replace("] [", "]\n[")
        body = _both(edge.contribution, edge.formula, symbols)
        if edge.count > 1:
            body += f"\ncontribution {edge.index} of {edge.count}"
            body += f"\nnow {edge.after.brief}" if edge.after is not None and edge.before else ""
        return (self._part(f"local, by {name}", f"{edge.rule}\n{'' if symbols else local}", LOCAL),
                self._part(f"leaving to {name}", body, LEAVING))  # fmt: skip


def _told(w: Walkthrough, step: Step) -> str:
    if isinstance(step, Rewrite):
        return step.rule
    return step.arriving.brief if isinstance(step, Backward) else w.box(step.box).value.brief


def _both(numbers: Numbers, formula: Math | None, symbols: bool) -> str:
    formulas = [formula.text] if formula else []
    return "\n".join(formulas if symbols and formulas else [*formulas, _matrix(numbers)])


def _matrix(numbers: Numbers) -> str:
    """Rows in lines, if there are few."""
    rows = numbers.table
    if rows is None or numbers.shape == () or len(rows) > _ROWS:
        return numbers.brief
    return "\n".join("[" + " ".join(map(number, row)) + "]" for row in rows)
