"""Certificates: all that are right are verified, all that were tampered with are rejected."""

from __future__ import annotations

import ast
import importlib
import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy
from gallery import GALLERY, logits, naive_softmax
from oracle import TABLE

import tinygrad_xent as tx
from tinygrad_xent.algebra.attempts import run
from tinygrad_xent.algebra.deriving import gradients
from tinygrad_xent.algebra.matching.kinds import Anything
from tinygrad_xent.algebra.matching.rule import rule
from tinygrad_xent.algebra.presenting.certifying import _COMPOSED, FORMAT, Table, sealed, statement
from tinygrad_xent.algebra.rewriting import rewrite
from tinygrad_xent.algebra.terms.calls import CALLS
from tinygrad_xent.checking import exact
from tinygrad_xent.graph import PRIMITIVES
from tinygrad_xent.ops.settling import SETTLING

CASES = sorted(GALLERY)
verify_module = importlib.import_module("tinygrad_xent.checking.verify")
Data = dict[str, Any]


@cache
def page(name: str) -> str:
    loss, wrt, assume = GALLERY[name][0]()
    return tx.derive(loss, wrt, assume).certificate()


def certificate(name: str) -> Data:
    data: Data = json.loads(page(name))
    return data


def accepted(data: Data) -> bool:
    """Whether what somebody changed and sealed again passes for a certificate."""
    try:
        return bool(tx.verify(sealed(data)))
    except tx.CertificateError:
        return False


# -- an oracle: the lines of a certificate in floating point --------------------------------------


def is_true(data: Data) -> bool:
    """Whether all lines are the loss's numerical gradient, at some random values."""
    for seed in range(4):
        variables = draw(data, np.random.default_rng(seed))
        lines = [line["node"] for line in data["lines"]]
        try:
            values = evaluated(data, variables)
            gradient = central_differences(data, variables)
            if not all(np.allclose(values[i], gradient, rtol=1e-4, atol=1e-6) for i in lines):
                return False
        except (ValueError, TypeError, IndexError):
            return False
    return True


def draw(data: Data, rng: np.random.Generator) -> dict[int, Any]:
    kinds = {f["of"]: f["kind"] for f in data["facts"]}
    variables: dict[int, Any] = {}
    for i, node in enumerate(data["nodes"]):
        if not node.keys() & {"op", "data"}:
            drawn = rng.uniform(0.2, 1, node["shape"])
            signed = drawn * rng.choice([-1, 1], node["shape"])
            variables[i] = drawn if i in kinds or node["name"] in "sTqp" else signed
            if kinds.get(i) in ("Simplex", "SumsToOne"):
                variables[i] = drawn / drawn.sum(-1, keepdims=True)
    return variables


def central_differences(data: Data, variables: dict[int, Any], h: float = 1e-6) -> Any:
    at, fixed = np.asarray(variables[data["wrt"]]), evaluated(data, variables)
    stopped = [i for i, n in enumerate(data["nodes"]) if n.get("op") == "stop_gradient"]
    variables = variables | {i: fixed[i] for i in stopped}
    gradient = np.zeros(at.shape)
    for i in np.ndindex(at.shape):
        ends = []
        for step in (h, -h):
            moved = at.copy()
            moved[i] += step
            ends.append(evaluated(data, variables | {data["wrt"]: moved})[data["loss"]])
        gradient[i] = (ends[0] - ends[1]).item() / (2 * h)
    return gradient


def evaluated(data: Data, variables: dict[int, Any]) -> list[Any]:
    values: list[Any] = []
    with np.errstate(all="ignore"):
        for i, node in enumerate(data["nodes"]):
            values.append(variables[i] if i in variables else value_of(node, values))
    return values


def value_of(node: Data, values: list[Any]) -> Any:
    if "data" in node:
        return floats(node["data"])
    op = CALLS.get(node["op"]) or PRIMITIVES[node["op"]]
    args = [values[a["node"]] if isinstance(a, dict) and "node" in a else a for a in node["args"]]
    args = [floats(a["data"]) if isinstance(a, dict) else floats(a) for a in args]
    return op.array(*args, **_tuples(node["params"]))


