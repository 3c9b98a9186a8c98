"""A screen of so many lines: what is too long for it can be moved up and down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text


@dataclass(frozen=True)
class Window:
    """Something in the middle, of which as many lines are in view as there is room for.

    Attributes:
        head, body, foot: the first and the last always stand in full.
        height: in lines; 0 for all of it.
        down: how many lines of the body are to be above the view.
        moved: is told how many there are: no more than leaves the view full.
    """

    head: RenderableType
    body: RenderableType
    foot: RenderableType
    height: int = 0
    down: int = 0
    moved: Callable[[int], None] = lambda _: None

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType | Segment]:
        whole = options.update(height=None)
        head, body, foot = (console.render_lines(part, whole, pad=False)
                            for part in (self.head, self.body, self.foot))  # fmt: skip
        room = self.height - len(head) - len(foot) - 1 if self.height else len(body)
        yield from _joined(head)
        if len(body) <= room + 1:
            yield from _joined(body)
        else:
            first = max(0, min(self.down, len(body) - max(1, room)))
            self.moved(first)
            shown = body[first : first + max(1, room)]
            yield from _joined(shown)
            yield Text(f"lines {first + 1} to {first + len(shown)} of {len(body)}: arrows up, down",
                       style="dim", no_wrap=True)  # fmt: skip
        yield from _joined(foot)


def _joined(lines: list[list[Segment]]) -> Iterator[Segment]:
    for line in lines:
        yield from line
        yield Segment.line()
