"""The walkthrough as data: what it says is what the engine did, and it survives JSON."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gallery import GALLERY, naive_softmax
from oracle import DIFFERENTIABLE, draws

import tinygrad_xent as tx
from tinygrad_xent.algebra.loss.compositions import compositions
from tinygrad_xent.differentiate import cotangents
from tinygrad_xent.drawing.values import brief
from tinygrad_xent.graph import PRIMITIVES
from tinygrad_xent.stepping import Walkthrough, making, paths, recording
from tinygrad_xent.stepping.folding import MANY
from tinygrad_xent.stepping.formulas import Formulas
from tinygrad_xent.stepping.hands import relative_difference
from tinygrad_xent.stepping.records import Backward
from tinygrad_xent.stepping.session import Session

TEXT, AT = "-sum(p*log(softmax(z)))", {"z": [4.0, -1.0, -3.0], "p": [0.0, 0.0, 1.0]}


@pytest.fixture(scope="module")
def xent() -> Walkthrough:
    return tx.steps(TEXT, at=AT, assume="sum(p)=1", hand={"z": "softmax(z) - p"})


class Kept(Formulas):
    """The formulas of the last walk, as graphs."""

    last: Kept

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        Kept.last = self

    def graph(self, node: tx.Tensor) -> Any:
        return self._total[id(node)]


@pytest.fixture(scope="module", params=list(GALLERY))
def walked(request: pytest.FixtureRequest) -> tuple[tx.Tensor, Walkthrough]:
    """Every loss of the gallery, without the third phase, which has tests of its own."""
    loss, _, _ = GALLERY[request.param][0]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "derivation", lambda *_: "left out")
        patch.setattr(recording, "Formulas", Kept)
        return loss, tx.steps(loss)


def by_symbol(w: Walkthrough) -> dict[str, Backward]:
    return {w.box(s.box).symbol.text: s for s in w.backward}


# -- what it says is what the engine did ----------------------------------------------------------


def test_what_arrives_is_the_engines_cotangent_in_its_order(walked: Any) -> None:
    loss, w = walked
    with np.errstate(all="ignore"):
        arrived = cotangents(loss, 1.0 if loss.shape == () else np.ones(loss.shape))
    engine = [(n, arrived[n]) for n in reversed(tx.graph.toposort(loss)) if n in arrived]
    assert len(engine) == len(w.backward)
    for (node, g), step in zip(engine, w.backward, strict=True):
        assert step.arriving.shape == np.shape(g)
        assert step.arriving.norm == pytest.approx(np.linalg.norm(np.ravel(g)), rel=1e-12)
        if step.arriving.entries is not None:
            np.testing.assert_array_equal(step.arriving.entries, g)
            np.testing.assert_array_equal(w.box(step.box).value.entries, node.value)


def test_contributions_add_up_to_what_arrives(walked: Any) -> None:
    _, w = walked
    arrived: dict[str, Any] = {}
    for step in w.backward:
        for e in step.edges:
            if e.contribution is None or e.contribution.entries is None:
                continue
            before, sent = arrived.get(e.to), np.asarray(e.contribution.entries)
            np.testing.assert_array_equal(
                np.nan if before is None else before,
                np.nan if e.before is None else e.before.entries,
            )
            arrived[e.to] = sent if before is None else before + sent
            np.testing.assert_array_equal(arrived[e.to], e.after.entries)
    for step in w.backward[1:]:
        if step.box in arrived and step.arriving.entries is not None:
            np.testing.assert_array_equal(arrived[step.box], step.arriving.entries)


def test_contributions_are_numbered_to_the_last(walked: Any) -> None:
    _, w = walked
    seen: dict[str, list[int]] = {}
    for e in (e for s in w.backward for e in s.edges if e.contribution is not None):
        seen.setdefault(e.to, []).append(e.index)
        assert seen[e.to] == list(range(1, e.index + 1))
        last = e.count
        assert e.index <= last
    assert {s.box for s in w.backward[1:]} == set(seen)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_what_arrives_times_the_jacobian_is_what_leaves(name: str) -> None:
    op = PRIMITIVES[name]
    for args, params in draws(op):
        node = op(*map(tx.tensor, args), **params)
        if np.asarray(node.value).dtype.kind != "f":
            continue
        g = np.random.default_rng(1).normal(size=node.shape)
        for e in tx.steps(node, cotangent=g).backward[0].edges:
            if e.local is None or e.contribution is None or e.contribution.entries is None:
                continue
            if e.local.entries is not None:
                J = np.array(e.local.entries)
                assert J.shape == (e.local.rows, e.local.columns)
                np.testing.assert_allclose(
                    np.ravel(g) @ J, np.ravel(e.contribution.entries), rtol=1e-9, atol=1e-12
                )
                if e.local.diagonal:
                    assert not np.any(J - np.diag(np.diag(J)))


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_every_operation_shows_in_every_view(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "derivation", lambda *_: "left out")
    for args, params in draws(PRIMITIVES[name]):
        node = PRIMITIVES[name](*map(tx.tensor, args), **params)
        if np.asarray(node.value).dtype.kind == "f":
            w = tx.steps(tx.sum(node * 1.5))
            assert w.html().startswith("<!DOCTYPE html>")
            assert w.svg(len(w)).startswith("<svg")
            assert Walkthrough.from_json(w.json()) == w
            assert "Backward" in str(w)


def test_a_wrong_contribution_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The accumulators are added up from contributions; the engine's totals are not."""
    x = tx.tensor([1.0, 2.0], name="x")
    real = recording.contributions
    monkeypatch.setattr(recording, "contributions",
                        lambda *a, **k: ((i, 2 * c) for i, c in real(*a, **k)))  # fmt: skip
    w = tx.steps((x * x).sum())
    with pytest.raises(AssertionError):
        test_contributions_add_up_to_what_arrives((None, w))


