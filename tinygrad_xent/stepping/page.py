"""Walkthroughs as one HTML page, which requests nothing from anywhere.

Everything that depends on the step is written here: the panel of each step as HTML, and the text in
each box from which step on. The page's script only chooses what to show.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment
from markupsafe import Markup

from ..drawing.files import write
from ..drawing.values import number
from ..errors import RenderError, explain
from ..writing import templates
from .breakpoints import odd_numbers
from .marks import Marks
from .numbers import Math
from .plain import safe
from .records import BACKWARD, CLOSING, FORWARD, Backward, Edge, Forward, Step
from .scale import Scale, scale
from .sheet import clipped
from .sheets import Sheets
from .walkthrough import Walkthrough

PHASES = {FORWARD: "Forward", BACKWARD: "Backward", CLOSING: "Derivation"}
_TAPE = 400  # steps that are listed one by one
_CODE = re.compile("&#x0*([0-9A-F]{3,5}|2[8-9A-F]|3[0-9AD-F]|[57][B-D]);")  # not < & " and such
_NAMESPACE = ' xmlns="http://www.w3.org/1998/Math/MathML"'


def page(
    walks: Sequence[Walkthrough], rows: Sequence[tuple[int, ...]] | None = None, head: Any = None
) -> str:
    """The page of one walkthrough, or of several side by side.

    Args:
        walks: what is shown.
        rows: the steps that are shown together, 0 where a walk has none; each step of the only
            walk, unless given.
        head: what a comparison shows above the graphs.
    """
    rows = rows or [(step.number,) for step in walks[0]]
    sizes = scale(s.arriving.norm for w in walks for s in w.backward)
    views = [View(w, sizes) for w in walks]
    data = {"rows": rows, "walks": [view.data() for view in views], "phases": list(PHASES.values())}
    return environment().get_template("page.html").render(
        views=views, scale=sizes, head=head, data=Markup(_json(data)), several=len(walks) > 1
    )  # fmt: skip


def _json(data: Any) -> str:
    """JSON that may stand inside a script element: nothing in it ends or nests one."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    text = re.sub(r"<(?=[!sS])", r"\\u003c", text).replace("</", "<\\/")
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _spelled(x: Any) -> Any:
    return safe(x) if isinstance(x, str) and not isinstance(x, Markup) else x


@cache
def environment() -> Environment:
    """Jinja, with everything that is not our own markup escaped, and spelled out if unprintable."""
    made = templates.environment("stepping", finalize=_spelled)
    made.filters |= {"number": number, "math": markup, "clipped": clipped, "address": address}
    made.globals["file"] = lambda name: Markup((Path(__file__).parent / name).read_text("utf-8"))
    return made


def markup(formula: Math) -> Markup:
    """A formula as MathML, or as code where there is none."""
    if formula.mathml:
        plain = _CODE.sub(lambda found: chr(int(found[1], 16)), formula.mathml)
        return Markup(plain.replace(_NAMESPACE, ""))
    return Markup("<code>{}</code>").format(safe(formula.text))


def address(name: str) -> str:
    """A walkthrough's name in the address of a step.

    >>> address("a b/ç")
    'a%20b%2F%C3%A7'
    """
    return quote(safe(name), safe="")


class View:
    """One walkthrough as the page needs it.

    Args:
        w: the walkthrough.
        sizes: the scale of its colours.
    """

    def __init__(self, w: Walkthrough, sizes: Scale) -> None:
        self.w = w
        self._marks = Marks(w, sizes)
        self.sheets = Sheets(w, self._marks)
        listed = w.steps[:_TAPE]
        self.tape = [(s.number, s.phase, w.box(s.box).symbol.text, self._brief(s)) for s in listed]

    def _brief(self, step: Step) -> str:
        if isinstance(step, Forward):
            return self.w.box(step.box).value.brief
        return step.arriving.brief if isinstance(step, Backward) else step.rule

    def data(self) -> dict[str, Any]:
        """What the script chooses from."""
        w = self.w
        return {
            "name": safe(w.name),
            "steps": [self._step(step) for step in w],
            "marks": self._marks.data(),
            "within": {b.id: b.block for b in w.boxes if b.block},
            "last": self.sheets.last,
            "blocks": {b.id: [clipped(b.title), self.sheets.svg(b.id)] for b in w.blocks},
            "whys": {f"{y.box}:{','.join(map(str, y.index))}": self._why(y) for y in w.whys},
            "stops": _stops(w),
        }

    def _step(self, step: Step) -> dict[str, Any]:
        html = (
            environment()
            .get_template("step.html")
            .render(w=self.w, step=step, edges=_told(self.w, step))
        )
        box = self.w.box(step.box)
        found: dict[str, Any] = {
            "box": step.box, "phase": list(PHASES).index(step.phase), "op": box.op,
            "symbol": clipped(box.symbol.text), "say": safe(step.say),
            "html": _dense(html), "odd": bool(odd_numbers(self.w, step)),
        }  # fmt: skip
        norm = {"norm": step.arriving.norm} if isinstance(step, Backward) else {}
        return found | norm | self._marks.lit(step)

    def _why(self, why: Any) -> dict[str, Any]:
        html = environment().get_template("why.html").render(w=self.w, why=why)
        return {"html": _dense(html), "paths": [p.boxes for p in why.paths]}


def _told(w: Walkthrough, step: Step) -> list[Edge]:
    """The edges of a step: of those that nothing is sent along, not those to constants."""
    edges = step.edges if isinstance(step, Backward) else ()
    return [e for e in edges if e.contribution or w.box(e.to).kind != "constant"]


def _dense(html: str) -> str:
    """Markup without the line breaks of its template."""
    return re.sub(r">\s*\n\s*<", "><", html).strip()


def _stops(w: Walkthrough) -> list[tuple[str, str]]:
    """What the page can stop at: operations and nodes, as kind and name."""
    ops = sorted({b.op for b in w.boxes if b.op})
    nodes = [clipped(b.symbol.text) for b in w.boxes if b.kind in ("leaf", "definition")]
    return [*(("op", op) for op in ops), *(("symbol", n) for n in dict.fromkeys(nodes[:_TAPE]))]


def save(thing: Any, path: str | os.PathLike[str]) -> Path:
    """Write a walkthrough or a comparison; the ending of the path says as what."""
    file = Path(path)
    made = {".html": "html", ".htm": "html", ".json": "json", ".svg": "svg"}.get(
        file.suffix.lower()
    )
    if made is None or not hasattr(thing, made):
        works = ".html .json" + (" .svg" if hasattr(thing, "svg") else "")
        raise RenderError(explain("save: the ending says what to write", str(file), works))
    write(file, getattr(thing, made)().encode())
    return file
