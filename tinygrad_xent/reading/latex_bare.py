"""Formulas that nothing marks: lines that are one, LaTeX within prose, and plain lines."""

from __future__ import annotations

import re

_COMMAND = re.compile(r"\\[A-Za-z]+")
_PROSE = re.compile(r"(?<![\\A-Za-z_{])[A-Za-z’']{2,}(?![A-Za-z_(])")
_FUNCTIONS = frozenset([
    "exp", "log", "ln", "softmax", "sigmoid", "tanh", "sum", "max", "min", "mean", "relu",
    "logsumexp", "dot", "sqrt", "abs", "sin", "cos", "one_hot", "if", "and", "or", "for", "where",
    "else",
])  # fmt: skip
_STRONG = re.compile(r"[=^_\\<>≤≥≠∈~|]|(?<=\w) ?- ?(?=\w)")
_WORD = re.compile(r"\S+")


def bare(document: str, taken: list[tuple[int, int]]) -> list[tuple[int, int, bool, str]]:
    """The formulas of a document that has no dollars, outside what is taken already."""
    found = []
    latex = bool(_COMMAND.search(document))
    at = 0
    for line in document.splitlines(keepends=True):
        start, at = at, at + len(line)
        text = line.strip()
        if not text or any(a < at and start < b for a, b in taken) or _structure(text):
            continue
        begin = start + len(line) - len(line.lstrip())
        if _is_formula(text, latex):
            found.append((begin, begin + len(text), True, "bare" if latex else "plain"))
        elif latex and not text.startswith("#"):
            found += [(start + a, start + b, False, "bare") for a, b in _runs(line)]
    return found


def _structure(text: str) -> bool:
    """A line that opens or closes something, or is a heading."""
    return bool(re.match(r"\\(?:begin|end|documentclass|usepackage|(?:sub)*section)\b", text))


def words(text: str) -> list[str]:
    """The words of prose in a line, without names of functions and what is in \\text."""
    text = re.sub(r"\\[A-Za-z]+(?:\{[A-Za-z ]*\})?", " ", text)
    found = [w for w in _PROSE.findall(text) if w.lower() not in _FUNCTIONS]
    return [w for w in found if not re.fullmatch(r"d[A-Za-z]|[A-Z]{2,4}|[a-zA-Z]{2}", w)]


def _is_formula(text: str, latex: bool) -> bool:
    related = re.search(r"[=≈<>]|\\(?:approx|le|ge|in|sim|equiv)\b", text)
    if latex and not related:
        return bool(_COMMAND.search(text)) and not words(text) and " " not in text.strip()
    return bool(related) and not words(text) and not text.startswith(("#", ">", "|", "```"))


def _runs(line: str) -> list[tuple[int, int]]:
    """Where a line of prose has formulas: words that hold no word of a language."""
    spans: list[tuple[int, int]] = []
    open_from = None
    tokens = [*_WORD.finditer(line)]
    for token in tokens:
        if _mathematical(token[0]) or (open_from is not None and token[0] == "-"):
            open_from = token.start() if open_from is None else open_from
            end = token.end()
            if not re.search(r"[.,;:]$", token[0]) or _brackets(line[open_from:end]):
                continue
        if open_from is not None:
            spans.append((open_from, end))
            open_from = None
    if open_from is not None:
        spans.append((open_from, end))
    return [cut for a, b in spans if (cut := _trimmed(line, a, b))]


def _mathematical(word: str) -> bool:
    bare_word = re.sub(r"\\(?:text|mathrm|operatorname)\{[A-Za-z]+\}|\\[A-Za-z]+", "", word)
    return not re.search(r"[A-Za-z’']{2,}", bare_word) and not re.fullmatch(r"[aAI]|[-–—.,]+", word)


def _brackets(text: str) -> int:
    return len(re.findall(r"[(\[{]", text)) - len(re.findall(r"[)\]}]", text))


def _trimmed(line: str, a: int, b: int) -> tuple[int, int] | None:
    while b > a and line[b - 1] in ".,;:":
        b -= 1
    while b > a and _brackets(line[a:b]) < 0 and line[b - 1] in ")]":
        b -= 1
    while b > a and _brackets(line[a:b]) > 0 and line[a] in "([":
        a += 1
    while b > a and line[b - 1] in ".,;:":
        b -= 1
    text = line[a:b]
    return (a, b) if _STRONG.search(text) and re.search(r"[A-Za-z]", text) else None
