"""The library's own functions and losses, digit by digit, against arbitrary precision.

The references are the formulas of the textbook, evaluated by mpmath with so many digits that their
own cancellation does not matter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_xent as tx
from tinygrad_xent.functions import shifting
from tinygrad_xent.ops import settling

mp = mpmath.mp.clone()
mp.prec = 1300  # what is smaller than that allows underflows in float64
EPS = {np.float64: 2.0**-53, np.float32: 2.0**-24}
ONE_HOT = 2e-13 / 2.0**-52  # units of rounding: 2e-13 in float64
DENSE = 100.0
UNDERFLOW = {np.float64: mp.mpf(2) ** -1074, np.float32: mp.mpf(2) ** -149}


# -- references -----------------------------------------------------------------------------------


def exact(x: Any) -> list[Any]:
    return [mp.mpf(float(v)) for v in x]


def reference(z: Any, p: Any) -> tuple[Any, list[Any], list[Any]]:
    """Cross-entropy of softmax(z), its gradient, and softmax(z)."""
    z, p = exact(z), exact(p)
    e = [mp.exp(v) for v in z]
    q = [v / mp.fsum(e) for v in e]
    loss = -mp.fsum(b * mp.log(a) for a, b in zip(q, p, strict=True) if b)
    return loss, [mp.fsum(p) * a - b for a, b in zip(q, p, strict=True)], q


def error(got: Any, expected: Any, scale: Any, kind: Any) -> float:
    """In units of rounding `scale`; what underflows may be off by a few of the smallest number."""
    distance = abs(mp.mpf(float(got)) - expected) - 4 * UNDERFLOW[kind]
    return float(max(distance, 0) / (abs(scale) * EPS[kind])) if distance > 0 else 0.0


@st.composite
def rows(draw: Any, kind: Any = np.float64) -> tuple[np.ndarray, int]:
    """Logits of any scale, with ties and masks, and a label that is not masked."""
    n = draw(st.sampled_from([2, 3, 4, 10, 50]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = 10.0 ** draw(st.floats(-3, 4))
    z = (rng.normal(size=n) * scale).astype(kind)
    if draw(st.booleans()):
        z = np.round(z)
    for i in draw(st.lists(st.integers(0, n - 1), max_size=2)):
        z[i] = z.max()
    if n > 2 and draw(st.booleans()):
        z[draw(st.integers(0, n - 1))] = -np.inf
    if draw(st.booleans()):
        return z, int(z.argmax())
    return z, int(draw(st.sampled_from(np.flatnonzero(np.isfinite(z)).tolist())))


def gradient(z: np.ndarray, target: Any) -> tuple[Any, Any]:
    return tx.value_and_grad(lambda z: tx.softmax_cross_entropy(z, target))(z)


def assert_accurate(z: np.ndarray, label: int, target: Any) -> None:
    kind = z.dtype.type
    loss, slopes, _ = reference(z, np.eye(z.size)[label])
    value, got = gradient(z, target)
    assert error(value, loss, loss, kind) < ONE_HOT, (z, label)
    for a, b in zip(got, slopes, strict=True):
        assert error(a, b, b, kind) < ONE_HOT, (z, label, got)
    assert abs(float(got.sum(dtype=np.float64))) <= 8 * EPS[kind]


# -- softmax cross-entropy ------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(rows())
def test_every_digit_for_labels_and_one_hot_targets(row: Any) -> None:
    z, label = row
    assert_accurate(z, label, label)
    assert_accurate(z, label, np.eye(z.size)[label])


@settings(max_examples=40, deadline=None)
@given(rows(np.float32))
def test_in_float32(row: Any) -> None:
    z, label = row
    assert_accurate(z, label, label)
    assert_accurate(z, label, np.eye(z.size, dtype=np.float32)[label])


def test_the_example() -> None:
    loss, slopes = gradient(np.array([40.0, 0.0, 0.0]), 0)
    assert loss == pytest.approx(8.4967085105831777e-18, rel=1e-15)
    wanted = [-8.4967085105831777e-18, 4.2483542552915889e-18, 4.2483542552915889e-18]
    assert slopes == pytest.approx(wanted, rel=1e-15)


@pytest.mark.parametrize("scale", [3.0, 300.0])
def test_a_thousand_classes_in_a_batch_of_any_layout(scale: float) -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(1000, 2)) * scale
    labels = np.array([0, z[:, 1].argmax()])
    total = lambda z: tx.sum(tx.softmax_cross_entropy(z, labels, axis=0))
    slopes = tx.grad(total)(z)
    for i, label in enumerate(labels):
        _, wanted, _ = reference(z[:, i], np.eye(1000)[label])
        worst = max(error(a, b, b, np.float64) for a, b in zip(slopes[:, i], wanted, strict=True))
        assert worst < ONE_HOT


@settings(max_examples=40, deadline=None)
@given(rows(), st.floats(-2, 1))
def test_dense_targets_are_as_good_as_their_data(row: Any, spread: float) -> None:
    """Half a unit in each p costs sum(p) q - p what this bound allows, times a small number."""
    z = np.nan_to_num(row[0], neginf=-3.0)
    p = np.random.default_rng(row[1]).dirichlet(np.full(z.size, 10.0**spread))
    loss, slopes, q = reference(z, p)
    value, got = gradient(z, p)
    assert error(value, loss, loss, np.float64) < DENSE
    for a, b, qi, pi in zip(got, slopes, q, exact(p), strict=True):
        reach = 1 + max(abs(z.max() - z))  # of the exponents that q is computed from
        assert error(a, b, qi * min(reach, 800) + pi, np.float64) < DENSE


def test_a_distribution_that_is_nearly_one_hot() -> None:
    z, p = np.array([60.0, 1.0, 0.0]), np.array([1.0, 1e-25, 0.0])
    _, wanted, _ = reference(z, p)
    assert gradient(z, p)[1] == pytest.approx([float(x) for x in wanted], rel=1e-14)


# -- second derivatives ---------------------------------------------------------------------------


def curvature(z: Any) -> list[list[Any]]:
    """diag(q) - q qᵀ."""
    _, _, q = reference(z, np.zeros(len(z)))
    return [[a * (1 - a) if i == j else -a * b for j, b in enumerate(q)] for i, a in enumerate(q)]


SATURATED = [
    [40.0, 0.0, 0.0], [0.0, 700.0, 3.0], [0.1, 0.2, 0.3], [-6.0, 0.0, 0.0], [5.6, 0.0], [5.4, 0.0],
    [1e4, 0.0, -1e4], [30.0, 30.0, 0.0],
]  # fmt: skip


@pytest.mark.parametrize("z", SATURATED)
def test_hessians(z: list[float]) -> None:
    wanted = curvature(z)
    for target in (0, 1, np.eye(len(z))[0], np.full(len(z), 1 / len(z))):
        f = lambda z, t=target: tx.softmax_cross_entropy(z, t)
        found = tx.hessian(f)(np.array(z))
        products = [tx.hvp(f)(np.array(z), e) for e in np.eye(len(z))]
        for i, row in enumerate(wanted):
            for j, entry in enumerate(row):
                assert error(found[i, j], entry, entry, np.float64) < ONE_HOT
                assert error(products[i][j], entry, entry, np.float64) < ONE_HOT


@pytest.mark.parametrize("z", SATURATED)
def test_jacobians_of_softmax_and_its_logarithm(z: list[float]) -> None:
    _, _, q = reference(z, np.zeros(len(z)))
    logarithm = tx.jacobian(tx.log_softmax)(np.array(z))
    jacobian = tx.jacobian(tx.softmax)(np.array(z))
    for i, row in enumerate(curvature(z)):
        got = tx.log_softmax(np.array(z))[i]
        assert error(got, mp.log(q[i]), mp.log(q[i]), np.float64) < ONE_HOT
        for j, entry in enumerate(row):
            assert error(jacobian[i, j], entry, entry, np.float64) < ONE_HOT
            wanted = (1 if i == j else 0) - q[j]
            assert error(logarithm[i, j], wanted, wanted, np.float64) < ONE_HOT


# -- functions of one number ----------------------------------------------------------------------

FAR = [s * x for x in (0.0, 1e-300, 1e-8, 0.3, 1.0, 5.0, 37.0, 300.0, 740.0, 1e4) for s in (1, -1)]
sigma = lambda x: 1 / (1 + mp.exp(-x))
softplus = [lambda x: mp.log1p(mp.exp(x)), sigma, lambda x: sigma(x) * sigma(-x)]
mirrored = [lambda x: mp.log1p(mp.exp(-x)), lambda x: -sigma(-x), lambda x: sigma(x) * sigma(-x)]

FUNCTIONS: dict[str, tuple[Callable[[Any], Any], list[Callable[[Any], Any]]]] = {
    "sigmoid": (tx.sigmoid, [sigma, lambda x: sigma(x) * sigma(-x)]),
    "softplus": (tx.softplus, softplus),
    "logaddexp": (lambda x: tx.logaddexp(x, 0.0), softplus),
    "logaddexp, mirrored": (lambda x: tx.logaddexp(0.0, x), softplus),
    "no": (lambda x: tx.sigmoid_binary_cross_entropy(x, 0.0), softplus),
    "yes": (lambda x: tx.sigmoid_binary_cross_entropy(x, 1.0), mirrored),
    "tanh": (tx.tanh, [mp.tanh, lambda x: mp.sech(x) ** 2,
                       lambda x: -2 * mp.tanh(x) * mp.sech(x) ** 2]),
    "expm1": (tx.expm1, [mp.expm1, mp.exp, mp.exp]),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("as_array", [True, False])
def test_functions_of_one_number(name: str, as_array: bool) -> None:
    f, wanted = FUNCTIONS[name]
    for formula in wanted:
        for x in FAR:
            with np.errstate(all="ignore"):
                got = f(np.array([x]))[0] if as_array else f(x)
            right = formula(mp.mpf(x))
            if abs(right) < mp.mpf(2) ** 1024:
                assert error(got, right, right, np.float64) < 20, (name, x)
        f = tx.elementwise_grad(f)


@pytest.mark.parametrize("y", [0.0, 0.3, 1.0])
def test_binary_cross_entropy_of_a_probability(y: float) -> None:
    for a in (1e-300, 1e-20, 1e-10, 0.3, 0.7, 1 - 1e-10):
        x, no = mp.mpf(a), 1 - mp.mpf(y)
        loss = -(y * mp.log(x) + no * mp.log(1 - x))
        slope = no / (1 - x) - y / x
        value, got = tx.value_and_grad(lambda a: tx.binary_cross_entropy(y, a))(a)
        assert error(value, loss, loss, np.float64) < 20
        assert error(got, slope, abs(no / (1 - x)) + abs(y / x), np.float64) < 20


@pytest.mark.parametrize("size", [1e200, 1.0, 1e-200])
def test_norms_whose_squares_no_float_holds(size: float) -> None:
    x = np.array([3.0, 4.0]) * size
    assert tx.norm(x) == pytest.approx(5 * size, rel=1e-15)
    assert tx.grad(tx.norm)(x) == pytest.approx([0.6, 0.8])
    wanted = np.array([[0.64, -0.48], [-0.48, 0.36]]) / (5 * size)
    assert tx.hessian(tx.norm)(x) == pytest.approx(wanted, rel=1e-14, abs=0)
    assert tx.std(x) == pytest.approx(0.5 * size)
    assert tx.grad(tx.std)(x) == pytest.approx([-0.5, 0.5])
    stack = np.stack([x, [0.0, 0.0], [3.0, 4.0]])
    assert tx.norm(stack, axis=1) == pytest.approx([5 * size, 0.0, 5.0], rel=1e-14, abs=0)


# -- infinite and missing numbers -----------------------------------------------------------------

INF, NAN = np.inf, np.nan


def test_masked_logits() -> None:
    z = np.array([1.0, -INF, 2.0])
    for target in (0, [1.0, 0.0, 0.0]):
        loss, slopes = gradient(z, target)
        assert loss == pytest.approx(np.log1p(np.e))
        assert slopes == pytest.approx([-np.e / (1 + np.e), 0.0, np.e / (1 + np.e)])
        assert np.isfinite(tx.hessian(lambda z, t=target: tx.softmax_cross_entropy(z, t))(z)).all()
    for target in (1, [0.5, 0.5, 0.0]):
        assert gradient(z, target)[0] == INF
        assert np.isfinite(gradient(z, target)[1]).all()


@pytest.mark.parametrize("c", [INF, -INF])
def test_equal_infinities_are_the_limit_of_equal_numbers(c: float) -> None:
    z = np.full(4, c)
    assert tx.softmax(z) == pytest.approx(np.full(4, 0.25))
    assert tx.logsumexp(z) == c
    loss, slopes = gradient(z, 1)
    assert loss == pytest.approx(np.log(4))
    assert slopes == pytest.approx([0.25, -0.75, 0.25, 0.25])
    assert tx.logaddexp(c, c) == c
    assert tx.grad(tx.logaddexp, (0, 1))(c, c) == (0.5, 0.5)


def test_one_infinite_logit_is_certain() -> None:
    z = np.array([0.0, INF, 1.0])
    assert tx.softmax(z) == pytest.approx([0.0, 1.0, 0.0])
    assert gradient(z, 1)[0] == 0
    assert gradient(z, 0)[0] == INF
    assert gradient(z, 0)[1] == pytest.approx([-1.0, 1.0, 0.0])


def test_infinite_logits_of_two_classes() -> None:
    for z, y, loss, slope in ((INF, 1.0, 0.0, 0.0), (INF, 0.0, INF, 1.0), (INF, 0.5, INF, 0.5),
                              (-INF, 0.0, 0.0, 0.0), (-INF, 1.0, INF, -1.0)):  # fmt: skip
        for point in (z, np.array([z])):
            found = tx.value_and_grad(lambda z, y=y: tx.sum(tx.sigmoid_binary_cross_entropy(z, y)))
            assert found(point) == (loss, slope)


@pytest.mark.parametrize(
    "f", [tx.relu, tx.sigmoid, tx.softplus, tx.softmax, tx.log_softmax, tx.logsumexp, tx.norm,
          lambda z: tx.softmax_cross_entropy(z, 0), lambda z: tx.softmax_cross_entropy(z, 1),
          lambda z: tx.softmax_cross_entropy(z, [0.0, 0.5, 0.5]), tx.std,
          lambda z: tx.sigmoid_binary_cross_entropy(z, 0.0), lambda z: tx.logaddexp(z, 1.0)]
)  # fmt: skip
def test_nan_is_never_hidden(f: Callable[[Any], Any]) -> None:
    assert np.isnan(np.sum(f(np.array([NAN, 1.0, 2.0]))))
    assert np.isnan(np.sum(f(np.array([NAN, -INF, 2.0]))))


def test_targets_are_weights() -> None:
    """No target is refused for what it sums to: the loss is linear in it."""
    z = np.array([1.0, 2.0, 0.5])
    loss = lambda p: tx.softmax_cross_entropy(z, np.array(p))
    assert loss([2.0, -1.0, 3.0]) == pytest.approx(2 * loss([1, 0, 0]) - loss([0, 1, 0])
                                                   + 3 * loss([0, 0, 1]))  # fmt: skip
    assert np.isnan(loss([NAN, 0.0, 1.0]))


def test_integer_logits_are_numbers_and_classes_are_wanted() -> None:
    assert tx.softmax_cross_entropy([3, 1], 0) == tx.softmax_cross_entropy([3.0, 1.0], 0)
    tiny = pytest.approx(np.exp(-40.0), rel=1e-15, abs=0)
    assert tx.softmax_cross_entropy(np.array([40, 0]), 0) == tiny
    with pytest.raises(tx.ShapeError, match="at least one entry"):
        tx.softmax_cross_entropy(np.zeros((2, 0)), np.zeros((2, 0)))
    assert tx.softmax_cross_entropy(np.zeros((0, 3)), np.zeros(0, int)).shape == (0,)


# -- the tests can fail ---------------------------------------------------------------------------


def accurate() -> bool:
    """Whether a saturated loss keeps its digits, to second order."""
    z = np.array([[40.0, 0.0, 0.0], [0.1, 0.2, 0.3]])
    loss = lambda z: tx.sum(tx.softmax_cross_entropy(z, [0, 1]))
    wanted = [float(x) for x in reference(z[0], [1.0, 0.0, 0.0])[1]]
    value = tx.softmax_cross_entropy(z, [0, 1])[0]
    curve = tx.hvp(loss)(z, np.eye(2, 3))[0]
    right = [float(x) for x in curvature(z[0])[0]]
    found = [*tx.grad(loss)(z)[0] / wanted, value / -wanted[0], *curve / right]
    return bool(np.allclose(found, 1, rtol=1e-13, atol=0))


def test_planted_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    assert accurate()
    plain = lambda self, e: tx.log(tx.sum(e, self.axis, keepdims=True))
    faults: list[tuple[Any, str, Any]] = [
        (shifting, "_outweighing", lambda below, axis: None),
        (shifting, "_SMALL", 1.0),
        (shifting.Shifted, "settled", lambda self: self.below),
        (shifting.Shifted, "log_total", plain),
        (settling.Places, "others", lambda self, x: (np.array(x), np.sum(x, 1)[self.rows])),
        (settling.relative, "vjp", lambda g, out, x, places: (g,)),
    ]
    for holder, name, fault in faults:
        with monkeypatch.context() as patch:
            patch.setattr(holder, name, fault)
            assert not accurate(), name
    assert accurate()