def test_phases_and_numbers(xent: Walkthrough) -> None:
    assert [s.number for s in xent] == list(range(1, len(xent) + 1))
    phases = [s.phase for s in xent]
    assert phases == sorted(phases, key=["forward", "backward", "derivation"].index)
    assert xent.closing[-1].whole.text == "softmax(z) - p"
    assert xent.closing[0].rule == "recorded by the engine"


def test_gradients_stay_as_they_are() -> None:
    x = tx.tensor(3.0, name="x")
    tx.steps(x * x)
    assert x.grad is None


def test_nothing_flows_through_stop_gradient() -> None:
    x = tx.tensor(2.0, name="x")
    w = tx.steps(tx.stop_gradient(x) * x)
    blocked, sent = w.backward[0].edges
    assert blocked.contribution is None
    assert sent.contribution.entries == 2.0


def test_symbolic_walk(xent: Walkthrough) -> None:
    """-p/q after the logarithm, then through the division, then the sum."""
    steps = by_symbol(xent)
    assert steps["log(softmax(z))"].formula.text == "-p"
    assert steps["softmax(z)"].formula.text == "-p/softmax(z)"
    through = {xent.box(e.to).symbol.text: e.formula.text for e in steps["softmax(z)"].edges}
    assert through["sum(exp(v2))"] == "sum(p)/sum(exp(v2))"
    assert through["exp(v2)"] == "-p/(sum(exp(v2))*softmax(z))"


def test_symbolic_cotangents_have_the_engines_values(walked: Any) -> None:
    """The formulas, computed on the values of the symbols in them, give the numbers beside them."""
    _, w = walked
    if w.backward[0].formula is None:
        pytest.skip("too many nodes for formulas")
    for node in w.graph.visited:
        formula, engine = Kept.last.graph(node), w.graph.received[id(node)]
        expected = np.asarray(engine, float)
        got = np.broadcast_to(formula.value, expected.shape)
        scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12 * scale)


# -- data -----------------------------------------------------------------------------------------


def test_json_round_trip(walked: Any, xent: Walkthrough) -> None:
    for w in (walked[1], xent):
        again = Walkthrough.from_json(w.json())
        assert again == w
        assert again.steps == w.steps or "nan" in w.json()
    assert replace(xent, name="other") != xent


@pytest.mark.parametrize("text", ["", "{}", "[1]", '"a"', "null", '{"name": 1, "loss": 2}'])
def test_json_of_something_else(text: str) -> None:
    with pytest.raises(tx.ParseError, match="from_json: this is not a walkthrough"):
        Walkthrough.from_json(text)


