"""The LaTeX of one formula as tokens: pylatexenc reads it, this flattens what it found.

kind is one of
    letter   a name as LaTeX prints it: x, \\alpha, \\hat{y}, \\mathcal{L}, \\text{MSE}
    number   12 or 0.5
    func     a function known by name: exp, log, softmax
    word     prose: if, otherwise, for all
    macro    any other command, without its backslash
    group    {...}, with what is inside
    env      an environment, with what is inside
    op       one character of punctuation, or one of the relations below
    amp, row, space    &, \\\\ and wide spaces
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ParseError
from .latex_words import (
    ACCENTS,
    BOLD,
    DOTS,
    DROPPED,
    FONTS,
    FUNCTIONS,
    GREEK,
    NAMED,
    NARROW,
    PROSE,
    RELATIONS,
    SPACES,
)  # fmt: skip

MOST_CHARACTERS, _DEEPEST = 20_000, 60


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    at: int
    inside: tuple[Token, ...] = ()
    bold: bool = False
    stop: int = 0

    @property
    def end(self) -> int:
        """Where it ends in the formula."""
        return self.stop or self.at + len(self.text) + (self.kind == "macro")

    def is_(self, *texts: str) -> bool:
        return self.kind in ("op", "macro") and self.text in texts


def unreadable(problem: str, at: int) -> ParseError:
    """A construct that is not read, with where it begins in the formula."""
    error = ParseError(problem)
    error.at = at  # type: ignore[attr-defined]
    return error


def tokens(text: str) -> tuple[Token, ...]:
    r"""The tokens of one formula.

    Raises:
        ParseError: it is too long or nested too deeply.

    >>> [t.text for t in tokens(r"{p_i}ln q = \hat{y}")]
    ['{', 'log', 'q', '=', '\\hat{y}']
    """
    _bounded(text)
    from pylatexenc.latexwalker import LatexWalker, LatexWalkerError

    logging.getLogger("pylatexenc").setLevel(logging.CRITICAL)  # it logs what it tolerates
    try:
        nodes = LatexWalker(text, tolerant_parsing=True).get_latex_nodes()[0]
    except (LatexWalkerError, RecursionError, IndexError, ValueError, AttributeError) as error:
        raise unreadable(f"not LaTeX: {str(error).splitlines()[0]:.80}", 0) from None
    return tuple(_simplified([*_flat(nodes)]))


def _bounded(text: str) -> None:
    if len(text) > MOST_CHARACTERS:
        raise unreadable(f"more than {MOST_CHARACTERS} characters in one formula", MOST_CHARACTERS)
    depth = 0
    for match in re.finditer(r"\\begin|\\end|\\left|\\right|[{}\[\]()]", text):
        depth += 1 if match[0] in ("{", "[", "(", "\\begin", "\\left") else -1
        if depth > _DEEPEST:
            raise unreadable(f"nested more than {_DEEPEST} deep", match.start())


def _flat(nodes: Sequence[Any]) -> Iterator[Token]:
    for node in nodes:
        if node is None or type(node).__name__ == "LatexCommentNode":
            continue
        yield from _READERS[type(node).__name__](node)


def _group(nodes: Sequence[Any], at: int, stop: int) -> Token:
    return Token("group", "{", at, tuple(_simplified([*_flat(nodes)])), stop=stop)


def _braces(node: Any) -> Iterator[Token]:
    if node.delimiters[0] == "[":
        yield Token("op", "[", node.pos)
        yield from _flat(node.nodelist)
        yield Token("op", "]", node.pos + node.len - 1)
    else:
        yield _group(node.nodelist, node.pos, node.pos + node.len)


def at_end(node: Any) -> int:
    """Where a node of pylatexenc ends."""
    return int(node.pos + node.len)


def _environment(node: Any) -> Iterator[Token]:
    yield Token("env", node.environmentname.rstrip("*"), node.pos,
                tuple(_simplified([*_flat(node.nodelist)])), stop=at_end(node))  # fmt: skip


def _macro(node: Any) -> Iterator[Token]:
    name, at = node.macroname, node.pos
    arguments = [a for a in (node.nodeargd.argnlist if node.nodeargd else []) if a is not None]
    if name in ("\\", "cr", "newline"):
        yield Token("row", "\\\\", at)
        return
    if name in NAMED and arguments:
        named = _named(arguments[0].latex_verbatim().strip("{}"), at)
        yield replace(named, stop=at_end(node))
        return
    kind = "space" if name in SPACES else "macro"
    yield Token(kind, name, at)
    for argument in arguments:
        bracket = type(argument).__name__ == "LatexGroupNode"
        if bracket and argument.delimiters[0] == "[":
            yield from _braces(argument)
        else:
            inside = argument.nodelist if bracket else [argument]
            yield _group(inside, argument.pos, at_end(argument))


def _characters(node: Any) -> Iterator[Token]:
    pattern = r"[A-Za-z]+|[0-9]{1,30}(?:\.[0-9]{1,30})?|\.[0-9]{1,30}|\.{2,}|\s+|."
    for match in re.finditer(pattern, node.chars, flags=re.DOTALL):
        text, at = match[0], node.pos + match.start()
        if text.isspace():
            continue
        if text[0].isascii() and text[0].isalpha():
            yield from _letters(text, at)
        elif text[-1] in "0123456789":
            yield Token("number", text, at)
        elif text.startswith("..") or text == "…":
            yield Token("macro", "ldots", at, stop=at + len(text))
        else:
            yield Token("op", RELATIONS.get(text, _SAME.get(text, text)), at, stop=at + len(text))


_SAME = {"−": "-", "·": "*", "×": "*"}


def _letters(text: str, at: int) -> Iterator[Token]:
    """A run of letters: prose, names of functions that lack a backslash, or a product."""
    if text in PROSE or text.lower() in ("if", "for", "where"):
        yield Token("word", text, at)
        return
    i = 0
    while i < len(text):
        known = max((f for f in FUNCTIONS if text.startswith(f, i) and len(f) > 1),
                    key=len, default="")  # fmt: skip
        if known:
            yield Token("func", FUNCTIONS[known], at + i, stop=at + i + len(known))
        elif i == 0 and len(text) > 1 and text.isupper():
            yield Token("letter", rf"\text{{{text}}}", at, stop=at + len(text))
            return
        elif i == 0 and len(text) > 3:
            yield Token("word", text, at)
            return
        else:
            yield Token("letter", text[i], at + i)
        i += len(known) or 1


def _named(text: str, at: int) -> Token:
    """What stands in \\text or \\mathrm: a function, a name, or prose."""
    text = text.strip().replace(r"\_", "_")
    bare = re.sub(r"[\s\\,-]", "", text)
    if bare in FUNCTIONS or bare in ("sum", "mean", "dot"):
        return Token("func", FUNCTIONS.get(bare, bare), at)
    if len(text) == 1 and text.isalpha():
        return Token("letter", text, at)
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", text) or text.lower() in PROSE:
        return Token("word", text, at)
    return Token("letter", rf"\text{{{text}}}", at)


def _specials(node: Any) -> Iterator[Token]:
    kinds = {"&": "amp", "~": "space"}
    if node.specials_chars == "\n\n":
        return
    for i, c in enumerate(node.specials_chars):
        yield Token(kinds.get(c, "op"), "'" if c == "’" else c, node.pos + i)


def _math(node: Any) -> Iterator[Token]:
    yield from _flat(node.nodelist)


_READERS: dict[str, Any] = {
    "LatexCharsNode": _characters, "LatexMacroNode": _macro, "LatexGroupNode": _braces,
    "LatexEnvironmentNode": _environment, "LatexSpecialsNode": _specials, "LatexMathNode": _math,
}  # fmt: skip


# -- simplified -----------------------------------------------------------------------------------


def _simplified(given: list[Token]) -> Iterator[Token]:
    """Commands that only say how something looks, resolved."""
    i = 0
    while i < len(given):
        token = given[i]
        following = given[i + 1] if i + 1 < len(given) else None
        name = token.text if token.kind == "macro" else ""
        if name in NAMED and following is not None and following.kind == "group":
            named = _named("".join(t.text for t in _spelled(following.inside)), token.at)
            yield replace(named, stop=following.end)
            i += 1
        elif name in BOLD | FONTS | {"mathcal", "mathbb", "mathscr", "mathfrak"} | ACCENTS:
            if following is not None:
                yield from _decorated(name, following, token.at)
                i += 1
        elif name in DROPPED:
            if name in ("left", "right", "middle") and following and following.is_("."):
                i += 1
        elif name in NARROW:
            pass
        elif name in ("tag", "label", "intertext", "footnote"):
            i += following is not None and following.kind == "group"
        elif name:
            yield _command(token)
        else:
            yield token
        i += 1


def _spelled(inside: Sequence[Token]) -> Iterator[Token]:
    for token in inside:
        yield from _spelled(token.inside) if token.kind == "group" else [token]


def _command(token: Token) -> Token:
    name = token.text
    if name in GREEK:
        return Token("letter", f"\\{name}", token.at, stop=token.end)
    if name in FUNCTIONS and name != "sqrt":
        return Token("func", FUNCTIONS[name], token.at, stop=token.end)
    if name == "forall":
        return Token("word", "for", token.at, stop=token.end)
    if name in RELATIONS:
        return Token("op", RELATIONS[name], token.at, stop=token.end)
    if name in DOTS:
        return Token("macro", "ldots", token.at, stop=token.end)
    same = {"lVert": "‖", "rVert": "‖", "Vert": "‖", "|": "‖", "lvert": "|", "rvert": "|",
            "vert": "|", "mid": "|", "{": "\\{", "}": "\\}", "lbrace": "\\{", "rbrace": "\\}",
            "lbrack": "[", "rbrack": "]", "colon": ":", "prime": "'", "parallel": "‖",
            "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "intercal": "top",
            "%": "%"}  # fmt: skip
    text = same.get(name, name)
    return Token("macro" if text.isalpha() else "op", text, token.at, stop=token.end)


def _decorated(name: str, what: Token, at: int) -> Iterator[Token]:
    """\\hat y, \\mathbf{x}, \\mathcal L: on one letter, a letter; on more, what is inside."""
    inside = list(what.inside) if what.kind == "group" else [*_simplified([what])]
    if not inside:
        return
    first, rest = inside[0], inside[1:]
    if name in ("mathcal", "mathbb", "mathscr", "mathfrak"):
        yield Token("letter", f"\\{name}{{{''.join(t.text for t in inside)}}}", at, stop=what.end)
    elif name in ACCENTS and first.kind in ("letter", "func"):
        accent = {"widehat": "hat", "widetilde": "tilde", "overline": "bar"}.get(name, name)
        yield Token("letter", f"\\{accent}{{{first.text}}}", at, (), first.bold, what.end)
        yield from rest
    elif name in BOLD and len(inside) == 1 and first.kind == "letter":
        yield Token("letter", first.text, at, (), True, what.end)
    elif name in BOLD and len(inside) == 1 and first.kind == "number":
        yield Token("macro", "ones" if first.text == "1" else "zeros", at)
    elif len(inside) == 1:
        yield first
    else:
        yield Token("group", "{", at, tuple(inside), name in BOLD, what.end)