def floats(data: Any) -> Any:
    """Data as an array, in which infinity is a word."""
    data = np.asarray(data)
    return data.astype(float) if data.dtype.kind == "U" else data[()]


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tuples(v) for key, v in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


# -- tampering ------------------------------------------------------------------------------------

OTHERS = {"add": "sub", "sub": "add", "mul": "div", "div": "mul", "exp": "log", "log": "exp",
          "sin": "cos", "cos": "sin", "max": "sum", "equal": "greater", "tanh": "exp",
          "softmax": "sigmoid", "sigmoid": "tanh", "sign": "abs", "abs": "sign"}  # fmt: skip


def tamper(data: Data, rng: random.Random) -> str:
    """Change one thing in a node; says what."""
    nodes = data["nodes"]
    i, node = rng.choice([(i, n) for i, n in enumerate(nodes) if "op" in n])
    done = rng.choice([_operation, _number, _order, _dropped, _other, _axis])(nodes, i, node, rng)
    return f"node {i}: {done}" if done else tamper(data, rng)


def _operation(nodes: list[Data], i: int, node: Data, rng: random.Random) -> str:
    node["op"], was = OTHERS.get(node["op"], node["op"]), node["op"]
    return f"{was} is {node['op']}" if was != node["op"] else ""


def _number(nodes: list[Data], i: int, node: Data, rng: random.Random) -> str:
    places = [k for k, a in enumerate(node["args"]) if isinstance(a, (int, float))]
    for k in places[:1]:
        node["args"][k] = rng.choice([-node["args"][k], node["args"][k] + 1, 1e-9])
    return f"a number is {node['args'][places[0]]}" if places else ""


def _order(nodes: list[Data], i: int, node: Data, rng: random.Random) -> str:
    if node["op"] in ("sub", "div", "power", "matmul"):
        node["args"].reverse()
        return "arguments change places"
    return ""


def _dropped(nodes: list[Data], i: int, node: Data, rng: random.Random) -> str:
    if node["op"] in ("add", "sub", "mul"):
        node["args"][rng.randrange(2)] = 0 if node["op"] != "mul" else 1
        return "an argument is dropped"
    return ""


def _other(nodes: list[Data], i: int, node: Data, rng: random.Random) -> str:
    k = rng.randrange(len(node["args"]))
    if not isinstance(node["args"][k], dict) or "node" not in node["args"][k]:
        return ""
    now = node["args"][k]["node"]
    same = [j for j in range(i) if j != now and nodes[j]["shape"] == nodes[now]["shape"]]
    if same:
        node["args"][k] = {"node": rng.choice(same)}
    return f"argument {k} is node {node['args'][k]['node']}" if same else ""


def _axis(nodes: list[Data], i: int, node: Data, rng: random.Random) -> str:
    if node["op"] == "sum" and len(nodes[node["args"][0]["node"]]["shape"]) > 1:
        node["params"]["axis"] = [0] if node["params"]["axis"] != [0] else [1]
        return "another axis"
    return ""


# -- what is right --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_the_gallery_is_verified(name: str) -> None:
    verification = tx.verify(page(name))
    assert verification, str(verification)
    assert verification.claims[0][0] == "the first line is the derivative"


def test_many_roots_are_known_together_if_only_seldom() -> None:
    x, g = tx.tensor(np.ones((6, 4)), name="x"), tx.tensor(np.ones((6, 4)), name="g")
    s = tx.sqrt((x**2).mean(axis=0) + 1e-5)
    assert tx.verify(tx.derive((g * x / s).sum(), x).certificate())


def test_a_derivation_from_json_has_the_same_certificate() -> None:
    loss, wrt, assume = GALLERY["cross_entropy_named"][0]()
    d = tx.derive(loss, wrt, assume)
    assert tx.Derivation.from_json(d.json()).certificate() == d.certificate()


def test_the_statement_is_read_from_what_was_checked() -> None:
    z, p = logits()
    loss = -(p * tx.log(naive_softmax(z).named("q"))).sum()
    said = statement(tx.derive(loss, z, tx.Simplex(p)).certificate())
    assert "d loss / d z = q - p" in said
    assert "holds where sum(p) = 1" in said
    assert "where q = exp(z)/sum(exp(z)" in said


