"""Every step as plain text: what is printed where there is no terminal to step in."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import shorten, wrap
from typing import TYPE_CHECKING

from ..drawing.values import number
from .numbers import Math, Numbers
from .records import Backward, Edge, Forward, Hand, Jacobian, Rewrite, Step, Why
from .walkthrough import Walkthrough

if TYPE_CHECKING:
    from .comparison import Comparison

WIDTH = 80
_LABEL = 10  # characters
_HEADINGS = {
    "forward": "Forward: the values",
    "backward": "Backward: what each node receives, and passes on",
    "derivation": "Derivation: from the recorded gradient to its closed form",
}


def plain(w: Walkthrough, ascii: bool = False) -> str:
    """The whole walkthrough, in lines of at most 80 characters."""
    lines = [f"{w.name}: {w.loss.text}", *w.notes]
    phase = ""
    for step in w.steps:
        if step.phase != phase:
            phase = step.phase
            lines += ["", _HEADINGS[phase], ""]
        lines += step_lines(w, step)
    lines += ["", *w.story.split("\n")] if w.story else []
    text = "\n".join(part for line in lines for part in _folded(safe(line)))
    return to_ascii(text) if ascii else text


def safe(text: str) -> str:
    r"""Text that moves no cursor: control characters of a name are spelled out.

    >>> print(safe("a\x1b[2Jb"))
    a\x1b[2Jb
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def to_ascii(text: str) -> str:
    r"""Text without letters that some terminals lack.

    >>> to_ascii("σ(x)")
    '\\u03c3(x)'
    """
    return text.encode("ascii", "backslashreplace").decode()


def _folded(line: str) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return wrap(line, WIDTH, subsequent_indent=indent, break_on_hyphens=False) or [""]


def step_lines(w: Walkthrough, step: Step) -> list[str]:
    """One step in a few lines."""
    if isinstance(step, Forward):
        return _forward(w, step)
    if isinstance(step, Backward):
        return _backward(w, step)
    return _rewrite(step)


def _forward(w: Walkthrough, step: Forward) -> list[str]:
    box = w.box(step.box)
    odd = "" if box.value.finite else f"   {step.say}"
    return [f"{step.number:4}  {shorten(box.title, 40, placeholder=' ...'):<40}"
            f"  {box.value.brief}{odd}"]  # fmt: skip


def _backward(w: Walkthrough, step: Backward) -> list[str]:
    lines = [f"{step.number:4}  {w.box(step.box).title}", "      " + step.say]
    lines.append(_labelled("arriving", both(step.arriving, step.formula)))
    for edge in step.edges:
        lines += _edge(w, edge)
    if step.hand:
        lines.append(_labelled("by hand", hand_text(step.hand)))
    return [*lines, ""]


def both(numbers: Numbers, formula: Math | None) -> str:
    """The numbers, with their formula where there is one."""
    return numbers.brief + (f"   = {formula.text}" if formula else "")


def hand_text(hand: Hand) -> str:
    """`[0.2, 0.8] = q - p   largest relative difference 1.3e-16`."""
    formula = f"   = {hand.text}" if hand.text else ""
    return f"{hand.value.brief}{formula}   largest relative difference {hand.difference:.2g}"


def _labelled(label: str, text: str) -> str:
    return f"      {label:<{_LABEL}}{text}"


def _edge(w: Walkthrough, edge: Edge) -> Iterator[str]:
    name = w.box(edge.to).symbol.text
    if edge.contribution is None or edge.local is None:
        if w.box(edge.to).kind != "constant":
            yield _labelled("leaving", f"nothing to {name}")
        return
    yield _labelled("local", f"{edge.rule}   {jacobian_text(edge.local)}")
    yield _labelled("leaving", f"to {name}: {both(edge.contribution, edge.formula)}")
    if edge.count > 1 and edge.after is not None:
        before = edge.before.brief if edge.before else "nothing"
        which = f"contribution {edge.index} of {edge.count}: {before}, then {edge.after.brief}"
        yield _labelled("", which)


def jacobian_text(local: Jacobian) -> str:
    """The numbers if there are few, else the shape.

    >>> jacobian_text(Jacobian(2, 2, ((1.0, 0.0), (0.0, 2.0)), True))
    '[1, 0] [0, 2]'
    """
    if local.entries is None:
        kind = "diagonal, " if local.diagonal else ""
        return f"({kind}{local.rows:,} by {local.columns:,})"
    return " ".join("[" + ", ".join(map(number, row)) + "]" for row in local.entries)


def _rewrite(step: Rewrite) -> list[str]:
    used = f" Assumed: {', '.join(step.used)}." if step.used else ""
    return [f"{step.number:4}  {step.rule}: {step.say}{used}", f"      = {step.whole.text}", ""]


def compared(c: Comparison) -> str:
    """Two walks as one table: what arrives at each node, and what that shows."""
    names = "".join(f"{safe(w.name):>14}" for w in c.walks)
    lines = [*c.says, "", f"{'norm of what arrives at':<36}{names}"]
    for row in c.rows:
        found = [(w, w.steps[n - 1] if n else None) for w, n in zip(c.walks, row, strict=True)]
        if not any(isinstance(step, Backward) for _, step in found):
            continue
        titles = dict.fromkeys(w.box(s.box).symbol.text for w, s in found if s is not None)
        norms = "".join(f"{s.arriving.norm:>14.4g}" if isinstance(s, Backward) else f"{'':>14}"
                        for _, s in found)  # fmt: skip
        lines.append(f"{shorten(' | '.join(titles), 36, placeholder=' ...'):<36}{norms}")
    return "\n".join(part for line in lines for part in (_folded(safe(line)) if line else [""]))


def why_table(why: Why) -> str:
    """The paths of one entry as a table that adds up."""
    titles = dict(why.titles)
    place = f"entry [{', '.join(map(str, why.index))}] of " if why.index else ""
    rows = [(path_text(p.boxes, titles, p.count), p.value) for p in why.paths]
    if why.rounding:
        rows.append(("what the engine's own sums rounded", why.rounding))
    body = [f"{value:>24.17g}  {safe(way)}" for way, value in rows]
    return "\n".join([*body, f"{why.total:>24.17g}  {place}{titles.get(why.box, '')}"])


def path_text(boxes: tuple[str, ...], titles: dict[str, str], count: int) -> str:
    """The nodes on a path, from the loss down; merged paths say how many they are."""
    way = " > ".join(titles[box] for box in reversed(boxes))
    return f"{way}   ({count:,} paths)" if count > 1 else way
