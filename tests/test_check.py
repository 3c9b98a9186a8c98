"""Verdicts on hand-written gradients: right ones, wrong ones, and what is said of them."""

from __future__ import annotations

import json
import time
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from mistakes import CE, CONDITIONAL, EQUAL, WRONG, P, attention

import tinygrad_xent as tx
from tinygrad_xent.checking.mistakes import path, tiers
from tinygrad_xent.checking.subject import Subject
from tinygrad_xent.cli import main
from tinygrad_xent.reading import expression


def name(case: tuple[Any, ...]) -> str:
    return f"{case[0]} by {case[1]}: {case[2]}"[:90]


@pytest.mark.parametrize("case", EQUAL, ids=name)
def test_right_gradients(case: Any) -> None:
    loss, wrt, hand, shapes = case
    verdict = tx.check(loss, wrt, hand, shapes=shapes)
    assert verdict.equal, verdict
    assert not verdict.needs, verdict


@pytest.mark.parametrize("case", CONDITIONAL, ids=name)
def test_gradients_that_are_right_under_a_condition(case: Any) -> None:
    loss, wrt, hand, shapes, words = case
    verdict = tx.check(loss, wrt, hand, shapes=shapes)
    assert verdict.equal
    assert verdict.headline == f"equal {words}"
    if "!=" not in words:
        assert verdict.counterexample is not None
        assert not np.allclose(verdict.counterexample.gradient, verdict.counterexample.hand)


@pytest.mark.parametrize("case", WRONG, ids=name)
def test_wrong_gradients(case: Any) -> None:
    loss, wrt, hand, shapes, words = case
    verdict = tx.check(loss, wrt, hand, shapes=shapes)
    assert not verdict.equal
    assert words in verdict.headline


@pytest.mark.parametrize("hand", ["exp(z - logsumexp(z)) - p", "exp(log_softmax(z)) - p"])
def test_a_softmax_written_with_its_logarithm_is_proved(hand: str) -> None:
    assert "proved" in tx.check("-sum(p*log(softmax(z)))", "z", hand, "sum(p)=1").how


def test_a_condition_that_is_stated_is_not_asked_for() -> None:
    verdict = tx.check(CE, "z", "softmax(z) - p", "sum(p)=1")
    assert verdict.headline == "equal (proved by named rules, for every size)"


def test_the_text_of_a_conditional_verdict() -> None:
    assert str(tx.check(CE, "z", "softmax(z) - p")).split("\n") == [
        "equal if and only if sum(p) = 1",
        "  in general the gradient is  sum(p)*softmax(z) - p;"
        "  yours differs by  (1 - sum(p))*softmax(z)",
        "  smallest counterexample found: "
        "z = (0, 0), p = (1, 1): gradient (0, 0), yours (-0.5, -0.5)",
    ]


def test_a_check_is_quick() -> None:
    tx.check(CE, "z", "softmax(z) - p")
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        tx.check(CE, "z", "softmax(z) - p", "sum(p)=1")
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.1


def test_a_tiny_difference_is_one() -> None:
    """Random points of ordinary numbers would not show it."""
    assert not tx.check("sum(tanh(x))", "x", "1 - tanh(x)**2 + 1e-13*x")
    assert not tx.check(CE, "z", "softmax(z) - p + 1e-13*z", "sum(p)=1")


def test_a_difference_in_a_corner_is_one() -> None:
    assert not tx.check("sum(x**2)", "x", "2*x + where(x > 4, 1, 0)")


# -- properties -----------------------------------------------------------------------------------

REWRITES = [
    lambda h: f"({h})*2/2", lambda h: f"({h}) + z - z", lambda h: f"-(-({h}))",
    lambda h: f"({h})*exp(z)*exp(-z)", lambda h: f"log(exp({h}))", lambda h: f"({h})*1.0",
    lambda h: f"(({h}) + sum(z))*1 - sum(z)", lambda h: f"({h})/softmax(z)*softmax(z)",
    lambda h: f"where(z > 0, {h}, {h})", lambda h: f"({h})*(sin(z)**2 + cos(z)**2)",
]  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(range(len(REWRITES))), max_size=3), st.sampled_from([3, 10, 18]))
def test_rewriting_a_right_gradient_does_not_make_it_wrong(steps: list[int], which: int) -> None:
    loss, wrt, hand, shapes = EQUAL[which] if which != 18 else (CE, "z", EQUAL[0][2], {})
    for step in steps:
        hand = REWRITES[step](hand)
    assert tx.check(loss, wrt, hand, shapes=shapes).equal, hand


