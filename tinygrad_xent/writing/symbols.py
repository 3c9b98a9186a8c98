r"""Names as mathematical symbols: theta_1 as θ with an index, logits upright, others as text.

A name may be any text. What is not a plain name or a plain formula such as `softmax(z/T)` ends up
inside `\text{...}`, with every character that means something to TeX escaped.
"""

from __future__ import annotations

import re
import unicodedata

_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
GREEK = {name: unicodedata.lookup(
    f"GREEK {'CAPITAL' if name[0].isupper() else 'SMALL'} LETTER "
    + name.upper().replace("LAMBDA", "LAMDA")) for name in _GREEK.split()}  # fmt: skip
_SPELLED = {letter: name for name, letter in GREEK.items()}
_ACCENTS = {"\u0302": "hat", "\u0303": "tilde", "\u0304": "bar", "\u0307": "dot"}
_SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''",
    "`": r"\textasciigrave{}", **{c: "\\" + c for c in "{}%$&#_"},
}  # fmt: skip

_PART = r"(?:[A-Za-z]+|[^\W\d_][\u0302\u0303\u0304\u0307]?)"
_NAME = re.compile(rf"({_PART})(?:_?(\d+)|_([A-Za-z0-9]+|[^\W\d_]))?('*)")
_TOKEN = re.compile(r"\s+|\.T\b|\*\*-?\d+|[<>=!]=|[-+*/@(),=<>\[\]:]|\d+(?:\.\d+)?|[^\W\d]\w*")
_FUNCTIONS = frozenset({"exp", "log", "sin", "cos", "tanh", "max", "min"})
_OPERATORS = {
    "*": r"\,", "@": r"\,", ".T": r"^{\top}", "!=": r"\neq", ">=": r"\geq", "<=": r"\leq",
    "==": "=",
}  # fmt: skip


def symbol(name: str) -> str:
    r"""A name in LaTeX's math mode.

    >>> symbol("sigma"), symbol("W_1"), symbol("logits"), symbol("softmax(z/T)"), symbol("50%")
    ('\\sigma', 'W_{1}', '\\mathrm{logits}', '\\operatorname{softmax}(z/T)', '\\text{50\\%}')
    """
    parts = split(name)
    if parts is None:
        return typeset(name) if "(" in name else quoted(name)
    base, index, primes = parts
    return _letters(base) + (f"_{{{_letters(index)}}}" if index else "") + primes


def split(name: str) -> tuple[str, str, str] | None:
    """A plain name's base, index and primes; None if it is not a plain name.

    >>> split("x1"), split("W_in"), split("a b")
    (('x', '1', ''), ('W', 'in', ''), None)
    """
    found = _NAME.fullmatch(unicodedata.normalize("NFD", name))
    if found is None or _foreign(found[1] + (found[3] or "")):
        return None
    return found[1], found[2] or found[3] or "", found[4]


def quoted(text: str) -> str:
    r"""Any text as LaTeX text.

    >>> quoted("a_b & \\end{x}")
    '\\text{a\\_b \\& \\textbackslash{}end\\{x\\}}'
    """
    return r"\text{" + "".join(map(_escaped, " ".join(text.split()))) + "}"


def typeset(text: str) -> str:
    r"""A plain formula in text, such as an assumption, as LaTeX; other text as it stands.

    >>> typeset("sum(p*w) != 0"), typeset("no formula; just text")
    ('\\operatorname{sum}(p\\,w) \\neq 0', '\\text{no formula; just text}')
    """
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != text or re.search(r"[^\W\d]\w*\s+[^\W\d]|\d[^\W\d]|^$", text):
        return quoted(text)
    calls = [after == "(" for after in [*tokens[1:], ""]]
    return "".join(map(_typeset_token, tokens, calls)).strip()


def _typeset_token(token: str, call: bool) -> str:
    if token.startswith("**"):
        return "^{" + token[2:] + "}"
    if token in _OPERATORS:
        return _OPERATORS[token]
    if not (token[0].isalpha() or token[0] == "_"):
        return token
    if call:
        return _function(token)
    return quoted(token) if split(token) is None else symbol(token)


def _function(name: str) -> str:
    if name in _FUNCTIONS:
        return "\\" + name
    return r"\sigma" if name == "sigmoid" else operator(name)


def operator(name: str) -> str:
    r"""The name of a function.

    >>> operator("log_softmax")
    '\\operatorname{log\\_softmax}'
    """
    return r"\operatorname{" + "".join(map(_escaped, name)) + "}"


def _letters(part: str) -> str:
    """Part of a name: one letter, a Greek one by its name, a word upright."""
    letter, accent = part[0], part[1:]
    if accent in _ACCENTS:
        return rf"\{_ACCENTS[accent]}{{{_letters(letter)}}}"
    greek = part if part in GREEK else _SPELLED.get(part)
    if greek:
        return "\\" + greek
    return part if len(part) == 1 or part.isdigit() else rf"\mathrm{{{part}}}"


def _foreign(letters: str) -> bool:
    """Whether there is a letter that TeX does not know without further packages."""
    return any(not c.isascii() and c not in _SPELLED and c not in _ACCENTS for c in letters)


def _escaped(character: str) -> str:
    if character.isascii():
        return _SPECIAL.get(character, character if character.isprintable() else " ")
    greek = _SPELLED.get(character)
    return rf"$\{greek}$" if greek else f"[U+{ord(character):04X}]"
