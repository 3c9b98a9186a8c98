"""The steps of a loop over rows as expressions over one row (`expressions.py`).

What an index puts into a row is a choice (`where`) by `here`. A row that is zero except in one
place is kept apart as long as possible (`Spike`): its sum needs no loop, and a multiple of it is
one again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..planning.rows import Step
from ..planning.values import Value
from .expressions import (
    BOOL,
    INT,
    Expr,
    NotInLoops,
    Spike,
    apply,
    cast,
    fold,
    is_shifted,
    literal,
    number,
    pick,
    quotient,
    spread,
)
from .wording import ELEMENTWISE

_DTYPES = frozenset(map(np.dtype, ("f4", "f8", "i8", "i4", "i2", "i1", "u1", "u2", "u4", "?")))
_LINEAR = frozenset({"neg", "mul", "div"})


class Lowering:
    """Turns steps into expressions, one after the other.

    Args:
        rows: how many rows the loop has.
    """

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.made: dict[Value, Expr | Spike] = {}
        self._loads: dict[tuple[Value, bool], Expr] = {}
        self._here: dict[Any, Expr] = {}
        self._places: dict[Any, Expr] = {}

    # -- what is read --------------------------------------------------------------------------

    def add(self, step: Step) -> None:
        """Enter the expression of a step."""
        self.made[step.value] = self._lowered(step)

    def gathered(self, step: Step) -> tuple[str, Expr]:
        """What a gathering step adds up over the rows, and how."""
        value = step.value
        if value.op == "tmatmul" and all(a.ndim == 1 for a in value.args):
            x, y = self._operands(step)
            return "sum", apply("mul", x, y, dtype=value.dtype)
        if value.op not in ("sum", "max", "min"):
            raise NotInLoops(value.op)
        (x,) = self._operands(step)
        axes = value.params["axis"]
        if x.wide and len(axes) > 1:
            if len(axes) < value.args[0].ndim:
                raise NotInLoops("axes")
            x = fold("fold_" + value.op, cast(x, value.dtype))
        return value.op, cast(x, value.dtype)

    def wide(self, value: Value) -> Expr:
        """A value of this loop as an expression that may be stored."""
        return self._dense(self.made[value])

    def _operands(self, step: Step) -> list[Expr]:
        return [self._dense(self._read(a, r)) for a, r in
                zip(step.value.args, step.by_row, strict=True)]  # fmt: skip

    def _read(self, value: Value, by_row: bool) -> Expr | Spike:
        if by_row and value in self.made:
            return self.made[value]
        if (value, by_row) not in self._loads:
            if value.dtype not in _DTYPES:
                raise NotInLoops(f"{value.dtype}")
            width = math.prod(value.shape[1:] if by_row else value.shape)
            op = "literal" if value.op == "constant" and value.size == 1 else "load"
            loaded = Expr(op, (), value.dtype, width, 0, value, by_row)
            self._loads[value, by_row] = loaded
        return self._loads[value, by_row]

    def _dense(self, x: Expr | Spike) -> Expr:
        if isinstance(x, Expr):
            return x
        return self._choose(x, x.value, number(0.0, x.value), x.value.dtype)

    def _choose(self, spike: Spike, there: Expr, elsewhere: Expr, dtype: Any) -> Expr:
        here = self._is_here(spike.at, spike.width)
        return apply("where", here, there, elsewhere, dtype=dtype)

    def _is_here(self, at: Expr, width: int) -> Expr:
        if (at, width) not in self._here:
            self._here[at, width] = Expr("here", (at,), BOOL, width, at.ready)
        return self._here[at, width]

    # -- what is done --------------------------------------------------------------------------

    def _lowered(self, step: Step) -> Expr | Spike:
        value = step.value
        if value.dtype not in _DTYPES:
            raise NotInLoops(f"{value.dtype}")
        own: Callable[[Step], Expr | Spike] | None = getattr(self, f"_do_{value.op}", None)
        if own is not None:
            found = own(step)
        elif value.op in ELEMENTWISE:
            found = self._elementwise(step)
        else:
            raise NotInLoops(value.op)
        width = math.prod(value.shape[1:])
        if found.width not in (1, width):
            raise NotInLoops("shape")
        if isinstance(found, Expr) and found.width < width:
            return spread(found, width)
        return found

    def _elementwise(self, step: Step) -> Expr | Spike:
        value = step.value
        args = [self._read(a, r) for a, r in zip(value.args, step.by_row, strict=True)]
        spikes = [a for a in args if isinstance(a, Spike)]
        if len(spikes) == 1 and value.op in (*_LINEAR, "add", "sub"):
            found = self._of_spike(value, args, spikes[0])
            if found is not None:
                return found
        dense = [self._dense(a) for a in args]
        self._check_shapes(value, dense)
        if value.op == "div":
            return quotient(dense[0], dense[1], value.dtype)
        if value.op == "exp" and is_shifted(dense[0]):
            return apply("exp_shifted", *dense, dtype=value.dtype)
        return apply(value.op, *dense, dtype=value.dtype)

    def _check_shapes(self, value: Value, args: list[Expr]) -> None:
        """A row that varies along some of its axes only is not one number for each column."""
        width = math.prod(value.shape[1:])
        if any(a.width not in (1, width) for a in args):
            raise NotInLoops("broadcasting within rows")

    def _of_spike(self, value: Value, args: list[Any], spike: Spike) -> Expr | Spike | None:
        """A multiple of a spike is one; another row with a spike added is a choice."""
        others = [a for a in args if a is not spike]
        if value.op == "div" and args[0] is not spike:
            return None
        there = [spike.value if a is spike else pick(a, spike.at) for a in args]
        at_spike = apply(value.op, *there, dtype=value.dtype)
        if value.op in _LINEAR:
            return Spike(at_spike, spike.at, spike.width)
        (elsewhere,) = others
        if value.op == "sub" and args[0] is spike:
            elsewhere = apply("neg", elsewhere)
        return self._choose(spike, at_spike, elsewhere, value.dtype)

    # -- reductions ----------------------------------------------------------------------------

    def _fold(self, step: Step) -> Expr:
        value = step.value
        x = self._read(value.args[0], step.by_row[0])
        if len(value.params["axis"]) != value.args[0].ndim - 1 and x.width > 1:
            raise NotInLoops("some of a row's axes")
        if isinstance(x, Spike):
            if value.op == "sum":
                return x.value
            x = self._dense(x)
        return fold("fold_" + value.op, cast(x, value.dtype))

    _do_sum = _do_max = _do_min = _fold

    def _do_matmul(self, step: Step) -> Expr:
        """The product with one vector is a sum."""
        x, y = step.value.args
        if y.ndim != 1 or x.ndim != 2:
            raise NotInLoops("matmul")
        return fold("fold_sum", apply("mul", *self._operands(step), dtype=step.value.dtype))

    def _do_others(self, step: Step) -> Expr:
        """The total less the entry; for an entry that is half of it or more, the rest summed."""
        (x,) = self._operands(step)
        if not x.wide:
            return apply("sub", x, x)
        if step.value.ndim != 2:
            raise NotInLoops("others")
        total = fold("fold_sum", x)
        half = apply("mul", total, number(0.5, total))
        large = apply("greater_equal", x, half, dtype=BOOL)
        rest = fold("fold_sum", apply("where", large, number(0.0, x), x, dtype=x.dtype))
        ones = apply("where", large, number(1.0, x), number(0.0, x), dtype=x.dtype)
        alone = apply("less_equal", fold("fold_sum", ones), number(1.0, x), dtype=BOOL)
        direct = apply("logical_and", large, alone, dtype=BOOL)
        return apply("where", direct, rest, apply("sub", total, x), dtype=x.dtype)

    # -- the same entries ----------------------------------------------------------------------

    def _same(self, step: Step) -> Expr | Spike:
        x = self._read(step.value.args[0], step.by_row[0])
        if x.width != math.prod(step.value.shape[1:]) and x.width > 1:
            raise NotInLoops(step.value.op)
        return x

    _do_expand_dims = _do_squeeze = _do_reshape = _do_broadcast_to = _same

    def _do_transpose(self, step: Step) -> Expr | Spike:
        if math.prod(step.value.shape[1:]) > 1 and step.value.ndim > 2:
            raise NotInLoops("transpose")
        return self._same(step)

    # -- entries at an index -------------------------------------------------------------------

    def _at(self, step: Step, first: int, width: int) -> Expr:
        """The column that the index names in this row."""
        if step.value.params["index"] != (("array", 0),):
            raise NotInLoops("index")
        (value,) = step.value.args[first:]
        by_row = step.by_row[-1]
        key = value, by_row, width
        if key not in self._places:
            index = self._dense(self._read(value, by_row))
            if index.wide or index.dtype.kind not in "iu":
                raise NotInLoops("index")
            length = Value("constant", (), {}, (), INT, width)
            columns = Expr("columns", (), INT, source=length)
            self._places[key] = Expr("place", (index, columns), INT, 1, index.ready)
        return self._places[key]

    def _do_row_getitem(self, step: Step) -> Expr:
        value = step.value
        x = self._read(value.args[0], step.by_row[0])
        width = _width_of_rows(value.args[0])
        at = self._at(step, 1, width)
        return pick(self._dense(x), at)

    def _do_getitem(self, step: Step) -> Expr:
        """An entry of a whole array, such as a bias, for each row; or a column of the rows."""
        x, *arrays = step.value.args
        if step.by_row == (True,):
            return self._column(step)
        if x.ndim != 1 or x.size < 2 or len(arrays) != 1 or step.by_row != (False, True):
            raise NotInLoops("getitem")
        return pick(self._dense(self._read(x, False)), self._at(step, 1, x.size))

    def _column(self, step: Step) -> Expr:
        """The entry at the same place in each row."""
        (x,), (_, *rest) = step.value.args, step.value.params["index"]
        width = _width_of_rows(x)
        if step.value.size != self.rows or len(rest) != 1:
            raise NotInLoops("several columns")
        (kind, *given) = rest[0]
        if kind not in ("slice", "int"):
            raise NotInLoops("index")
        at = range(width)[given[0]] if kind == "int" else range(width)[slice(*given)][0]
        return pick(self._dense(self._read(x, True)), self._fixed(at))

    def _fixed(self, at: int) -> Expr:
        return self._places.setdefault(at, literal(np.asarray(at), INT))

    def _do_row_scatter(self, step: Step) -> Spike:
        value = step.value
        width = _width_of_rows(value)
        v, at = self._operands(step)[0], self._at(step, 1, width)
        if v.wide:
            raise NotInLoops("row_scatter")
        return Spike(v, at, width)

    def _do_row_put(self, step: Step) -> Expr:
        x, spike = self._row_and_spike(step)
        return self._choose(spike, spike.value, x, step.value.dtype)

    def _do_row_add(self, step: Step) -> Expr:
        x, spike = self._row_and_spike(step)
        there = apply("add", pick(x, spike.at), spike.value, dtype=step.value.dtype)
        return self._choose(spike, there, x, step.value.dtype)

    def _row_and_spike(self, step: Step) -> tuple[Expr, Spike]:
        """A row, and what is to go to one column of it."""
        width = _width_of_rows(step.value)
        x, v, *_ = self._operands(step)
        at = self._at(step, 2, width)
        if v.wide:
            raise NotInLoops(step.value.op)
        return x, Spike(v, at, width)


def _width_of_rows(value: Value) -> int:
    """The length of rows that are indexed: they have one axis, longer than one entry."""
    if value.ndim != 2 or value.shape[1] < 2:
        raise NotInLoops("rows of several axes")
    return value.shape[1]