@pytest.mark.parametrize("step", [0, -1, 1000])
def test_the_graph_at_no_step(xent: Walkthrough, step: int) -> None:
    with pytest.raises(tx.GradientError, match="svg: there is no such step"):
        xent.svg(step)


def test_json_of_what_is_not_finite() -> None:
    x = tx.tensor([0.0, 1.0, -1.0], name="x")
    with np.errstate(all="ignore"):
        w = tx.steps((x * tx.log(x)).sum())
    again = Walkthrough.from_json(w.json())
    assert again == w
    log = next(b for b in again.boxes if b.op == "log").value
    assert log.entries[0] == -math.inf
    assert math.isnan(log.entries[2])
    assert (log.nan, log.infinite) == (1, 1)


def test_the_first_bad_node_is_named() -> None:
    x = tx.tensor([0.0, 1.0], name="x")
    with np.errstate(all="ignore"):
        w = tx.steps((tx.log(x) * 2.0).sum())
    assert w.box(w.steps[w.origin - 1].box).op == "log"
    assert "-inf appears in it" in w.steps[w.origin - 1].say
    assert tx.steps(x.sum()).origin == 0


def test_the_breakpoint_on_nan_tells_the_whole_story() -> None:
    """Where it was born, and not where the breakpoint or the user noticed it."""
    at = {"z": [1000.0, 0.0, -1000.0], "p": [0.0, 0.0, 1.0]}
    with np.errstate(all="ignore"):
        w = tx.steps("-sum(p*log(exp(z)/sum(exp(z))))", at=at)
    assert w.story.startswith("born as exp(z)[0] = inf")
    assert "overflow" in w.story
    assert "instead  loss = -sum(" in w.story
    assert w.story.split("\n")[0] in str(w)
    assert "born as exp(z)[0] = inf" in w.html()
    session = Session.of(w)
    session.asking = "stop"
    session.answer("nan")
    assert session.row == w.origin - 1
    assert session.message == w.story
    assert tx.steps("sum(exp(z))", at={"z": [1.0, 2.0]}).story == ""


def test_what_keeps_the_digits_is_a_step_that_says_so() -> None:
    """A saturated row has one node more, which the formulas do not print."""
    z = tx.tensor([40.0, 0.0, 0.0], name="z")
    w = tx.steps(tx.softmax_cross_entropy(z, 0))
    step = w.find(on="relative", after=len(w.forward))
    assert "minus the sum of the others" in step.say
    gradient = next(s for s in w.backward if w.box(s.box).symbol.text == "z").arriving.entries
    assert gradient[0] == pytest.approx(-8.4967085105831777e-18, rel=1e-15)
    assert "relative" not in w.loss.text
    plain = tx.steps(tx.softmax_cross_entropy(tx.tensor([4.0, 0.0, 0.0], name="z"), 0))
    assert "relative" not in {box.op for box in plain.boxes}


# -- moves ----------------------------------------------------------------------------------------


def test_breakpoints(xent: Walkthrough) -> None:
    assert xent.find(on="log").phase == "forward"
    assert xent.find(on="log", after=12).number == 16
    assert xent.find(on="z", after=12).number == 21
    assert xent.find(above=1000).number == 17
    assert xent.find(below=1.2).number == 13
    assert xent.find(on="softmax(z)", above=1e6) is None
    assert xent.find(on="nan") is None


def test_a_node_is_a_breakpoint() -> None:
    x, other = tx.tensor([1.0, 2.0], name="x"), tx.tensor([1.0, 2.0])
    y = 3 * x
    w = tx.steps((y * y).sum())
    assert [w.find(on=y, after=n).number for n in (0, 4)] == [2, 7]
    with pytest.raises(tx.GradientError, match="no such operation or node"):
        w.find(on=other)
    with pytest.raises(tx.GradientError, match="no such operation or node"):
        Walkthrough.from_json(w.json()).find(on=y)


@pytest.mark.parametrize("on", ["nonsense", "", None])
def test_breakpoints_that_mean_nothing(xent: Walkthrough, on: Any) -> None:
    with pytest.raises(tx.GradientError, match="find: "):
        xent.find(on=on)


# -- hand against autodiff ------------------------------------------------------------------------