def test_what_was_checked_is_listed_with_its_shapes() -> None:
    shown = str(tx.verify(page("squared_error")))
    assert shown.splitlines()[-1] == "verified at the shapes x (), y ()"


# -- what is wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_tampering_with_nodes_is_noticed(name: str) -> None:
    """Unless it gives another true statement: x + 0, or the same of another loss."""
    given, rng = certificate(name), random.Random(name)
    assert is_true(given)
    for _ in range(2):
        data = given
        while is_true(data):
            data = certificate(name)
            done = tamper(data, rng)
        assert not accepted(data), done


@pytest.mark.parametrize("name", ["cross_entropy_named", "layer_norm_vjp", "norm"])
def test_tampering_with_the_chain_is_noticed(name: str) -> None:
    given = certificate(name) | {"forms": []}  # which follow the last line
    lines, loss = given["lines"], given["nodes"][given["loss"]]
    half = {"op": "mul", "args": [{"node": lines[-1]["node"]}, 0.5], "params": {}}
    nodes = [*given["nodes"], half | {"shape": given["nodes"][given["wrt"]]["shape"]}]
    wrong = {"rule": "half of it", "used": [], "node": len(nodes) - 1}
    assert accepted(given)
    assert not accepted(given | {"nodes": nodes, "lines": [*lines, wrong]})
    assert not accepted(given | {"nodes": nodes, "lines": [wrong, *lines]})
    assert not accepted(given | {"nodes": nodes, "lines": [lines[0], wrong, *lines[1:]]})
    assert not accepted(given | {"lines": []})
    assert not accepted(given | {"lines": [*lines, lines[0] | {"node": given["wrt"]}]})
    assert not accepted(given | {"loss": loss["args"][0]["node"]})


def changes(value: Any) -> Any:
    """Every way to change one number, word or entry of a JSON value."""
    if isinstance(value, dict):
        for key in value:
            yield {k: v for k, v in value.items() if k != key}
            yield from (value | {key: new} for new in changes(value[key]))
    elif isinstance(value, list):
        for i in range(len(value)):
            yield value[:i] + value[i + 1 :]
            yield from ([*value[:i], new, *value[i + 1 :]] for new in changes(value[i]))
    else:
        yield value + 1 if isinstance(value, (int, float)) else value + "'"


def test_every_change_breaks_the_seal() -> None:
    """Also one that gives another true statement, or another name for a rule."""
    given = certificate("squared_error")
    changed = list(changes(given))
    assert len(changed) > 90
    for data in changed:
        assert not verified(json.dumps(data)), data


def verified(text: str) -> bool:
    try:
        return bool(tx.verify(text))
    except tx.CertificateError:
        return False


def test_the_seal_is_a_claim_of_its_own() -> None:
    given = certificate("cross_entropy_shifted")
    given["lines"][1]["rule"] = "another name"
    found = tx.verify(json.dumps(given))
    assert [claim for claim, problem in found.claims if problem] == [verify_module.SEAL]
    assert accepted(given)


def test_spaces_and_the_order_of_keys_mean_nothing() -> None:
    assert tx.verify(json.dumps(certificate("norm"), indent=2, sort_keys=True))


@pytest.mark.parametrize("name", ["cross_entropy_naive", "kl_divergence", "norm", "two_layers"])
def test_an_assumption_that_is_needed_may_not_be_dropped(name: str) -> None:
    given = certificate(name)
    assert given["facts"]
    assert not accepted(given | {"facts": []})


def test_a_definition_may_not_be_changed() -> None:
    given = certificate("cross_entropy_named")
    node = next(n for n in given["nodes"] if n.get("name") == "q")
    node["op"] = "mul"
    assert not accepted(given)


@pytest.mark.parametrize("name", ["quartic", "norm", "softmax_vjp", "linear_layer_bias"])
def test_the_derivative_of_another_loss_is_noticed(name: str) -> None:
    given = certificate(name)
    nodes, n = given["nodes"], len(given["nodes"])
    every = list(range(len(nodes[given["wrt"]]["shape"])))
    params = {"axis": every, "keepdims": False}
    total = {"op": "sum", "args": [{"node": given["wrt"]}], "params": params, "shape": []}
    loss = {"op": "add", "args": [{"node": given["loss"]}, {"node": n}], "params": {}, "shape": []}
    data = given | {"nodes": [*nodes, total, loss], "loss": n + 1, "forms": []}
    first, *others = tx.verify(sealed(data)).claims
    assert first[1]
    assert not any(problem for _, problem in others)


