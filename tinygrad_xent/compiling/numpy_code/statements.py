"""One value as NumPy code."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Sequence
from typing import Any

from ...graph import PRIMITIVES
from ...writing.indices import index_object, marked
from ..planning.rows import Step
from ..planning.values import Value
from . import settings
from .forms import clips, is_dot, is_foreseen, is_product, is_short_max
from .lines import SYMBOLS, added, call, copied, may_raise, product, put_where, subscript, turned
from .ufuncs import forced, ufunc_of

_REDUCE = {"sum": "np.add.reduce", "max": "np.maximum.reduce", "min": "np.minimum.reduce"}


class Statements:
    """Values as statements.

    Args:
        bound: where to put what has to stand in front of the function, as code by name.
    """

    def __init__(self, bound: dict[str, Any]) -> None:
        self.bound, self.helpers = bound, set[str]()
        self.at(0, 0, "")

    def at(self, rows: int, tile: int, count: str) -> None:
        """Say where the statements stand.

        Args:
            rows: how many rows the loop has; 0 outside of loops.
            tile: how many are computed at a time.
            count: the code for how many they are at the moment, if fewer than `rows`.
        """
        self.rows, self.tile, self.count = rows, tile, count

    def expression(self, step: Step, args: Sequence[str]) -> str:
        """Code for a view or a fresh value."""
        value, op = step.value, step.value.op
        if op in _REDUCE:
            return (
                self._short_max(value, args) if is_short_max(value) else self._reduce(value, args)
            )
        write: Callable[..., str] | None = getattr(self, f"_make_{op}", None)
        if write is not None:
            return write(value, args)
        if ufunc_of(op):
            return self._number(value, args)
        return self._foreign(value, args)

    def writes(self, step: Step, args: Sequence[str], out: str) -> list[str]:
        """Statements that write a value into `out`."""
        value, op = step.value, step.value.op
        if op in _REDUCE:
            return [self._reduce(value, args, out)]
        write: Callable[..., list[str]] | None = getattr(self, f"_write_{op}", None)
        if write is not None:
            return write(value, args, out)
        return [call(value, args, f", out={out}")]

    # -- elementwise ---------------------------------------------------------------------------

    def _number(self, value: Value, args: Sequence[str]) -> str:
        if value.op in SYMBOLS and not forced(value) and not may_raise(value):
            return f"{args[0]} {SYMBOLS[value.op]} {args[1]}"
        if value.op == "neg" and args[0].isidentifier():
            return f"-{args[0]}"
        return call(value, args, "")

    def _make_where(self, value: Value, args: Sequence[str]) -> str:
        kind = f"np.{value.dtype.type.__name__}"
        return f"{kind}({args[1]} if {args[0]} else {args[2]})"

    def _write_where(self, value: Value, args: Sequence[str], out: str) -> list[str]:
        mask, x, y = args
        if clip := clips(value):
            return [f"np.{clip}({x}, {y}, out={out})"]
        if not is_foreseen(value.args[0]) and self._are_many(value, settings.CHOSEN):
            name, more = ("keep", "") if value.args[2].is_zero else ("select", f", {y}")
            self.helpers.add(name)
            return [f"{name}({mask}, {x}{more}, {out})"]
        if x == out:
            return [put_where(value, 2, y, f"~{mask}", out)]
        return [*copied(y, out), put_where(value, 1, x, mask, out)]

    def _write_settled(self, value: Value, args: Sequence[str], out: str) -> list[str]:
        self.helpers |= {"settle", "keep"}
        return [f"settle({args[0]}, {args[1]}, {out})"]

    def _are_many(self, value: Value, many: int) -> bool:
        """Whether there are many floats to choose, by booleans."""
        entries = math.prod(value.shape[1:]) * (self.tile or value.shape[0])
        floats = value.dtype.name in ("float32", "float64")
        return entries >= many and floats and value.args[0].dtype.kind == "b"

    def _make_astype(self, value: Value, args: Sequence[str]) -> str:
        return f"np.{value.dtype.type.__name__}({args[0]})"

    def _write_astype(self, value: Value, args: Sequence[str], out: str) -> list[str]:
        return [f'np.copyto({out}, {args[0]}, casting="unsafe")']

    # -- reductions and products ---------------------------------------------------------------

    def _reduce(self, value: Value, args: Sequence[str], out: str = "") -> str:
        (x,) = value.args
        axis, keepdims = value.params["axis"], value.params["keepdims"]
        if out and is_product(value):
            return self._product_with_ones(value, args[0], out)
        if is_dot(value):
            return f"{args[0]}.dot({self._ones_of_rows(value, x.shape[0])})"
        along = "None" if len(axis) == x.ndim else repr(axis[0] if len(axis) == 1 else axis)
        kept = ", keepdims=True" if keepdims else ""
        into = f", out={out}" if out else ""
        return f"{_REDUCE[value.op]}({args[0]}, axis={along}{kept}{into})"

    def _product_with_ones(self, value: Value, x: str, out: str) -> str:
        (rows, columns), keepdims = value.args[0].shape, value.params["keepdims"]
        if value.params["axis"] == (1,):
            ones = self._ones(value, (columns, 1) if keepdims else (columns,))
            return f"{x}.dot({ones}, out={out})"
        ones = self._ones_of_rows(value, rows) + ("[None]" if keepdims else "")
        return f"{ones}.dot({x}, out={out})"

    def _ones_of_rows(self, value: Value, rows: int) -> str:
        """As many ones as there are rows at hand."""
        rows = self.tile if rows == self.rows else rows
        few = rows == self.tile and self.count and not self.count.isdigit()
        return self._ones(value, (rows,)) + (f"[:{self.count}]" if few else "")

    def _ones(self, value: Value, shape: tuple[int, ...]) -> str:
        dtype = value.dtype.type.__name__
        name = "ones_" + "x".join(map(str, shape)) + f"_{dtype}" * (dtype != "float64")
        self.bound[name] = f"np.ones({shape}, np.{dtype})"
        return name

    def _short_max(self, value: Value, args: Sequence[str]) -> str:
        which = "argmax" if value.op == "max" else "argmin"
        kept = "[:, None]" if value.params["keepdims"] else ""
        starts = self._starts(value.args[0].shape)
        return f"{args[0]}.ravel()[{starts} + {args[0]}.{which}(axis=1)]{kept}"

    def _make_matmul(self, value: Value, args: Sequence[str]) -> str:
        return f"{args[0]} @ {args[1]}"

    def _make_tmatmul(self, value: Value, args: Sequence[str]) -> str:
        return f"{turned(value, args[0])} @ {args[1]}"

    def _write_vecdot(self, value: Value, args: Sequence[str], out: str) -> list[str]:
        return [f"np.vecdot({args[0]}, {args[1]}, out={out})"]

    def _write_matmul(self, value: Value, args: Sequence[str], out: str) -> list[str]:
        return [product(value, args[0], args[1], out)]

    def _write_tmatmul(self, value: Value, args: Sequence[str], out: str) -> list[str]:
        return [product(value, turned(value, args[0]), args[1], out)]

    # -- views ---------------------------------------------------------------------------------

    def _make_transpose(self, value: Value, args: Sequence[str]) -> str:
        axes = value.params["axes"]
        return f"{args[0]}.T" if axes == (1, 0) else f"{args[0]}.transpose{axes}"

    def _make_expand_dims(self, value: Value, args: Sequence[str]) -> str:
        x = f"np.asarray({args[0]})" if not value.args[0].ndim else args[0]
        return x + marked("None", value.params["axis"])

    def _make_squeeze(self, value: Value, args: Sequence[str]) -> str:
        return args[0] + marked("0", value.params["axis"])

    def _make_reshape(self, value: Value, args: Sequence[str]) -> str:
        x = f"np.asarray({args[0]})" if not value.args[0].ndim else args[0]
        if not value.ndim:
            return f"{x}.reshape(())[()]"
        return f"{x}.reshape({self._shape(value)})"

    def _make_broadcast_to(self, value: Value, args: Sequence[str]) -> str:
        return f"np.broadcast_to({args[0]}, {self._shape(value)})"

    def _shape(self, value: Value) -> str:
        if not self.count or value.shape[0] != self.rows:
            return str(value.shape)
        return f"({', '.join([self.count, *map(str, value.shape[1:])])}{',' * (value.ndim == 1)})"

    # -- indices -------------------------------------------------------------------------------

    def _make_getitem(self, value: Value, args: Sequence[str]) -> str:
        x = args[0] if value.args[0].ndim else f"np.asarray({args[0]})"
        return f"{x}[{subscript(value.params['index'], args[1:]) or '()'}]"

    def _write_peak(self, value: Value, args: Sequence[str], out: str) -> list[str]:
        return [
            f"np.add({self._starts(_shape_of_rows(value))}, {args[0]}.argmax(axis=1), out={out})"
        ]

    def _write_positions(self, value: Value, args: Sequence[str], out: str) -> list[str]:
        shape = _shape_of_rows(value)
        columns = shape[1]
        self.bound[f"columns_{columns}"] = f"np.arange({columns})"
        return [f"np.add({self._starts(shape)}, columns_{columns}[{args[0]}], out={out})"]

    def place(self, value: Value, name: str) -> str:
        """A place in the rows at hand, of one that was found among other rows."""
        shape = _shape_of_rows(value)
        return f"{self._starts(shape)} + {name} % {shape[1]}"

    def _starts(self, shape: tuple[int, ...]) -> str:
        """Where in memory the rows at hand begin, counted in entries from the first."""
        rows, columns = self.tile or shape[0], shape[1]
        name = f"starts_{rows}x{columns}"
        self.bound[name] = f"np.arange({rows}) * {columns}"
        return f"{name}[:{self.count}]" if self.count and not self.count.isdigit() else name

    def _make_entry_at(self, value: Value, args: Sequence[str]) -> str:
        return f"{args[0]}.ravel()[{args[1]}]"

    def _write_put_at(self, value: Value, args: Sequence[str], out: str) -> list[str]:
        return [*copied(args[0], out), f"{out}.ravel()[{args[2]}] = {args[1]}"]

    def _write_add_at(self, value: Value, args: Sequence[str], out: str) -> list[str]:
        return [*copied(args[0], out), f"{out}.ravel()[{args[2]}] += {args[1]}"]

    def _make_row_getitem(self, value: Value, args: Sequence[str]) -> str:
        return f"{args[0]}[{self._row_index(value, args, 1)}]"

    def _write_row_scatter(self, value: Value, args: Sequence[str], out: str) -> list[str]:
        index = self._row_index(value, args, 1)
        return [f"{out}.fill(0)", added(value, 1, out, index, args[0], "=")]

    def _write_row_add(self, value: Value, args: Sequence[str], out: str) -> list[str]:
        index = self._row_index(value, args, 2)
        return [*copied(args[0], out), added(value, 2, out, index, args[1], "+=")]

    def _write_row_put(self, value: Value, args: Sequence[str], out: str) -> list[str]:
        return [*copied(args[0], out), f"{out}[{self._row_index(value, args, 2)}] = {args[1]}"]

    def _write_put(self, value: Value, args: Sequence[str], out: str) -> list[str]:
        index = subscript(value.params["index"], args[2:]) or "()"
        return [*copied(args[0], out), f"{out}[{index}] = {args[1]}"]

    def _write_scatter(self, value: Value, args: Sequence[str], out: str) -> list[str]:
        return [f"{out}.fill(0)", self.scatters(value, args, out)]

    def scatters(self, value: Value, args: Sequence[str], out: str) -> str:
        """The statement that adds what is scattered to `out`."""
        index = value.params["index"]
        if len(args) == 1:
            return f"{out}[{subscript(index, []) or '()'}] += {args[0]}"
        objects = "".join(f"{index_object(part, args[1:])}, " for part in index)
        return f"np.add.at({out}, ({objects}), {args[0]})"

    def _row_index(self, value: Value, args: Sequence[str], first: int) -> str:
        ndim = max([a.ndim for a in value.args[first:]], default=0)
        rows = self._rows(value) + (f"[:{', None' * (ndim - 1)}]" if ndim > 1 else "")
        return f"{rows}, {subscript(value.params['index'], args[first:])}".removesuffix(", ")

    def _rows(self, value: Value) -> str:
        """The numbers of the rows at hand."""
        rows = (value if value.op == "row_scatter" else value.args[0]).shape[0]
        name = f"rows_{self.tile or rows}"
        self.bound[name] = f"np.arange({self.tile or rows})"
        return f"{name}[:{self.count}]" if self.count and not self.count.isdigit() else name

    # -- the rest ------------------------------------------------------------------------------

    def _write_concatenate(self, value: Value, args: Sequence[str], out: str) -> list[str]:
        parts = ", ".join(args)
        return [f"np.concatenate([{parts}], axis={value.params['axis']}, out={out})"]

    def _make_others(self, value: Value, args: Sequence[str]) -> str:
        self.helpers.add("others")
        return f"others({args[0]}, {value.params['axis'][0]})"

    def _foreign(self, value: Value, args: Sequence[str]) -> str:
        """An operation that somebody added to the table: its own function."""
        self.bound[f"op_{value.op}"] = PRIMITIVES[value.op].array
        settings = "".join(f", {k}={self._setting(v)}" for k, v in value.params.items())
        return f"op_{value.op}({', '.join(args)}{settings})"

    def _setting(self, given: Any) -> str:
        """The code of a setting: a literal, or a name for what cannot be written as one."""
        try:
            ast.literal_eval(repr(given))
        except (ValueError, SyntaxError):
            name = f"setting_{len(self.bound) + 1}"
            self.bound[name] = given
            return name
        return repr(given)


def _shape_of_rows(places: Value) -> tuple[int, ...]:
    """The shape of the rows that places are in."""
    shape: tuple[int, ...] = places.params.get("shape") or places.args[0].shape
    return shape
