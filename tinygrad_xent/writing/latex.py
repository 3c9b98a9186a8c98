r"""A graph as LaTeX.

Templates come from the table of primitives. Here is what depends on more than the operation: where
brackets are needed, when a product is $\odot$ and when nothing is written, and the shorthands
⟨a, b⟩ for the sum of a product and ‖a‖ for a norm. Formulas have no indices: a sum along an axis
names the axis.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph import Primitive, Tensor, shape_of, toposort
from .indices import index_arrays, index_part
from .symbols import operator, symbol
from .text import is_data, leaf_names, number

Piece = tuple[str, float]  # LaTeX, and how tightly it binds, on the scale of `Primitive.precedence`
Spell = Callable[[str], str]
Mark = Callable[[Tensor, str], str]

_SUM, _PRODUCT, _MATRIX, _FRACTION, _POWER, _TURNED, _ATOM = 2, 3, 3.5, 4.5, 5, 8, 9
_BINDS = {  # unlike in text
    "div": _FRACTION, "exp": _POWER, "where": 1, "transpose": _TURNED, "outer": _MATRIX,
}  # fmt: skip
_CALLS = {
    "sigmoid": r"\sigma({0})", "norm": r"\left\lVert {0}\right\rVert{axis}",
    "outer": r"{0} {1}^{{\top}}", "eye": "I_{{{0}}}",
}  # fmt: skip
_MOST_ENTRIES, _LONGEST = 36, 20_000


def latex(node: Any, spell: Spell = symbol, mark: Mark | None = None) -> str:
    r"""A node as LaTeX for math mode, in the names of the nodes it was made from.

    Args:
        node: a Tensor or a number.
        spell: how a name is written.
        mark: what becomes of the LaTeX of a part, which may be put between two private characters.

    >>> import tinygrad_xent as tx
    >>> z, p = tx.tensor([1.0, 2.0], name="z"), tx.tensor([0.5, 0.5], name="p")
    >>> print(latex(-(p * tx.log(tx.exp(z) / tx.exp(z).sum())).sum()))
    -\left\langle p, \log\left(\frac{e^{z}}{\operatorname{sum}(e^{z})}\right)\right\rangle
    """
    if not isinstance(node, Tensor):
        return _constant(node)[0]
    pieces: dict[int, Piece] = {}
    names = leaf_names(node)
    for inner in toposort(node):
        if inner.op is None and not (id(inner) in names or not is_data(inner)):
            pieces[id(inner)] = _constant(inner._value)
        elif inner.op is None or (inner.name and inner is not node):
            pieces[id(inner)] = _named(inner.name or names[id(inner)], spell)
        else:
            pieces[id(inner)] = _shortened(_piece(inner, pieces))
        if mark is not None:
            line, binds = pieces[id(inner)]
            pieces[id(inner)] = mark(inner, line), binds
    return pieces[id(node)][0]


def _named(name: str, spell: Spell) -> Piece:
    """A name; one with an index or an accent still takes a power without brackets."""
    return spell(name), _ATOM


def _shortened(piece: Piece) -> Piece:
    return piece if len(piece[0]) <= _LONGEST else (r"\cdots", _ATOM)


def _piece(node: Tensor, pieces: dict[int, Piece]) -> Piece:
    op = node.op
    assert op is not None
    args = [pieces[id(a)] if isinstance(a, Tensor) else _constant(a) for a in node.args]
    if op.latex == "{0}":
        return args[0]
    layout = _LAYOUTS.get(op.name)
    return (layout and layout(node, args, pieces)) or _filled(node, op, args)


def _filled(node: Tensor, op: Primitive, args: list[Piece]) -> Piece:
    """The operation's template with its arguments."""
    template = op.latex or _CALLS.get(op.name) or _call(op, node)
    shown = [_bracketed(template, op, i, piece) for i, piece in enumerate(args)]
    if any(map(_tall, shown)):
        template = template.replace("({", r"\left({").replace("})", r"}\right)")
    template = template.replace("{*}", ", ".join(shown).replace("{", "{{").replace("}", "}}"))
    settings = {key: _setting(key, value, node, shown) for key, value in node.params.items()}
    return template.format(*shown, **settings), _BINDS.get(op.name, op.precedence)


def _call(op: Primitive, node: Tensor) -> str:
    """The template of a function that is written by its name."""
    name = operator(op.name).replace("{", "{{").replace("}", "}}")
    return name + "{axis}" * ("axis" in node.params) + "({0})"


