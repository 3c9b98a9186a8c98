"""What a document as a whole says about its letters: functions, indices, vectors in bold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..reading.latex_cursor import Scope
from ..reading.latex_tokens import Token

_SURELY = frozenset(["\\sigma", "\\phi", "\\varphi", "\\psi", "f", "g"])


def scope_of(formulas: Sequence[Sequence[Token]]) -> tuple[Scope, set[str]]:
    """The scope, and the letters that are bold somewhere."""
    runs = [run for given in formulas for run in _runs(given)]
    functions = {name for run in runs for name in _functions(run)}
    indices = {letter for run in runs for letter in _indices(run)}
    bold = {t.text for run in runs for t in run if t.bold and t.kind == "letter"}
    deltas = any(_defines_delta(run) for run in runs)
    return Scope(frozenset(functions), frozenset(), frozenset(indices), not deltas), bold


def _runs(given: Sequence[Token]) -> Iterator[list[Token]]:
    """Every run of tokens, outside in."""
    stack = [list(given)]
    while stack:
        run = [t for t in stack.pop() if t.kind != "space"]
        yield run
        stack += [list(t.inside) for t in run if t.inside]


def _functions(run: list[Token]) -> Iterator[str]:
    for i, token in enumerate(run):
        if token.kind != "letter" or (i and run[i - 1].is_("_", "^")):
            continue
        j = i + 1
        while j + 1 < len(run) and run[j].is_("'"):
            j += 1
        label = ""
        if j + 1 < len(run) and run[j].is_("_") and _labels(run[j + 1]):
            label = f"_{{{''.join(t.text for t in _inside(run[j + 1]))}}}"
            j += 2
        after = run[j] if j < len(run) else None
        if after is None or not (after.is_("(") or _brackets(after)):
            continue
        surely = token.text in _SURELY or token.text.startswith("\\text") or run[i + 1].is_("'")
        if surely or _is_defined(run, i, j) or _of_one_name(run, j):
            yield token.text + label


def _of_one_name(run: list[Token], j: int) -> bool:
    """f(x), f(x^{(i)}): a product would have no brackets."""
    if _brackets(run[j]):
        return len(run[j].inside) == 3 and run[j].inside[1].kind == "letter"
    inside = run[j + 1 : j + 6]
    scripts = len(inside) > 2 and inside[1].is_("_", "^") and inside[2].kind in ("letter", "group")
    end = 3 if scripts else 1
    letter = bool(inside) and inside[0].kind == "letter"
    return letter and len(inside) > end and inside[end].is_(")")


def _labels(token: Token) -> bool:
    """A subscript that is a parameter, as in h_\\theta(x)."""
    return all(t.kind == "letter" and (t.text.startswith("\\") or t.text.isupper())
               for t in _inside(token))  # fmt: skip


def _inside(token: Token) -> Sequence[Token]:
    return token.inside if token.kind == "group" else (token,)


def _brackets(token: Token) -> bool:
    return token.kind == "group" and bool(token.inside) and token.inside[0].is_("(")


def _is_defined(run: list[Token], i: int, j: int) -> bool:
    """`f(x, y) =` at the beginning of a row."""
    if i and not (run[i - 1].kind in ("row", "amp", "word") or run[i - 1].is_(",", "=")):
        return False
    if _brackets(run[j]):
        inside, after = list(run[j].inside[1:-1]), j + 1
    else:
        depth, end = 0, j
        for end in range(j, len(run)):
            depth += run[end].is_("(") - run[end].is_(")")
            if depth == 0:
                break
        inside, after = run[j + 1 : end], end + 1
    while after < len(run) and run[after].kind == "amp":
        after += 1
    simple = all(t.kind in ("letter", "group", "number") or t.is_(",", ";", "_", "^", "|", "‖")
                 for t in inside)  # fmt: skip
    names = _names(inside)
    return bool(inside) and simple and names and after < len(run) and run[after].is_("=")


def _names(inside: Sequence[Token]) -> bool:
    """A list of names: no two letters side by side, and not only a number."""
    before = None
    for token in inside:
        if token.kind == "letter" and before is not None and before.kind == "letter":
            return False
        before = token
    return bool(inside) and inside[0].kind == "letter"


def _indices(run: list[Token]) -> Iterator[str]:
    for i, token in enumerate(run):
        after = run[i + 1] if i + 1 < len(run) else None
        if token.is_("sum", "prod") or (token.kind == "func" and token.text in ("max", "min")):
            if after is not None and after.is_("_") and i + 2 < len(run):
                yield from _bound(_inside(run[i + 2]))
        elif token.kind == "letter" and after is not None:
            if after.is_("∈") and i + 2 < len(run) and run[i + 2].is_("["):
                yield token.text
            elif after.is_("=") and any(t.is_("ldots") for t in run[i:]) and not i:
                if i + 2 < len(run) and run[i + 2].kind == "number":
                    yield token.text
            elif token.text == "\\delta" and after.is_("_") and i + 2 < len(run):
                letters = [t.text for t in _inside(run[i + 2]) if t.kind == "letter"]
                yield from letters if len(letters) == 2 else ()


def _bound(under: Sequence[Token]) -> Iterator[str]:
    if under and under[0].kind == "letter":
        yield under[0].text
        rest = under[1:]
        while len(rest) > 1 and rest[0].is_(",") and rest[1].kind == "letter":
            yield rest[1].text
            rest = rest[2:]


def _defines_delta(run: list[Token]) -> bool:
    """Whether a delta with two subscripts is given a meaning of its own."""
    if len(run) < 5 or run[0].text != "\\delta" or not run[1].is_("_"):
        return False
    letters = [t for t in _inside(run[2]) if t.kind == "letter"]
    rest = [t for t in run[3:] if t.kind != "amp"]
    own = rest and rest[0].is_("=") and not any(t.text == "cases" or t.is_("ones") for t in rest)
    return len(letters) == 2 and bool(own) and any(t.is_("partial", "frac") for t in rest)
