"""A graph as a list of values, each computed once, at the smallest shape that says all of it.

Equal expressions become one value. `alias` and `stop_gradient` leave none, nor does broadcasting in
front of an elementwise operation, which broadcasts by itself: a value may have a shape that only
broadcasts to that of its node. Numbers of rows are computed without the axis of length 1 that
`keepdims` leaves, and get it last, so that a formula with it and one without are the same values.
What depends on no input is computed here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...graph import PRIMITIVES, Primitive, Tensor, dtype_of, shape_of, toposort
from .indices import aligned

_TRANSPARENT = frozenset({"alias", "stop_gradient", "broadcast_to"})
_SYMMETRIC = frozenset({"add", "mul", "equal", "not_equal", "logical_and", "logical_or"})
_REDUCTIONS = frozenset({"sum", "max", "min"})
_SMALL = 16  # entries up to which what is constant is computed here, if that makes it larger


@dataclass(eq=False, slots=True)
class Value:
    """One value of a program.

    Attributes:
        op: the name of its primitive; "input" or "constant"; or an operation of the planner's own:
            "tmatmul": `x.T @ y` (also of vectors); "row_getitem", "row_scatter", "row_put":
            the operation without `row_` on each row by itself, with the rest of the index and the
            rows of the index arrays; "row_add": x + row_scatter(v), of the arguments x, v and the
            index arrays.
        args: the values it is computed from.
        params: the static settings of the operation.
        shape, dtype: of the result, each of which the code has to keep to.
        data: a constant's array or Python number; an input's place among the inputs.
        weak: whether it is a Python number, which does not widen a float32.
    """

    op: str
    args: tuple[Value, ...]
    params: dict[str, Any]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    data: Any = None
    weak: bool = False

    @property
    def is_leaf(self) -> bool:
        """Whether it is there before anything is computed."""
        return self.op in ("input", "constant")

    @property
    def is_zero(self) -> bool:
        """Whether it is the number 0."""
        return self.op == "constant" and not self.ndim and bool(self.data == 0)

    @property
    def is_uniform(self) -> bool:
        """Whether it is an array of one number, known beforehand."""
        if self.op != "constant" or self.weak or not self.size:
            return False
        return bool((self.data == self.data.flat[0]).all())

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def __repr__(self) -> str:
        return f"{self.op}{self.shape}"


class Program:
    """The values of a graph, arguments before results.

    Args:
        inputs: leaves that get their numbers when the program runs; every other leaf is a constant.
        outputs: the nodes whose values are wanted.

    >>> import tinygrad_xent as tx
    >>> x = tx.tensor([1.0, 2.0])
    >>> Program([x], [tx.exp(x) + tx.exp(x)]).values
    [exp(2,), add(2,)]
    """

    def __init__(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
        self.values: list[Value] = []
        self._known: dict[Any, Value] = {}
        self._done: dict[Tensor, Value] = {}
        self.inputs = [self._input(leaf, i) for i, leaf in enumerate(inputs)]
        for node in toposort(*outputs):
            if node not in self._done:
                self._done[node] = self._of_node(node)
        self.outputs = [self._full(self._done[node], node.shape) for node in outputs]
        self.drop_unused()

    def _input(self, leaf: Tensor, place: int) -> Value:
        weak = type(leaf._value) is float
        value = Value("input", (), {}, leaf.shape, leaf.dtype, place, weak)
        self._done[leaf] = value
        return value

    def _of_node(self, node: Tensor) -> Value:
        if node.op is None:
            return self.constant(node._value)
        op, params = node.op, node.params
        if op.name == "size":
            shape = shape_of(node.args[0])
            return self.constant(float(math.prod(shape[a] for a in params["axis"])))
        args = [self._done[a] if type(a) is Tensor else self.constant(a) for a in node.args]
        if op.name in _TRANSPARENT:
            return self._strong(args[0], node) if op.name == "broadcast_to" else args[0]
        if op.elementwise:
            return self._elementwise(op, tuple(self._uniform(a) for a in args), node)
        whole = tuple(self._full(a, shape_of(x)) for a, x in zip(args, node.args, strict=True))
        return self.made(op.name, whole, params, node.shape, node.dtype)

    def _elementwise(self, op: Primitive, args: tuple[Value, ...], node: Tensor) -> Value:
        shape = np.broadcast_shapes(*(a.shape for a in args))
        if op.name == "power" and args[1].op == "constant" and not args[1].shape:
            times = args[1].data
            if times in (2, 3, 4) and args[0].dtype == node.dtype:
                return self._repeated(args[0], int(times))
        if op.name == "where" and _guards_in_vain(args) and args[2].shape == shape:
            return args[2]
        axis = _axes_put_on(args)
        if axis is None:
            return self.made(op.name, args, node.params, shape, node.dtype)
        bare = tuple(a.args[0] if a.ndim else a for a in args)
        without = tuple(n for i, n in enumerate(shape) if i not in axis)
        found = self.made(op.name, bare, node.params, without, node.dtype)
        return self.made("expand_dims", (found,), {"axis": axis}, shape, node.dtype)

    def _repeated(self, x: Value, times: int) -> Value:
        """A small whole power as products."""
        half = x if times < 4 else self._repeated(x, 2)
        other = x if times == 2 else self._repeated(x, 2)
        return self.made("mul", (half, other), {}, x.shape, x.dtype)

    def _strong(self, x: Value, node: Tensor) -> Value:
        """A Python number that was broadcast is an array's entry from then on."""
        if x.op == "constant" and x.weak:
            return self.constant(node.dtype.type(x.data))
        return x

    def _uniform(self, x: Value) -> Value:
        """An array of one number as that number."""
        return self.constant(x.data.flat[0]) if x.shape and x.is_uniform else x

    def _full(self, x: Value, shape: tuple[int, ...]) -> Value:
        """The value at its full shape."""
        if x.shape == shape:
            return x
        return self.made("broadcast_to", (x,), {"shape": shape}, shape, x.dtype)

    def constant(self, data: Any) -> Value:
        weak = type(data) in (float, int, bool)
        kept = data if weak else np.asarray(data)
        raw = repr(data) if weak else kept.tobytes()
        key = ("constant", type(data) if weak else kept.dtype.str, shape_of(data), raw)
        value = Value("constant", (), {}, shape_of(data), dtype_of(data), kept, weak)
        return self._known.setdefault(key, value)

    def made(self, op: str, args: tuple[Value, ...], params: Any, shape: Any, dtype: Any) -> Value:
        """The value of an operation: an earlier one if it is the same, a constant if it can be."""
        if all(a.op == "constant" for a in args) and _may_fold(op, args, math.prod(shape)):
            with np.errstate(all="ignore"):
                return self.constant(PRIMITIVES[op].evaluate([a.data for a in args], params))
        if op in _REDUCTIONS and params["keepdims"] and 0 not in params["axis"]:
            axis, bare = params["axis"], {**params, "keepdims": False}
            without = tuple(n for i, n in enumerate(shape) if i not in axis)
            args, op = (self.made(op, args, bare, without, dtype),), "expand_dims"
            params = {"axis": axis}
        if op == "squeeze" and args[0].op == "expand_dims" and args[0].params == params:
            return args[0].args[0]
        op, args, params = _own_form(op, args, params)
        if op in ("add", "sub"):
            for place in (1, 0):
                if _adds_scattered(args, place):
                    return self._row_add(op, args, place)
        return self.placed(op, args, params, shape, dtype)

    def _row_add(self, op: str, args: tuple[Value, ...], place: int) -> Value:
        """A sum or difference of which one part is scattered."""
        x, (v, *arrays) = args[1 - place], args[place].args
        if op == "sub" and place == 1:
            v = self.made("neg", (v,), {}, v.shape, v.dtype)
        elif op == "sub":
            x = self.made("neg", (x,), {}, x.shape, x.dtype)
        params = {"index": args[place].params["index"]}
        return self.placed("row_add", (x, v, *arrays), params, x.shape, x.dtype)

    def placed(self, op: str, args: Any, params: Any, shape: Any, dtype: Any) -> Value:
        """The value of an operation as it stands: an earlier one if it is the same."""
        alike = frozenset(args) if op in _SYMMETRIC else args
        key = (op, alike, tuple(sorted(params.items())))
        if key not in self._known:
            self._known[key] = value = Value(op, args, params, shape, dtype)
            self.values.append(value)
        return self._known[key]

    def drop_unused(self) -> None:
        """Forget what no output depends on."""
        needed = set(self.outputs)
        for value in reversed(self.values):
            if value in needed:
                needed.update(value.args)
        self.values = [v for v in self.values if v in needed]