def _bracketed(template: str, op: Primitive, i: int, piece: Piece) -> str:
    line, binds = piece
    if re.search(rf"[({{|,] ?\{{{i}\}}|\{{{i}\}} (&|\\\\)|\{{\*\}}", template):
        return line  # something encloses it
    least = _PRODUCT if op.name == "neg" else op.precedence
    strict = binds == least and (op.name == "power" or (op.name == "sub" and i > 0))
    loose = binds < least or strict or (i > 0 and line.startswith("-")) or line[:2] == "--"
    return brackets(line) if loose or (op.name == "neg" and line.startswith("-")) else line


def brackets(line: str) -> str:
    """In round brackets, as tall as they have to be."""
    return rf"\left({line}\right)" if _tall(line) else f"({line})"


def _tall(line: str) -> bool:
    return r"\frac" in line or r"\begin" in line


# -- layouts that a template cannot say -----------------------------------------------------------


def _product(node: Tensor, args: list[Piece], pieces: dict[int, Piece]) -> Piece:
    """Arrays entry by entry with a circle, numbers and single values with nothing."""
    arrays = all(np.prod(shape_of(_bare(a)), dtype=int) > 1 for a in node.args)
    (left, _), (right, _) = shown = [
        (brackets(line), _ATOM) if _loose_factor(line, binds, i) else (line, binds)
        for i, (line, binds) in enumerate(args)
    ]
    if all(_is_comparison(a) for a in node.args):
        return rf"{args[0][0]} \land {args[1][0]}", 1
    if arrays:
        return rf"{left} \odot {right}", _PRODUCT
    return f"{left}{_space(left, right)}{right}", min(_MATRIX, *(binds for _, binds in shown))


def _is_comparison(x: Any) -> bool:
    x = _bare(x)
    return isinstance(x, Tensor) and x.op is not None and x.op.precedence == 1


def _loose_factor(line: str, binds: float, i: int) -> bool:
    return binds < _PRODUCT or (i > 0 and line.startswith("-"))


def _space(left: str, right: str) -> str:
    """What stands between two factors: words need a space, letters do not; digits need a dot."""
    if re.match("({[\ue000-\uf8ff])*\\d", right):
        return r" \cdot "
    if re.fullmatch(r"[\d.]+", left):
        return " "
    word = re.search(r"\\(mathrm|operatorname|text|left)\b", left)
    word = word or re.match(r"\\(mathrm|operatorname|text|left)\b", right)
    called = left.endswith(")") and not left.startswith("(")
    return r"\," if word or called else " "


def _matrix_product(node: Tensor, args: list[Piece], pieces: dict[int, Piece]) -> Piece:
    """Juxtaposed; a vector on the left is transposed, or the matrix on its right is."""
    left, right = (brackets(line) if binds < _MATRIX or line[0] == "-" else line
                   for line, binds in args)  # fmt: skip
    if len(shape_of(node.args[0])) > 1:
        return _juxtaposed(left, right)
    if len(shape_of(node.args[1])) > 1:
        return _juxtaposed(_transposed(*args[1]), left)
    first = node.args[0]
    if _is_matrix_product(first) and first.ndim == len(shape_of(first.args[0])) == 1:
        row, matrix = (_of(a, pieces) for a in first.args)
        middle = brackets(matrix[0]) if matrix[1] < _MATRIX else matrix[0]
        return _juxtaposed(_juxtaposed(_transposed(*row), middle)[0], right)
    return _juxtaposed(_transposed(*args[0]), right)


def _juxtaposed(left: str, right: str) -> Piece:
    return f"{left}{_space(left, right)}{right}", _MATRIX


def _is_matrix_product(x: Any) -> bool:
    return isinstance(x, Tensor) and not x.name and x.op is not None and x.op.name == "matmul"


def _transposed(line: str, binds: float) -> str:
    if line.endswith(r"^{\top}") and binds >= _TURNED and line.count("^") == 1:
        return line.removesuffix(r"^{\top}")
    return (line if binds == _ATOM else brackets(line)) + r"^{\top}"


