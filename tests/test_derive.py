"""Derivations: the closed forms of textbooks, found by rules that know no loss."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from gallery import GALLERY, logits, naive_softmax
from gallery import random as drawn

import tinygrad_xent as tx
from tinygrad_xent.algebra.attempts import ground
from tinygrad_xent.algebra.deriving import gradients
from tinygrad_xent.algebra.matching.kinds import Anything
from tinygrad_xent.algebra.matching.rule import rule
from tinygrad_xent.algebra.rewriting import rewrite
from tinygrad_xent.algebra.terms.formula import operations

CASES = sorted(GALLERY)


def numerical_gradient(make: Any, h: float = 1e-6) -> np.ndarray:
    """Central differences of a loss in the gallery, entry by entry."""
    _, wrt, _ = make()
    where = np.array(wrt.value, dtype=float)
    out = np.zeros_like(where)
    for i in np.ndindex(where.shape):
        ends = []
        for sign in (1, -1):
            moved = where.copy()
            moved[i] += sign * h
            ends.append(_loss_at(make, moved))
        out[i] = (ends[0] - ends[1]) / (2 * h)
    return out


def _loss_at(make: Any, value: np.ndarray) -> float:
    """The loss with another value for what it is differentiated with respect to."""
    loss, wrt, _ = make()
    moved: dict[int, Any] = {id(wrt): value[()]}
    for node in tx.graph.toposort(loss):
        if id(node) not in moved:
            args = [moved[id(a)] if isinstance(a, tx.Tensor) else a for a in node.args]
            moved[id(node)] = node.value if node.op is None else node.op(*args, **node.params)
    return float(moved[id(loss)])


@pytest.mark.parametrize("name", CASES)
def test_gallery(name: str) -> None:
    make, expected = GALLERY[name]
    loss, wrt, assume = make()
    derivation = tx.derive(loss, wrt, assume)
    assert str(derivation.result) == expected
    np.testing.assert_allclose(
        np.broadcast_to(derivation.result.value, wrt.shape),
        numerical_gradient(make),
        rtol=1e-5,
        atol=1e-7,
    )


@pytest.mark.parametrize("name", CASES)
def test_no_more_operations_than_recorded(name: str) -> None:
    loss, wrt, assume = GALLERY[name][0]()
    raw = tx.gradient_graph(loss, wrt)
    result = tx.derive(loss, wrt, assume).result
    assert result.operations <= operations(raw)


@pytest.mark.parametrize("name", CASES)
def test_steps_lead_from_start_to_result(name: str) -> None:
    loss, wrt, assume = GALLERY[name][0]()
    d = tx.derive(loss, wrt, assume)
    lines = [d.start, *(s.whole for s in d.steps)]
    assert lines[-1] == str(d.result)
    assert all(s.before != s.after for s in d.steps)
    assert all(s.reason.endswith(".") for s in d.steps)
    assert len(d.steps) <= 25


@pytest.mark.parametrize("seed", range(3))
def test_the_end_does_not_depend_on_the_order_of_rules(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shuffled = random.Random(seed)
    first, *forms = gradients.FORMS
    rules = list(gradients.SHRINKING)
    shuffled.shuffle(forms)
    shuffled.shuffle(rules)
    algebra = (*rules, *gradients.ALGEBRA[-2:])
    monkeypatch.setattr(gradients, "SHRINKING", tuple(rules))
    for module in (gradients, ground):
        monkeypatch.setattr(module, "FORMS", (first, *forms))
        monkeypatch.setattr(module, "ALGEBRA", algebra)
    for name in CASES:
        make, expected = GALLERY[name]
        loss, wrt, assume = make()
        assert str(tx.derive(loss, wrt, assume).result) == expected, name


# -- assumptions ----------------------------------------------------------------------------------


def test_assumptions_used_and_unused_are_listed() -> None:
    z, p = logits()
    loss = -(p * tx.log(naive_softmax(z))).sum()
    d = tx.derive(loss, z, [tx.Simplex(p), tx.Nonzero(z)])
    assert d.assumptions == ("sum(p) = 1",)
    assert d.unused == ("z != 0",)


def test_an_assumption_that_is_provable_is_not_reported() -> None:
    z, p = logits()
    assert tx.derive(-(p * tx.log(naive_softmax(z))).sum(), z).assumptions == ()


def test_what_the_loss_needs_is_reported_as_assumed() -> None:
    x = tx.tensor([1.0, 2.0], name="x")
    assert tx.derive(tx.norm(x), x).assumptions == ("sum(x**2) > 0",)


def test_one_hot_is_a_simplex() -> None:
    z, p = logits()
    loss = -(p * tx.log(naive_softmax(z))).sum()
    assert str(tx.derive(loss, z, tx.OneHot(p)).result) == "softmax(z) - p"


def test_a_wrong_axis_is_not_used() -> None:
    z = tx.tensor(np.ones((2, 3)), name="z")
    y = tx.tensor(np.full((2, 3), 0.5), name="y")
    loss = -(y * tx.log(naive_softmax(z))).sum()
    d = tx.derive(loss, z, tx.Simplex(y, axis=0))
    assert "sum(y, axis=1, keepdims=True)" in str(d.result)
    assert d.assumptions == ()


# -- what comes out -------------------------------------------------------------------------------


def test_the_result_can_be_differentiated_again() -> None:
    z, p = logits()
    result = tx.derive(-(p * tx.log(naive_softmax(z))).sum(), z, tx.Simplex(p)).result
    result.node.sum().backward()
    np.testing.assert_allclose(z.grad, 0, atol=1e-12)


def test_wrt_by_name_and_inner_nodes() -> None:
    z, p = logits()
    q = naive_softmax(z).named("q")
    loss = -(p * tx.log(q)).sum()
    assert str(tx.derive(loss, "z", tx.Simplex(p)).result) == "q - p"
    assert str(tx.derive(loss, q).result) == "-p/q"


def test_unnamed_leaves_get_names() -> None:
    x = tx.tensor([1.0, 2.0])
    assert str(tx.derive((x * x).sum(), x).result) == "2*x1"


def test_user_data_is_left_alone() -> None:
    z, p = logits()
    before = z.value.copy()
    q = naive_softmax(z)
    tx.derive(-(p * tx.log(q)).sum(), z)
    assert q.name is None
    assert z.grad is None
    np.testing.assert_array_equal(z.value, before)


def test_simplify_a_value() -> None:
    x = tx.tensor([1.0, 2.0], name="x")
    assert str(tx.simplify(tx.log(tx.exp(x)) + x - 2 * x)) == "0"
    assert str(tx.simplify(tx.sqrt(x * x))) != "x"


def test_printing_names_every_rule() -> None:
    z, p = logits()
    d = tx.derive(-(p * tx.log(naive_softmax(z).named("q"))).sum(), z, tx.Simplex(p))
    page = str(d)
    assert "where q = exp(z)/sum(exp(z), axis=-1)" in page or "where q = exp(z)/sum(exp(z))" in page
    assert all(step.rule in page for step in d.steps)
    assert "  holds where sum(p) = 1\n  computed as q*(1 - p)" in page


# -- bad input ------------------------------------------------------------------------------------


def test_a_loss_that_does_not_depend() -> None:
    x, y = tx.tensor(1.0, name="x"), tx.tensor(2.0, name="y")
    with pytest.raises(tx.DeriveError, match="does not depend on y"):
        tx.derive(x * x, y)


def test_a_loss_that_is_not_scalar() -> None:
    x = tx.tensor([1.0, 2.0], name="x")
    with pytest.raises(tx.GradientError, match="non-scalar"):
        tx.derive(x * x, x)


def test_a_loss_that_is_no_tensor() -> None:
    with pytest.raises(tx.NotSupportedError):
        tx.derive(3.0, tx.tensor(1.0))  # type: ignore[arg-type]


def test_an_unknown_name() -> None:
    x = tx.tensor(1.0, name="x")
    with pytest.raises(tx.DeriveError, match="named nope"):
        tx.derive(x * x, "nope")


def test_an_assumption_that_is_not_one() -> None:
    x = tx.tensor(1.0, name="x")
    with pytest.raises(tx.DeriveError, match="not an assumption"):
        tx.derive(x * x, x, [x + 1])


# -- planted faults -------------------------------------------------------------------------------


def test_an_unsound_rule_never_reaches_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    @rule
    def sign_lost(x: Anything, a: Anything, b: Anything):  # type: ignore[no-untyped-def]
        "A factor multiplies each term of a difference."
        return x * (a + b), x * a - x * b

    monkeypatch.setattr(gradients, "SHRINKING", (sign_lost, *gradients.SHRINKING))
    z, p = logits()
    with pytest.raises(tx.DeriveError, match="sign lost"):
        tx.derive(-(p * tx.log(naive_softmax(z))).sum(), z)


def test_the_check_of_a_step_can_fail() -> None:
    x = tx.tensor([1.0, 2.0], name="x")
    assert rewrite.same_value(x * 2, x + x)
    assert not rewrite.same_value(x * 2, x * 2.001)


# -- plain data -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_a_derivation_survives_json(name: str) -> None:
    loss, wrt, assume = GALLERY[name][0]()
    d = tx.derive(loss, wrt, assume)
    back = tx.Derivation.from_json(d.json())
    assert back == d
    assert str(back) == str(d)
    assert back.json() == d.json()


def test_a_formula_from_json_has_no_values() -> None:
    x = tx.tensor([1.0, 2.0], name="x")
    back = tx.Derivation.from_json(tx.derive((x * x).sum(), x).json())
    with pytest.raises(tx.DeriveError, match="no"):
        _ = back.result.value


# -- sizes ----------------------------------------------------------------------------------------


def batch(rows: int, classes: int) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(rows)
    z = tx.tensor(rng.normal(size=(rows, classes)), name="Z")
    y = tx.tensor(rng.dirichlet(np.ones(classes), size=rows), name="Y")
    return tx.softmax_cross_entropy(z, y).mean(), z, [tx.Simplex(y)]


@pytest.mark.parametrize("shape", [(2, 2), (5, 3), (200, 50)])
def test_the_formula_does_not_depend_on_the_sample(shape: tuple[int, int]) -> None:
    loss, z, assume = batch(*shape)
    d = tx.derive(loss, z, assume)
    assert str(d.result) == "(softmax(Z) - Y)/n"
    assert [(name, str(body)) for name, body in d.definitions] == [("n", "size(Y, axis=0)")]
    loss.backward()
    np.testing.assert_allclose(d.result.value, z.grad, atol=1e-12)


def test_a_number_that_may_be_a_length_is_kept_and_said() -> None:
    z, p = logits()
    smoothed = 0.9 * p + 0.1 / 4
    d = tx.derive(-(smoothed * tx.log_softmax(z)).sum(), z, tx.Simplex(p))
    assert str(d.result) == "softmax(z) - 0.9*p - 1/40"
    assert "the length is 4" in d.assumptions


def test_a_number_that_is_no_length_is_not_taken_for_one() -> None:
    x = tx.tensor([1.0, 2.0, 4.0], name="x")
    loss = ((x - x.sum() / 7) ** 2).sum() / 2
    result = tx.derive(loss, x).result
    assert "n" in str(result)
    loss.backward()
    np.testing.assert_allclose(result.value, x.grad)


def test_lengths_have_letters_that_are_free() -> None:
    n = tx.tensor([1.0, 2.0], name="n")
    assert str(tx.derive(n.mean(), n).result) == "1/m"


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: (x[1:] - x[:-1]).sum(),
        lambda x: (x.reshape(2, 3) ** 2).mean(),
        lambda x: tx.concatenate([x, 2 * x]).mean(),
        lambda x: (x * np.arange(6.0)).mean(),
        lambda x: tx.stack([x, x * x]).max(axis=0).sum(),
        lambda x: (x.reshape(2, 3).T @ x.reshape(2, 3)).sum(),
        lambda x: x[np.array([0, 0, 5])].sum() * x.mean(),
    ],
)
def test_what_ties_a_length_keeps_it(loss: Any) -> None:
    x = tx.tensor([0.3, -1.0, 2.0, 0.5, 1.5, -0.7], name="x")
    value = loss(x)
    result = tx.derive(value, x).result
    value.backward()
    np.testing.assert_allclose(np.broadcast_to(result.value, x.shape), x.grad, atol=1e-12)


def test_square_matrices_and_their_transposes() -> None:
    a = tx.tensor(np.random.default_rng(3).normal(size=(4, 4)), name="A")
    loss = (a @ a.T).mean() + (a + a.T).sum()
    result = tx.derive(loss, a).result
    loss.backward()
    np.testing.assert_allclose(np.broadcast_to(result.value, a.shape), a.grad, atol=1e-12)


def test_losses_that_pick_entries() -> None:
    x = tx.tensor([0.5, -1.0, 2.0], name="x")
    for index in ([0, 0, 2], [1, 1], np.array([0, 2, 2]), np.array([True, False, True])):
        loss = (x[index] ** 2).sum()
        expected = tx.grad(lambda x, index=index: (x[index] ** 2).sum())(x.value)
        np.testing.assert_allclose(tx.derive(loss, x).result.value, expected)


def test_rounding_down_is_not_passed_over() -> None:
    x = tx.tensor([0.5, -1.5, 2.25], name="x")
    result = tx.derive((tx.astype(x, int) * x).sum(), x).result
    np.testing.assert_array_equal(result.value, [0, -1, 2])


def test_a_choice_between_positives_is_positive() -> None:
    """The sigmoid is composed of two forms; neither is ever zero."""
    z, y = tx.tensor([0.5, -1.0], name="z"), tx.tensor([0.0, 1.0], name="y")
    loss = tx.binary_cross_entropy(y, tx.sigmoid(z)).sum()
    derivation = tx.derive(loss, z)
    assert str(derivation.result) == "sigmoid(z) - y"
    assert derivation.assumptions == ()


@pytest.mark.parametrize("wrt", [None, [1.0], np.ones(3), tx.tensor(np.array([1, 2, 3]))])
def test_nothing_to_differentiate_with_respect_to(wrt: Any) -> None:
    x = tx.tensor([0.5, -1.0, 2.0], name="x")
    loss = (x * wrt).sum() if isinstance(wrt, tx.Tensor) else (x * x).sum()
    with pytest.raises(tx.DtypeError, match="no derivative with respect to"):
        tx.derive(loss, wrt)


def test_the_error_names_derive() -> None:
    x = tx.tensor([0.5, -1.0, 2.0], name="x")
    with pytest.raises(tx.GradientError, match=r"^derive: "):
        tx.derive(x * x, x)


def test_facts_about_what_is_no_tensor_or_has_no_such_axis() -> None:
    with pytest.raises(tx.DeriveError, match=r"assume: .*Tensor"):
        tx.Simplex(np.ones(3) / 3)
    with pytest.raises(tx.ShapeError, match="axis 3"):
        tx.Simplex(tx.tensor([0.5, 0.5]), axis=3)


# -- what is printed is what is meant -------------------------------------------------------------


def _outer() -> Any:
    x, a = tx.tensor([1.0, 2.0], name="x"), tx.tensor([[1.0, 2.0], [3.0, 5.0]], name="A")
    return x @ a @ x, a


def _stacked() -> Any:
    x, y = tx.tensor([1.0, 2.0], name="x"), tx.tensor([3.0, 5.0], name="y")
    return (tx.stack([x, y]) ** 2).sum(), x


def _picked() -> Any:
    x = tx.tensor([1.0, 2.0, 4.0], name="x")
    return (x[1:] * x[:-1]).sum(), x


def _rows() -> Any:
    a = tx.tensor(np.arange(6.0).reshape(2, 3), name="A")
    return ((a - a.mean(axis=1, keepdims=True)) ** 2).sum() / 7, a


def _squared_matrix() -> Any:
    a = tx.tensor([[1.0, 2.0], [3.0, 5.0]], name="A")
    return (a @ a).sum(), a


NUMPY = {k: getattr(np, k) for k in ("sum", "mean", "exp", "log", "concatenate", "sqrt")}


def scatter(x: Any, *index: Any) -> np.ndarray:
    """What `scatter(x, [1:])` in a text means for a vector of three."""
    out = np.zeros(3)
    out[index[0]] += x
    return out


@pytest.mark.parametrize("make", [_outer, _stacked, _rows, _squared_matrix])
def test_the_text_is_numpy_that_gives_the_gradient(make: Any) -> None:
    loss, wrt = make()
    d = tx.derive(loss, wrt)
    known = {n.name: n.value for n in tx.graph.toposort(loss) if n.name}
    known |= {
        name: eval(str(body), NUMPY | {"size": np.size}, known) for name, body in d.definitions
    }
    loss.backward()
    written = eval(str(d.result), dict(NUMPY), known)  # our own text, at the user's numbers
    np.testing.assert_allclose(np.broadcast_to(written, wrt.shape), wrt.grad)


def test_scattered_entries_say_where_they_go() -> None:
    loss, x = _picked()
    assert str(tx.derive(loss, x).result) == "scatter(x[1:], [:-1]) + scatter(x[:-1], [1:])"


def test_numbers_counted_by_the_walk_are_lengths_too() -> None:
    a = tx.tensor(np.ones((3, 4)), name="A")
    assert str(tx.derive((a - a.mean(axis=0)).sum(), a).result) == "0"


def test_a_denominator_that_may_be_zero_is_said() -> None:
    x = tx.tensor([1.0, 2.0], name="x")
    assert tx.derive(tx.where(x != 0, 1 / x, 0.0).sum(), x).assumptions == ("x != 0",)


def test_a_name_that_reads_as_a_formula_gets_brackets() -> None:
    x = tx.tensor([1.0, 2.0], name="a+b")
    assert str(tx.derive((x * x).sum(), x).result) == "2*(a+b)"


def test_a_deep_composition_comes_to_an_end() -> None:
    x = tx.tensor([0.1, 0.2], name="x")
    y = x
    for _ in range(7):
        y = tx.tanh(y)
    loss = y.sum()
    loss.backward()
    np.testing.assert_allclose(tx.derive(loss, x).result.value, x.grad)


def test_a_wrong_closed_form_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradients, "rebuilt", lambda run: np.zeros(4))
    z, p = logits()
    with pytest.raises(tx.DeriveError, match="not the gradient"):
        tx.derive(-(p * tx.log(naive_softmax(z))).sum(), z)


# -- caveats and assumptions ----------------------------------------------------------------------


def test_a_kink_is_said() -> None:
    x, y = drawn("x", 4), drawn("y", 4)
    assert tx.derive(abs(x - y).sum(), x).caveats == ("abs has no slope where x == y, 0 is taken",)
    assert "they share the slope" in tx.derive(tx.max(x) ** 2, x).caveats[0]
    assert tx.derive(tx.softmax_cross_entropy(x, 1), x).caveats == ()  # max behind stop_gradient
    assert tx.derive(tx.stop_gradient(abs(x)) @ x, x).caveats == ()


def test_the_branch_that_python_took_is_said() -> None:
    def loss(x: Any, y: Any) -> Any:
        return ((x - y) ** 2).sum() if x.sum() > -1e9 else abs(x - y).sum()

    derivation = tx.derive(loss, "x")
    assert str(derivation.result) == "2*(x - y)"
    (caveat,) = derivation.caveats
    assert caveat.startswith("holds for the branch taken, where sum(x) > ")
    assert caveat in derivation.footing
    assert tx.Derivation.from_json(derivation.json()) == derivation
    assert tx.derive(lambda x: (x * x).sum(), "x").caveats == ()


def test_that_no_shorter_form_was_found_is_said() -> None:
    a, t = drawn("a", 3), drawn("T", 3, 3)
    loss = tx.log((tx.exp(a) @ tx.exp(t)).sum())
    assert tx.derive(loss, a).caveats == ("no shorter form was found",)


def test_why_a_gradient_is_zero() -> None:
    x, y = drawn("x", 3), drawn("y", 3)
    for loss, reason in [
        ((x * x).sum(), "y does not occur in it"),
        ((x * tx.stop_gradient(y)).sum(), "only through what has no slope: stop_gradient(y)"),
        ((x * (y > 0)).sum(), "only through what has no slope: y > 0"),
    ]:
        with pytest.raises(tx.DeriveError) as caught:
            tx.derive(loss, y)
        assert reason in str(caught.value)


def test_symmetric_and_constant() -> None:
    x, a = drawn("x", 3), tx.tensor(np.eye(3) + 1, name="A")
    derivation = tx.derive(x @ a @ x, x, tx.Symmetric(a))
    assert str(derivation.result) == "2*(A @ x)"
    assert derivation.assumptions == ("A = A.T",)
    assert tx.derive((x * x).sum(), x, tx.Symmetric(a)).unused == ("A = A.T",)
    with pytest.raises(tx.DeriveError, match="square"):
        tx.Symmetric(drawn("B", 2, 3))
    target = tx.tanh(x).named("t")
    loss = ((x - target) ** 2).sum()
    assert str(tx.derive(loss, x, tx.Constant(target)).result) == "2*(x - t)"
    assert str(tx.derive(loss, x).result) != "2*(x - t)"


@pytest.mark.parametrize("facts", [["x > 0", "x < 0"], ["x > 0", "x <= 0"], ["sum(x)=1", "x < 0"]])
def test_assumptions_that_contradict_each_other(facts: list[str]) -> None:
    x = drawn("x", 3)
    with pytest.raises(tx.DeriveError, match="contradict"):
        tx.derive((x * x).sum(), x, facts)


def test_side_conditions_are_shown_with_their_reason() -> None:
    z, p = logits()
    shown = tx.derive(-(p * tx.log(naive_softmax(z))).sum(), z, p.sum() == 1).explained()
    assert (
        "A nonzero factor cancels. (softmax(z) != 0, because of what softmax(z) stands for)"
        in shown
    )
    assert "It sums to one. (assumed: sum(p) = 1)" in shown


def test_numbers_that_are_too_large_are_an_error_and_no_crash() -> None:
    x = drawn("x", 3)
    with np.errstate(all="ignore"):
        losses = (x.sum() * 1e300 * 1e300, (x * 1e200 * 1e200).sum())
    for loss in losses:
        with pytest.raises(tx.DeriveError, match="more than a float can hold"):
            tx.derive(loss, x)
