"""Errors in units in the last place, against values from outside: mpmath by hand, and sympy."""

from __future__ import annotations

import builtins
import json
import math
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import DIFFERENTIABLE

import tinygrad_xent as tx
from tinygrad_xent.graph import PRIMITIVES, Tensor
from tinygrad_xent.numerics.precise import exactly


def naive(z: Any, p: Any) -> Any:
    e = tx.exp(z)
    return -(p * tx.log(e / e.sum())).sum()


def by_hand(z: list[float], label: int) -> tuple[Any, list[Any]]:
    """Cross-entropy of softmax and its gradient, in 20,000 bits."""
    with mpmath.workprec(20_000):
        e = [mpmath.exp(mpmath.mpf(x)) for x in z]
        q = [x / sum(e) for x in e]
        return -mpmath.log(q[label]), [x - (i == label) for i, x in enumerate(q)]


def exact(found: Any, of: str) -> list[str]:
    return [e.exact for e in sorted(found.errors, key=lambda e: e.index)
            if e.form == "as composed" and (e.of == "value") == (of == "value")]  # fmt: skip


@pytest.mark.parametrize(
    "z", [[40.0, 0.0, 0.0], [1000.0, 0.0, -1000.0], [1e-3, 2e-3, 0.0], [3000.0, -1.0, 0.5]]
)
def test_the_exact_numbers_are_those_computed_by_hand(z: list[float]) -> None:
    value, gradient = by_hand(z, 0)
    with np.errstate(all="ignore"):
        found = tx.accuracy(naive, at=(z, [1.0, 0.0, 0.0]))
    with mpmath.workprec(120):
        wanted = [+value, *map(mpmath.mpf, gradient)]
        given_ = [mpmath.mpf(x) for x in (*exact(found, "value"), *exact(found, "gradient"))]
        assert all(abs(a - b) <= abs(b) * mpmath.mpf("1e-15") for a, b in zip(given_, wanted))  # noqa: B905


def test_the_lost_tail_is_seen() -> None:
    """The loss is 8.4967085105831777e-18; both forms give 0."""
    found = tx.accuracy(naive, at=([40.0, 0.0, 0.0], [1.0, 0.0, 0.0]))
    assert found.worst["as composed"] > 1e15
    assert found.errors[0].exact[:10] == "8.49670851"
    assert found.formula == "sum(p)*softmax(z) - p"


def test_units_in_the_last_place_are_counted() -> None:
    """0.1 + 0.2 is off by less than one, by hand: (0.1 + 0.2 as fractions) and the float beside."""
    x = tx.tensor(0.1, name="x")
    (error,) = [
        e for e in tx.accuracy(x + 0.2).errors if e.of == "value" and e.form == "as composed"
    ]
    true = sympy.Rational(0.1) + sympy.Rational(0.2)
    wanted = abs(sympy.Rational(0.1 + 0.2) - true) / sympy.Rational(math.ulp(0.3))
    assert error.ulps == pytest.approx(float(wanted))


@given(st.lists(st.floats(-30, 30), min_size=2, max_size=4), st.integers(0, 1))
@settings(max_examples=15, deadline=None)
def test_plain_sums_and_products_are_nearly_exact(z: list[float], axis: int) -> None:
    found = tx.accuracy(lambda z: (z * z).sum(), at=np.array(z))
    assert max(found.worst.values()) <= len(z)


def test_float32_is_measured_in_its_own_units() -> None:
    found = tx.accuracy(lambda x: tx.exp(x), at=np.float32([0.1, 1.0, 10.0]))
    assert 0 < found.worst["as composed"] < 2


def test_naive_overflow_and_stable_closed_form() -> None:
    at = ([1000.0, 0.0, -1000.0], [0.0, 0.0, 1.0])
    with np.errstate(all="ignore"):
        found = tx.accuracy(naive, at=at)
    assert found.worst["as composed"] == math.inf
    assert found.worst["closed form"] < 1
    assert found.digits > 1000