def step(before: Any, after: Any, facts: tuple[str, ...] = ()) -> Any:
    """A certificate of a step from one graph of x to another, with facts about x."""
    table = Table()
    i, j = table.add(before), table.add(after)
    loss, x = table.add(before.sum()), table.names["x"]
    return {"format": FORMAT, "nodes": table.nodes, "loss": loss, "wrt": x, "lengths": {},
            "facts": [{"kind": kind, "of": x, "axis": -1} for kind in facts],
            "lines": [{"rule": rule, "used": [], "node": k}
                      for rule, k in (("before", i), ("the step", j))]}  # fmt: skip


def accepted_step(data: Data) -> bool:
    return not dict(tx.verify(sealed(data)).claims)["the step"]


def step_holds(before: Any, after: Any, *facts: str) -> bool:
    """Whether a step is accepted that leads from one graph of x to another."""
    return accepted_step(step(before, after, facts))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (lambda x: tx.log(tx.exp(x)), lambda x: x),
        (lambda x: tx.exp(tx.log(x)), lambda x: x),
        (lambda x: tx.exp(x) * tx.exp(x), lambda x: tx.exp(2 * x)),
        (lambda x: tx.log(tx.exp(x) * (1 + tx.exp(x))), lambda x: x + tx.log(1 + tx.exp(x))),
        (lambda x: tx.tanh(x), lambda x: 2 * tx.sigmoid(2 * x) - 1),
        (lambda x: tx.sin(x) ** 2 + tx.cos(x) ** 2, lambda x: x * 0 + 1),
        (lambda x: tx.sqrt(1 + x * x) ** 3 / (1 + x * x), lambda x: tx.sqrt(1 + x * x)),
        (lambda x: tx.maximum(x, 0), lambda x: (x + tx.abs(x)) / 2),
        (lambda x: tx.where(x > 0, tx.exp(-x), tx.exp(x)), lambda x: tx.exp(-tx.abs(x))),
        (lambda x: x / x, lambda x: x * 0 + 1),  # equal wherever x/x has a value
        (lambda x: np.pi * x / 3 + np.pi * x / 6, lambda x: np.pi * x / 2),
        (lambda x: tx.sqrt(x * x), lambda x: tx.abs(x)),
        (lambda x: tx.abs(x), lambda x: x * tx.sign(x)),
        (lambda x: tx.abs(x) ** 3, lambda x: tx.sqrt(x * x) * x * x),
        (lambda x: 0.1 * x + 0.2 * x, lambda x: 0.3 * x),
        (lambda x: x * (1 / 3), lambda x: x / 3),
        (lambda x: 1e300 * x / 1e300, lambda x: x),
        (lambda x: x * 1e-12 * 1e12, lambda x: x),
        (
            lambda x: np.float64(np.float32(0.1)) * x * 2,
            lambda x: 2 * np.float64(np.float32(0.1)) * x,
        ),
        (lambda x: tx.where(x == 0, np.inf, x) * 0 + 1, lambda x: 1 + 0 * x),
        (lambda x: 1 / tx.where(x > 0, np.inf, 1.0), lambda x: tx.where(x > 0, 0.0, 1.0)),
        (lambda x: tx.exp(tx.where(x > 0, -np.inf, x)), lambda x: tx.where(x > 0, 0.0, tx.exp(x))),
        (lambda x: tx.exp(tx.exp(x)) * tx.exp(-tx.exp(x)), lambda x: 0 * x + 1),
        (lambda x: 2.0**x * 2.0**x, lambda x: 4.0**x),
    ],
)
def test_steps_that_are_right(before: Any, after: Any) -> None:
    x = tx.tensor([0.4, 0.3], name="x")
    assert step_holds(before(x), after(x))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (lambda x: tx.sqrt(x * x), lambda x: x),  # wrong where x < 0
        (lambda x: tx.sign(x) ** 2, lambda x: x * 0 + 1),  # wrong at 0
        (lambda x: x * 0 + 1, lambda x: x / x),  # 0 is lost
        (lambda x: tx.log(x * x), lambda x: 2 * tx.log(x)),  # what is negative is lost
        (lambda x: tx.exp(x), lambda x: 1 + x + x**2 / 2 + x**3 / 6),
        (lambda x: x + 1e-12, lambda x: x),
        (lambda x: x, lambda x: x * 1.0000000001),
        (lambda x: x**8, lambda x: x**6),
        (lambda x: tx.exp(3.14159 * x), lambda x: tx.exp(np.pi * x)),
        (lambda x: tx.maximum(x, 0), lambda x: x * (x > 0) + (x == 0) * 1),  # wrong at the kink
        (lambda x: tx.sign(x), lambda x: 2 * (x > 0) - 1),  # wrong at 0
        (lambda x: (x >= x[::-1]) * 1.0, lambda x: (x > x[::-1]) * 1.0),  # wrong at a tie
        (lambda x: (x * x) ** 1.5, lambda x: x**3),
        (lambda x: tx.sqrt(x) * 1e-13, lambda x: tx.sqrt(x) * 2e-13),
        (lambda x: x * 0.333333333333, lambda x: x / 3),
        (lambda x: x / 1e300, lambda x: x / 2e300),
        (lambda x: tx.stop_gradient(x) * x, lambda x: x * x + 1e-30),
        (lambda x: x * np.float64(np.float32(0.1)), lambda x: x * 0.1),
        (lambda x: tx.abs(x), lambda x: x),
    ],
)
def test_steps_that_are_wrong_somewhere(before: Any, after: Any) -> None:
    x = tx.tensor([0.4, 0.3], name="x")
    assert not step_holds(before(x), after(x))


