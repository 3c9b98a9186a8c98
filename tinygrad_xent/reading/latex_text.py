"""A tree as LaTeX again: how repaired lines are printed."""

from __future__ import annotations

from .latex_tree import (
    Add,
    At,
    Big,
    Call,
    Cases,
    Delta,
    Dots,
    Frac,
    Mul,
    Nabla,
    Name,
    Neg,
    Norm,
    Num,
    Partial,
    Pow,
    Rel,
    Rows,
    Test,
    Transposed,
    Tree,
)

_COMMANDS = frozenset(
    ["exp", "log", "sin", "cos", "tan", "tanh", "sinh", "cosh", "max", "min", "arctan"]
)
_RELATIONS = {"≠": "\\neq", "≤": "\\leq", "≥": "\\geq", "∈": "\\in", "~": "\\sim", "≈": "\\approx",
              "⟹": "\\implies", "⟺": "\\iff", "→": "\\to", "∝": "\\propto"}  # fmt: skip
_SUM, _PRODUCT, _ATOM = 0, 1, 2


def latex(tree: Tree) -> str:
    r"""The LaTeX of a tree.

    >>> latex(Big("sum", "k", Num(1), Name("m"), None, Mul(Name("p"), Add((Name("a"), Name("b"))))))
    '\\sum_{k=1}^{m} p (a + b)'
    """
    return _write(tree)[0]


def _at(tree: Tree, level: int) -> str:
    text, own = _write(tree)
    return text if own >= level else f"({text})"


def _write(tree: Tree) -> tuple[str, int]:
    """The text and how tightly it holds together."""
    match tree:
        case Num(value, digits):
            if digits is not None:
                return f"{float(value):.{digits}f}", _ATOM
            whole = value.denominator == 1
            return (str(value.numerator), _ATOM) if whole else (
                rf"\frac{{{value.numerator}}}{{{value.denominator}}}", _ATOM)  # fmt: skip
        case Name(text):
            return text, _ATOM
        case Add(terms):
            return _sum(terms), _SUM
        case Neg(of):
            return "-" + _at(of, _PRODUCT), _SUM
        case Mul(left, right, dot):
            joint = f" {dot} " if dot else " "
            return f"{_at(left, _PRODUCT)}{joint}{_at(right, _PRODUCT)}", _PRODUCT
        case Big():
            return _big(tree), _PRODUCT
        case Partial() | Nabla():
            return _derivative(tree)
        case _:
            return _atom(tree), _ATOM


def _sum(terms: tuple[Tree, ...]) -> str:
    text = latex(terms[0])
    for term in terms[1:]:
        text += f" - {_at(term.of, _PRODUCT)}" if isinstance(term, Neg) else f" + {latex(term)}"
    return text


def _big(tree: Big) -> str:
    low = f"{tree.index}={latex(tree.low)}" if tree.low else tree.index
    if tree.where is not None:
        shown = latex(tree.where)
        low = shown if not tree.low and shown.startswith(tree.index) else f"{low}, {shown}"
    high = f"^{{{latex(tree.high)}}}" if tree.high else ""
    body = latex(tree.body) if isinstance(tree.body, Neg) else _at(tree.body, _PRODUCT)
    return f"\\{tree.kind}_{{{low}}}{high} {body}"


def _derivative(tree: Partial | Nabla) -> tuple[str, int]:
    if isinstance(tree, Nabla):
        by = f"_{{{latex(tree.by)}}}" if tree.by else ""
        return f"\\nabla{by} {_at(tree.of, _ATOM)}", _PRODUCT
    order = f"^{{{len(tree.by)}}}" if len(tree.by) > 1 else ""
    under = " ".join(rf"\partial {_at(by, _ATOM)}" for by in tree.by)
    if isinstance(tree.of, Name | At | Call):
        return rf"\frac{{\partial{order} {latex(tree.of)}}}{{{under}}}", _ATOM
    return rf"\frac{{\partial{order}}}{{{under}}} {_at(tree.of, _ATOM)}", _PRODUCT


def _atom(tree: Tree) -> str:
    match tree:
        case At(base, at):
            return f"{_at(base, _ATOM)}_{{{_indices(at)}}}"
        case Call("exp", (arg,), 0):
            return f"e^{{{latex(arg)}}}"
        case Call("sqrt", (arg,), 0):
            return rf"\sqrt{{{latex(arg)}}}"
        case Call("abs", (arg,), 0):
            return f"|{latex(arg)}|"
        case Call(name, args, primes):
            return f"{_function(name)}{chr(39) * primes}({', '.join(map(latex, args))})"
        case Frac(over, under):
            return rf"\frac{{{latex(over)}}}{{{latex(under)}}}"
        case Pow(base, exponent):
            shown = _at(base, _ATOM)
            shown = f"({shown})" if isinstance(base, Frac | Pow) else shown
            return f"{shown}^{{{latex(exponent)}}}"
        case Norm(of, order):
            return rf"\lVert {latex(of)} \rVert_{{{order}}}"
        case Transposed(of):
            return rf"{_at(of, _ATOM)}^\top"
        case Delta(i, j):
            return rf"\delta_{{{_indices((i, j))}}}"
        case Test(condition):
            return rf"\mathbf{{1}}[{latex(condition)}]"
        case Rel(op, left, right):
            return f"{latex(left)} {_RELATIONS.get(op, op)} {latex(right)}"
        case Cases(values, conditions):
            return _cases(values, conditions)
        case Rows(rows):
            body = r" \\ ".join(" & ".join(map(latex, row)) for row in rows)
            return rf"\begin{{bmatrix}} {body} \end{{bmatrix}}"
        case Dots():
            return r"\ldots"
    raise TypeError(type(tree).__name__)


def _indices(at: tuple[Tree, ...]) -> str:
    short = all(isinstance(i, Name) and len(i.text) == 1 for i in at)
    return ("" if short else ",").join(map(latex, at))


def _function(name: str) -> str:
    if name in _COMMANDS:
        return f"\\{name}"
    return name if name.startswith("\\") or len(name) == 1 or "_" in name else rf"\text{{{name}}}"


def _cases(values: tuple[Tree, ...], conditions: tuple[Tree | None, ...]) -> str:
    rows = [
        rf"{latex(value)} & " + (rf"\text{{if }} {latex(c)}" if c else r"\text{otherwise}")
        for value, c in zip(values, conditions, strict=True)
    ]
    return r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}"
