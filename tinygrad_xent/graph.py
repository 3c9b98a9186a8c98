"""The one data structure: a node that carries its value and remembers how it was made.

This file knows no operation. `ops/` declares them; `differentiate.py` walks what they record.

    op, args, params   the primitive that was applied, its inputs and its static settings;
                       `op is None` marks a leaf
    value              the number or array it produced: a Python float for scalars made of Python
                       numbers, else whatever NumPy returned
    name               what the user calls it; on an inner node it makes a definition
    grad               filled by `backward()`

An argument is a Tensor or a constant (a number, or an array that nobody can change).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import DtypeError, NotSupportedError, ShapeError, describe, explain

_recording: ContextVar[bool] = ContextVar("recording", default=True)
_NO_PARAMS: dict[str, Any] = {}
_PLAIN = frozenset({float, int, np.ndarray})


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

    __slots__ = ("_grad", "_value", "args", "name", "op", "params")

    op: Primitive | None
    args: tuple[Any, ...]
    params: dict[str, Any]
    name: str | None

    if TYPE_CHECKING:  # attached by the declarations in ops/ and by differentiate.py
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
        self.args = ()
        self.params = _NO_PARAMS
        self._value = leaf_value(value)
        self.name = name
        self._grad: Any = None

    # -- what it holds ------------------------------------------------------------------------

    @property
    def value(self) -> Any:
        """The number, or the array (read-only from now on, because the graph still uses it)."""
        if type(self._value) is np.ndarray:
            self._value.setflags(write=False)
        return self._value

    @property
    def grad(self) -> Any:
        """What `backward()` accumulated here: an array of this shape of your own, or None."""
        if type(self._grad) is np.ndarray and not self._grad.flags.writeable:
            self._grad = self._grad.copy()
        return self._grad

    @grad.setter
    def grad(self, value: Any) -> None:
        held = None if value is None else leaf_value(value)
        if held is not None and shape_of(held) != self.shape:
            raise ShapeError(
                explain("grad: a gradient has its Tensor's shape", describe(value), f"{self.shape}")
            )
        self._grad = held

    @property
    def shape(self) -> tuple[int, ...]:
        return shape_of(self._value)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.size(self._value))

    @property
    def dtype(self) -> np.dtype[Any]:
        return dtype_of(self._value)

    def item(self) -> float:
        """The value of a Tensor of one element, as a Python number."""
        return np.asarray(self._value).item()  # type: ignore[no-any-return]

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
        return bool(self._value)

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
        body = np.array2string(
            np.asarray(self._value), separator=", ", threshold=20, prefix="Tensor("
        )
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

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        rule = _NUMPY.get(ufunc if method == "__call__" else (ufunc, method))
        settings = {"axis": 0, **kwargs} if method == "reduce" else kwargs
        if rule is None or not settings.keys() <= {"axis", "keepdims"}:
            return _no_rule(ufunc, method, args, kwargs)
        return rule(*args, **settings)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        rule = _NUMPY.get(func)
        if rule is None:
            return _no_rule(func, "__call__", args, kwargs)
        try:
            return rule(*args, **kwargs)
        except TypeError:
            if _accepts(rule, args, kwargs):
                raise
        return _no_rule(func, "__call__", args, kwargs)

    # -- copying: flat, so that a long chain does not recurse ---------------------------------

    def __reduce__(self) -> tuple[Any, ...]:
        if self.op is None:
            return _load_leaf, (self._value, self.name, self._grad)
        order = [n for n in toposort(self) if n.op is not None]
        place = {id(node): i for i, node in enumerate(order)}
        return _load_graph, ([_dump(node, place) for node in order],)


def _dump(node: Tensor, place: dict[int, int]) -> tuple[Any, ...]:
    inner = [place.get(id(a)) for a in node.args]
    args = [None if i is not None else a for a, i in zip(node.args, inner, strict=True)]
    assert node.op is not None
    return node.op.name, inner, args, node.params, node._value, node.name, node._grad


def _load_leaf(value: Any, name: str | None, grad: Any) -> Tensor:
    leaf = _detached(value)
    leaf.name, leaf._grad = name, grad
    return leaf


def _load_graph(records: list[tuple[Any, ...]]) -> Tensor:
    nodes: list[Tensor] = []
    for op, inner, args, params, value, name, grad in records:
        whole = [a if i is None else nodes[i] for a, i in zip(args, inner, strict=True)]
        node = record(PRIMITIVES[op], tuple(whole), params, value)
        node.name, node._grad = name, grad
        nodes.append(node)
    return nodes[-1]


def record(op: Primitive, args: tuple[Any, ...], params: dict[str, Any], value: Any) -> Tensor:
    """A node that says: `op` applied to `args` gave `value`."""
    node = Tensor.__new__(Tensor)
    node.op = op
    node.args = args
    node.params = params
    node._value = value
    node.name = None
    node._grad = None
    return node


# -- values ---------------------------------------------------------------------------------------


def shape_of(value: Any) -> tuple[int, ...]:
    return getattr(value, "shape", ())


def dtype_of(value: Any) -> np.dtype[Any]:
    """The dtype of a value; Python numbers count as float64 (and booleans as bool)."""
    if type(value) is float or type(value) is int:
        return np.dtype(np.float64)
    return value.dtype if hasattr(value, "dtype") else np.asarray(value).dtype


def is_float(value: Any) -> bool:
    """Whether a gradient with respect to this value means anything."""
    return type(value) is float or dtype_of(value).kind == "f"


def leaf_value(value: Any) -> Any:
    """What a leaf holds: Python numbers and lists of them as float64, arrays as frozen copies."""
    if type(value) in (float, int, bool):
        return float(value)
    if isinstance(value, Tensor):
        raise NotSupportedError(
            explain(
                "tensor: this is a Tensor already",
                describe(value),
                "x.named(...), tx.stop_gradient(x)",
            )
        )
    return constant(value)


def constant(value: Any, asked: str = "tensor") -> Any:
    """An operation's plain argument: a number as it is, anything else as an array of our own.

    Arrays are copied into `bytes`, which nothing can change in place: neither the caller through
    the array that was given, nor anyone through the one that the graph holds.
    """
    if type(value) in (float, int, bool):
        return value
    if isinstance(value, np.ma.MaskedArray):
        raise NotSupportedError(
            explain(
                f"{asked}: the masked entries of an array have no value",
                describe(value),
                "a.filled(0.0), and tx.where(a.mask, 0.0, ...) in the formula",
            )
        )
    array = value if isinstance(value, (np.ndarray, np.generic)) else _from_sequence(value)
    if array.dtype.kind not in "fiub":
        raise DtypeError(
            explain(
                f"{asked}: numbers must be real",
                f"{type(value).__name__} of dtype {array.dtype}",
                "floating point for what is differentiated; integers and booleans as data",
            )
        )
    if isinstance(array, np.generic) or isinstance(array.base, bytes):
        return array
    return np.ndarray(array.shape, array.dtype, array.tobytes())


def _from_sequence(value: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
    except NotSupportedError:
        raise
    except (TypeError, ValueError) as error:
        raise ShapeError(
            explain("tensor: not a rectangular array of numbers", str(error), "rows of one length")
        ) from None
    real = array.dtype == object and all(isinstance(n, Real) for n in array.flat)
    return array.astype(np.float64) if real or array.dtype.kind in "iu" else array


# -- operations -----------------------------------------------------------------------------------


class Primitive:
    """One operation: how to compute it, how to pull a cotangent back, how to write it down.

    Made by `primitive(...)`. Calling it with plain numbers and arrays just computes; with a Tensor
    among the arguments it also records the node.
    """

    __slots__ = (
        "arity", "array", "code", "elementwise", "latex", "name", "precedence", "sample", "scalar",
        "selects", "text", "vjp", "works",
    )  # fmt: skip

    if TYPE_CHECKING:
        vjp: Any
        scalar: Callable[..., float] | None
        elementwise: bool
        selects: bool
        works: str
        text: str
        latex: str
        code: str
        precedence: int
        sample: tuple[Any, ...]

    def __init__(self, name: str, array: Callable[..., Any], **fields: Any) -> None:
        self.name, self.array = name, array
        self.arity = array.nin if isinstance(array, np.ufunc) else None  # one more would be out=
        for key, value in fields.items():
            setattr(self, key, value)

    def __call__(self, *args: Any, **params: Any) -> Any:
        if self.arity is not None and len(args) != self.arity:
            raise self._miscounted(args)
        values = []
        traced = plain = False
        for a in args:
            if type(a) is Tensor:
                traced = True
                values.append(a._value)
            else:
                plain = True
                values.append(a if type(a) in _PLAIN else constant(a, self.name))
        try:
            value = self.evaluate(values, params)
        except (ValueError, TypeError, IndexError) as error:
            raise self._misfit(args, params, error) from None
        if not traced:
            return value
        if not _recording.get():
            return _detached(value)
        if plain:
            args = tuple([a if type(a) is Tensor else constant(v, self.name)
                          for a, v in zip(args, values)])  # noqa: B905  # fmt: skip
        return record(self, args, params or _NO_PARAMS, value)

    def evaluate(self, values: list[Any], params: dict[str, Any]) -> Any:
        """The value: by Python's own arithmetic for Python numbers, else by NumPy's."""
        if self.scalar is not None and _are_python_floats(*values):
            try:
                return self.scalar(*values)
            except (ArithmeticError, ValueError):
                return float(self.array(*values))  # inf or nan, with NumPy's warning
        return self.array(*values, **params)

    def pull(self, i: int, g: Any, out: Any, args: Any, params: dict[str, Any]) -> Any:
        """The cotangent that argument `i` receives when `out` receives `g`, or None."""
        rules = self.vjp
        if type(rules) is tuple:
            rule = rules[i]
            return None if rule is None else rule(g, out, *args, **params)
        return None if rules is None else rules(g, out, *args, **params)[i]

    def _miscounted(self, args: Any) -> Exception:
        given = ", ".join(describe(a) for a in args)
        works = f"{self.arity} positional, no array to write into and no base"
        problem = f"{self.name}: arguments: takes {self.arity}, not {len(args)}"
        return DtypeError(explain(problem, given or "none", works))

    def _misfit(self, args: Any, params: Any, error: Exception) -> Exception:
        given = ", ".join(describe(a) for a in args)
        settings = "".join(f", {k}={v}" for k, v in params.items())
        kind = DtypeError if isinstance(error, TypeError) else ShapeError
        problem = str(error).strip().removeprefix(f"{self.name}: ")
        return kind(explain(f"{self.name}: {problem}", given + settings, self.works))

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _load_primitive, (self.name,)


def _are_python_floats(x: Any, y: Any = 1.0) -> bool:
    """Whether Python's arithmetic gives a float for these: two floats, or a float and an int."""
    if type(x) is float:
        return type(y) is float or type(y) is int
    return type(x) is int and type(y) is float


