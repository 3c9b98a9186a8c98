"""A derivation as one HTML page, which requests nothing from anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ..algebra import Computation, Derivation, Formula
from ..errors import RenderError, TinygradXentError
from ..writing import mathml
from ..writing.derivations import gradient_markup, loss_name
from ..writing.templates import environment
from . import render
from .dot import spelled
from .embedding import embedded
from .files import save
from .outline import counted, outline
from .shots import Shot, shots


@dataclass(frozen=True)
class Slide:
    """A step as the page shows it.

    Attributes:
        rule, reason: what was done.
        formula: what the gradient is now, with what is new and what goes away next.
        place: what the rule rewrote and what that became, where this is not all of the formula.
        used: what had to be assumed.
        shown: the side conditions that hold, with the reasons.
        operations: how many the formula does.
        says: what the graph shows, in words.
        graph: the graph, or nothing where graphs cannot be laid out.
    """

    rule: str
    reason: str
    formula: Markup
    place: tuple[Markup, Markup] | None
    used: tuple[Markup, ...]
    shown: tuple[str, ...]
    operations: str
    says: str
    graph: Markup


def page(derivation: Derivation) -> str:
    """The page of a derivation: the result, the steps with their reasons, what it rests on.

    >>> import tinygrad_xent as tx
    >>> x = tx.tensor([1.0, 2.0], name="x")
    >>> page(tx.derive((x * x).sum(), x)).startswith("<!DOCTYPE html>")
    True
    """
    html = (
        environment("drawing")
        .get_template("page.html")
        .render(
            derivation=derivation,
            slides=_slides(derivation),
            computed=[_computed(c) for c in derivation.safer],
            gradient=_math(gradient_markup(derivation)),
            loss=_loss(derivation),
            result=_formula(derivation.result),
            footing=_facts(derivation.assumptions),
            unused=_facts(derivation.unused),
            caveats=derivation.caveats,
            definitions=[
                (_math(mathml.name(n)), _formula(body)) for n, body in derivation.definitions
            ],
            forms=list(_forms(derivation)),
        )
    )
    return spelled(html)


def save_page(derivation: Derivation, path: Path) -> None:
    """Write the page into a file, whole or not at all, and make its folder if there is none.

    Raises:
        RenderError: the file cannot be written.
    """
    save(path, page(derivation))


# -- steps ----------------------------------------------------------------------------------------


def _slides(derivation: Derivation) -> list[Slide]:
    taken = shots(derivation)
    drawings = _drawings(taken)
    return [
        Slide(
            rule=shot.rule,
            reason=shot.reason,
            formula=_formula(formula, _marks(shot, formula)),
            place=_place(derivation, i),
            used=_facts(derivation.steps[i - 1].used if i else ()),
            shown=derivation.steps[i - 1].shown if i else (),
            operations=counted(shot.operations),
            says=_says(shot),
            graph=Markup(embedded(drawings[i], _says(shot)) if drawings else ""),
        )
        for i, (shot, (_, formula)) in enumerate(zip(taken, derivation.lines, strict=True))
    ]


def _computed(computation: Computation) -> dict[str, Any]:
    """The steps to a form to compute by, which is not drawn."""
    steps = [
        {"rule": s.rule, "because": s.because, "formula": _formula(s.whole)}
        for s in computation.steps
    ]
    return {
        "title": computation.title,
        "formula": _formula(computation.result),
        "steps": steps,
    }


def _drawings(taken: list[Shot]) -> list[str]:
    """The graphs; none where no program can lay them out, as the page is still of use."""
    try:
        return render.svgs([outline([shot.graph]) for shot in taken])
    except RenderError:
        return []


def _marks(shot: Shot, formula: Formula) -> dict[int, str]:
    """The classes of parts of a formula. All of it is not marked: that would say nothing."""
    marks: dict[int, str] = {}
    for look, terms in (("new", shot.new), ("gone", shot.gone)):
        for term in terms:
            marks[id(term)] = f"{marks.get(id(term), '')} {look}".strip()
    marks.pop(id(formula.term), None)
    return marks


def _place(derivation: Derivation, i: int) -> tuple[Markup, Markup] | None:
    if i == 0:
        return None
    step, before = derivation.steps[i - 1], derivation.lines[i - 1][1]
    return None if step.before == before else (_formula(step.before), _formula(step.after))


def _says(shot: Shot) -> str:
    """What a graph shows, for those who cannot see it."""
    counts = {look: sum(look in c.mark for c in shot.graph.cells) for look in ("new", "gone")}
    told = [f"{counted(shot.operations)}"]
    told += [f"{counts['new']} new"] * bool(counts["new"])
    told += [f"{counts['gone']} will go away"] * bool(counts["gone"])
    told += [f"{shot.hidden} folded"] * bool(shot.hidden)
    return ", ".join(told)


# -- formulas -------------------------------------------------------------------------------------


def _math(row: str) -> Markup:
    return Markup(f"<math>{row}</math>")


def _formula(formula: Formula, marks: dict[int, str] | None = None) -> Markup:
    return _math(f"<mrow>{mathml.row(formula.term, marks)}</mrow>")


def _facts(facts: tuple[str, ...]) -> tuple[Markup, ...]:
    return tuple(_math(mathml.formula(fact)) for fact in facts)


def _loss(derivation: Derivation) -> Markup | None:
    """The loss as it was composed, and its name."""
    if derivation.loss is None:
        return None
    name = mathml.name(loss_name(derivation) or "loss")
    return _math(f"{name}<mo>=</mo><mrow>{mathml.row(derivation.loss.term)}</mrow>")


def _forms(derivation: Derivation) -> Iterator[tuple[str, str]]:
    """The same in other languages; code only where it can be written."""
    for title, write_it in (("NumPy", derivation.source), ("LaTeX", derivation.latex)):
        with suppress(TinygradXentError):
            yield title, write_it()
