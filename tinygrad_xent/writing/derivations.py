"""A derivation as LaTeX, MathML and Markdown: one line per step, with the rule's name."""

from __future__ import annotations

from typing import Any

from . import mathml
from .latex import latex
from .symbols import quoted, symbol, typeset


def align(derivation: Any) -> str:
    """A derivation as an `align*` environment, for a document that uses amsmath."""
    rows = [rf"{symbol(name)} &= {latex(body.term)} && \text{{by definition}}"
            for name, body in derivation.definitions]  # fmt: skip
    left = _gradient(derivation)
    for rule, formula in derivation.lines:
        rows.append(rf"{left} &= {latex(formula.term)} && {quoted(rule)}")
        left = ""
    rest = [typeset(a) for a in derivation.assumptions]
    holds = r"\text{holds where }" + r",\ ".join(rest) if rest else r"\text{holds for all values}"
    rows += [rf" &\phantom{{={{}}}} {line}" for line in (holds, *map(quoted, derivation.caveats))]
    return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"


def markup(derivation: Any) -> str:
    """A derivation as a `<math>` element."""
    equals = "<mo>=</mo>"
    rows = [(mathml.name(name), equals, mathml.row(body.term), mathml.words("by definition"))
            for name, body in derivation.definitions]  # fmt: skip
    left = gradient_markup(derivation)
    for rule, formula in derivation.lines:
        rows.append((left, equals, mathml.row(formula.term), mathml.words(rule)))
        left = ""
    rest = "<mo>,</mo>".join(map(mathml.formula, derivation.assumptions))
    holds = mathml.words("holds where ") + rest if rest else mathml.words("holds for all values")
    rows += [("", "", f"<mrow>{line}</mrow>", "")
             for line in (holds, *map(mathml.words, derivation.caveats))]  # fmt: skip
    return mathml.block(*rows)


def markdown(derivation: Any) -> str:
    """A derivation as Markdown: a table of the steps, what they rest on, and the reasons."""
    steps = [
        ("recorded by the engine", "What the backward pass computes.", derivation.start, ()),
        *(
            (s.rule, " ".join([s.reason, *map("({})".format, s.shown)]), s.whole, s.used)
            for s in derivation.steps
        ),
    ]
    table = [_row("step", "formula", "reason", "assumes"), "|---|---|---|---|"]
    table += [_row(plain(rule), code(formula), plain(reason), ", ".join(map(code, used)))
              for rule, reason, formula, used in steps]  # fmt: skip
    named = [f"where {code(f'{name} = {body}')}\n" for name, body in derivation.definitions]
    title = f"**{plain(derivation.title)} = {code(derivation.result)}**\n"
    forms = [f"- {plain(c.title)} {code(c.result)}: {plain(', '.join(c.by))}"
             for c in derivation.safer]  # fmt: skip
    lines = [title, *named, *table, "", plain(derivation.footing), ""]
    return "\n".join([*lines, *forms, *([""] if forms else [])])


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def plain(text: str) -> str:
    """Any text in a cell of a Markdown table, as it reads."""
    return "".join(f"&#{ord(c)};" if c in _MARKS else c for c in " ".join(text.split()))


def code(text: Any) -> str:
    """Any text in a cell of a Markdown table, as code.

    It stands in an element and not between backticks, in which a bar would end the cell.
    """
    return f"<code>{plain(str(text))}</code>"


_MARKS = frozenset("\\`*_{}[]<>&#|~!$")


def _gradient(derivation: Any) -> str:
    """The left-hand side: what is derived."""
    loss = loss_name(derivation)
    if loss is None:
        return typeset(derivation.title)
    return rf"\frac{{\partial\,{symbol(loss)}}}{{\partial\,{symbol(derivation.wrt)}}}"


def gradient_markup(derivation: Any) -> str:
    """The left-hand side as MathML."""
    loss = loss_name(derivation)
    if loss is None:
        return mathml.formula(derivation.title)
    over, under = (f"<mrow><mo>∂</mo>{mathml.name(n)}</mrow>" for n in (loss, derivation.wrt))
    return f"<mfrac>{over}{under}</mfrac>"


def loss_name(derivation: Any) -> str | None:
    """The loss in a title that reads `d loss / d z`."""
    title, end = derivation.title, f" / d {derivation.wrt}"
    fits = derivation.wrt and title.startswith("d ") and title.endswith(end)
    return title.removeprefix("d ").removesuffix(end) if fits else None
