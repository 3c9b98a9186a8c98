"""Where NaN is born: at the operation that made it, not where it was noticed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_xent as tx

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def naive_cross_entropy(z: Any, p: Any) -> Any:
    e = tx.exp(z)
    q = e / e.sum()
    return -(p * tx.log(q)).sum()


ONE_HOT = [0.0, 0.0, 1.0]
BIRTHS: dict[str, tuple[Any, tuple[Any, ...], str, str]] = {
    "softmax": (naive_cross_entropy, ([1000.0, 0.0, -1000.0], ONE_HOT), "exp(z)[0] = inf", "over"),
    "last entry": (naive_cross_entropy, ([0.0, 0.0, 800.0], ONE_HOT), "exp(z)[2] = inf", "over"),
    "logarithm": (lambda x: tx.log(x).sum(), ([1.0, 0.0],), "log(x)[1] = -inf", "a pole"),
    "negative": (lambda x: tx.log(x).sum(), ([1.0, -1.0],), "log(x)[1] = nan", "no value"),
    "quotient": (lambda x: (x / x).sum(), ([0.0, 1.0],), "(x/x)[0] = nan", "no value"),
    "given": (lambda x: (x * 2).sum(), ([1.0, np.nan],), "x[1] = nan", "it was given"),
    "mask": (lambda z, p: (p * z).sum(), ([1.0, -np.inf], [1.0, 0.0]), "z[1] = -inf", "it was"),
    "matrices": (lambda W, x: (W @ x).sum(), ([[1.0, 0.0], [1e200, 1e200]], [1.0, 1e200]),
                 "(W @ x)[1] = inf", "over"),
    "columns": (lambda X: tx.log(X.sum(0)).sum(), ([[1.0, 2.0], [1.0, -2.0]],),
                "log(sum(X, axis=0))[1] = -inf", "a pole"),
    "of a scalar": (lambda x: tx.exp(x) * 0.0, (1000.0,), "exp(x) = inf", "over"),
    "largest": (lambda x: tx.max(tx.exp(x)), ([1.0, 2000.0],), "exp(x)[1] = inf", "over"),
    "saturated": (lambda x: (1 / (1 + tx.exp(-x))).sum(), ([0.0, -1000.0],),
                  "exp(-x)[1] = inf", "over"),
    "on the way back": (lambda x: (x**-0.5).sum(), ([1.0, 1e-300],),
                        "the gradient at x[1] = -inf", "over"),
}  # fmt: skip


@pytest.mark.parametrize("name", BIRTHS)
def test_the_birth_is_found(name: str) -> None:
    f, args, birth, how = BIRTHS[name]
    found = tx.why_nan(f, *args)
    assert (str(found.birth), found.how[: len(how)]) == (birth, how)


def test_it_says_the_line_and_only_for_functions() -> None:
    found = tx.why_nan(naive_cross_entropy, [1000.0, 0.0], [1.0, 0.0])
    assert "test_numerics.py" in found.line
    assert "e = tx.exp(z)" in found.line
    leaves = tx.tensor([1000.0, 0.0], name="z"), tx.tensor([1.0, 0.0], name="p")
    assert tx.why_nan(naive_cross_entropy(*leaves)).line == ""


def test_a_line_of_the_way_back_is_that_of_the_operation() -> None:
    def f(x: Any) -> Any:
        y = 2 * x
        z = y**-0.5
        return z.sum()

    assert "z = y**-0.5" in tx.why_nan(f, [1e-300]).line


def test_another_profiler_stays() -> None:
    import sys

    seen = []
    sys.setprofile(lambda *event: seen.append(event))
    mine = sys.getprofile()
    tx.why_nan(lambda x: tx.log(x), 0.0)
    after = sys.getprofile()
    sys.setprofile(None)
    assert after is mine


@pytest.mark.parametrize("name", BIRTHS)
def test_the_chain_leads_from_the_birth_to_the_end(name: str) -> None:
    f, args, *_ = BIRTHS[name]
    found = tx.why_nan(f, *args)
    assert found.chain[0] == found.birth
    assert not any(np.isfinite(place.value) for place in found.chain)
    assert all(np.isfinite(place.value) for place in found.inputs)
    assert found.chain[-1].cotangent == found.noticed.startswith("d loss")


def test_where_infinity_becomes_nan() -> None:
    found = tx.why_nan(naive_cross_entropy, [1000.0, 0.0], [1.0, 0.0])
    assert [str(place) for place in found.turned][1:] == ["exp(z)[0] = inf", "sum(exp(z)) = inf"]


def test_the_stable_form_is_finite() -> None:
    found = tx.why_nan(naive_cross_entropy, [1000.0, 0.0, -1000.0], ONE_HOT)
    assert found.stable == (("loss", "-sum(log_softmax(z)*p)"),)
    saturated = tx.why_nan(*BIRTHS["saturated"][:1], *BIRTHS["saturated"][1])
    assert dict(saturated.stable)["d loss / d x"] == "sigmoid(x)*(1 - sigmoid(x))"


def test_what_a_form_rests_on_is_said() -> None:
    """Cancelling the norm is right only where it is not zero, and here it is."""
    found = tx.why_nan(lambda x: tx.norm(x) / tx.norm(x), [0.0, 0.0])
    assert all(" where " in form for _, form in found.stable)


@pytest.mark.parametrize("f", [tx.log, lambda x: x / 0.0, lambda x: (x - 1) ** -1])
def test_no_form_is_offered_that_is_no_better(f: Any) -> None:
    assert not tx.why_nan(lambda x: f(x).sum(), [0.0, 1.0]).stable


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=5))
@settings(max_examples=20, deadline=None)
def test_nothing_is_found_where_all_is_finite(z: list[float]) -> None:
    p = np.full(len(z), 1 / len(z))
    found = tx.why_nan(naive_cross_entropy, z, p)
    assert not found
    assert str(found) == found.markdown() == "no non-finite value"


def test_what_does_not_reach_the_loss_is_no_cause() -> None:
    """The branch that was not taken, and an overflow of which one over it is taken."""
    safe = tx.why_nan(lambda x: tx.where(x > 0, tx.log(x), 0.0).sum(), [0.0, 1.0])
    assert not safe
    assert not tx.why_nan(lambda x: (1 / tx.tensor([np.inf]) * x).sum(), [1.0])
    found = tx.why_nan(lambda x, y: tx.where(x > 0, 1 / x, tx.log(y)).sum(), [0.0], [0.0])
    assert str(found.birth) == "log(y)[0] = -inf"


@given(st.integers(0, 11), st.sampled_from([np.nan, np.inf, -np.inf]), st.integers(0, 4))
@settings(max_examples=40, deadline=None)
def test_an_entry_is_followed_through_shapes(place: int, odd: float, way: int) -> None:
    moves = [
        lambda X: X.T.reshape(2, 6)[:, ::-1].sum(axis=1),
        lambda X: tx.concatenate([X[1:], X[:1]]).sum(0, keepdims=True),
        lambda X: (X - np.ones(4)) @ np.ones((4, 2)),
        lambda X: tx.stack([X, X], 1).max(axis=1),
        lambda X: tx.expand_dims(X, 0) * np.ones((2, 1, 1)),
    ]
    X = np.arange(12.0).reshape(3, 4)
    X.flat[place] = odd
    found = tx.why_nan(lambda X: moves[way](X).sum() if way != 3 else moves[3](X)[place // 4,
                       place % 4], X)  # fmt: skip
    assert found.birth is not None
    assert (found.birth.expression, found.birth.index) == ("X", (place // 4, place % 4))


def planted(name: str, **fields: Any) -> Any:
    from tinygrad_xent.graph import PRIMITIVES

    PRIMITIVES.pop(name, None)
    made = tx.primitive(name, fields.pop("array", np.sin), elementwise=True, **fields)
    PRIMITIVES.pop(name)
    return made


def test_a_rule_with_a_fault_is_named() -> None:
    bad = planted("bad_rule", vjp=lambda g, out, x: (g * np.nan,))
    found = tx.why_nan(lambda x: tx.exp(bad(2 * x)).sum(), [1.0, 2.0])
    assert "in the rule of bad_rule" in found.how
    assert found.birth is not None
    assert found.birth.where == "the gradient at (2*x)[0]"


def test_a_value_with_a_fault_is_named() -> None:
    bad = planted("bad_value", array=lambda x: np.where(np.asarray(x) > 1.5, np.nan, x),
                  vjp=lambda g, out, x: (g,))  # fmt: skip
    found = tx.why_nan(lambda x: tx.exp(bad(x)).sum(), [1.0, 2.0])
    assert str(found.birth) == "bad_value(x)[1] = nan"


def test_paths_that_overflow_together() -> None:
    def f(x: Any) -> Any:
        return 1e308 * x + 1e308 * x

    found = tx.why_nan(f, 1e-310)
    assert found.how.startswith("overflow: what arrives from several paths")


def test_only_the_gradient_that_is_asked_for() -> None:
    def loss() -> Any:
        x, y = tx.tensor(0.25, name="x"), tx.tensor(1e-310, name="y")
        return x + tx.log(y)

    assert not tx.why_nan(loss(), wrt="x")
    assert tx.why_nan(loss(), wrt="y").noticed == "d loss / d y"


def test_a_long_way_is_told_shortly() -> None:
    def f(x: Any) -> Any:
        for _ in range(300):
            x = x + 1
        return x

    found = tx.why_nan(f, np.inf)
    assert len(found.chain) == 301
    assert len(str(found).splitlines()) < 20


def test_it_is_data() -> None:
    found = tx.why_nan(naive_cross_entropy, [1000.0, 0.0], [1.0, 0.0])
    data = json.loads(found.json())
    assert data["birth"]["value"] == "inf"
    assert data["chain"][0]["expression"] == "exp(z)"
    assert "exp(z)[0] = inf" in found.markdown().replace("&#91;", "[").replace("&#93;", "]")


def test_names_are_escaped() -> None:
    loss = tx.log(tx.tensor(0.0, name="<b>|"))
    page = tx.why_nan(loss).markdown()
    assert "<b>" not in page
    assert "|" not in page


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: tx.why_nan(3.0), "not a Tensor"),
        (lambda: tx.why_nan(tx.tensor([1.0, 2.0])), "non-scalar"),
        (lambda: tx.why_nan(lambda x: x, [1.0, 2.0]), "non-scalar"),
        (lambda: tx.why_nan(tx.exp(tx.tensor(1.0, name="x")), wrt="y"), "no gradient arrives"),
    ],
)
def test_bad_input(call: Any, says: str) -> None:
    with pytest.raises(tx.TinygradXentError, match=says):
        call()