def test_hand_beside_engine(xent: Walkthrough) -> None:
    hand = by_symbol(xent)["z"].hand
    assert hand.text == "softmax(z) - p"
    assert hand.difference < 1e-15
    wrong = tx.steps(TEXT, at=AT, hand={"z": "softmax(z) - 2*p"})
    hand = by_symbol(wrong)["z"].hand
    assert hand.difference == pytest.approx(0.5, rel=1e-2)
    assert hand.worst == (2,)


def test_hand_of_an_inner_node_by_tensor_or_array() -> None:
    x = tx.tensor([1.0, 2.0], name="x")
    y = (3 * x).named("y")
    w = tx.steps((y * y).sum(), hand={y: 2 * y.value, "x": 18 * x})
    assert [by_symbol(w)[n].hand.difference for n in "yx"] == [0.0, 0.0]


def test_hand_of_a_node_without_a_name_by_its_symbol() -> None:
    hands = {"log(softmax(z))": "-p", "softmax(z)": "-p/softmax(z)"}
    w = tx.steps(TEXT, at=AT, hand=hands)
    assert [by_symbol(w)[name].hand.difference for name in hands] == [0.0, 0.0]


def test_hand_where_nothing_arrives_is_spoken_of() -> None:
    x = tx.tensor([1.0, 2.0], name="x")
    blocked = tx.stop_gradient(x).named("s")
    w = tx.steps((x * blocked).sum(), hand={"s": [1.0, 2.0], "x": blocked})
    assert [note for note in w.notes if "by hand of s" in note]
    assert not [note for note in w.notes if "by hand of x" in note]


def test_nan_by_hand_is_the_worst_difference() -> None:
    x = tx.tensor([1.0, 2.0, 3.0], name="x")
    hand = by_symbol(tx.steps((x * x).sum(), hand={"x": [-2.0, np.nan, 6.0]}))["x"].hand
    assert (hand.difference, hand.worst) == (np.inf, (1,))


