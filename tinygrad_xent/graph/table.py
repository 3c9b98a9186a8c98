"""Declarations: how an operation reaches NumPy's functions and Python's operators."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import NotSupportedError, describe, explain
from .primitive import PRIMITIVES, Primitive
from .tensor import Tensor

_NUMPY: dict[Any, Callable[..., Any]] = {}


def primitive(
    name: str,
    array: Callable[..., Any],
    *,
    vjp: Any = None,
    rows: Any = None,
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
            broadcasting or conversions of dtype: `differentiate/` does, in one place. A rule that
            does not read the result calls it `_`, and may find its memory freed.
        rows: the same operation on each row of an argument that has one more axis in front, written
            like a rule, with the arguments as they are and the settings. One function for the first
            argument, or a tuple of them; elementwise operations need none. Where it is None or
            gives NotImplemented, rows are computed one by one.
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
    ...                  vjp=lambda g, _, x: (g * 3 * x * x,))
    >>> x = Tensor(2.0); y = cube(x); y.backward(); y.value, x.grad
    (8.0, 12.0)
    """
    if name in PRIMITIVES:
        raise ValueError(f"primitive: {name!r} is declared already")
    upright = r"\operatorname{{" + name.replace("_", r"\_") + "}}({*})"
    op = Primitive(
        name, array, vjp=vjp, rows=rows, scalar=scalar, elementwise=elementwise, selects=selects,
        works=works, text=text or f"{name}({{*}})", latex=latex or upright,
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
        short = _short(function)
        for func in numpy if isinstance(numpy, tuple) else (numpy,):
            _NUMPY[func] = short
        for method in (methods,) if isinstance(methods, str) else methods:
            setattr(Tensor, method, _method(short, reflected=method in _REFLECTED))
        return function

    return register


def numpy_functions() -> frozenset[Any]:
    """The NumPy functions that have a rule for Tensors."""
    return frozenset(_NUMPY)


_REFLECTED = {f"__r{name}__" for name in ("add", "sub", "mul", "truediv", "pow", "matmul")}


def _short(function: Callable[..., Any]) -> Callable[..., Any]:
    """The shortest way to the function, for operators and for NumPy."""
    if type(function) is not Primitive:
        return function
    return function.pair or (function.alone if function.arity == 1 else function)


def _method(function: Callable[..., Any], reflected: bool) -> Callable[..., Any]:
    if reflected:
        return lambda self, other: function(other, self)
    if isinstance(function, Primitive):
        return lambda self, *args, **params: function(self, *args, **params)
    return function


# -- what NumPy asks of a Tensor ------------------------------------------------------------------


def _array_ufunc(self: Tensor, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
    rule = _NUMPY.get(ufunc if method == "__call__" else (ufunc, method))
    if rule is not None and not kwargs and method == "__call__":
        return rule(*args)
    settings = {"axis": 0, **kwargs} if method == "reduce" else kwargs
    if rule is None or not settings.keys() <= {"axis", "keepdims"}:
        return _no_rule(ufunc, method, args, kwargs)
    return rule(*args, **settings)


def _array_function(self: Tensor, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
    rule = _NUMPY.get(func)
    if rule is None:
        return _no_rule(func, "__call__", args, kwargs)
    try:
        return rule(*args, **kwargs)
    except TypeError:
        if _accepts(rule, args, kwargs):
            raise
    return _no_rule(func, "__call__", args, kwargs)


Tensor.__array_ufunc__ = _array_ufunc  # type: ignore[attr-defined]
Tensor.__array_function__ = _array_function  # type: ignore[attr-defined]


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