def test_a_rule_that_is_wrong_for_some_values_does_not_get_a_certificate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @rule
    def root_of_square(x: Anything):  # type: ignore[no-untyped-def]
        "The root of a square."
        return tx.sqrt(x * x), x

    monkeypatch.setattr(gradients, "SHRINKING", (root_of_square, *gradients.SHRINKING))
    monkeypatch.setattr(rewrite, "check", lambda *_: None)
    monkeypatch.setattr(run, "check", lambda *_: None)
    x = tx.tensor(0.7, name="x")
    d = tx.derive(tx.sqrt(x * x) * x, x)
    assert "root of square" in [step.rule for step in d.steps]
    assert not tx.verify(d.certificate())


# -- what is no certificate -----------------------------------------------------------------------


def changed(key: str, value: Any) -> str:
    return sealed(certificate("squared_error") | {key: value})


LEAF = {"shape": [], "name": "x"}
EXP = {"shape": [], "op": "exp", "args": [1], "params": {}}
SUM = {"shape": [], "op": "sum", "args": [1], "params": {"axis": [5], "keepdims": 0}}


def nodes(*more: Any) -> str:
    return changed("nodes", [*certificate("squared_error")["nodes"], *more])


@pytest.mark.parametrize(
    "text",
    [
        "", "{}", "[]", "null", "7", "nonsense", "[" * 100_000, '{"a":' * 100_000,
        '{"format": 1}', "1" * 5000, " " * 10**7 + "{}", '"\\ud800"', "\ud800", "\0",
        changed("format", "another"), changed("nodes", []), changed("nodes", 5),
        changed("nodes", [LEAF] * 2), changed("loss", 10**6), changed("loss", -1),
        changed("loss", True), changed("wrt", "x"), changed("lines", None), changed("lines", [1]),
        changed("lengths", {"n": "m"}), changed("lengths", []), changed("facts", [1]),
        changed("facts", [{"kind": "True", "of": 0, "axis": 0}]),
        changed("facts", [{"kind": "Simplex", "of": 0, "axis": "os"}]),
        nodes({"shape": [-1], "name": "n"}), nodes({"shape": [10**9], "name": "n"}),
        nodes({"shape": [0], "name": "n"}), nodes({"shape": [1] * 99, "name": "n"}),
        nodes({"shape": [1.5], "name": "n"}), nodes({"shape": "abc", "name": "n"}),
        nodes({"shape": [2], "data": {"a": 1}}), nodes({"shape": [], "data": "__import__('os')"}),
        nodes({"shape": [2], "data": [1]}), nodes({"shape": [2], "data": [[1], 2]}),
        nodes({"shape": [], "name": ["n"]}), nodes({"shape": []}), nodes(None), nodes([]),
        nodes({"shape": [], "op": "add", "args": [{"node": 99}, 1], "params": {}}),
        nodes({"shape": [], "op": "add", "args": [{"node": -1}, 1], "params": {}}),
        nodes({"shape": [], "op": "add", "args": [1], "params": {}}),
        nodes(EXP | {"op": "system"}), nodes(EXP | {"op": "__init__"}), nodes(EXP | {"op": []}),
        nodes(EXP | {"params": {"out": 1}}), nodes(EXP | {"params": {"where": False}}),
        nodes(EXP | {"params": {"dtype": "object"}}), nodes(EXP | {"shape": [2]}),
        nodes({"shape": [9], "op": "broadcast_to", "args": [1], "params": {"shape": [10**12]}}),
        nodes({**EXP, "op": "scatter", "params": {"shape": [10**9], "index": []}}),
        nodes({"shape": [9], "op": "reshape", "args": [1], "params": {"shape": ["a"]}}),
        nodes({"shape": [], "op": "astype", "args": [1.5], "params": {"dtype": "int64"}}),
        nodes(SUM), nodes({**EXP, "op": "getitem", "params": {"index": [["eval", "1"]]}}),
        nodes({"shape": [], "data": 1}).replace('"data": 1}', '"data": ' + "9" * 5000 + "}"),
        nodes({"shape": [], "data": 1}).replace('"data": 1}', '"data": NaN}'),
        nodes({"shape": [], "data": 1}).replace('"data": 1}', '"data": -Infinity}'),
        nodes({"shape": [], "data": 1}).replace('"data": 1}', '"data": 1e999}'),
    ],
)  # fmt: skip
def test_hostile_text_is_refused(text: str) -> None:
    with pytest.raises(tx.CertificateError, match="not a certificate"):
        tx.verify(text)


