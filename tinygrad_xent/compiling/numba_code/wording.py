"""How an expression over one row reads in the source of a loop: names, literals, operations."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..planning.values import Value
from .expressions import Expr, NotInLoops

SMALL = 64  # columns up to which their number is written into the source

_INFIX = {
    "add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}", "div": "{0} / {1}",
    "power": "{0} ** {1}", "neg": "-{0}", "greater": "{0} > {1}", "less": "{0} < {1}",
    "greater_equal": "{0} >= {1}", "less_equal": "{0} <= {1}", "equal": "{0} == {1}",
    "not_equal": "{0} != {1}", "logical_and": "{0} & {1}", "logical_or": "{0} | {1}",
    "logical_not": "not {0}", "where": "{1} if {0} else {2}", "abs": "np.abs({0})",
    "sign": "np.sign({0})", "sqrt": "np.sqrt({0})", "sin": "np.sin({0})", "cos": "np.cos({0})",
    "astype": "{0}", "spread": "{0}", "place": "place({0}, {1})",
}  # fmt: skip
_OWN = frozenset(
    {"exp", "exp_shifted", "expm1", "log", "log1p", "tanh", "scale"}
)  # as in vector_math.py
_CHOICE = {"maximum": "larger", "minimum": "smaller"}
ELEMENTWISE = frozenset(_INFIX) | _OWN | frozenset(_CHOICE)  # what can be said at all
_COMPARISONS = frozenset({"greater", "less", "greater_equal", "less_equal", "equal", "not_equal"})
_LOGIC = frozenset({"logical_and", "logical_or", "logical_not"})


class Wording:
    """The names that one function uses, and the text of its operations.

    Attributes:
        row: what the row at hand is called.
        known: the name of each number of the row at hand that has been written.
        loads, numbers, widths, functions: see `kernels.Kernel`.
    """

    row = "i"

    def __init__(self) -> None:
        self.known: dict[Expr, str] = {}
        self.picks: dict[tuple[Expr, Expr], Expr] = {}
        self.loads: dict[str, tuple[Value, bool]] = {}
        self.numbers: dict[str, Any] = {}
        self.widths: dict[str, int] = {}
        self.functions: set[str] = set()
        self._names: dict[Any, str] = {}
        self._counts: dict[str, int] = {}

    # -- names ---------------------------------------------------------------------------------

    def name(self, e: Expr) -> str:
        """The variable that holds an expression."""
        return self._named(e, e.op.removeprefix("fold_"))

    def shift(self, largest: Expr) -> str:
        """The variable for what is taken off a row, which may be its largest entry."""
        return self._named((largest, "shift"), "shift")

    def of_row(self, f: Expr) -> str:
        """The variable for what a fold comes to."""
        return self.name(f) + "_of_row"

    def _named(self, key: Any, kind: str) -> str:
        if key not in self._names:
            self._counts[kind] = self._counts.get(kind, -1) + 1
            self._names[key] = f"{kind}_{self._counts[kind]}"
        return self._names[key]

    def local(self, e: Expr, text: str) -> str:
        """What to call an expression with this text: the text itself, if that is a name."""
        plain = text.isidentifier() or e.op in ("literal", "columns")
        return text if plain else self.name(e)

    def columns(self, width: int) -> str:
        """How many columns there are: a number in the source, if it is small."""
        if width <= SMALL:
            return str(width)
        name = self._named(("columns", width), "columns")
        self.widths[name] = width
        return name

    # -- text ----------------------------------------------------------------------------------

    def entry(self, e: Expr, parts: list[str]) -> str:
        """An expression, given the text of its arguments."""
        if e.op == "load":
            return self.load(e, "j")
        if e.op == "literal":
            return self._literal(e)
        if e.op == "columns":
            assert e.source is not None
            return self.columns(e.source.data)
        wanted = _computed_in(e)
        cast = [self._cast(a, p, wanted[i]) for i, (a, p) in
                enumerate(zip(e.args, parts, strict=True))]  # fmt: skip
        if e.op in _OWN:
            return self.call(e.op, e.dtype, cast[0])
        if e.op in _CHOICE:
            return self.call(_CHOICE[e.op], None, ", ".join(cast))
        if e.op not in _INFIX:
            raise NotInLoops(e.op)
        if e.op == "place":
            self.functions.add("place")
        return _INFIX[e.op].format(*cast)

    def call(self, function: str, dtype: np.dtype[Any] | None, text: str) -> str:
        """A call of one of our own functions, in the version for a dtype."""
        suffix = "_32" if dtype == np.float32 else ""
        self.functions.add(function + suffix)
        return f"{function}{suffix}({text})"

    def load(self, e: Expr, column: str) -> str:
        """An entry of an array."""
        assert e.source is not None
        name = self._named((e.source, e.by_row), "x")
        self.loads[name] = e.source, e.by_row
        if not e.wide:
            return f"{name}[{self.row}]" if e.by_row else name
        return f"{name}[{self.row}, {column}]" if e.by_row else f"{name}[{column}]"

    def _literal(self, e: Expr) -> str:
        """A simple number as itself, another as an argument: no shapes in the text."""
        assert e.source is not None
        data = np.asarray(e.source.data).reshape(()).item()
        if isinstance(data, bool) or (isinstance(data, int) and abs(data) <= 16):
            return repr(data)
        if abs(data) == np.inf:
            return "np.inf" if data > 0 else "-np.inf"
        if abs(data) <= 16 and data * 2 == int(data * 2):
            return repr(data)
        name = self._named((e.dtype, repr(data)), "number")
        self.numbers[name] = data
        return name

    def _cast(self, e: Expr, text: str, dtype: np.dtype[Any] | None) -> str:
        """An argument as a number of another dtype, where it is not one."""
        given = (
            np.dtype(np.int64 if text.isdigit() else np.float64) if e.op == "literal" else e.dtype
        )
        if dtype is None or given == dtype:
            return text
        return f"np.{dtype_name(dtype)}({text})"


def _computed_in(e: Expr) -> list[np.dtype[Any] | None]:
    """The dtype in which each argument enters an operation."""
    if e.op in _COMPARISONS:
        strong = [a.dtype for a in e.args if not _is_weak(a)] or [a.dtype for a in e.args]
        return [np.result_type(*strong)] * 2
    if e.op in _LOGIC:
        return [np.dtype(np.bool_)] * len(e.args)
    if e.op == "where":
        return [np.dtype(np.bool_), e.dtype, e.dtype]
    if e.op == "place":
        return [None, None]
    return [e.dtype] * len(e.args)


def _is_weak(e: Expr) -> bool:
    return e.op == "literal" and e.source is not None and e.source.weak


def dtype_name(dtype: np.dtype[Any]) -> str:
    """The name of a dtype under `np.`."""
    return "bool_" if dtype.kind == "b" else dtype.name
