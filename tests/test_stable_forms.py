"""The code of a derivation keeps the digits that the formula it shows would lose."""

from __future__ import annotations

import inspect
import itertools
import json
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from gallery import GALLERY, naive_softmax
from test_rules import drawn, is_true
from test_weight import sides

import tinygrad_xent as tx
from tinygrad_xent.algebra import gradient_graph
from tinygrad_xent.algebra.computing import to_compute
from tinygrad_xent.algebra.computing.losing_digits import Exposure
from tinygrad_xent.algebra.facts.known import Facts
from tinygrad_xent.algebra.matching.kinds import Anything, Nonzero, Parts, Simplex
from tinygrad_xent.algebra.matching.rule import Rule, rule
from tinygrad_xent.algebra.matching.sums import AlongOf
from tinygrad_xent.algebra.presenting.certifying import sealed
from tinygrad_xent.algebra.rules import COMPUTING
from tinygrad_xent.graph import Tensor, toposort
from tinygrad_xent.numerics.precise import exactly

CLOSE, DIGITS = 2e-13, 1200
TAIL = 8.4967085105831777e-18  # 2e^-40 / (1 + 2e^-40)
SATURATED = [40.0, 0.0, 0.0]


def ran(derivation: Any, name: str, values: dict[str, Any]) -> Any:
    """What a function in the derivation's code gives."""
    space: dict[str, Any] = {}
    exec(compile(derivation.source(), "printed", "exec"), space)
    names = inspect.signature(space[name]).parameters
    with np.errstate(under="ignore"):
        return space[name](*(np.asarray(values[n], float)[()] for n in names))


def worst(computed: Any, exact: Any) -> float:
    """The largest relative error; what is too small for a float has none."""
    errors = [0.0]
    for x, y in zip(np.ravel(computed), np.ravel(exact), strict=True):
        true = mpmath.mpf(y)
        if not np.isfinite(float(true)):
            continue
        assert np.isfinite(x), (computed, exact)
        if abs(true) > 1e-290:
            errors.append(float(abs(mpmath.mpf(float(x)) - true) / abs(true)))
    return max(errors)


# -- the example ----------------------------------------------------------------------------------


def _losses() -> dict[str, Callable[[Any, Any], Any]]:
    return {
        "naive": lambda z, p: -(p * tx.log(naive_softmax(z))).sum(),
        "named": lambda z, p: -(p * tx.log(naive_softmax(z).named("q"))).sum(),
        "log_softmax": lambda z, p: -(p * tx.log_softmax(z)).sum(),
        "logsumexp": lambda z, p: tx.logsumexp(z) - p @ z,
        "library": lambda z, p: tx.softmax_cross_entropy(z, p),
        "labels": lambda z, p: tx.softmax_cross_entropy(z, 0),
        "data": lambda z, p: -(np.array([1.0, 0.0, 0.0]) * tx.log(tx.softmax(z))).sum(),
    }


@pytest.mark.parametrize("assume", ["one-hot", "simplex", "nothing"])
@pytest.mark.parametrize("name", _losses())
def test_a_saturated_cross_entropy_keeps_its_digits(name: str, assume: str) -> None:
    z, p = tx.tensor([0.3, 0.2, 0.1], name="z"), tx.tensor([1.0, 0.0, 0.0], name="p")
    loss = _losses()[name](z, p)
    known = {"one-hot": [tx.OneHot(p)], "simplex": [tx.Simplex(p)], "nothing": []}[assume]
    facts = known if any(n is p for n in toposort(loss)) else []
    values = {"z": SATURATED, "p": [1.0, 0.0, 0.0]}
    value, gradient = ran(tx.derive(loss, z, facts), "value_and_gradient", values)
    assert worst(value, TAIL) < CLOSE
    assert worst(gradient, [-TAIL, TAIL / 2, TAIL / 2]) < CLOSE
    hessian = ran(tx.derive(loss, z, facts, of="hessian"), "hessian", values)
    tiny = 1.8048513878454153e-35  # e^-80
    expected = [[TAIL, -TAIL / 2, -TAIL / 2], [-TAIL / 2, TAIL / 2, -tiny],
                [-TAIL / 2, -tiny, TAIL / 2]]  # fmt: skip
    assert worst(hessian, expected) < CLOSE
    product = ran(tx.derive(loss, z, facts, of="hvp"), "hvp", values | {"v": [1.0, 0.0, 0.0]})
    assert worst(product, [row[0] for row in expected]) < CLOSE