@pytest.mark.parametrize("given", [None, 7, [], {}])
def test_what_is_no_text_is_refused(given: Any) -> None:
    with pytest.raises(tx.CertificateError, match="not a certificate"):
        tx.verify(given)


def test_what_would_take_too_long_is_refused_soon() -> None:
    """Each node is small; what they ask for is not."""
    wide, tall = {"shape": [1, 4000], "name": "a"}, {"shape": [4000, 1], "name": "b"}
    end = len(certificate("squared_error")["nodes"])
    args = [{"node": end}, {"node": end + 1}]
    both = {"shape": [], "op": "add", "args": args, "params": {}}
    with pytest.raises(tx.CertificateError, match="too long"):
        tx.verify(nodes(wide, tall, both))
    with pytest.raises(tx.CertificateError, match="too long"):
        tx.verify(nodes(wide, tall, both | {"op": "matmul", "args": args[::-1]}))


JUNK = [None, True, -1, 0, 3, 10**30, 0.5, "", "x", "exp", [], [0], [[]], {}, {"node": 0}]


def mutated(value: Any, rng: random.Random) -> Any:
    """A JSON value with one thing changed somewhere in it."""
    if rng.random() < 0.1 or not isinstance(value, (dict, list)) or not value:
        return rng.choice(JUNK)
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key, copied = rng.choice(keys), value.copy()
    if rng.random() < 0.1:
        del copied[key]
    else:
        copied[key] = mutated(value[key], rng)
    return copied


@pytest.mark.parametrize("name", ["squared_error", "cross_entropy_with_a_label", "multi_label"])
def test_no_mutation_crashes_the_checker_or_passes(name: str) -> None:
    given, rng = certificate(name), random.Random(name)
    for _ in range(100):
        data = mutated(given, rng)
        if data != given:
            assert not verified(json.dumps(data))
        if isinstance(data, dict):
            accepted(data)  # raises nothing else