def test_the_worst_comes_first() -> None:
    ulps = [e.ulps for e in tx.accuracy(naive, at=([40.0, 0.0, 1.0], [1.0, 0.0, 0.0])).errors]
    assert ulps == sorted(ulps, reverse=True)


@pytest.mark.parametrize(
    "name", [n for n in DIFFERENTIABLE if PRIMITIVES.get(n) is DIFFERENTIABLE[n]]
)
def test_each_operation_agrees_with_numpy(name: str) -> None:
    op = DIFFERENTIABLE[name]
    for draw in op.sample:
        args, params = draw(np.random.default_rng(0))
        node = op(*map(Tensor, args), **params)
        (value,), _ = exactly(node)
        found = np.array([float(x) for x in np.asarray(value).flat]).reshape(node.shape)
        np.testing.assert_allclose(found, node.value, rtol=1e-13, atol=1e-15)


def test_poles_are_as_in_numpy() -> None:
    x = tx.tensor([0.0, -1.0, 2.0])
    with np.errstate(all="ignore"):
        for node in (1 / x, tx.log(x), tx.sqrt(x), x**-1.0, x / x):
            (value,), _ = exactly(node)
            np.testing.assert_allclose([float(v) for v in value], node.value)


def planted(name: str, array: Any) -> Any:
    made = tx.primitive(name, array, elementwise=True, vjp=lambda g, out, x: (g,))
    PRIMITIVES.pop(name)
    return made


def test_a_sloppy_operation_is_caught() -> None:
    """mpmath's erf is the judge of an erf of our own that works in single precision."""
    sloppy = planted("erf", np.vectorize(lambda x: float(np.float32(math.erf(x)))))
    good = planted("erf", np.vectorize(lambda x: math.erf(x)))
    x = np.array([0.1, 0.7])
    assert tx.accuracy(lambda x: good(x), at=x).worst["as composed"] < 3
    assert tx.accuracy(lambda x: sloppy(x), at=x).worst["as composed"] > 1e6


def test_an_operation_that_nobody_knows_is_refused() -> None:
    own = planted("own_function", np.vectorize(lambda x: math.erf(x)))
    with pytest.raises(tx.NotSupportedError, match="does not know the operation own_function"):
        tx.accuracy(lambda x: own(x), at=np.array([0.1, 0.7]))


def test_mpmath_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "mpmath":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(tx.NotSupportedError, match="pip install"):
        tx.accuracy(lambda x: x * x, at=1.0)


def test_the_precision_of_others_is_left_alone() -> None:
    before = mpmath.mp.prec
    tx.accuracy(lambda x: tx.exp(x), at=100.0)
    assert mpmath.mp.prec == before


def test_arguments_by_name_and_a_tensor() -> None:
    at = {"p": [1.0, 0.0], "z": [2.0, 1.0]}
    by_name = tx.accuracy(naive, at=at, wrt="p")
    z, p = tx.tensor(at["z"], name="z"), tx.tensor(at["p"], name="p")
    assert by_name == tx.accuracy(naive(z, p), wrt=p)
    assert by_name.errors[0].of in ("value", "d loss / d p")


def test_it_is_data() -> None:
    with np.errstate(all="ignore"):
        found = tx.accuracy(naive, at=([1000.0, 0.0], [1.0, 0.0]))
    assert json.loads(found.json())["errors"][0]["ulps"] == "inf"
    assert found.markdown().count("\n") == 1 + len(found.errors)
    assert "as composed" in str(found)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: tx.accuracy(3.0), "not a Tensor"),
        (lambda: tx.accuracy(lambda x: x > 0, at=1.0), "floating point is compared"),
        (lambda: tx.accuracy(lambda x: tx.exp(x), at={"y": 1.0}), "not the parameters"),
        (lambda: tx.accuracy(lambda x: tx.exp(x), at=1.0, wrt="y"), "no derivative"),
        (lambda: tx.accuracy(lambda x: tx.tanh(x), at=1e9), "too far apart"),
    ],
)
def test_bad_input(call: Any, says: str) -> None:
    with pytest.raises(tx.TinygradXentError, match=says):
        call()