def test_the_step_is_named_and_certified() -> None:
    z, p = tx.tensor([0.3, 0.2, 0.1], name="z"), tx.tensor([1.0, 0.0, 0.0], name="p")
    d = tx.derive(_losses()["named"](z, p), z, tx.Simplex(p))
    assert str(d.result) == "q - p"
    value, gradient = d.computations
    assert (value.of, gradient.of) == ("value", "gradient")
    assert str(gradient.result) == "q*(1 - p) - others(q)*p"
    assert [s.rule for s in gradient.steps] == ["what sums to one"]
    assert "sum(q) = 1, because of what q stands for" in gradient.steps[0].because
    assert str(value.result) == "-sum(log_softmax(z)*p)"
    for told in (str(d), d.explained(), d.markdown().replace("&#42;", "*")):
        assert "q*(1 - p) - others(q)*p" in told
        assert "what sums to one" in told
    assert tx.Derivation.from_json(d.json()) == d
    claims = dict(tx.verify(d.certificate()).claims)
    assert claims["what sums to one"] == claims["log of softmax"] == ""


def test_the_page_tells_how_it_is_computed() -> None:
    from tinygrad_xent.drawing.page import page

    z, p = tx.tensor([0.3, 0.2, 0.1], name="z"), tx.tensor([1.0, 0.0, 0.0], name="p")
    html = page(tx.derive(_losses()["naive"](z, p), z, tx.Simplex(p)))
    assert "what sums to one" in html
    assert "the loss is computed as" in html


# -- one form at a time ---------------------------------------------------------------------------


def _softmax(z: list[Any]) -> list[Any]:
    total = mpmath.fsum(map(mpmath.exp, z))
    return [mpmath.exp(x) / total for x in z]


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


def _each(function: Callable[[Any], Any]) -> Callable[[list[Any]], list[Any]]:
    return lambda x: [function(a) for a in x]


FAR = [-800.0, -40.0, -1.0, -1e-9, 1e-9, 0.5, 40.0, 800.0]
NEAR = [1e-12, -1e-9, 1e-5, 0.1, 0.9]
ROWS = [[40.0, 0.0, 0.0], [800.0, -800.0, 0.0], [1e-3, 2e-3, -1e-3], [50.0, 50.0, 0.0],
        [1e4, -1e4, 9990.0], [-3.0, 2.0, 30.0]]  # fmt: skip
