"""One drawing of boxes as SVG: laid out once, everything in its place before anything is known.

Each box has room for its title, its value and its cotangent. A page fills in the last two as they
are computed; without scripts they are there from the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape

from .layout import Point, laid_out
from .plain import safe

_LETTER, _LARGE = 7.9, 8.5  # pixels of one letter: of a value, of a title
_LINE, _MARGIN, _STRIP = 16.0, 12.0, 7.0  # of text; beside it; where the colour for size is
_NUMBERS, _CUT = 34, 28  # characters of a value: at most, and of one that is cut
_TOGETHER = 36  # characters of a title and a value that stand on one line


@dataclass(frozen=True)
class Card:
    """What is drawn as one box: a node, or a block of them.

    Attributes:
        id, kind, title: what it is.
        value: stands beside the title, or below it where that is long.
        cotangent: stands below, to the right.
        size: the class of its colour.
        room, first_room: characters that its cotangent and its value have to have room for.
    """

    id: str
    kind: str
    title: str
    value: str = ""
    cotangent: str = ""
    size: str = "none"
    room: int = 0
    first_room: int = 0

    @property
    def lines(self) -> int:
        return 2 if len(self.title) + self.first_room <= _TOGETHER else 3

    @property
    def width(self) -> float:
        title, value = len(self.title) * _LARGE, (self.first_room + 1) * _LETTER
        first = title + _MARGIN + value if self.lines == 2 else max(title, value)
        wanted = max(first, self.room * _LETTER) + _MARGIN + _STRIP
        return 20.0 * -(-wanted // 20)  # few different widths: few different layouts

    @property
    def height(self) -> float:
        return self.lines * _LINE + 6


@dataclass(frozen=True)
class Link:
    """An arrow from an argument to the operation that uses it; `place` says which argument."""

    tail: str
    head: str
    place: int


@dataclass(frozen=True)
class Looks:
    """How one step shows: the box where it happens, which way arrows point, which are lit up."""

    now: str = ""
    back: bool = False
    lit: Mapping[tuple[str, str, int], str] = field(default_factory=dict)


def clipped(text: str, longest: int = 38) -> str:
    """Text that fits into a box."""
    text = safe(text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def shortened(numbers: str) -> str:
    """Numbers that fit into a box; what does not is cut shorter still, for larger letters."""
    return clipped(numbers) if len(numbers) <= _NUMBERS else clipped(numbers, _CUT)


def sheet(cards: list[Card], links: list[Link], name: str, looks: Looks) -> str:
    """The cards and links as one `<svg>` element; `name` is what a screen reader says of it."""
    sizes = {card.id: (card.width, card.height) for card in cards}
    place = laid_out(sizes, [(link.tail, link.head) for link in links])
    width, height = round(place.width) + 8, round(place.height) + 8
    body = [*_arrows(links, place.arrows, looks)]
    for card in cards:
        body += _box(card, place.boxes[card.id], card.id == looks.now)
    kind = "graph back" if looks.back else "graph"
    return (
        f'<svg class="{kind}" viewBox="-4 -4 {width} {height}" width="{width}" height="{height}"'
        f' style="--w:{width}px;--h:{height}px" role="group" aria-label="{escape(name)}">'
        + "".join(body)
        + "</svg>"
    )


def _arrows(links: list[Link], ways: list[list[Point]], looks: Looks) -> Iterator[str]:
    for link, way in zip(links, ways, strict=True):
        ends = f'data-tail="{link.tail}" data-head="{link.head}" data-place="{link.place}"'
        kind = f"edge {looks.lit.get((link.tail, link.head, link.place), '')}".strip()
        yield f'<path class="{kind}" {ends} d="{_curve(way)}"/>'


def _curve(way: list[Point]) -> str:
    start, *rest = way
    return f"M{_at(start)}C{' '.join(map(_at, rest))}"


def _at(point: Point) -> str:
    return f"{point.x:.0f},{point.y:.0f}"


def _box(card: Card, middle: Point, now: bool) -> Iterator[str]:
    left, top = middle.x - card.width / 2, middle.y - card.height / 2
    label = escape(f"{card.title}, value {card.value}")
    kind = f"{card.kind} {card.size}{' now' if now else ''}"
    yield (
        f'<g class="box {kind}" data-box="{card.id}" tabindex="0" role="button"'
        f' aria-label="{label}" transform="translate({left:.0f},{top:.0f})">'
    )
    yield f'<rect class="card" width="{card.width:.0f}" height="{card.height:.0f}" rx="5"/>'
    yield f'<rect class="size" width="{_STRIP:.0f}" height="{card.height:.0f}" rx="2"/>'
    x, right = _STRIP + _MARGIN / 2, card.width - _MARGIN / 2
    value, last = (card.lines - 1) * _LINE, card.lines * _LINE
    yield f'<text class="t" x="{x:.0f}" y="{_LINE:.0f}">{escape(card.title)}</text>'
    yield f'<text class="v" x="{right:.0f}" y="{value:.0f}">{escape(card.value)}</text>'
    yield f'<text class="c" x="{right:.0f}" y="{last:.0f}">{escape(card.cotangent)}</text></g>'
