"""Our own exp, log and relatives, compiled: against mpmath, and at the ends of their domains."""

from __future__ import annotations

import inspect
from typing import Any

import mpmath
import numpy as np
import pytest

from tinygrad_xent.compiling.numba_code import vector_math

numba = pytest.importorskip("numba", reason="numba is not installed")
NAMES = ("exp", "expm1", "log", "log1p", "tanh")
MOST = {"exp": 1.1, "expm1": 1.4, "log": 0.9, "log1p": 0.9, "tanh": 2.3}  # ulps


def compiled(source: str) -> dict[str, Any]:
    """A function over arrays for each of ours, compiled as generated code is."""
    head = "import numpy as np\nfrom numba import njit\n"
    head += "exactly = njit(fastmath={'contract'}, error_model='numpy', forceinline=True)\n"
    space: dict[str, Any] = {}
    exec(
        head + source[source.index("\ndef ") :].replace("\ndef ", "\n@exactly\ndef "),
        space,
    )
    return space


def over_arrays(space: dict[str, Any], name: str) -> Any:
    one = space[name]

    @numba.njit
    def loop(x: Any, out: Any) -> None:
        for i in range(x.size):
            out[i] = one(x[i])

    def call(x: Any) -> Any:
        out = np.empty_like(x)
        loop(x, out)
        return out

    return call


@pytest.fixture(scope="module")
def functions() -> dict[str, Any]:
    space = compiled(inspect.getsource(vector_math))
    names = (*NAMES, "exp_shifted")
    return {n + s: over_arrays(space, n + s) for n in names for s in ("", "_32")}


def arguments(name: str, dtype: Any, n: int) -> Any:
    """Arguments of all sizes, those with subnormal and huge results among them."""
    rng = np.random.default_rng(0)
    low, high = (-1074, 1023) if dtype is np.float64 else (-149, 127)
    wide = np.ldexp(rng.uniform(1, 2, n), rng.integers(low, high, n))
    limits = (-746, 710) if dtype is np.float64 else (-104, 89)
    usual = rng.normal(size=n) * rng.choice([1e-3, 1, 5], n)
    signed = wide * rng.choice([-1, 1], n)
    drawn = {
        "exp": [rng.uniform(*limits, n), signed, usual],
        "expm1": [rng.uniform(*limits, n), signed, usual],
        "tanh": [signed, usual],
        "log": [wide, rng.uniform(0.5, 2, n), 1 + usual * 1e-3],
        "log1p": [wide, rng.uniform(-1, 1, n), usual * 1e-3, rng.uniform(-1, -0.9, n)],
    }[name]
    found = np.concatenate(drawn).astype(dtype)
    return found[found > -1] if name == "log1p" else found


def ulps(name: str, x: Any, got: Any) -> Any:
    """By how many units in the last place each result is off; infinity where one is finite only."""
    with mpmath.workprec(120):
        exact = [getattr(mpmath, name)(mpmath.mpf(float(v))) for v in x]
        with np.errstate(over="ignore"):
            rounded = np.array([float(e) for e in exact]).astype(x.dtype)
            unit = np.spacing(np.abs(rounded)).astype(np.float64)
        there = np.isfinite(got) & np.isfinite(unit)
        off = [float(abs(mpmath.mpf(float(g)) - e) / mpmath.mpf(u)) if ok else np.inf
               for g, e, u, ok in zip(got, exact, unit, there, strict=True)]  # fmt: skip
    return np.where(np.isinf(rounded) & (got == rounded), 0.0, off)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_accuracy(name: str, dtype: Any, functions: Any) -> None:
    x = arguments(name, dtype, 1500)
    off = ulps(name, x, functions[name + ("_32" if dtype is np.float32 else "")](x))
    assert off.max() <= MOST[name], (x[off.argmax()], off.max())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_ends(name: str, dtype: Any, functions: Any) -> None:
    """Zeros keep their sign, and infinities, nan and what is outside of the domain are NumPy's."""
    info = np.finfo(dtype)
    ends = [0.0, -0.0, np.inf, -np.inf, np.nan, -1.0, -2.0, info.max, -info.max, info.tiny,
            info.smallest_subnormal, -info.smallest_subnormal]  # fmt: skip
    x = np.array(ends, dtype)
    got = functions[name + ("_32" if dtype is np.float32 else "")](x)
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(x)
    np.testing.assert_array_almost_equal_nulp(got[np.isfinite(got)], expected[np.isfinite(got)], 2)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    np.testing.assert_array_equal(got[~np.isfinite(got)], expected[~np.isfinite(got)])
    there = ~np.isnan(got)
    np.testing.assert_array_equal(np.signbit(got)[there], np.signbit(expected)[there])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_exponentials_of_what_is_shifted(dtype: Any, functions: Any) -> None:
    """As exp, up to a bound; what is larger stays larger, so that a sum of them tells."""
    shifted = functions["exp_shifted" + ("_32" if dtype is np.float32 else "")]
    bound, least = (350, -746) if dtype is np.float64 else (43, -104)
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.uniform(least, bound, 2000), rng.normal(size=1000)]).astype(dtype)
    assert ulps("exp", x, shifted(x)).max() <= MOST["exp"]
    large = np.array([bound, 2 * bound, 1e6, np.finfo(dtype).max, np.inf], dtype)
    np.testing.assert_allclose(shifted(large), np.exp(dtype(bound)), rtol=1e-5)
    ends = np.array([-np.inf, np.finfo(dtype).min, np.nan, 0.0, -0.0], dtype)
    np.testing.assert_array_equal(shifted(ends), [0.0, 0.0, np.nan, 1.0, 1.0])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_order_of_numbers(dtype: Any) -> None:
    """The integers that stand for numbers come in the numbers' order, and give them back."""
    suffix = "_32" if dtype is np.float32 else ""
    order, back = (getattr(vector_math, n + suffix) for n in ("order", "ordered"))
    sorted_ = np.array([-np.inf, -2.5, -1e-40, -0.0, 0.0, 1e-40, 3.5, np.inf, np.nan], dtype)
    keys = [order(v) for v in sorted_]
    assert keys == sorted(keys)
    np.testing.assert_array_equal([back(k) for k in keys], sorted_)


def test_a_wrong_coefficient_is_caught() -> None:
    source = inspect.getsource(vector_math)
    wrong = source.replace("0.041666666666619695", "0.041666666676619695")
    assert wrong != source
    x = arguments("exp", np.float64, 500)
    with np.errstate(over="ignore"):
        got = over_arrays(compiled(wrong), "exp")(x)
    assert ulps("exp", x, got).max() > MOST["exp"]