@settings(max_examples=10, deadline=None)
@given(st.lists(st.sampled_from([-800.0, -30.0, 0.0, 0.5, 0.5, 800.0]), min_size=2, max_size=4))
def test_extreme_logits_and_ties(logits: list[float]) -> None:
    z = tx.tensor(logits, name="z")
    label = len(logits) - 1
    loss = tx.softmax_cross_entropy(z, label)

    def hand(z: Any) -> Any:
        q = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
        q[label] -= 1
        return q

    assert tx.check(loss, z, hand).equal
    assert tx.check(loss, z, hand(z.value)).equal


LINEAR = {"X": "N,D", "W": "D,K", "b": "K", "Y": "N,K"}
LOSSES = [
    ("sum((softmax(z) - y)**2)/2", "z", {}),
    ("sum(g*tanh(W@x))", "W", {"W": "K,D", "x": "D", "g": "K"}),
    ("sum((x - mean(x))**2*g)", "x", {}),
    ("sum((X@W + b - Y)**2)/2", "b", LINEAR),
    ("-sum(p*log(softmax(z/T)))", "z", {}),
]


@pytest.mark.parametrize(("loss", "wrt", "shapes"), LOSSES, ids=lambda x: str(x))
def test_every_mistake_in_the_book_is_found(loss: str, wrt: str, shapes: Any) -> None:
    """Each guess, made by itself into a gradient, is different and has an explanation."""
    made, variables = expression(loss, shapes)
    subject = Subject(made, variables[wrt])
    point = subject.sample
    rng = np.random.default_rng(0)
    guesses = [g for tier in tiers(subject) for g in tier if g.sentence]
    tried = 0
    for i in rng.permutation(len(guesses))[:25]:
        try:
            with np.errstate(all="ignore"):
                found = np.broadcast_to(guesses[i].make(point), point.wrt.shape)
        except Exception:
            continue
        if np.isfinite(found).all() and not np.allclose(found, point.gradient, rtol=1e-4):
            verdict = tx.check(made, variables[wrt], np.array(found))
            assert not verdict, guesses[i].sentence
            assert verdict.diagnosis is not None, guesses[i].sentence
            tried += 1
    assert tried > 5


# -- what else a verdict has ----------------------------------------------------------------------


def test_the_forms_of_a_verdict() -> None:
    verdict = tx.check(CE, "z", "p - softmax(z)")
    data = json.loads(verdict.json())
    assert data["equal"] is False
    assert data["diagnosis"]["kind"] == "sign"
    assert len(data["table"]) == 4
    assert verdict.markdown().startswith("<code>d loss / d z</code>: **different**")
    html = verdict.html()
    assert "sign is flipped" in html
    assert "http" not in html
    HTMLParser().feed(html)


def test_the_columns_of_a_page_are_named() -> None:
    page = tx.check(CE, "z", "p - softmax(z)").html()
    assert "<th>gradient</th>" in page
    assert "display: block" not in page  # cells below each other would be without their names


def test_a_page_escapes_what_it_shows() -> None:
    x = tx.tensor([1.0, 2.0], name="<b>")
    assert "<b>" not in tx.check((x * x).sum(), x, x).html()


def test_a_drawing_marks_the_node() -> None:
    z, g = tx.tensor([1.0, 2.0], name="z"), tx.tensor([1.0, 3.0], name="g")
    e = tx.exp(z).named("e")
    verdict = tx.check((g * e / e.sum()).sum(), z, "g*e/sum(e)")
    assert verdict.diagnosis is not None
    assert "the path through sum(e) is missing" in verdict.diagnosis.sentence
    assert verdict.drawing().dot.count("#c2006b") == 1
    assert tx.draw(e).dot.count("#c2006b") == 0


