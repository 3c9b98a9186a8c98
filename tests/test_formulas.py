"""The documents' formulas: the engine and the hand-derived ones, each against a third judge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import sympy

from tinygrad_xent.demo.comparison import compare, relative_errors
from tinygrad_xent.demo.formulas import FORMULAS, SATURATED, WOCJAN

BY_PLACE = {formula.place: formula for formula in FORMULAS}

# -- the losses once more, in 40 digits -----------------------------------------------------------


def softmax(z: Any) -> list[Any]:
    total = mp.fsum(mp.exp(t) for t in z)
    return [mp.exp(t) / total for t in z]


def entropy(p: Any, q: Any) -> Any:
    return -mp.fsum(mp.mpf(a) * mp.log(b) for a, b in zip(p, q, strict=True))


def half_square(a: Any, b: Any) -> Any:
    return mp.fsum((s - t) ** 2 for s, t in zip(a, b, strict=True)) / 2


def sigmoid_entropy(z: Any, y: Any) -> Any:
    a = 1 / (1 + mp.exp(-z))
    return -(y * mp.log(a) + (1 - y) * mp.log(1 - a))


def layer(W: Any, b: Any, v: Any, y: Any) -> Any:
    rows = [(np.dot(W, x) + b, t) for x, t in zip(np.atleast_2d(v), np.atleast_2d(y), strict=True)]
    return mp.fsum(entropy(t, softmax(z)) for z, t in rows)


NUMBERS = {  # functions of two numbers, differentiated by the first, entry by entry
    "mean squared error": lambda x, y: (x - y) ** 2 / 2,
    "alternative 1": lambda x, y: (x - y) ** 4,
    "alternative 2": lambda x, y: mp.sin(x - y) ** 2 + mp.sin(mp.pi * (x - y)) ** 2,
    "alternative 3": lambda x, y: abs(x - y),
    "section 1, sigmoid rows": sigmoid_entropy,
}
LOSSES = {  # functions of arrays with one number as result, and the argument they are derived by
    "linear in p": (entropy, 0),
    "single sample": (lambda z, p: entropy(p, softmax(z)), 0),
    "LogSumExp": (lambda z: mp.log(mp.fsum(map(mp.exp, z))), 0),
    "the result": (lambda z, p: entropy(p, softmax(z)), 0),
    "squared error": (half_square, 1),
    "squared error, two classes": (lambda z, y: half_square(softmax(z), y), 0),
    "cross-entropy": (entropy, 1),
    "cross-entropy, two classes": (lambda z, y: entropy(y, softmax(z)), 0),
    "(5)": (entropy, 1),
    "(8)": (lambda z, y: entropy(y, softmax(z)), 0),
    "(8), as Σₖ yₖ = 1": (lambda z, y: entropy(y, softmax(z)), 0),
    "section 5, weights": (layer, 0),
    "section 5, biases": (layer, 1),
}
JACOBIANS = ("softmax", "(2)")
VALUES = {
    "H in terms of logits": lambda z, p: entropy(p, softmax(z)),
    "example": softmax,
}
LIMITS = ("squared error, saturated", "cross-entropy, saturated")


def exact(array: Any) -> Any:
    return np.vectorize(mp.mpf, otypes=[object])(array)


def partials(f: Any, x: Any) -> Any:
    """Every partial derivative of `f` at `x`."""

    def along(i: Any) -> Any:
        def moved(t: Any) -> Any:
            y = x.copy()
            y[i] = t
            return f(y)

        return mp.diff(moved, x[i])

    slopes = np.empty(x.shape, dtype=object)
    for i in np.ndindex(x.shape):
        slopes[i] = along(i)
    return slopes


def judge(place: str, point: tuple[Any, ...]) -> Any:
    """The value of a formula, by differences in 40 digits."""
    args = [exact(a) for a in point]
    if place in NUMBERS:
        slope = np.vectorize(
            lambda x, y: mp.diff(lambda t: NUMBERS[place](t, y), x), otypes=[object]
        )
        return slope(*args)
    if place in JACOBIANS:
        n = len(point[0])
        return np.stack([partials(lambda z, i=i: softmax(z)[i], args[0]) for i in range(n)])
    if place in VALUES:
        return np.array(VALUES[place](*args))
    f, argnum = LOSSES[place]
    return partials(lambda x: f(*args[:argnum], x, *args[argnum + 1 :]), args[argnum])


@pytest.fixture(autouse=True)
def _forty_digits() -> Any:
    with mp.workdps(40):
        yield


@pytest.mark.parametrize("place", [p for p in BY_PLACE if p not in LIMITS])
def test_engine_and_hand_against_forty_digits(place: str) -> None:
    formula = BY_PLACE[place]
    for point in formula.points:
        true = judge(place, point).astype(float)
        auto = formula.transform(formula.function)(*point)
        np.testing.assert_allclose(auto, true, rtol=1e-12, atol=1e-30)
        np.testing.assert_allclose(formula.hand(*point), true, rtol=1e-12, atol=1e-30)


@pytest.mark.parametrize("place", LIMITS)
def test_limits_at_saturation_against_sympy(place: str) -> None:
    gap = sympy.symbols("gap", positive=True)
    x = sympy.symbols("x1 x2", real=True)
    s = [sympy.exp(t) / sum(map(sympy.exp, x)) for t in x]
    for z, y in SATURATED:
        loss = (
            sum((a - b) ** 2 for a, b in zip(s, y, strict=True)) / 2
            if place.startswith("squared")
            else -sum(b * sympy.log(a) for a, b in zip(s, y, strict=True))
        )
        at = {x[0]: gap * np.sign(z[0]), x[1]: 0}
        limits = [sympy.limit(sympy.simplify(loss.diff(t)).subs(at), gap, sympy.oo) for t in x]
        np.testing.assert_array_equal(BY_PLACE[place].hand(z, y), np.array(limits, dtype=float))


@pytest.mark.parametrize("formula", FORMULAS, ids=lambda f: f"{f.document}: {f.place}")
class TestComparison:
    def test_agrees(self, formula: Any) -> None:
        assert compare(formula).agrees

    def test_one_entry_off_by_a_billionth_is_flagged(self, formula: Any) -> None:
        def wrong(*args: Any) -> Any:
            entries = np.array(formula.hand(*args), dtype=float)
            entries.flat[-1] = entries.flat[-1] * (1 + 1e-9) or 1e-9
            return entries

        assert not compare(replace(formula, hand=wrong)).agrees

    def test_another_shape_is_flagged(self, formula: Any) -> None:
        def wrong(*args: Any) -> Any:
            return np.asarray(formula.hand(*args))[None]

        assert not compare(replace(formula, hand=wrong)).agrees


def test_a_flipped_sign_is_flagged() -> None:
    formula = BY_PLACE["the result"]
    assert compare(replace(formula, hand=lambda z, p: p - formula.hand(z, 0 * p))).error > 1


def test_errors_are_relative_to_their_own_entry() -> None:
    errors = relative_errors(np.array([1e6, 1e-6, 1e-9]), np.array([1e6, 2e-6, 0.0]))
    np.testing.assert_allclose(errors, [0.0, 0.5, 1e-9])


def test_not_a_number_is_infinitely_wrong() -> None:
    assert relative_errors(np.array([np.nan]), np.array([1.0]))[0] == np.inf


def test_the_examples_of_the_second_document() -> None:
    formula = BY_PLACE["example"]
    found = formula.transform(formula.function)(*formula.points[0])
    assert [float(f"{x:.3g}") for x in found] == [0.00809, 0.983, 0.00894]


def test_single_samples_average_to_the_full_gradient() -> None:
    import tinygrad_xent as tx

    rng = np.random.default_rng(0)
    z, p = rng.normal(size=4), rng.dirichlet(np.ones(4))
    labels = rng.choice(4, size=20_000, p=p)
    surprise = BY_PLACE["single sample"].function
    gradients = np.array([tx.grad(surprise)(z, i) for i in range(4)])[labels]
    spread = gradients.std(axis=0) / np.sqrt(len(labels))
    assert (abs(gradients.mean(axis=0) - (tx.softmax(z) - p)) < 5 * spread).all()


def test_every_document_is_there() -> None:
    assert len({f.document for f in FORMULAS}) == 3
    assert sum(f.document == WOCJAN for f in FORMULAS) >= 6