@pytest.mark.parametrize(
    ("hand", "error"),
    [
        ({"q": 1.0}, tx.ParseError),
        ({tx.tensor(1.0): 1.0}, tx.ParseError),
        ({"z": [1.0]}, tx.ShapeError),
        ({"z": "sum("}, tx.ParseError),
    ],
)
def test_hand_that_does_not_fit(hand: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        tx.steps(TEXT, at=AT, hand=hand)


def test_relative_difference_against_a_loop() -> None:
    h, e = np.array([0.0, 1.0, np.inf, -2.0]), np.array([1e-9, 1.0, 1.0, 2.0])
    expected = [1.0, 0.0, np.inf, 2.0]
    np.testing.assert_allclose(relative_difference(h, e), expected)


# -- which paths make up a number -----------------------------------------------------------------


def test_paths_add_up_to_the_last_digit(walked: Any) -> None:
    _, w = walked
    for step in w.backward:
        if not w.box(step.box).op and step.arriving.entries is not None:
            for index in list(np.ndindex(step.arriving.shape))[:3]:
                why = w.why(step.box, index)
                assert why.total == np.asarray(step.arriving.entries)[index]
                shares = [p.value for p in why.paths]
                assert math.fsum([*shares, why.rounding]) == why.total
                assert abs(why.rounding) <= 1e-12 * max(map(abs, shares))
                assert shares == sorted(shares, key=abs, reverse=True)


def test_a_path_left_out_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    x = tx.tensor([2.0], name="x")
    w = tx.steps((x * x + x).sum())
    real = paths.Paths._opened
    monkeypatch.setattr(paths.Paths, "_opened", lambda *a: list(real(*a))[:1])
    with pytest.raises(AssertionError):
        test_paths_add_up_to_the_last_digit((None, w))


def test_softmax_sends_two_paths() -> None:
    z, p = (tx.tensor(AT[n], name=n) for n in "zp")
    loss = -(p * tx.log(naive_softmax(z).named("q"))).sum()
    loss.backward()
    w = tx.steps(loss)
    why = w.why(z.grad, 2)
    q = math.exp(-3) / (math.exp(4) + math.exp(-1) + math.exp(-3))
    assert why == w.why(z, 2) == w.why("z", (2,)) == w.why(z, -1)
    np.testing.assert_allclose([path.value for path in why.paths], [-1.0, q], rtol=1e-12)
    assert "entry [2] of z" in str(why)


def test_too_many_paths_are_merged() -> None:
    x = tx.tensor(1.0, name="x")
    y = x
    for _ in range(40):
        y = y + y
    why = tx.steps(y).why("x")
    assert sum(p.count for p in why.paths) == 2**40
    assert math.fsum([*(p.value for p in why.paths), why.rounding]) == why.total == 2.0**40
    assert len(why.paths) <= 24
    assert "paths)" in str(why)


@pytest.mark.parametrize(
    ("of", "index"),
    [
        ("nobody", 0),
        (None, 0),
        ("z", 3),
        ("z", ()),
        ("z", "a"),
        (np.ones(7), 0),
        ("z", 1.0),
        ("z", slice(0, 1)),
    ],
)
def test_why_of_nothing(xent: Walkthrough, of: Any, index: Any) -> None:
    with pytest.raises((tx.GradientError, tx.ShapeError), match="why: "):
        xent.why(of, index)


def test_why_of_a_gradient_that_a_transform_gave() -> None:
    z, p = tx.tensor([1.0, 2.0], name="z"), np.array([0.5, 0.5])
    w = tx.steps(tx.softmax_cross_entropy(z, p))
    found = tx.grad(lambda z: tx.softmax_cross_entropy(z, p))(z.value)
    assert w.why(found, 1) == w.why(tx.tensor(found), 1) == w.why(z, 1)


def test_why_of_a_gradient_that_is_not_there_yet() -> None:
    z = tx.tensor([1.0, 2.0], name="z")
    with pytest.raises(tx.GradientError, match=r"before \.backward\(\)"):
        tx.steps(tx.sum(z * z)).why(z.grad, 0)


def test_why_of_a_number_names_no_entry() -> None:
    s = tx.tensor(3.0, name="s")
    assert str(tx.steps(s * s).why(s)).splitlines()[-1].split() == ["6", "s"]


def test_why_needs_the_graph(xent: Walkthrough) -> None:
    with pytest.raises(tx.GradientError, match="the graph of this walkthrough is gone"):
        Walkthrough.from_json(xent.json()).why("z", 0)
    assert Walkthrough.from_json(xent.json()).whys == xent.whys


# -- what cannot be walked through ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "error"),
    [
        (3.0, tx.NotSupportedError),
        (np.ones(3), tx.NotSupportedError),
        (tx.tensor([1.0], name="x"), tx.NotSupportedError),
        (tx.exp(tx.tensor([1.0, 2.0])), tx.GradientError),
        (tx.tensor(1.0) > 0, tx.DtypeError),
        ("sum(", tx.ParseError),
    ],
)
def test_bad_losses(loss: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        tx.steps(loss)


def test_no_grad_leaves_nothing_to_walk() -> None:
    x = tx.tensor(2.0)
    with tx.no_grad():
        y = x * x
    with pytest.raises(tx.NotSupportedError, match="not computed from others"):
        tx.steps(y)


def test_the_third_phase_is_left_out_with_a_reason() -> None:
    x = tx.tensor([1.0, 2.0], name="x")
    w = tx.steps(tx.exp(x), cotangent=[1.0, 0.0])
    assert not w.closing
    assert w.notes == ("The third phase is left out: the result is not a single number.",)


# -- compositions and large graphs ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "title"),
    [
        (tx.softmax, "softmax(x)"),
        (lambda x: tx.softmax(x, axis=0), "softmax(x, axis=0)"),
        (tx.log_softmax, "log_softmax(x)"),
        (tx.logsumexp, "logsumexp(x)"),
        (lambda x: tx.mean(x, 1), "mean(x, axis=1)"),
        (tx.sigmoid, "sigmoid(x)"),
        (tx.relu, "relu(x)"),
        (tx.softplus, "softplus(x)"),
    ],
)
def test_known_functions_are_recognised(make: Any, title: str) -> None:
    x = tx.tensor([[1.0, -2.0], [0.5, 3.0]], name="x")
    w = tx.steps(make(x).sum() * 2)
    assert title in {b.symbol.text for b in w.boxes}


def test_what_only_looks_like_softmax_is_not_recognised() -> None:
    x, y = tx.tensor([1.0, 2.0], name="x"), tx.tensor([1.0, 3.0], name="y")
    e = tx.exp(x - tx.stop_gradient(tx.max(x, keepdims=True)))
    from tinygrad_xent.graph import toposort

    assert not compositions(toposort(e / tx.exp(y).sum(keepdims=True)))


