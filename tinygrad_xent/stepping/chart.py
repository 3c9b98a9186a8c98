"""The sizes of cotangents along the walk back, of several losses, on one log scale."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from markupsafe import Markup

from .comparison import Comparison
from .plain import safe
from .records import Backward
from .scale import Scale, scale
from .sheet import clipped

_HEIGHT, _TOP, _BOTTOM, _LEFT, _RIGHT = 250.0, 14.0, 62.0, 46.0, 12.0
_WIDTH = 960.0
_MARKS = ("M-6,0a6,6 0 1,0 12,0a6,6 0 1,0 -12,0Z", "M-5.5,-5.5H5.5V5.5H-5.5Z", "M0,-7L7,5H-7Z")


def head(c: Comparison) -> Markup:
    """The chart, and below it in words what it shows."""
    says = Markup("").join(Markup("<p>{}</p>").format(safe(line)) for line in c.says)
    return Markup('<div class="chart">{}</div><div class="says">{}</div>').format(
        Markup(chart(c)), says
    )


def chart(c: Comparison) -> str:
    """An `<svg>` element: the walk back from left to right, the norm upwards."""
    lines = [c.norms(k) for k in range(len(c.walks))]
    rows = sorted({row for line in lines for row, _ in line})
    sizes = scale(norm for line in lines for _, norm in line)
    axis = _Axes(rows, sizes)
    body = [*axis.grid(), *axis.columns(c)]
    for k, line in enumerate(lines):
        body += _line(c, k, [(row, norm) for row, norm in line if norm > 0], axis)
    view = f'viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" role="img"'
    label = 'aria-label="Size of what arrives, step by step back"'
    return f'<svg class="norms" {view} {label}>{"".join(body)}</svg>'


class _Axes:
    """Where a row and a norm lie."""

    def __init__(self, rows: list[int], sizes: Scale) -> None:
        self._place = {row: i for i, row in enumerate(rows)}
        self._sizes = sizes
        self._step = (_WIDTH - _LEFT - _RIGHT) / max(1, len(rows))

    def x(self, row: int) -> float:
        return _LEFT + (self._place[row] + 0.5) * self._step

    def y(self, norm: float) -> float:
        return _TOP + (1 - self._sizes.place(norm)) * (_HEIGHT - _TOP - _BOTTOM)

    def grid(self) -> Iterator[str]:
        low, high = int(self._sizes.low), int(self._sizes.high)
        step = max(1, (high - low) // 5)
        for power in range(low, high + 1, step):
            y = self.y(10.0**power)
            label = f'10<tspan dy="-5" font-size="9">{power}</tspan>'
            yield f'<path class="rule" d="M{_LEFT:.0f},{y:.1f}H{_WIDTH - _RIGHT:.0f}"/>'
            yield f'<text x="{_LEFT - 8:.0f}" y="{y + 4:.1f}" class="power">{label}</text>'

    def columns(self, c: Comparison) -> Iterator[str]:
        """A strip for each row, to be clicked, with the node where all walks visit the same."""
        for row in self._place:
            left = self.x(row) - self._step / 2
            whole = f'width="{self._step:.1f}" height="{_HEIGHT:.0f}"'
            kind = "strip shared" if row in c.shared else "strip"
            yield f'<rect class="{kind}" data-row="{row}" x="{left:.1f}" y="0" {whole}/>'
            yield from self._titles(c, row)

    def _titles(self, c: Comparison, row: int) -> Iterator[str]:
        steps = [(k, w, n) for k, (w, n) in enumerate(zip(c.walks, c.rows[row], strict=True)) if n]
        names = [(k, w.box(w.steps[n - 1].box).symbol.text) for k, w, n in steps]
        longest = max(4, int(self._step / 7))
        if row in c.shared:
            names = [(-1, names[0][1])]
        for line, (k, name) in enumerate(names):
            y = _HEIGHT - _BOTTOM + 20 + 17 * line
            yield (f'<text class="name walk-{k}" x="{self.x(row):.1f}" y="{y:.0f}">'
                   f"{escape(clipped(name, longest))}</text>")  # fmt: skip


def _line(c: Comparison, k: int, points: list[tuple[int, float]], axis: _Axes) -> Iterator[str]:
    spine = [p for p in points if p[0] in c.spines[k]]
    way = "L".join(f"{axis.x(row):.1f},{axis.y(norm):.1f}" for row, norm in spine)
    yield f'<path class="series walk-{k}" d="M{way}"/>' if spine else ""
    name = c.walks[k].name
    for row, norm in points:
        at = f"translate({axis.x(row):.1f},{axis.y(norm):.1f})"
        step = c.walks[k].steps[c.rows[row][k] - 1]
        assert isinstance(step, Backward)
        beside = "" if row in c.spines[k] else " beside"
        yield (f'<path class="dot walk-{k}{beside}" d="{_MARKS[k % len(_MARKS)]}" transform="{at}">'
               f"<title>{escape(safe(name))}: {norm:.4g}</title></path>")  # fmt: skip
    if spine:
        row, norm = max(spine, key=lambda point: point[1])
        x, y = axis.x(row) + 10, axis.y(norm) + (4 if k == 0 else 16)
        label = escape(safe(name))
        yield f'<text class="who walk-{k}" x="{x:.1f}" y="{y:.1f}">{label}</text>'