def _load_primitive(name: str) -> Primitive:
    return PRIMITIVES[name]


PRIMITIVES: dict[str, Primitive] = {}
_NUMPY: dict[Any, Callable[..., Any]] = {}


def primitive(
    name: str,
    array: Callable[..., Any],
    *,
    vjp: Any = None,
    scalar: Callable[..., float] | None = None,
    elementwise: bool = False,
    selects: bool = False,
    works: str = "",
    text: str = "",
    latex: str = "",
    code: str = "",
    precedence: int = 9,
    sample: Any = (),
    numpy: Any = (),
    methods: Any = (),
) -> Primitive:
    """Declare one operation, in one place.

    Args:
        name: unique; printed in drawings, derivations and errors.
        array: computes the value from NumPy arrays: data positional, settings by keyword.
        vjp: how a cotangent comes back, written in primitives and operators only. Either one
            function `(g, out, *args, **params) -> (one cotangent per argument)`, or a tuple of
            functions, one per argument, of which only those needed are called. `None`, for the
            whole or for one argument, means not differentiable there. Rules need not undo
            broadcasting or conversions of dtype: `differentiate.py` does, in one place.
        scalar: the same for Python floats; where it raises, `array` is asked.
        elementwise: each entry of the result depends on one entry of each (broadcast) argument.
        selects: part of the arguments does not reach the result, so its cotangent is zero.
        works: what would work, for error messages.
        text, latex, code: templates with `{0}`, `{1}` and the settings' names.
        precedence: how tightly the template binds: 1 comparison, 2 sum, 3 product, 4 sign,
            5 power, 9 call.
        sample: one or more functions `(rng) -> (args, params)` that draw arguments for the tests.
        numpy: the NumPy function(s) that this implements for Tensors.
        methods: the Tensor methods and operators that call it.

    >>> import numpy as np
    >>> cube = primitive("cube_of_the_example", lambda x: x * x * x,
    ...                  vjp=lambda g, out, x: (g * 3 * x * x,))
    >>> x = Tensor(2.0); y = cube(x); y.backward(); y.value, x.grad
    (8.0, 12.0)
    """
    if name in PRIMITIVES:
        raise ValueError(f"primitive: {name!r} is declared already")
    upright = r"\operatorname{{" + name.replace("_", r"\_") + "}}({*})"
    op = Primitive(
        name, array, vjp=vjp, scalar=scalar, elementwise=elementwise, selects=selects, works=works,
        text=text or f"{name}({{*}})", latex=latex or upright,
        code=code or text or f"np.{name}({{*}})", precedence=precedence,
        sample=sample if isinstance(sample, tuple) else (sample,),
    )  # fmt: skip
    PRIMITIVES[name] = op
    implements(numpy, methods)(op)
    return op