def deep(layers: int) -> tx.Tensor:
    rng = np.random.default_rng(0)
    h = tx.tensor(rng.normal(size=3), name="h")
    for i in range(layers):
        h = tx.softmax(tx.tensor(rng.normal(size=(3, 3)), name=f"W{i}") @ h)
    return h.sum()


def random_graph(n: int) -> tx.Tensor:
    """Sums of two earlier nodes, some of them named, all of them used."""
    rng = np.random.default_rng(0)
    nodes = [tx.tensor(float(i), name=f"x{i}") for i in range(5)]
    for i in range(n):
        a, b = rng.integers(0, len(nodes), 2)
        made = tx.sin(nodes[a]) + nodes[b]
        nodes.append(made.named(f"y{i}") if i % 7 == 0 else made)
    total = nodes[0]
    for node in nodes[1:]:
        total = total + node
    return total


def test_large_graphs_fold_into_few_boxes() -> None:
    w = tx.steps(deep(250))
    tops = {b.block[0] if b.block else b.id for b in w.boxes if b.kind != "constant"}
    assert len(tops) <= MANY
    assert any(b.title.startswith("softmax(") for b in w.blocks)
    inside: dict[str, set[str]] = {}
    for box in (b for b in w.boxes if b.kind != "constant"):
        chain = [*box.block, box.id]
        for outer, inner in itertools.pairwise(chain):
            inside.setdefault(outer, set()).add(inner)
    assert max(map(len, inside.values())) <= MANY
    assert all(len(b.title) for b in w.blocks)


def test_named_blocks_fold() -> None:
    """Layers that end in a named node are one box each, with their weights inside."""
    h = tx.tensor([1.0, 2.0], name="h0")
    for i in range(60):
        W, b = tx.tensor(np.eye(2), name=f"W{i}"), tx.tensor([0.1, 0.2], name=f"b{i}")
        h = tx.tanh(W @ h + b).named(f"h{i + 1}")
    w = tx.steps(h.sum())
    titles = {b.title: b.count for b in w.blocks}
    assert titles["h30"] == 3
    assert {w.box(b.id).block[-1] for b in w.boxes if b.symbol.text in ("W29", "b29", "h30")} == {
        next(b.id for b in w.blocks if b.title == "h30")
    }


@pytest.mark.parametrize("make", [lambda: deep(60), lambda: random_graph(400)])
def test_folding_makes_no_circle(make: Any) -> None:
    w = tx.steps(make())
    place = {b.id: (b.block[0] if b.block else b.id) for b in w.boxes}
    waits = {p: {place[a] for b in w.boxes if place[b.id] == p for a in b.args} - {p}
             for p in set(place.values())}  # fmt: skip
    while ready := {p for p, needs in waits.items() if not needs & waits.keys()}:
        waits = {p: needs for p, needs in waits.items() if p not in ready}
    assert not waits


def test_small_graphs_stay_open(xent: Walkthrough) -> None:
    assert not xent.blocks


def test_a_very_long_chain_gives_a_summary() -> None:
    y = tx.tensor(1.0, name="x")
    for _ in range(20_000):
        y = y * 1.0001
    w = tx.steps(y)
    assert len(w.boxes) < 40
    assert w.notes[0] == (
        "The graph has 20,001 nodes; the first and the last 8 are walked through."
    )
    assert by_symbol(w)["x"].arriving.brief == brief(tx.grad(lambda x: x * 1.0001**20_000)(1.0))


# -- plain text -----------------------------------------------------------------------------------


def test_plain_text_has_every_step_in_80_columns(walked: Any, xent: Walkthrough) -> None:
    for w in (walked[1], xent):
        text = str(w)
        assert max(map(len, text.splitlines())) <= 80
        for step in w.backward:
            assert step.arriving.brief.split(",")[0] in text


def test_ascii_is_ascii() -> None:
    from tinygrad_xent.stepping.plain import plain

    w = tx.steps((tx.tensor(2.0, name="σ\x1b[2J") ** 2).named("ℒ"))
    assert plain(w, ascii=True).isascii()
    assert "\x1b" not in plain(w)