def in_order(values: Iterable[Value]) -> list[Value]:
    """The values, each after its arguments."""
    waiting, order = dict.fromkeys(values), []
    for first in list(waiting):
        stack = [first]
        while stack:
            missing = [a for a in stack[-1].args if a in waiting]
            stack += missing
            if not missing and (found := stack.pop()) in waiting:
                del waiting[found]
                order.append(found)
    return order


def _axes_put_on(args: tuple[Value, ...]) -> tuple[int, ...] | None:
    """The axes of length 1 that all arguments with axes were given; None if they are not alike."""
    spread = [a for a in args if a.ndim]
    if not spread or any(a.op != "expand_dims" or not a.args[0].ndim for a in spread):
        return None
    axes = {(a.ndim, *a.params["axis"]) for a in spread}
    return spread[0].params["axis"] if len(axes) == 1 else None


def _guards_in_vain(args: tuple[Value, ...]) -> bool:
    """Whether this is where(g == 0, 0, x) of an x that is 0 where g is."""
    mask, zero, x = args
    return (
        mask.op == "equal" and mask.args[1].is_zero and zero.is_zero
        and x.dtype == mask.args[0].dtype and _vanishes(x, mask.args[0])
    )  # fmt: skip


def _vanishes(x: Value, g: Value) -> bool:
    """Whether x is 0 where g is, whatever else it is made of."""
    if x is g or x.is_zero:
        return True
    moved = {"where": x.args[1:], "neg": x.args}.get(x.op, ())
    return bool(moved) and all(_vanishes(a, g) for a in moved)