def implements(numpy: Any = (), methods: Any = ()) -> Callable[[Any], Any]:
    """Make a function the one that NumPy functions and Tensor methods call.

    `methods` are names; one such as `__radd__` gets its two arguments the other way round.
    """

    def register(function: Any) -> Any:
        for func in numpy if isinstance(numpy, tuple) else (numpy,):
            _NUMPY[func] = function
        for method in (methods,) if isinstance(methods, str) else methods:
            setattr(Tensor, method, _method(function, reflected=method in _REFLECTED))
        return function

    return register


def numpy_functions() -> frozenset[Any]:
    """The NumPy functions that have a rule for Tensors."""
    return frozenset(_NUMPY)


_REFLECTED = {f"__r{name}__" for name in ("add", "sub", "mul", "truediv", "pow", "matmul")}


def _method(function: Callable[..., Any], reflected: bool) -> Callable[..., Any]:
    if reflected:
        return lambda self, other: function(other, self)
    if isinstance(function, Primitive):
        return lambda self, *args, **params: function(self, *args, **params)
    return function


def _accepts(rule: Callable[..., Any], args: Any, kwargs: Any) -> bool:
    """Whether our function has the parameters of NumPy's that the caller used."""
    try:
        inspect.signature(rule).bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def _no_rule(func: Any, method: str, args: Any, kwargs: dict[str, Any]) -> Any:
    name = getattr(func, "__name__", str(func)) + ("" if method == "__call__" else f".{method}")
    if kwargs.get("out") is not None:
        raise NotSupportedError(
            explain(f"{name}: a Tensor cannot be written into", "out=...", "use the result instead")
        )
    full = f"{getattr(func, '__module__', None) or 'numpy'}.{name}"
    given = ", ".join([*map(describe, args), *(f"{k}={v!r}" for k, v in kwargs.items())])
    raise NotSupportedError(
        explain(
            f"{name}: there is no rule for {full} on Tensors, called this way",
            given,
            "compose it from operations that have one (tinygrad_xent.numpy lists them), or "
            f"add it: tx.primitive(name, array, vjp=..., numpy={full}); see CONTRIBUTING.md",
        )
    )


