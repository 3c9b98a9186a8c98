"""Limits of gradients, judged by high precision far out, by sympy, and by known formulas."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
import sympy

import tinygrad_xent as tx
from tinygrad_xent.numerics import expanding
from tinygrad_xent.numerics.precise import exactly
from tinygrad_xent.reading import expression

FAR = 300.0
NAMES = ["z", "y", "T", "e", "a"]
LOSSES: dict[str, Any] = {
    "softmax, squared error": lambda z, y, T, e, a: ((tx.softmax(z) - y) ** 2).sum(),
    "softmax, cross-entropy": lambda z, y, T, e, a: -(y * tx.log(tx.softmax(z))).sum(),
    "softmax, absolute error": lambda z, y, T, e, a: tx.abs(tx.softmax(z) - y).sum(),
    "label smoothing": lambda z, y, T, e, a: -(((1 - e) * y + e / 2) * tx.log(tx.softmax(z))).sum(),
    "temperature": lambda z, y, T, e, a: -(y * tx.log(tx.softmax(z / T))).sum(),
    "sigmoid, squared error": lambda z, y, T, e, a: ((tx.sigmoid(z) - y) ** 2).sum(),
    "sigmoid, cross-entropy": lambda z, y, T, e, a: tx.binary_cross_entropy(y, tx.sigmoid(z)).sum(),
    "sigmoid, from logits": lambda z, y, T, e, a: tx.sigmoid_binary_cross_entropy(z, y).sum(),
    "focal": lambda z, y, T, e, a: -(y * (1 - tx.softmax(z)) ** 2 * tx.log(tx.softmax(z))).sum(),
    "entropy": lambda z, y, T, e, a: -(tx.softmax(z) * tx.log(tx.softmax(z))).sum(),
    "tanh": lambda z, y, T, e, a: ((tx.tanh(z) - y) ** 2).sum(),
    "softplus": lambda z, y, T, e, a: (a * tx.softplus(z)).sum(),
    "written out": lambda z, y, T, e, a: -(y * tx.log(tx.exp(z) / tx.exp(z).sum())).sum(),
    "powers": lambda z, y, T, e, a: (z**3 * tx.exp(-z * z * 0 - 2 * z)).sum(),
    "kinks": lambda z, y, T, e, a: (tx.relu(z) * y + tx.abs(z - a)).sum(),
    "branches": lambda z, y, T, e, a: tx.where(z > a, z * y, tx.exp(z)).sum(),
    "quotient": lambda z, y, T, e, a: ((2 * z * z + 1) / (z * z + z * a + 9)).sum(),
}


def leaves() -> dict[str, Any]:
    values = {"z": [0.3, -0.4], "y": [0.35, 0.65], "T": 2.0, "e": 0.1, "a": 0.7}
    return {name: tx.tensor(values[name], name=name) for name in NAMES}


def made(name: str) -> tuple[Any, dict[str, Any]]:
    x = leaves()
    return LOSSES[name](*x.values()), x


def found(name: str) -> Any:
    loss, x = made(name)
    return tx.limits(loss, x["z"], of=0, assume=[tx.Positive(x["T"])])


def values(x: dict[str, Any]) -> dict[str, Any]:
    """What the letters are worth."""
    letters = {}
    for name, leaf in x.items():
        for i in np.ndindex(leaf.shape):
            letters[name + "".join(f"_{k}" for k in i)] = float(np.asarray(leaf.value)[i])
    return letters


def far_out(name: str, towards: str, far: float = FAR) -> list[Any]:
    """The gradient of the composition as it stands, far out, in high precision."""
    x = leaves()
    z = x["z"].value.copy()
    z[0] = far if towards == "+inf" else -far
    x["z"] = tx.tensor(z, name="z")
    with np.errstate(all="ignore"):
        loss = LOSSES[name](*x.values())
        (gradient,), _ = exactly(tx.gradient_graph(loss, x["z"]))
    return list(gradient)


def worth(formula: str, x: dict[str, Any]) -> float:
    known = {n: v for n, v in values(x).items() if re.search(rf"\b{n}\b", formula)}
    return float(expression(formula, {}, known)[0].value) if known else float(formula)


def agrees(report: Any, name: str) -> bool:
    for row in report.rows:
        if not row.decided:
            continue
        true = float(far_out(name, row.towards)[row.index[0]])
        if row.limit in ("inf", "-inf"):
            if not (abs(true) > 100 and (true > 0) == (row.limit == "inf")):
                return False
        else:
            wanted = worth(row.limit, leaves())
            slow = 10 / FAR if name in ("quotient",) else 1e-9
            if not abs(true - wanted) <= slow * max(1.0, abs(wanted)):
                return False
    return True


@pytest.mark.parametrize("name", LOSSES)
def test_far_out_the_gradient_is_what_the_limit_says(name: str) -> None:
    report = found(name)
    assert agrees(report, name)
    assert all(row.decided for row in report.rows)


def test_what_jumps_is_not_taken_for_what_it_is_at_one_point() -> None:
    """1 - sign(y_0 - a) is 0 for half of all data."""
    x = leaves()
    loss = (tx.sigmoid(x["z"]) * (1 - tx.sign(x["y"] - x["a"]))).sum() + (
        tx.where(x["y"] > x["a"], 2.0, 3.0) * x["z"]).sum() - 2 * x["z"].sum()  # fmt: skip
    limit = tx.limits(loss, x["z"], of=0)[0, "+inf", 0]
    assert worth(limit, x) == pytest.approx(1.0)
    assert "y_0" in limit


@pytest.mark.parametrize(
    ("op", "wrong", "name"),
    [
        ("add", lambda x, y: x - y, "quotient"),
        ("sub", lambda x, y: x + y, "softmax, cross-entropy"),
        ("mul", lambda x, y: x + y, "softmax, squared error"),
        ("exp", lambda x: (-x).exp(), "softmax, cross-entropy"),
        ("div", lambda x, y: y / x, "quotient"),
        ("tanh", lambda x: x, "tanh"),
    ],
)
def test_a_wrong_rule_is_noticed(monkeypatch: pytest.MonkeyPatch, op: str, wrong: Any,
                                 name: str) -> None:  # fmt: skip
    monkeypatch.setitem(expanding._TABLE, op, wrong)
    assert not agrees(found(name), name)


def test_squared_error_sends_nothing_back_whatever_the_target() -> None:
    """The argument of the second document."""
    for name in ("softmax, squared error", "softmax, absolute error"):
        assert {r.limit for r in found(name).rows if r.towards == "+inf"} == {"0"}


def test_cross_entropy_sends_the_difference_to_the_corner() -> None:
    z, y = tx.tensor([0.1, 0.2, 0.3], name="z"), tx.tensor([0.0, 1.0, 0.0], name="y")
    report = tx.limits(-(y * tx.log(tx.softmax(z))).sum(), z, assume="sum(y)=1")
    assert report[1, "+inf", 1] == "1 - y_1"
    assert report[1, "+inf", 0] == "-y_0"
    assert report[1, "-inf", 1] == "-y_1"
    assert len(report.rows) == 3 * 2 * 3


@pytest.mark.parametrize(
    "formula", ["(sigmoid(z) - y)**2", "log(1 + exp(z)) - y*z", "(tanh(z) - y)**2", "z*exp(-z)",
                "z/(1 + exp(-z))", "log(z**2 + 1)", "sqrt(z**2 + 1)", "exp(-z**2)"]
)  # fmt: skip
def test_sympy_finds_the_same(formula: str) -> None:
    """Of one number z, with y a letter; what is not decided may be anything."""
    z, y = sympy.symbols("z y", positive=None, real=True)
    space = {"z": z, "y": y, "sigmoid": lambda x: 1 / (1 + sympy.exp(-x))}
    slope = sympy.diff(sympy.sympify(formula, locals=space), z)
    made_, x = expression(formula, {"z": (), "y": ()} if "y" in formula else {"z": ()}, {})
    report = tx.limits(made_, x["z"], of=())
    for row in report.rows:
        wanted = sympy.limit(slope, z, sympy.oo if row.towards == "+inf" else -sympy.oo)
        if row.decided:
            given = sympy.oo if row.limit == "inf" else sympy.sympify(row.limit, locals=space)
            given = -sympy.oo if row.limit == "-inf" else given
            assert sympy.simplify(given - wanted) == 0 or given == wanted, (formula, row, wanted)
    assert any(row.decided for row in report.rows) or "z**2)" in formula


@pytest.mark.parametrize("f", [tx.sin, lambda x: tx.exp(tx.exp(x)), lambda x: x * tx.sin(x)])
def test_what_cannot_be_decided_is_said(f: Any) -> None:
    z = tx.tensor([0.1, 0.2], name="z")
    assert tx.limits(f(z).sum(), z, of=0)[0, "+inf", 0] == "not decided"


def test_a_temperature_of_unknown_sign_decides_nothing() -> None:
    loss, x = made("temperature")
    assert not any(row.decided for row in tx.limits(loss, x["z"], of=0).rows)


def test_data_are_numbers_and_labels_too() -> None:
    z = tx.tensor([0.1, 0.2, 0.3], name="z")
    report = tx.limits(tx.softmax_cross_entropy(z, 1), z, of=1)
    assert (report[1, "+inf", 1], report[1, "-inf", 1]) == ("0", "-1")


def test_a_sign_that_depends_on_data_is_a_condition() -> None:
    z, y = tx.tensor([0.1, 0.2], name="z"), tx.tensor([0.5, 0.5], name="y")
    report = tx.limits(tx.abs(tx.sigmoid(z) * z - y * z).sum(), z, of=0)
    shown = [row for row in report.rows if row.where and row.decided]
    assert shown
    assert "1 - y_0 != 0" in str(report)


def test_text_functions_and_constants() -> None:
    text = tx.limits("sum((softmax(z) - y)**2)", wrt="z", of=0)
    assert {r.limit for r in text.rows if r.towards == "+inf"} == {"0"}
    z = tx.tensor([0.1, 0.2], name="z")
    assert tx.limits((z * np.array([2.0, 3.0])).sum(), z, of=0)[0, "+inf", 1] == "3"
    assert tx.limits(lambda z: tx.logsumexp(z), wrt="z", of=0)[0, "+inf", 0] == "1"


def test_it_is_data() -> None:
    report = found("softmax, cross-entropy")
    assert json.loads(report.json())["rows"][0]["towards"] == "+inf"
    assert report.markdown().count("\n") == 1 + len(report.rows)
    assert "z[0] -> +inf" in str(report)
    with pytest.raises(KeyError):
        report[7, "+inf", 0]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: tx.limits("sum(z**2)", "z", of=9), "which entry"),
        (lambda: tx.limits(3.0, "z"), "not a Tensor"),
        (lambda: tx.limits("sum(z**2)", "x"), "nothing in the loss"),
        (lambda: tx.limits(tx.tensor(np.ones(9), name="z").sum(), "z"), "which entry"),
    ],
)
def test_bad_input(call: Any, says: str) -> None:
    with pytest.raises(tx.TinygradXentError, match=says):
        call()