def _may_fold(op: str, args: tuple[Value, ...], size: int) -> bool:
    return size <= max(_SMALL, sum(a.size for a in args)) and op != "scatter"


def _adds_scattered(args: tuple[Value, ...], place: int) -> bool:
    x, scattered = args[1 - place], args[place]
    alike = x.shape == scattered.shape and x.dtype == scattered.dtype
    return scattered.op == "row_scatter" and alike and x.op != "row_scatter"


def _own_form(op: str, args: tuple[Value, ...], params: Any) -> tuple[str, Any, Any]:
    """An operation as one that says more about rows, where there is one."""
    if op == "matmul" and args[1].ndim <= 2:
        x, y = args
        if x.ndim == 1:
            return "tmatmul", args, params
        if x.ndim == 2 and x.op == "transpose" and x.params["axes"] == (1, 0):
            return "tmatmul", (x.args[0], y), params
    arrays = {"getitem": 1, "scatter": 1, "put": 2}.get(op)
    if arrays is None or not aligned(args, arrays, params):
        return op, args, params
    rest = tuple((k, *(i - 1 for i in v)) if k == "array" else (k, *v)
                 for k, *v in params["index"][1:])  # fmt: skip
    kept = args[:arrays] + args[arrays + 1 :]
    return f"row_{op}", kept, {**params, "index": rest}