def test_inner_nodes_and_names() -> None:
    z = tx.tensor([0.2, 5.0, 0.3], name="z")
    q = tx.softmax(z).named("q")
    y = tx.tensor([0.0, 1.0, 0.0], name="y")
    loss = ((q - y) ** 2).sum() / 2
    assert tx.check(loss, q, "q - y").equal
    assert tx.check(loss, z, "q*((q - y) - sum(q*(q - y)))").equal
    assert tx.check(loss, z, q * ((q - y) - (q * (q - y)).sum())).equal
    assert "with respect to q, not z" in tx.check(loss, z, q - y).headline


def test_same() -> None:
    x, y = tx.tensor([1.0, 2.0], name="x"), tx.tensor([3.0, 5.0], name="y")
    assert tx.same((x + y) ** 2, x * x + 2 * x * y + y * y)
    assert tx.same(tx.log(tx.exp(x)), x)
    found = tx.same((x + y) ** 2, x * x + y * y)
    assert not found
    assert found.counterexample is not None
    assert tx.same(tx.sqrt(x * x), x, x > 0)
    assert tx.same(tx.sqrt(x * x), x).needs == ("x > 0",)


# -- the command line -----------------------------------------------------------------------------


def call(*args: str) -> Any:
    return CliRunner().invoke(main, ["check", *args])


def test_the_command(tmp_path: Any) -> None:
    done = call(CE, "--wrt", "z", "--hand", "softmax(z) - p")
    assert (done.exit_code, done.output.split("\n")[0]) == (0, "equal if and only if sum(p) = 1")
    done = call(CE, "--wrt", "z", "--hand", "-softmax(z) + p", "--assume", "sum(p)=1")
    assert done.exit_code == 1
    assert "your sign is flipped (yours = -1 x the gradient)" in done.output
    page = tmp_path / "new" / "page.html"
    done = call("sum(x*y)", "--wrt", "x", "--hand", "y", "--at", "x=1,2", "--html", str(page))
    assert done.exit_code == 0
    assert "equal" in page.read_text(encoding="utf-8")
    data = json.loads(call("sum(x*y)", "--wrt", "x", "--hand", "x", "--json", "-").output)
    assert data["equal"] is False
    shapes = [option for s in ("Q=N,D", "K=M,D", "V=M,H", "G=N,H") for option in ("--shape", s)]
    done = call(f"sum(({P}@V)*G)", "--wrt", "V", "--hand", f"{P}.T@G", *shapes)
    assert done.exit_code == 0, attention


def test_the_command_with_functions_of_a_file(tmp_path: Any) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "import numpy as np\nimport tinygrad_xent as tx\n"
        "def loss(z, y):\n    return tx.sigmoid_binary_cross_entropy(z, y).mean()\n"
        "def grad(z, y):\n    return 1/(1 + np.exp(-z)) - y\n"
    )
    shapes = ("--shape", "z=N", "--shape", "y=N")
    done = call(f"{file}:loss", "--wrt", "z", "--hand", f"{file}:grad", *shapes)
    assert done.exit_code == 1
    assert "sum for mean" in done.output


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        ([CE, "--wrt", "z", "--hand", "softmax(x) - p"], 2, ["mentions x", "works: p, z"]),
        ([CE, "--wrt", "z", "--hand", "softmax(z - p"], 2, ["not an expression", "^"]),
        ([CE, "--wrt", "z", "--hand", "sofmax(z)"], 2, ["no function sofmax", "softmax"]),
        ([CE, "--wrt", "q", "--hand", "p"], 2, ["named q", "works: p, z"]),
        ([CE, "--wrt", "z"], 2, ["--hand"]),
        (["sum(stop_gradient(x)*y)", "--wrt", "x", "--hand", "y"], 1, ["does not depend on x"]),
        (["sum(x)", "--wrt", "x", "--hand", "[1, 2]"], 1, ["shape (2,)", "(4,)"]),
    ],
)
def test_bad_input(args: list[str], code: int, words: list[str]) -> None:
    done = call(*args)
    assert done.exit_code == code, done.output
    assert all(word in done.output for word in words), done.output


def test_the_walk_of_mistakes_is_the_engines() -> None:
    """Unchanged, it gives the engine's gradient; and it visits the nodes that a guess may name."""
    loss, variables = expression(CE)
    subject = Subject(loss, variables["z"])
    loss.backward()
    np.testing.assert_array_equal(subject.sample.gradient, variables["z"].grad)
    assert path(subject)[0] is loss
