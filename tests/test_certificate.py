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
from gallery import GALLERY, logits, naive_softmax

import tinygrad_xent as tx
from tinygrad_xent.algebra import deriving, rewriting, run
from tinygrad_xent.algebra.certifying import FORMAT, Table, statement
from tinygrad_xent.algebra.kinds import Anything
from tinygrad_xent.algebra.matching import rule
from tinygrad_xent.algebra.naming import CALLS
from tinygrad_xent.checking import arrays, worlds
from tinygrad_xent.graph import PRIMITIVES

BEYOND = {"generalised_cross_entropy", "hinge", "huber", "reverse_kl"}  # the checker cannot say
CASES = sorted(GALLERY.keys() - BEYOND)
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
    try:
        return bool(tx.verify(json.dumps(data)))
    except tx.CertificateError:
        return False


# -- an oracle: the lines of a certificate in floating point --------------------------------------


def is_true(data: Data) -> bool:
    """Whether all lines are the loss's numerical gradient, at some random values."""
    for seed in range(4):
        variables = draw(data, np.random.default_rng(seed))
        lines = [data["start"], data["result"], *(s["to"] for s in data["steps"])]
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
            variables[i] = drawn if i in kinds or node["name"] in "sTq" else signed
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
        return np.asarray(node["data"])
    op = CALLS.get(node["op"]) or PRIMITIVES[node["op"]]
    args = [values[a["node"]] if isinstance(a, dict) and "node" in a else a for a in node["args"]]
    args = [np.asarray(a["data"]) if isinstance(a, dict) else a for a in args]
    return op.array(*args, **_tuples(node["params"]))


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


@pytest.mark.parametrize("name", ["cross_entropy_named", "layer_norm_vjp", "two_layers"])
def test_tampering_with_the_chain_is_noticed(name: str) -> None:
    given = certificate(name)
    steps = given["steps"]
    assert not accepted(given | {"steps": steps[1:]})
    assert not accepted(given | {"steps": steps[:-1]})
    assert not accepted(given | {"steps": [steps[0], *steps[2:]]})
    assert not accepted(given | {"steps": [steps[1], steps[0], *steps[2:]]})
    assert not accepted(given | {"start": given["loss"]})
    assert not accepted(given | {"result": steps[0]["to"]})
    assert not accepted(given | {"loss": given["nodes"][given["loss"]]["args"][0]["node"]})


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
    claims = dict(
        tx.verify(json.dumps(given | {"nodes": [*nodes, total, loss], "loss": n + 1})).claims
    )
    assert claims.pop("the first line is the derivative")
    assert not any(claims.values())


def step_holds(before: Any, after: Any) -> bool:
    """Whether a step is accepted that leads from one graph of x to another."""
    table = Table()
    i, j = table.add(before), table.add(after)
    data = {"format": FORMAT, "nodes": table.nodes, "loss": table.add(before.sum()), "facts": [],
            "wrt": table.names["x"], "start": i, "result": j,
            "steps": [{"rule": "the step", "from": i, "to": j}]}  # fmt: skip
    return not dict(tx.verify(json.dumps(data)).claims)["the step"]


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

    monkeypatch.setattr(deriving, "SHRINKING", (root_of_square, *deriving.SHRINKING))
    monkeypatch.setattr(rewriting, "check", lambda *_: None)
    monkeypatch.setattr(run, "check", lambda *_: None)
    x = tx.tensor(0.7, name="x")
    d = tx.derive(tx.sqrt(x * x) * x, x)
    assert "root of square" in [step.rule for step in d.steps]
    assert not tx.verify(d.certificate())


# -- what is no certificate -----------------------------------------------------------------------


def changed(key: str, value: Any) -> str:
    return json.dumps(certificate("squared_error") | {key: value})


LEAF = {"shape": [], "name": "x"}


def nodes(*more: Any) -> str:
    return changed("nodes", [*certificate("squared_error")["nodes"], *more])


