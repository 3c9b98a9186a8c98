"""Where the formulas of a document are: LaTeX, Markdown with dollars, or plain lines.

Prose is never parsed: each formula is cut out and read by itself, so that what is odd in one place
does no harm in another. Nothing is executed; macros are replaced by their text, up to a bound.
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_right
from dataclasses import dataclass

MOST_CHARACTERS = 1_000_000  # of a document
_MOST_FORMULAS, _MOST_MACROS, _MOST_PROSE = 2_000, 200, 2_000
_MOST_EXPANSIONS, _MOST_EXPANDED = 100, 5_000

_MATH = "align|aligned|equation|gather|gathered|multline|eqnarray|displaymath|math|flalign|alignat"
_FORMULA = re.compile(
    r"(?P<skip>\\\\|\\\$|```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)"
    r"|\\begin\{(?P<code>verbatim|lstlisting|minted)\}.*?(?:\\end\{(?P=code)\}|\Z)"
    r"|\{%[ ]*highlight.*?(?:endhighlight[ ]*%\}|\Z))"
    r"|\$\$(?P<dollars>.*?)(?:\$\$|\Z)"
    r"|\\\[(?P<bracket>.*?)(?:\\\]|\Z)"
    r"|\\\((?P<paren>.*?)(?:\\\)|\Z)"
    rf"|\\begin\{{(?P<env>(?:{_MATH})\*?)\}}(?P<body>.*?)(?:\\end\{{(?P=env)\}}|\Z)"
    r"|\$(?P<dollar>(?:[^$\n]|\n(?![ \t]*\n))*)\$",
    re.DOTALL,
)
_DISPLAYS = ("dollars", "bracket", "body")
_MARKS = re.compile(r"\$|\\\]|\\\[|\\begin\{[a-z*]+\}|\\end\{[a-z*]+\}")
_HEADING = re.compile(r"^[ \t]*(?:#{1,6}\s|\\(?:sub)*section|\\chapter|\\paragraph)", re.MULTILINE)
_DEFINITION = re.compile(
    r"\\(?:re)?newcommand\*?\s*\{?\\([A-Za-z]+)\}?(?:\[(\d)\])?\s*\{|\\def\s*\\([A-Za-z]+)()\s*\{"
)


@dataclass(frozen=True)
class Passage:
    """One formula, display or inline, and what stood before it.

    Attributes:
        text: its LaTeX, with macros replaced.
        display: it stands by itself.
        line, column: where its text begins in the document, from 1.
        prose: the words between the formula before and this one.
        section: how many headings came before.
        plain: it was a line without LaTeX, such as `dL/dz_i = q_i - p_i`.
    """

    text: str
    display: bool
    line: int
    column: int
    prose: str = ""
    section: int = 0
    plain: bool = False

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of a character of the text."""
        before = self.text[:offset]
        row = before.count("\n")
        column = len(before) - before.rfind("\n") if row else self.column + offset
        return self.line + row, column


def passages(document: str) -> list[Passage]:
    """The formulas of a document, in order.

    >>> [p.text for p in passages("Let $x>0$.\\n\\n$$y = x^2$$")]
    ['x>0', 'y = x^2']
    >>> [(p.text, p.line) for p in passages("L = x**2\\ndL/dx = 2*x")]
    [('L = x**2', 1), ('dL/dx = 2*x', 2)]
    """
    document = _without_comments(document[:MOST_CHARACTERS])
    document, macros = _definitions(document)
    found = _marked(document)
    if not any(marks for _, _, _, marks in found):
        from .latex_bare import bare

        found += bare(document, [(start, end) for start, end, _, _ in found])
    return _with_places(document, sorted(found)[:_MOST_FORMULAS], macros)


# start and end in the document, whether display, and how it was marked ("" for environments)
Found = tuple[int, int, bool, str]


def _marked(document: str) -> list[Found]:
    found = []
    for match in _FORMULA.finditer(document):
        if match["skip"] is not None:
            continue
        kind = next(k for k in (*_DISPLAYS, "paren", "dollar") if match[k] is not None)
        found.append((*match.span(kind), kind in _DISPLAYS, "" if kind == "body" else kind))
    return found


def _with_places(document: str, found: list[Found], macros: dict[str, tuple[int, str]]
                 ) -> list[Passage]:  # fmt: skip
    starts = [0, *(m.end() for m in re.finditer("\n", document))]
    headings = [m.start() for m in _HEADING.finditer(document)]
    result, before = [], 0  # where the prose before the next display begins
    for start, end, display, marks in found:
        row = bisect_right(starts, start) - 1
        prose = _MARKS.sub("", document[max(before, start - _MOST_PROSE) : start])
        section = bisect_right(headings, start)
        text = expanded(document[start:end], macros)
        place = (row + 1, start - starts[row] + 1)
        result.append(Passage(text, display, *place, prose, section, marks == "plain"))
        before = end if display else before
    return result


def _without_comments(document: str) -> str:
    """Comments become blanks, so that places stay. Markdown writes 50 % without meaning one."""
    marks = r"(?<!\\)%[^\n]*" if r"\begin{document}" in document else r"^[ \t]*%[^\n]*"
    return re.sub(marks, lambda m: " " * len(m[0]), document, flags=re.MULTILINE)


# -- macros ---------------------------------------------------------------------------------------


def _definitions(document: str) -> tuple[str, dict[str, tuple[int, str]]]:
    """The document with its macro definitions blanked, and the macros: arguments and text."""
    macros: dict[str, tuple[int, str]] = {}
    pieces, at = [], 0
    for match in itertools.islice(_DEFINITION.finditer(document), _MOST_MACROS):
        end = closing(document, match.end() - 1)
        if match.start() < at or end < 0:
            continue
        name = match[1] or match[3]
        macros[name] = (int(match[2] or 0), document[match.end() : end])
        blank = re.sub(r"[^\n]", " ", document[match.start() : end + 1])
        pieces += [document[at : match.start()], blank]
        at = end + 1
    return "".join([*pieces, document[at:]]), macros


def closing(text: str, start: int, reach: int = 4000) -> int:
    """Where the brace that opens at `start` closes; -1 if it does not within reach."""
    depth = 0
    for i in range(start, min(len(text), start + reach)):
        depth += (text[i] == "{") - (text[i] == "}")
        if depth == 0:
            return i
    return -1


def expanded(text: str, macros: dict[str, tuple[int, str]]) -> str:
    """The text with macros replaced, up to a bound on how often and on how long it may get."""
    if not macros:
        return text
    choices = "|".join(sorted(macros, key=len, reverse=True))
    pattern = re.compile(rf"\\({choices})(?![A-Za-z])")
    for _ in range(_MOST_EXPANSIONS):
        match = pattern.search(text)
        if not match or len(text) > _MOST_EXPANDED:
            break
        wanted, body = macros[match[1]]
        end = match.end()
        for n in range(1, wanted + 1):
            end += len(text[end:]) - len(text[end:].lstrip())
            last = closing(text, end) if text[end : end + 1] == "{" else end
            body = body.replace(f"#{n}", text[end : last + 1].strip("{}") if last >= 0 else "")
            end = max(last, end) + 1
        body = body.replace("\n", " ")
        text = text[: match.start()] + body + (" " if body[-1:].isalpha() else "") + text[end:]
    return text
