"""A graph as MathML, which browsers draw without a script.

latex2mathml converts our LaTeX. It does not escape text and sets words letter by letter, so names
and words go past it: a private character stands for each while it converts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from latex2mathml.converter import convert

from .latex import latex
from .symbols import GREEK, split, symbol, typeset

_FIRST = 0xE000  # private use: `symbol` never lets one through from a name
_WORD = re.compile(r"\\(operatorname|mathrm|text)\{((?:[^{}\\]|\\.|\{\})*)\}")
_FUNCTION = re.compile(r"\\(log|sin|cos|tanh|max|min)\b")
_WORDS = {
    "operatorname": '<mo form="prefix" lspace="0.167em" rspace="0">{}</mo>',
    "mathrm": "<mi>{}</mi>",
    "text": "<mtext>{}</mtext>",
}
_SHELL = re.compile(r"^<math[^>]*>(.*)</math>$", flags=re.DOTALL)
_ALIGN = ("right", "center", "left", "left")  # twice: not every browser knows `columnalign`
_FITTING = ' stretchy="true"', ' stretchy="true" symmetric="false"'  # as tall as what is inside
_NAMESPACE = "http://www.w3.org/1998/Math/MathML"


def mathml(node: Any) -> str:
    """A node as a `<math>` element.

    >>> import tinygrad_xent as tx
    >>> print(mathml(tx.tensor(1.0, name="theta").named("a<b")))
    <math xmlns="http://www.w3.org/1998/Math/MathML"><mrow><mtext>a&lt;b</mtext></mrow></math>
    """
    return f'<math xmlns="{_NAMESPACE}">{row(node)}</math>'


def block(*rows: tuple[str, ...]) -> str:
    """A table as a `<math>` element of its own lines, of rows of markup."""
    body = "".join(f"<mtr>{''.join(map(_cell, _ALIGN, cells))}</mtr>" for cells in rows)
    table = f'<mtable columnalign="{" ".join(_ALIGN)}" displaystyle="true">{body}</mtable>'
    return f'<math xmlns="{_NAMESPACE}" display="block">{table}</math>'


def _cell(align: str, body: str) -> str:
    return f'<mtd style="text-align: {align}">{body}</mtd>'


def row(node: Any, marks: Mapping[int, str] | None = None) -> str:
    """A node as markup inside a `<math>` element; the parts with these `id`s get these classes.

    >>> import tinygrad_xent as tx
    >>> x = tx.tensor(1.0, name="x")
    >>> e = tx.log(x)
    >>> '<mrow class="new"><mo form="prefix"' in row(2 * e, {id(e): "new"})
    True
    """
    return _Words(marks).row(node)


def formula(text: str) -> str:
    """A formula in text, such as an assumption, as markup."""
    return _Words().markup(typeset(text))


def name(text: str) -> str:
    """A name as markup.

    >>> name("theta_1"), name("50%")
    ('<msub><mi>θ</mi><mn>1</mn></msub>', '<mtext>50%</mtext>')
    """
    parts = split(text)
    if parts is None:
        return formula(text) if r"\text{" not in symbol(text) else words(text)
    base, index, primes = parts
    body = _part(base + primes)
    return f"<msub>{body}{_part(index)}</msub>" if index else body


def words(text: str) -> str:
    """Any text as markup."""
    return f"<mtext>{_safe(text)}</mtext>"


def _part(part: str) -> str:
    letters = part.rstrip("'")
    shown = GREEK.get(letters, letters) + "′" * (len(part) - len(letters))
    return f"<mn>{shown}</mn>" if part.isdigit() else f"<mi>{_safe(shown)}</mi>"


def _safe(text: str) -> str:
    """Text without the characters that XML forbids, and with the others escaped."""
    allowed = (c if c.isprintable() and not 0xD800 <= ord(c) < 0xE000 else "\ufffd" for c in text)
    return escape("".join(" " if c.isspace() else c for c in allowed))


class _Words:
    """What stands for each private character."""

    def __init__(self, marks: Mapping[int, str] | None = None) -> None:
        self._markup: list[str] = []
        self._marks = marks or {}

    def row(self, node: Any) -> str:
        return self.markup(latex(node, self._name, self._marked if self._marks else None))

    def _marked(self, part: Any, body: str) -> str:
        """A part in a row with its class; a minus in front stays out, for brackets depend on it."""
        if id(part) not in self._marks:
            return body
        sign = body[: body.startswith("-")]
        start = self._hidden(f'<mrow class="{self._marks[id(part)]}">')
        return f"{sign}{{{start}{body.removeprefix(sign)}{self._hidden('</mrow>')}}}"

    def markup(self, body: str) -> str:
        """LaTeX of ours as markup."""
        spaced = _FUNCTION.sub(r"\\operatorname{\1}", body)  # which has room before it
        hidden = _WORD.sub(self._word, spaced)
        found = _SHELL.match(convert(hidden))
        assert found is not None
        shown = re.sub("<m[io]>([\ue000-\uf8ff])</m[io]>", self._shown, found[1])
        return shown.replace(*_FITTING)

    def _name(self, text: str) -> str:
        return self._hidden(name(text))

    def _word(self, found: re.Match[str]) -> str:
        plain = _safe(re.sub(r"\\(.)", r"\1", found[2]))
        return self._hidden(_WORDS[found[1]].format(plain.replace(" ", "\u00a0")))

    def _hidden(self, markup: str) -> str:
        if markup not in self._markup:
            self._markup.append(markup)
        return chr(_FIRST + self._markup.index(markup))

    def _shown(self, found: re.Match[str]) -> str:
        return self._markup[ord(found[1]) - _FIRST]