@pytest.mark.parametrize(
    "text",
    [
        "", "{}", "[]", "null", "7", "nonsense", "[" * 100_000, '{"format": 1}',
        changed("format", "another"), changed("nodes", []), changed("nodes", 5),
        changed("nodes", [LEAF] * 2), changed("loss", 10**6), changed("loss", -1),
        changed("loss", True), changed("wrt", "x"), changed("start", None), changed("steps", [1]),
        changed("facts", [{"kind": "True", "of": 0, "axis": 0}]),
        changed("facts", [{"kind": "Simplex", "of": 0, "axis": "os"}]),
        nodes({"shape": [-1], "name": "n"}), nodes({"shape": [10**9], "name": "n"}),
        nodes({"shape": [1.5], "name": "n"}), nodes({"shape": "abc", "name": "n"}),
        nodes({"shape": [2], "data": {"a": 1}}), nodes({"shape": [], "data": "__import__('os')"}),
        nodes({"shape": [], "name": ["n"]}), nodes({"shape": []}),
        nodes({"shape": [], "op": "add", "args": [{"node": 99}, 1], "params": {}}),
        nodes({"shape": [], "op": "add", "args": [1], "params": {}}),
        nodes({"shape": [], "op": "exp", "args": [1], "params": {"out": 1}}),
        nodes({"shape": [2], "op": "exp", "args": [1], "params": {}}),
        nodes({"shape": [9], "op": "broadcast_to", "args": [1], "params": {"shape": [10**12]}}),
        nodes({"shape": [9], "op": "reshape", "args": [1], "params": {"shape": ["a"]}}),
        nodes({"shape": [], "op": "sum", "args": [1], "params": {"axis": [5], "keepdims": 0}}),
        nodes({"shape": [], "op": "getitem", "args": [1], "params": {"index": [["eval", "1"]]}}),
        nodes({"shape": [], "data": 1}).replace('"data": 1}', '"data": ' + "9" * 5000 + "}"),
    ],
)  # fmt: skip
def test_hostile_text_is_refused(text: str) -> None:
    with pytest.raises(tx.CertificateError, match="not a certificate"):
        tx.verify(text)


@pytest.mark.parametrize(
    "node",
    [
        {"op": "system", "args": [2], "params": {}, "shape": []},
        {"op": "__init__", "args": [1], "params": {}, "shape": []},
    ],
)
def test_an_unknown_operation_is_never_accepted(node: Data) -> None:
    given = certificate("squared_error")
    end = len(given["nodes"])
    claims = tx.verify(json.dumps(given | {"nodes": [*given["nodes"], node], "start": end})).claims
    assert claims[0][1].startswith("not checked: ")


def test_assumptions_that_contradict_each_other_prove_nothing() -> None:
    given = certificate("squared_error")
    x = given["wrt"]
    minus = {"op": "neg", "args": [{"node": x}], "params": {}, "shape": []}
    both = [{"kind": "Positive", "of": i, "axis": -1} for i in (x, len(given["nodes"]))]
    verification = tx.verify(json.dumps(given | {"nodes": [*given["nodes"], minus], "facts": both}))
    assert not verification
    assert all(problem.startswith("not checked") for _, problem in verification.claims)


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


# -- the checker ----------------------------------------------------------------------------------


def test_the_checker_is_small_and_on_its_own() -> None:
    allowed = {"errors", "arrays", "worlds", "numpy", "json", "math", "operator", "dataclasses",
               "fractions", "functools", "typing", "collections.abc", "__future__"}  # fmt: skip
    for module in (verify_module, worlds, arrays):
        source = Path(module.__file__ or "").read_text(encoding="utf-8")
        assert source.count("\n") < 300
        tree = ast.parse(source)
        found = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        found |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        assert found <= allowed
        called = {n.func.id for n in ast.walk(tree)
                  if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}  # fmt: skip
        assert not called & {"eval", "exec", "compile", "__import__", "open"}


def test_the_checker_knows_every_operation() -> None:
    known = verify_module._OPS.keys() | verify_module._MOVES | verify_module._ORDERS
    declared = {name for name in PRIMITIVES if PRIMITIVES[name].array.__module__ != "tests"}
    assert {n for n in declared if hasattr(tx.ops, n)} | CALLS.keys() <= known