def _total(node: Tensor, args: list[Piece], pieces: dict[int, Piece]) -> Piece | None:
    """The sum of a product over all axes is an inner product, of a square a squared norm."""
    x = _bare(node.args[0])
    if not isinstance(x, Tensor) or x.op is None or x.name or x.ndim == 0:
        return None
    if node.params["axis"] != tuple(range(x.ndim)) or x.shape != shape_of(node.args[0]):
        return None
    a, *b = x.args
    if x.op.name == "power" and _is_two(b[0]):
        return rf"{_norm(_of(a, pieces)[0])}^{{2}}", _POWER
    if x.op.name != "mul" or not shape_of(_bare(a)) == shape_of(_bare(b[0])) == x.shape:
        return None
    if a is b[0]:
        return rf"{_norm(_of(a, pieces)[0])}^{{2}}", _POWER
    inner = f"{_of(a, pieces)[0]}, {_of(b[0], pieces)[0]}"
    return rf"\left\langle {inner}\right\rangle", _ATOM


def _is_two(exponent: Any) -> bool:
    return not isinstance(exponent, Tensor) and np.ndim(exponent) == 0 and exponent == 2


def _root(node: Tensor, args: list[Piece], pieces: dict[int, Piece]) -> Piece | None:
    """The root of a squared norm is the norm."""
    line, _ = args[0]
    body = line.removesuffix("^{2}")
    is_norm = body.startswith(r"\left\lVert ") and body.endswith(r"\right\rVert")
    return (body, _ATOM) if is_norm and body != line and body.count(r"\rVert") == 1 else None


def _norm(line: str) -> str:
    return rf"\left\lVert {line}\right\rVert"


def _raised(node: Tensor, args: list[Piece], pieces: dict[int, Piece]) -> Piece | None:
    """A matrix to a power entry by entry is marked as such: M^2 would be M M."""
    if len(shape_of(_bare(node.args[0]))) < 2:
        return None
    line, binds = args[0]
    base = line if binds == _ATOM else brackets(line)
    return rf"{base}^{{\odot {args[1][0]}}}", _POWER


def _of(x: Any, pieces: dict[int, Piece]) -> Piece:
    return pieces[id(x)] if isinstance(x, Tensor) else _constant(x)


_LAYOUTS: dict[str, Callable[..., Piece | None]] = {
    "mul": _product, "matmul": _matrix_product, "sum": _total, "sqrt": _root, "power": _raised,
}  # fmt: skip


def _bare(x: Any) -> Any:
    """The argument without what is not written, such as broadcasting."""
    while isinstance(x, Tensor) and x.op is not None and not x.name and x.op.latex == "{0}":
        x = x.args[0]
    return x


# -- numbers and settings -------------------------------------------------------------------------


def _constant(value: Any) -> Piece:
    array = np.asarray(value)
    if array.size and (array == array.flat[0]).all():
        return _number(array.flat[0].item())
    if array.ndim > 2 or array.size > _MOST_ENTRIES:
        shape = r" \times ".join(map(str, array.shape))
        return rf"\mathrm{{data}}_{{{shape}}}", _ATOM
    rows = [" & ".join(_number(v)[0] for v in row.tolist()) for row in np.atleast_2d(array)]
    return r"\begin{bmatrix} " + r" \\ ".join(rows) + r" \end{bmatrix}", _ATOM


def _number(value: Any) -> Piece:
    if value != value:
        return r"\mathrm{nan}", _ATOM
    line = number(value).replace("inf", r"\infty").replace("*pi", r" \pi").replace("pi", r"\pi")
    line = line.replace(r"\\pi", r"\pi")
    mantissa, e, exponent = line.partition("e")
    if e and exponent.lstrip("+-").isdigit():
        front = "" if mantissa == "1" else rf"{mantissa} \cdot "
        return rf"{front}10^{{{int(exponent)}}}", _PRODUCT
    binds = 4 if line.startswith("-") else _PRODUCT if " " in line else _ATOM
    return line, binds


def _setting(key: str, value: Any, node: Tensor, shown: list[str]) -> str:
    ndim = len(shape_of(node.args[0]))
    if key == "axis":
        axes = value if isinstance(value, tuple) else (value,)
        implied = axes == tuple(range(ndim)) or node.params.get("named_axis") == ""
        return "" if implied else rf"_{{\text{{axis }}{', '.join(map(str, axes))}}}"
    if key == "axes":
        swapped = (*range(ndim - 2), ndim - 1, ndim - 2)
        return r"\top" if value == swapped else str(value)
    if key == "index":
        arrays = index_arrays(value, shown)
        return ",".join(index_part(p, arrays, r"\mathrm{new}", r"\dots") for p in value)
    return ""