def test_assumptions_that_contradict_each_other_prove_nothing() -> None:
    given = certificate("squared_error")
    x = given["wrt"]
    minus = {"op": "neg", "args": [{"node": x}], "params": {}, "shape": []}
    both = [{"kind": "Positive", "of": i, "axis": -1} for i in (x, len(given["nodes"]))]
    verification = tx.verify(sealed(given | {"nodes": [*given["nodes"], minus], "facts": both}))
    assert not verification
    assert all(problem.startswith("not checked") for _, problem in verification.claims[:-1])


def test_a_line_has_the_shape_of_the_variable() -> None:
    """Two halves add up to the derivative, but are not the derivative."""
    given = certificate("squared_error")
    line, end = given["lines"][-1]["node"], len(given["nodes"])
    half = {"op": "mul", "args": [{"node": line}, 0.5], "params": {}, "shape": []}
    twice = {"op": "broadcast_to", "args": [{"node": end}], "params": {"shape": [2]}, "shape": [2]}
    lines = [{"rule": "", "used": [], "node": end + 1}]
    assert not accepted(given | {"nodes": [*given["nodes"], half, twice], "lines": lines})


@pytest.mark.parametrize(
    ("fact", "before", "after", "right"),
    [
        ("Positive", lambda x: tx.abs(x), lambda x: x, True),
        ("Nonzero", lambda x: tx.abs(x), lambda x: x, False),
        ("Nonzero", lambda x: tx.sign(x) ** 2, lambda x: 1 + 0 * x, True),
        ("SumsToOne", lambda x: x * x.sum(), lambda x: x, True),
        ("SumsToOne", lambda x: tx.abs(x), lambda x: x, False),
        ("Simplex", lambda x: tx.abs(x) * x.sum(), lambda x: x, True),
        ("Simplex", lambda x: tx.sign(x), lambda x: 1 + 0 * x, False),
        ("Simplex", lambda x: x * x, lambda x: x, False),
        ("OneHot", lambda x: x * x * x.sum(), lambda x: x, True),
        ("OneHot", lambda x: x * x[::-1], lambda x: x, False),
        ("Positive", lambda x: tx.log(x * x), lambda x: 2 * tx.log(x), True),
    ],
)
def test_what_facts_allow(fact: str, before: Any, after: Any, right: bool) -> None:
    x = tx.tensor([0.4, 0.3, 0.3], name="x")
    assert step_holds(before(x), after(x), fact) == right


def test_one_name_for_two_things_gets_no_certificate() -> None:
    table = Table()
    table.add(tx.tensor(1.0, name="x") + 1)
    with pytest.raises(tx.DeriveError, match="named x"):
        table.add(tx.tensor([1.0, 2.0], name="x") + 1)


def test_a_simplified_value_has_no_certificate() -> None:
    x = tx.tensor(1.0, name="x")
    d = tx.derive(x * x, x)
    with pytest.raises(tx.DeriveError, match="loss"):
        tx.Derivation(d.title, d.start, d.steps, d.result).certificate()


# -- lengths --------------------------------------------------------------------------------------


def test_the_lengths_that_the_loss_leaves_open_are_tried_at_others() -> None:
    found = tx.verify(page("multi_label"))
    assert found.lengths == (("n", (3, 4)),)
    assert str(found).endswith("verified at the shapes z (n), y (n) with n = 3 and 4")


def test_what_holds_at_one_length_only_is_rejected() -> None:
    given = certificate("multi_label")
    result = given["nodes"][given["lines"][-1]["node"]]
    assert result["op"] == "div"
    result["args"][1] = 3
    assert not accepted(given)
    assert accepted(given | {"lengths": {}})


def test_used_side_conditions_are_in_the_certificate() -> None:
    used = [
        condition for line in certificate("kl_divergence")["lines"] for condition in line["used"]
    ]
    assert "sum(p) = 1" in used
    assert "as sum(p) = 1: holds" in str(tx.verify(page("kl_divergence")))