Form = tuple[Callable[[Any], Any], Callable[[list[Any]], list[Any]], list[list[float]]]
FORMS: dict[str, Form] = {
    "1 - q": (lambda z: 1 - tx.softmax(z), lambda z: [1 - q for q in _softmax(z)], ROWS),
    "q - 1": (lambda z: naive_softmax(z) - 1, lambda z: [q - 1 for q in _softmax(z)], ROWS),
    "q*(1 - q)": (
        lambda z: tx.softmax(z) * (1 - tx.softmax(z)),
        lambda z: [q * (1 - q) for q in _softmax(z)],
        ROWS,
    ),
    "log q": (
        lambda z: tx.log(naive_softmax(z)),
        lambda z: [x - mpmath.log(mpmath.fsum(map(mpmath.exp, z))) for x in z],
        ROWS,
    ),
    "log(1 - q)": (
        lambda z: tx.log(1 - tx.softmax(z)),
        lambda z: [
            mpmath.log(mpmath.fsum(mpmath.exp(y) for j, y in enumerate(z) if j != i))
            - mpmath.log(mpmath.fsum(map(mpmath.exp, z)))
            for i in range(len(z))
        ],
        ROWS[:-1],
    ),
    "q log q": (
        lambda z: tx.softmax(z) * tx.log(tx.softmax(z)),
        lambda z: [q * mpmath.log(q) for q in _softmax(z)],
        ROWS,
    ),
    "a - mean(a)": (
        lambda a: a - tx.mean(a),
        lambda a: [x - mpmath.fsum(a) / len(a) for x in a],
        [[1.0, 1.0 + 2e-15, 1.0 - 3e-15, 1.0], [1e8 + 1.5, 1e8, 1e8 + 0.25, 1e8]],
    ),
    "1 - sigmoid": (lambda x: 1 - tx.sigmoid(x), _each(lambda x: _sigmoid(-x)), [FAR]),
    "sigmoid - 1": (lambda x: 1 / (1 + tx.exp(-x)) - 1, _each(lambda x: -_sigmoid(-x)), [FAR]),
    "log sigmoid": (
        lambda x: tx.log(1 / (1 + tx.exp(-x))),
        _each(lambda x: -mpmath.log(1 + mpmath.exp(-x))),
        [FAR],
    ),
    "log(1 + exp)": (
        lambda x: tx.log(1 + tx.exp(x)), _each(lambda x: mpmath.log(1 + mpmath.exp(x))), [FAR],
    ),
    "log(1 - exp)": (
        lambda x: tx.log(1 - tx.exp(x)),
        _each(lambda x: mpmath.log(1 - mpmath.exp(x))),
        [[-800.0, -40.0, -1.0, -0.5, -1e-9]],
    ),
    "softplus - x": (
        lambda x: tx.softplus(x) - x, _each(lambda x: mpmath.log(1 + mpmath.exp(-x))), [FAR],
    ),
    "exp - 1": (lambda x: tx.exp(x) - 1, _each(lambda x: mpmath.exp(x) - 1), [NEAR]),
    "1 - exp": (lambda x: 1 - tx.exp(x), _each(lambda x: 1 - mpmath.exp(x)), [NEAR]),
    "log(1 + x)": (lambda x: tx.log(1 + x), _each(lambda x: mpmath.log(1 + x)), [NEAR]),
    "sqrt(1 + x) - 1": (
        lambda x: tx.sqrt(1 + x) - 1, _each(lambda x: mpmath.sqrt(1 + x) - 1), [NEAR],
    ),
    "1 - cos": (lambda x: 1 - tx.cos(x), _each(lambda x: 1 - mpmath.cos(x)), [NEAR]),
    "1 - tanh**2": (
        lambda x: 1 - tx.tanh(x) ** 2, _each(lambda x: 1 / mpmath.cosh(x) ** 2), [FAR[1:-1]],
    ),
    "1 - tanh": (lambda x: 1 - tx.tanh(x), _each(lambda x: 1 - mpmath.tanh(x)), [FAR[1:-1]]),
    "log cosh": (
        lambda x: tx.log((tx.exp(x) + tx.exp(-x)) / 2),
        _each(lambda x: mpmath.log(mpmath.cosh(x))),
        [FAR + NEAR[2:]],
    ),
    "log of two": (
        lambda x: tx.log(tx.exp(x) + tx.exp(2 * x)),
        _each(lambda x: mpmath.log(mpmath.exp(x) + mpmath.exp(2 * x))),
        [FAR],
    ),
    "1 - q**a": (
        lambda z: 1 - tx.softmax(z) ** 0.7,
        lambda z: [1 - q ** mpmath.mpf(0.7) for q in _softmax(z)],
        ROWS[:1] + ROWS[2:3],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_a_form_keeps_its_digits(name: str) -> None:
    make, reference, rows = FORMS[name]
    for row in rows:
        x = tx.tensor(np.full(len(row), -0.3) if "1 - exp)" in name else np.ones(len(row)), "x")
        v = tx.tensor(np.ones(len(row)), name="v")
        derivation = tx.derive((make(x) * v).sum(), v)  # whose gradient is the form itself
        got = ran(derivation, "gradient", {"x": row, "v": row})
        with mpmath.workdps(DIGITS):
            assert worst(got, reference([mpmath.mpf(a) for a in row])) < CLOSE, derivation.source()


# -- all losses -----------------------------------------------------------------------------------

SLOW = {"layer_norm_vjp", "two_layers"}  # their references, not their code
ILL = {  # ill-conditioned in their inputs; of a target without zeros
    "squared_sines", "hessian_vector_product_of_cross_entropy", "contrastive", "reverse_kl",
}  # fmt: skip


def _redrawn(leaf: Tensor, wrt: Tensor, scale: float, rng: np.random.Generator) -> Any:
    value = np.asarray(leaf.value)
    if value.ndim and (value >= 0).all() and np.allclose(value.sum(-1), 1):
        one = rng.integers(value.shape[-1], size=value.shape[:-1])
        return (np.arange(value.shape[-1]) == one[..., None]) * 1.0
    if leaf is wrt and leaf.name != "q":
        return (rng.normal(size=value.shape) * scale)[()]
    if leaf.name == "y":
        return (rng.random(value.shape) < 0.5) * 1.0
    return leaf.value


@pytest.mark.parametrize("name", sorted(GALLERY.keys() - SLOW - ILL))
def test_losses_keep_their_digits(name: str) -> None:
    loss, wrt, assume = GALLERY[name][0]()
    derivation = tx.derive(loss, wrt, assume)
    graph, rng = gradient_graph(loss, wrt), np.random.default_rng(1)
    leaves = [n for n in toposort(loss, wrt) if n.op is None and n.name]
    for scale in (1e-3, 1.0, 30.0, 300.0):
        for leaf in leaves:
            leaf._value = _redrawn(leaf, wrt, scale, rng)
        values = {n.name or "": n.value for n in leaves}
        value, gradient = ran(derivation, "value_and_gradient", values)
        with np.errstate(all="ignore"):
            (exact, slope), _ = exactly(loss, graph)
        assert worst(value, exact) < CLOSE, (scale, derivation.source())
        assert worst(np.broadcast_to(gradient, wrt.shape), slope) < CLOSE, (scale, values)


# -- rules ----------------------------------------------------------------------------------------


def _facts(r: Rule, before: Any) -> Facts:
    """That what a rule takes for distributions are such, and computed."""
    leaves = {n.name: n for n in toposort(before) if n.op is None}
    kinds = (Simplex, Nonzero)
    known = [leaves[k] for k, kind in r.kinds.items() if issubclass(kind, kinds) and k in leaves]
    facts = [(leaf, tx.Simplex(leaf)) for leaf in known]
    return Facts(facts, {id(leaf): leaf for leaf in known})


@pytest.mark.parametrize("r", COMPUTING, ids=lambda r: r.name)
def test_every_rule_lowers_the_exposure(r: Rule) -> None:
    lowered = 0
    for seed in range(10):
        before, after = sides(r, seed, expanded=False)
        weight = Exposure(_facts(r, before))
        lowered += weight(after) < weight(before)
        assert all(n >= 0 for n in weight(after))
    free = {"what sums to one", "other side of sigmoid"}  # any factor c is nothing to be afraid of
    assert lowered == (0 if r.name in free else 10)


def test_a_difference_from_what_sums_to_one_is_exposed() -> None:
    q, p = tx.tensor([0.4, 0.6], name="q"), tx.tensor([0.0, 1.0], name="p")
    weight = Exposure(Facts([(q, tx.Simplex(q))], {id(q): q}))
    assert weight(q - p) > weight(q * (1 - p) - p * tx.others(q))
    assert weight(q - 1) > weight(-tx.others(q))


def _wrong() -> list[Rule]:
    @rule
    def others_forgotten(along: AlongOf, q: Parts, p: Anything):  # type: ignore[no-untyped-def]
        "The rest is missing."
        return q + p, q * (1 + p)

    @rule
    def wrong_sign(along: AlongOf, q: Parts, p: Anything):  # type: ignore[no-untyped-def]
        "The sign is wrong."
        return q + p, q * (1 + p) - p * along.others(q)

    return [others_forgotten, wrong_sign]


@pytest.mark.parametrize("r", _wrong(), ids=lambda r: r.name)
def test_a_wrong_rule_is_caught_by_its_own_test(r: Rule) -> None:
    assert not all(is_true(r, r.kinds, seed) for seed in range(20))
    assert drawn(r.kinds, 0).keys() == r.kinds.keys()


@pytest.mark.parametrize("r", _wrong(), ids=lambda r: r.name)
def test_a_wrong_rule_never_reaches_the_code(r: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(to_compute, "COMPUTING", (r,))
    falling = itertools.count(0, -1)
    monkeypatch.setattr(to_compute, "Exposure", lambda facts: lambda term: (next(falling),))
    z, p = tx.tensor([0.3, 0.2, 0.1], name="z"), tx.tensor([1.0, 0.0, 0.0], name="p")
    with pytest.raises(tx.DeriveError, match="changed the value"):
        tx.derive(_losses()["naive"](z, p), z, tx.Simplex(p))


@pytest.mark.parametrize("form", [0, 1])
def test_a_wrong_form_is_rejected_by_the_checker(form: int) -> None:
    z, p = tx.tensor([0.3, 0.2, 0.1], name="z"), tx.tensor([1.0, 0.0, 0.0], name="p")
    data = json.loads(tx.derive(_losses()["named"](z, p), z, tx.Simplex(p)).certificate())
    assert tx.verify(sealed(data))
    line = data["forms"][form]["lines"][-1]
    scalar = next(n for n in data["nodes"] if n["shape"] == [] and n.get("op") == "sum")
    line["node"] = data["wrt"] if form else data["nodes"].index(scalar)
    assert not tx.verify(sealed(data))


def test_a_form_of_something_else_is_no_certificate() -> None:
    z, p = tx.tensor([0.3, 0.2, 0.1], name="z"), tx.tensor([1.0, 0.0, 0.0], name="p")
    data = json.loads(tx.derive(_losses()["named"](z, p), z, tx.Simplex(p)).certificate())
    data["forms"][0]["of"] = data["wrt"]
    with pytest.raises(tx.CertificateError, match="not of the loss"):
        tx.verify(sealed(data))
