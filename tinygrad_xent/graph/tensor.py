"""The node.

    op, args, params   the primitive that was applied, its inputs and its static settings;
                       `op is None` marks a leaf
    value              the number or array it produced: a Python float for scalars made of Python
                       numbers, else whatever NumPy returned
    name               what the user calls it; on an inner node it makes a definition
    grad               filled by `backward()`

An argument is a Tensor or a constant (a number, or an array that nobody can change).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import NotSupportedError, ShapeError, describe, explain
from .blank import known
from .large import Large, copied, plain
from .recording import observer
from .values import constant, dtype_of, shape_of

if TYPE_CHECKING:
    from .primitive import Primitive

NO_PARAMS: dict[str, Any] = {}
# What stands in place of a second argument where there is one argument, or neither one nor two.
ALONE: Any = type("Alone", (), {"__repr__": lambda _: "ALONE"})()
MANY: Any = type("Many", (), {"__repr__": lambda _: "MANY"})()
NEVER = -(2**60)  # uses of a node through which no rule sends anything back


class Tensor:
    """One applied primitive, its inputs, and the value it produced; or a leaf.

    Args:
        value: a number, a (nested) list of numbers (both become float64), or a NumPy array, which
            keeps its dtype and is copied, so that changing it later cannot change the graph.
        name: what to call it in drawings and formulas.

    Raises:
        DtypeError: complex numbers, text or objects.

    Values and gradients print, index and convert as NumPy's do. Arrays handed out by `.value`
    are read-only: the graph keeps using them.

    >>> x = Tensor([1.0, 2.0], name="x")
    >>> (x * x).sum().value
    np.float64(5.0)
    """

    # One argument or two, which most operations have, are kept in the node: a tuple for each node
    # would double what the cyclic collector has to look at. Others are a tuple in `_first`.
    # `_uses` is how often it is an argument of an operation with a rule.
    __slots__ = ("_first", "_grad", "_second", "_uses", "_value", "name", "op", "params")

    op: Primitive | None
    params: dict[str, Any]
    name: str | None

    if TYPE_CHECKING:  # attached by the declarations in ops/ and by differentiate/
        __add__: Callable[..., Tensor]
        __radd__: Callable[..., Tensor]
        __sub__: Callable[..., Tensor]
        __rsub__: Callable[..., Tensor]
        __mul__: Callable[..., Tensor]
        __rmul__: Callable[..., Tensor]
        __truediv__: Callable[..., Tensor]
        __rtruediv__: Callable[..., Tensor]
        __pow__: Callable[..., Tensor]
        __rpow__: Callable[..., Tensor]
        __matmul__: Callable[..., Tensor]
        __rmatmul__: Callable[..., Tensor]
        __neg__: Callable[..., Tensor]
        __abs__: Callable[..., Tensor]
        __gt__: Callable[..., Tensor]
        __ge__: Callable[..., Tensor]
        __lt__: Callable[..., Tensor]
        __le__: Callable[..., Tensor]
        __and__: Callable[..., Tensor]
        __or__: Callable[..., Tensor]
        __invert__: Callable[..., Tensor]
        __getitem__: Callable[..., Tensor]
        backward: Callable[..., None]

        def __getattr__(self, name: str) -> Callable[..., Tensor]: ...

    def __init__(self, value: Any, name: str | None = None) -> None:
        self.op = None
        self._first: Any = ()
        self._second: Any = MANY
        self.params = NO_PARAMS
        self._value = leaf_value(value)
        self.name = name
        self._grad: Any = None
        self._uses = 0

    # -- what it holds ------------------------------------------------------------------------

    @property
    def args(self) -> tuple[Any, ...]:
        """What the primitive was applied to: Tensors and constants."""
        first, second = self._first, self._second
        return (first,) if second is ALONE else first if second is MANY else (first, second)

    @property
    def value(self) -> Any:
        """The number, or the array (read-only from now on, because the graph still uses it)."""
        observer.get().looked(self)
        value = self._value
        if type(value) is np.ndarray or type(value) is Large:
            value.setflags(write=False)
        return plain(value)

    @property
    def grad(self) -> Any:
        """What `backward()` accumulated here: an array of this shape of your own, or None."""
        if type(self._grad) is tuple:
            self._grad = copied(self._grad[0])
        return self._grad

    @grad.setter
    def grad(self, value: Any) -> None:
        held = None if value is None else leaf_value(value)
        if held is not None and shape_of(held) != self.shape:
            raise ShapeError(
                explain("grad: a gradient has its Tensor's shape", describe(value), f"{self.shape}")
            )
        self._grad = shared(held)

    @property
    def shape(self) -> tuple[int, ...]:
        return shape_of(self._value)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return dtype_of(self._value)

    def item(self) -> float:
        """The value of a Tensor of one element, as a Python number."""
        return np.asarray(self.value).item()  # type: ignore[no-any-return]

    def named(self, name: str) -> Tensor:
        """Give this node a name, which makes it a definition; returns the same node."""
        self.name = name
        return self

    # -- what Python and NumPy ask of it ---------------------------------------------------------

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        return observer.get().truth(self)

    def __len__(self) -> int:
        return len(self._value)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    __hash__ = object.__hash__

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else repr(self)

    def __repr__(self) -> str:
        made = "" if self.op is None else f", op={self.op.name}"
        called = "" if self.name is None else f", name={self.name!r}"
        body = repr(self._value) if not known(self._value) else np.array2string(
            np.asarray(self._value), separator=", ", threshold=20, prefix="Tensor("
        )  # fmt: skip
        return f"Tensor({body}{called}{made})"

    def __setitem__(self, index: Any, value: Any) -> None:
        raise NotSupportedError(
            explain(
                "setitem: a Tensor cannot be changed in place, the graph still uses its value",
                f"t[{index!r}] = ...",
                "build a new one: tx.where(mask, new, t), or tx.concatenate of the parts",
            )
        )

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise NotSupportedError(
            explain(
                "array: turning a Tensor into an array would lose its gradient without a word",
                f"Tensor of shape {self.shape}",
                "t.value for its numbers; tx.stack([a, b]) to join Tensors in one",
            )
        )


def shared(g: Any) -> Any:
    """A gradient as a node keeps it until somebody asks for it: an array that others may have is in
    a tuple."""
    return (g,) if isinstance(g, np.ndarray) else g


def op_name(x: Any) -> str:
    """The name of the operation that made a node; "" for leaves, and for what is no node."""
    return x.op.name if isinstance(x, Tensor) and x.op is not None else ""


def tensor(value: Any, name: str | None = None) -> Tensor:
    """A leaf that gradients are taken with respect to. See `Tensor` for what it accepts.

    >>> tensor([1, 2]).dtype
    dtype('float64')
    """
    return Tensor(value, name)


def leaf_value(value: Any, asked: str = "tensor") -> Any:
    """What a leaf holds: Python numbers and lists of them as float64, arrays as frozen copies."""
    if type(value) in (float, int, bool):
        return float(value)
    if isinstance(value, Tensor):
        raise NotSupportedError(
            explain(
                f"{asked}: this is a Tensor already",
                describe(value),
                "x.named(...), tx.stop_gradient(x)",
            )
        )
    return constant(value, asked)


def record(op: Primitive, args: tuple[Any, ...], params: dict[str, Any], value: Any) -> Tensor:
    """A node that says: `op` applied to `args` gave `value`."""
    node = Tensor.__new__(Tensor)
    node.op = op
    if len(args) == 2:
        node._first, node._second = args
    elif len(args) == 1:
        node._first, node._second = args[0], ALONE
    else:
        node._first, node._second = args, MANY
    node.params = params
    node._value = value
    node.name = None
    node._grad = None
    node._uses = 0
    if op is not None:
        _count(node, args)
    return node


def _count(node: Tensor, args: tuple[Any, ...]) -> None:
    """What a new node says to its arguments."""
    if node.op is None or node.op.vjp is None:
        node._uses = NEVER
        return
    for a in args:
        if type(a) is Tensor:
            a._uses += 1


def detached(value: Any) -> Tensor:
    return record(None, (), NO_PARAMS, value)  # type: ignore[arg-type]
