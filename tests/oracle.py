"""What the tests judge the engine by: differences, and one check of a whole declaration.

Nothing here uses a backward rule to obtain an expected value. First derivatives are compared with
differences of the operation's values; second derivatives with differences of the first ones, which
by then have passed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_xent as tx
from tinygrad_xent.differentiate import cotangents
from tinygrad_xent.graph import PRIMITIVES, Primitive, Tensor

# As the package declares it: taken before any test or example adds a primitive of its own.
TABLE: dict[str, Primitive] = dict(PRIMITIVES)
DIFFERENTIABLE = {name: op for name, op in TABLE.items() if op.vjp is not None}


def differences(f: Callable[[Any], Any], x: Any, h: float = 1e-3) -> np.ndarray:
    """The Jacobian of `f` at `x`, of shape `f(x).shape + x.shape`, by five-point differences."""
    x = np.asarray(x, dtype=np.float64)
    columns = []
    for i in range(x.size):
        e = np.zeros(x.size)
        e[i] = h
        e = e.reshape(x.shape)
        near, far = np.subtract(f(x + e), f(x - e)), np.subtract(f(x + 2 * e), f(x - 2 * e))
        columns.append((8 * near - far) / (12 * h))
    return np.stack(columns, axis=-1).reshape(np.shape(f(x)) + x.shape)


def assert_close(got: Any, expected: Any, what: str = "", tolerance: float = 1e-7) -> None:
    """Equal within `tolerance` of the largest expected entry (or of 1), and of one shape."""
    got, expected = (np.asarray(numbers(x), dtype=np.float64) for x in (got, expected))
    assert got.shape == expected.shape, f"{what}: shape {got.shape}, expected {expected.shape}"
    if got.size:
        error = np.max(np.abs(got - expected)) / max(1.0, float(np.max(np.abs(expected))))
        assert error < tolerance, f"{what}: error {error:.2e}\n{got}\nexpected\n{expected}"


def numbers(x: Any) -> Any:
    return x.value if isinstance(x, Tensor) else x


def draws(op: Primitive, seed: int = 0) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """The sample arguments of a declaration: (args, params) for each."""
    return [draw(np.random.default_rng(seed)) for draw in op.sample]


def float_places(args: tuple[Any, ...]) -> list[int]:
    return [i for i, a in enumerate(args) if np.asarray(a).dtype.kind == "f"]


def replaced(args: tuple[Any, ...], i: int, new: Any) -> tuple[Any, ...]:
    return (*args[:i], new, *args[i + 1 :])


def pulled(op: Primitive, args: Any, params: Any, seed: Any, record: bool = False) -> list[Any]:
    """What each floating point argument of one application receives; zeros for nothing."""
    leaves = [Tensor(a) if i in float_places(args) else a for i, a in enumerate(args)]
    return pulled_by(leaves, op(*leaves, **params), seed, record)


def pulled_by(leaves: list[Any], out: Tensor, seed: Any, record: bool = False) -> list[Any]:
    wrt = tuple(x for x in leaves if isinstance(x, Tensor))
    found = cotangents(out, seed, wrt, record)
    received = [found.get(x, np.zeros(x.shape, x.dtype)) for x in wrt]
    assert [np.shape(g) for g in received] == [x.shape for x in wrt], "shapes of cotangents"
    return received


def basis(shape: tuple[int, ...], dtype: Any = np.float64) -> list[np.ndarray]:
    eye = np.eye(int(np.prod(shape)), dtype=dtype)
    return [row.reshape(shape) for row in eye]


# -- the check of one declaration ----------------------------------------------------------------


def check_primitive(op: Primitive) -> None:
    """Raise AssertionError unless the derivatives of `op` are right to second order."""
    rng = np.random.default_rng(1)
    for args, params in draws(op):
        out = np.asarray(op(*args, **params))
        g = rng.normal(size=out.shape)
        jacobians = check_first_order(op, args, params)
        check_rules_record(op, args, params, g)
        check_forward(op, args, params, jacobians, rng)
        check_second_order(op, args, params, g)
        check_float32(op, args, params, g)


def check_first_order(op: Primitive, args: Any, params: Any) -> list[np.ndarray]:
    """The full Jacobian for each argument, one row for each seed, against differences."""
    shape = np.shape(op(*args, **params))
    rows = [pulled(op, args, params, e) for e in basis(shape)]
    jacobians = []
    for k, i in enumerate(float_places(args)):
        got = np.stack([row[k] for row in rows]).reshape(shape + np.shape(args[i]))
        expected = differences(lambda x, i=i: op(*replaced(args, i, x), **params), args[i])
        assert_close(got, expected, f"{op.name}: derivative for argument {i}")
        jacobians.append(got)
    return jacobians


def check_rules_record(op: Primitive, args: Any, params: Any, g: np.ndarray) -> None:
    """Called with Tensors, every rule gives Tensors: none reaches past the table, to NumPy."""
    leaves = tuple(Tensor(a) if i in float_places(args) else a for i, a in enumerate(args))
    node = op(*leaves, **params)
    found = cotangents(node, Tensor(g), tuple(leaves[i] for i in float_places(args)), record=True)
    for x, c in found.items():
        assert type(c) is Tensor, f"{op.name}: a rule gave {type(c).__name__}"
        assert c.shape == x.shape


def check_forward(
    op: Primitive, args: Any, params: Any, jacobians: list[np.ndarray], rng: Any
) -> None:
    """The jvp is the Jacobian times the tangents, which is also what the vjp says."""
    places = float_places(args)
    tangents = [rng.normal(size=np.shape(args[i])) for i in places]

    def f(*xs: Any) -> Any:
        full = list(args)
        for i, x in zip(places, xs, strict=True):
            full[i] = x
        return op(*full, **params)

    _, tangent = tx.jvp(f, tuple(args[i] for i in places), tuple(tangents))
    pairs = zip(jacobians, tangents, strict=True)
    expected = sum(np.tensordot(j, t, axes=np.ndim(t)) for j, t in pairs)
    assert_close(tangent, expected, f"{op.name}: jvp")


def check_second_order(op: Primitive, args: Any, params: Any, g: np.ndarray) -> None:
    """The Jacobian of every pulled-back cotangent, for every argument and for the cotangent."""
    places = float_places(args)
    for k in range(len(places)):
        leaves = [Tensor(a) if i in places else a for i, a in enumerate(args)]
        seed = Tensor(g)
        out = op(*leaves, **params)
        first = pulled_by(leaves, out, seed, record=True)[k]
        if not isinstance(first, Tensor):
            continue
        sources = [*(leaves[i] for i in places), seed]
        rows = [pulled_by(sources, first, e) for e in basis(first.shape)]
        for m, source in enumerate(sources):
            got = np.stack([row[m] for row in rows]).reshape(first.shape + source.shape)

            def at(x: Any, m: int = m, k: int = k) -> Any:
                if m == len(places):
                    return pulled(op, args, params, x)[k]
                return pulled(op, replaced(args, places[m], x), params, g)[k]

            what = f"{op.name}: second derivative, arguments {k} and {m}"
            assert_close(got, differences(at, source.value), what)


def check_float32(op: Primitive, args: Any, params: Any, g: np.ndarray) -> None:
    """Single precision in, single precision out: values and both orders of derivatives."""
    if "dtype" in params:
        return
    places = float_places(args)
    small = [a.astype(np.float32) if i in places else a for i, a in enumerate(args)]
    leaves = [Tensor(a) if i in places else a for i, a in enumerate(small)]
    out = op(*leaves, **params)
    assert out.dtype == np.float32, f"{op.name}: float32 became {out.dtype}"
    expected = pulled(op, args, params, g)
    seed = Tensor(g.astype(np.float32))
    first = pulled_by(leaves, out, seed, record=True)
    for i, c, e in zip(places, first, expected, strict=True):
        assert c.dtype == np.float32, f"{op.name}: the gradient of argument {i} is {c.dtype}"
        assert_close(c, e, f"{op.name}: float32 gradient", 1e-4)
        for second in pulled_by([*leaves, seed], c, np.ones(c.shape, np.float32)):
            assert second.dtype == np.float32, f"{op.name}: a second derivative is {second.dtype}"