# -- every operation ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(TABLE.keys() - SETTLING))
def test_every_operation_has_its_meaning(name: str) -> None:
    """The slope of sum(w*f(x)) by w is f(x), and that by x is what the engine says."""
    for draw in TABLE[name].sample:
        args, params = draw(np.random.default_rng(0))
        if TABLE[name].elementwise:  # few entries: of many roots one has no exact value
            few = (slice(1), slice(2))
            args = tuple(np.asarray(a)[few[2 - np.ndim(a) :]] for a in args)
        leaves = [tx.tensor(a, name=f"x{i}") if np.asarray(a).dtype.kind == "f" else a
                  for i, a in enumerate(args)]  # fmt: skip
        out = TABLE[name](*leaves, **params) * 1.0
        w = tx.tensor(np.ones(np.shape(out)), name="w")
        for wrt in [w, *(x for x in leaves if isinstance(x, tx.Tensor))]:
            loss = (w * out).sum()
            if wrt is w or depends(loss, wrt):
                line = tx.gradient_graph(loss, wrt)
                assert all(first_line(loss, wrt, line, line)), name
                assert first_line(loss, wrt, line, line + 1e-9) == [True, False], name
                assert first_line(loss, wrt, line + 1e-9, line) == [False, False], name


def depends(loss: Any, wrt: Any) -> bool:
    try:
        return bool(tx.gradient_graph(loss, wrt) is not None)
    except tx.DeriveError:
        return False


def first_line(loss: Any, wrt: Any, *lines: Any) -> list[bool]:
    """Whether lines are accepted, the first of which should be the loss's derivative."""
    table = Table()
    given = {"format": FORMAT, "loss": table.add(loss), "lengths": {}, "facts": []}
    said = [{"rule": "", "used": [], "node": table.add(line)} for line in lines]
    data = given | {"wrt": table.names[wrt.name], "lines": said, "nodes": table.nodes}
    return [not problem for _, problem in tx.verify(sealed(data)).claims[:-1]]


def code_lines(module: Any) -> int:
    """Lines that are neither blank, comments nor documentation."""
    source = Path(module.__file__ or "").read_text(encoding="utf-8")
    said = set()
    for n in ast.walk(ast.parse(source)):
        if isinstance(n, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(n):
            said |= set(range(n.body[0].lineno, (n.body[0].end_lineno or 0) + 1))
    lines = enumerate(source.splitlines(), 1)
    return sum(1 for i, line in lines if i not in said and line.strip()[:1] not in ("", "#"))


def test_the_checker_is_small_and_on_its_own() -> None:
    allowed = {"errors", "exact", "verification", "numpy", "json", "math", "hashlib", "itertools",
               "dataclasses", "fractions", "functools", "types", "contextvars", "typing",
               "collections.abc", "__future__"}  # fmt: skip
    assert code_lines(verify_module) + code_lines(exact) < 340
    for module in (verify_module, exact):
        source = Path(module.__file__ or "").read_text(encoding="utf-8")
        assert source.count("\n") < 300
        tree = ast.parse(source)
        found = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        found |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        assert found <= allowed
        called = {n.func.id for n in ast.walk(tree)
                  if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}  # fmt: skip
        assert not called & {"eval", "exec", "compile", "__import__", "open"}


def test_the_primes_are_primes_and_their_tables_right() -> None:
    drawn = exact._drawn()
    for k, p in enumerate(drawn.p.ravel().tolist()):
        assert sympy.isprime(p)
        a = np.arange(1, 1000)
        assert (np.rint(drawn.inverse[k, a]) * a % p == 1).all()
        assert (drawn.odd[k, -a] == -drawn.odd[k, a]).all()
        if k:
            assert all(drawn.exp[k, i] % p == pow(4, i, p) for i in range(1000))
            assert (drawn.log[k - 1, drawn.exp[k, a].astype(int)] == a).all()
    for first in exact._FIRST:
        primes = [2**k * (first + 1) - 1 for k in range(4)]
        assert all(sympy.n_order(-2, p) == p - 1 for p in primes)


def test_the_checker_knows_every_operation() -> None:
    declared = {name for name in PRIMITIVES if PRIMITIVES[name].array.__module__ != "tests"}
    known = verify_module._OPS.keys()
    left_out = SETTLING | {"checked_labels"}  # which no derivation has
    wanted = {n for n in declared if hasattr(tx.ops, n)} | CALLS.keys() - _COMPOSED
    assert wanted - left_out <= known