def _detached(value: Any) -> Tensor:
    return record(None, (), _NO_PARAMS, value)  # type: ignore[arg-type]


@contextmanager
def no_grad() -> Iterator[None]:
    """Inside this block nothing is recorded: results are leaves.

    It holds for the current thread or async task only.

    >>> x = Tensor(2.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.op is None
    True
    """
    token = _recording.set(False)
    try:
        yield
    finally:
        _recording.reset(token)


@contextmanager
def recording() -> Iterator[None]:
    """Inside this block operations on Tensors are recorded, whatever surrounds it."""
    token = _recording.set(True)
    try:
        yield
    finally:
        _recording.reset(token)


def toposort(*roots: Tensor) -> list[Tensor]:
    """Every node the roots depend on, arguments before results; iterative, in a fixed order."""
    order: list[Tensor] = []
    seen: set[int] = set()
    stack: list[Tensor | None] = list(reversed(roots))
    while stack:
        node = stack.pop()
        if node is None:  # all that the node below depends on is in the order by now
            order.append(stack.pop())  # type: ignore[arg-type]
            continue
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.op is None:
            order.append(node)
            continue
        stack += (node, None)
        for a in reversed(node.args):
            if type(a) is Tensor and id(a) not in seen:
                stack.append(a)
    return order


def tensor(value: Any, name: str | None = None) -> Tensor:
    """A leaf that gradients are taken with respect to. See `Tensor` for what it accepts.

    >>> tensor([1, 2]).dtype
    dtype('float64')
    """
    return Tensor(value, name)
