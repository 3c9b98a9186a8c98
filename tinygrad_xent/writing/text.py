"""A graph as one line of NumPy-style text.

Named nodes are printed by name. Broadcasting is implicit, as in NumPy; where nothing implies it, it
is printed as `broadcast(x)`. A sum over all axes is `sum(x)`, over others `sum(x, axis=1)`.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from ..graph import Primitive, Tensor, shape_of, toposort
from .indices import index_arrays, index_part, marked

_SIGN, _PRODUCT, _ATOM = 4, 3, 9
_LONGEST = 10_000  # characters of one line; what is longer is elided
_ASSOCIATIVE = frozenset({("add", "add"), ("add", "sub"), ("mul", "mul"), ("mul", "div")})

Piece = tuple[str, int, str]  # text, how tightly it binds, and the operation at its top


def text(node: Any) -> str:
    """A node as an expression in the names of the nodes it was made from.

    >>> import tinygrad_xent as tx
    >>> z = tx.tensor([1.0, 2.0], name="z")
    >>> text(-(tx.exp(z) - 1) / z.sum())
    '-(exp(z) - 1)/sum(z)'
    """
    if not isinstance(node, Tensor):
        return _constant(node)[0]
    pieces: dict[int, Piece] = {}
    names = leaf_names(node)
    for inner in toposort(node):
        if inner.op is None or (inner.name and inner is not node):
            pieces[id(inner)] = _named(inner.name or names[id(inner)])
        else:
            pieces[id(inner)] = _piece(inner, pieces)
    return pieces[id(node)][0]


def leaf_names(node: Tensor) -> dict[int, str]:
    """Names for the leaves that have none: x1, x2 ... in order, none of them taken already."""
    order = toposort(node)
    taken = {n.name for n in order}
    free = (f"x{i}" for i in range(1, len(order) + len(taken) + 2) if f"x{i}" not in taken)
    return {id(n): next(free) for n in order if n.op is None and not n.name}


def is_data(leaf: Tensor) -> bool:
    """Whether a leaf is plain data, which is named by what it prints."""
    return not leaf.name or leaf.name == text(leaf._value)


def _piece(node: Tensor, pieces: dict[int, Piece]) -> Piece:
    op = node.op
    assert op is not None
    args = [pieces[id(a)] if type(a) is Tensor else _constant(a) for a in node.args]
    if not (op.elementwise or op.text == "{0}"):
        args = [_spread(a, piece) for a, piece in zip(node.args, args, strict=True)]
    if op.text == "{0}":
        return args[0]
    shown = [bracketed(op, op.text, i, piece) for i, piece in enumerate(args)]
    fields = _settings(node, shown)
    line = op.text.replace("{*}", ", ".join(shown).replace("{", "{{").replace("}", "}}"))
    line = line.format(*shown, **fields)
    binds = grouping(op, args[0]) if args else (op.precedence, op.name)
    return ("..." if len(line) > _LONGEST else line), *binds


def _spread(arg: Any, piece: Piece) -> Piece:
    """An argument whose shape matters, with its broadcasting in view."""
    hidden = type(arg) is Tensor and arg.op is not None and arg.op.name == "broadcast_to"
    return (f"broadcast({piece[0]})", _ATOM, "") if hidden and not arg.name else piece


def _named(name: str) -> Piece:
    """A name, which needs brackets if it reads as a formula."""
    plain = name.isidentifier() or re.fullmatch(r"\w+\(.*\)|\[.*\]|-?[\d.]+", name, re.DOTALL)
    return name, _ATOM if plain else 0, ""


def grouping(op: Primitive, first: Piece) -> tuple[int, str]:
    """How the text binds, and by which operation: -x*y as a product, A @ x*y as a matrix one."""
    signed = op.precedence == _SIGN
    if first[1] == _PRODUCT and (signed or (op.precedence == _PRODUCT and first[2] == "matmul")):
        return first[1:]
    return op.precedence, op.name


def bracketed(op: Primitive, template: str, i: int, piece: Piece) -> str:
    """The text of argument `i`, in brackets where the reader would otherwise group it wrongly."""
    line, binds, top = piece
    least = _PRODUCT if op.precedence == _SIGN else op.precedence
    if op.precedence == _ATOM and (i > 0 or not template.startswith("{0}")):
        return line
    loose = binds < least or (op.precedence == _SIGN and line.startswith("-"))
    if binds == least and op.precedence != _SIGN:
        right = i > 0 and (op.name, top) not in _ASSOCIATIVE
        loose = right or op.name == "power"
    return f"({line})" if loose else line


def _constant(value: Any) -> Piece:
    if isinstance(value, np.ndarray) and value.size and (value == value.flat[0]).all():
        value = value.flat[0]  # the same everywhere: the number says it
    if isinstance(value, np.ndarray) and value.ndim == 2 and _is_one_hot(value):
        return _one_hot(value), _ATOM, ""
    if isinstance(value, np.ndarray) and value.ndim:
        body = np.array2string(value, separator=", ", threshold=8, edgeitems=2)
        return " ".join(body.split()), _ATOM, ""
    line = number(value.item() if isinstance(value, (np.ndarray, np.generic)) else value)
    return line, (_SIGN if line.startswith("-") else _PRODUCT if "*" in line else _ATOM), ""


def _is_one_hot(rows: np.ndarray) -> bool:
    """Whether each of several rows has a one, and zeros else."""
    marks = bool(((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) == 1).all())
    return rows.dtype.kind == "f" and min(rows.shape) > 1 and marks


def _one_hot(rows: np.ndarray) -> str:
    """By the labels, which is shorter: one_hot([2, 0, 1]), or eye(3) where these are in order."""
    labels = rows.argmax(axis=1)
    if rows.shape[0] == rows.shape[1] and (labels == np.arange(len(labels))).all():
        return f"eye({len(labels)})"
    shown = np.array2string(labels, separator=", ", threshold=8, edgeitems=2)
    return f"one_hot({' '.join(shown.split())})"


def number(value: Any) -> str:
    """A number as a person writes it: 2 for 2.0, pi for 3.141592653589793.

    >>> number(2.0), number(0.5), number(-2 * math.pi)
    ('2', '0.5', '-2*pi')
    """
    if isinstance(value, bool):
        return str(value)
    if not math.isfinite(value):
        return repr(float(value))
    turns = value / math.pi
    if turns and turns == round(turns) and abs(turns) < 100:
        return {1: "pi", -1: "-pi"}.get(round(turns), f"{round(turns)}*pi")
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def _settings(node: Tensor, shown: list[str]) -> dict[str, str]:
    """The static settings of a node, as the templates want them."""
    ndim, params = len(shape_of(node.args[0])), node.params
    fields = {key: str(value) for key, value in params.items()} | {"keepdims": ""}
    axis = params.get("axis")
    if axis is not None:
        every = axis == (tuple(range(ndim)) if isinstance(axis, tuple) else 0)
        fields["axis"] = "" if every else f", axis={_one_or_all(axis)}"
        axes = axis if isinstance(axis, tuple) else (axis,)
        fields["new"] = marked("None", axes) if node.ndim else ""
        fields["dropped"] = marked("0", axes) if ndim else ""
        fields["keepdims"] = ", keepdims=True" if params.get("keepdims") and not every else ""
    if "axes" in params:
        turned = params["axes"] == tuple(range(ndim))[::-1]
        fields["axes"] = ".T" if turned else f".transpose{params['axes']}"
    if "index" in params:
        arrays = index_arrays(params["index"], shown)
        fields["index"] = ", ".join(index_part(part, arrays) for part in params["index"])
    return fields


def _one_or_all(axis: Any) -> str:
    return str(axis[0]) if isinstance(axis, tuple) and len(axis) == 1 else str(axis)
