"""The rooms and the table: what may import what, and what each declaration has to have."""

from __future__ import annotations

import ast
import dis
import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from oracle import DIFFERENTIABLE, TABLE

import tinygrad_xent as tx

ROOT = Path(tx.__file__).parent

# Each room imports only from those before it. The demo and the command line are users of the whole.
ORDER = [
    "errors", "trees", "graph", "ops", "functions", "differentiate", "batching", "calling",
    "transforms", "numpy", "writing", "algebra", "reading", "drawing", "checking", "linting",
    "compiling", "numerics", "stepping", "testing", "__init__", "demo", "bench", "cli", "__main__",
]  # fmt: skip
MODULES = sorted(ROOT.rglob("*.py"))


def room_of(parts: tuple[str, ...]) -> str:
    """A name that is no room of its own, such as `__version__`, comes from the front door."""
    return parts[0] if parts and parts[0] in ORDER else "__init__"


def imported_rooms(path: Path) -> set[str]:
    """The rooms of this package that a file imports from, when it is imported itself."""
    here = path.relative_to(ROOT).with_suffix("").parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[tuple[str, ...]] = []
        if isinstance(node, ast.ImportFrom) and node.level:
            base = here[: len(here) - node.level] + tuple((node.module or "").split("."))
            base = tuple(part for part in base if part)
            names = [base] if base else [(alias.name,) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tinygrad_xent"):
            names = [tuple(node.module.split("."))[1:]]  # type: ignore[union-attr]
        elif isinstance(node, ast.Import):
            names = [tuple(alias.name.split("."))[1:] for alias in node.names
                     if alias.name.split(".")[0] == "tinygrad_xent"]  # fmt: skip
        found |= {room_of(name) for name in names}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_only_downward(path: Path) -> None:
    mine = path.relative_to(ROOT).with_suffix("").parts[0]
    assert mine in ORDER, f"{mine} has no place in the order of the rooms"
    for other in imported_rooms(path) - {mine}:
        assert ORDER.index(other) < ORDER.index(mine), f"{mine} imports {other}, which is above it"


def test_the_graph_knows_no_operation() -> None:
    for path in (ROOT / "graph").glob("*.py"):
        assert imported_rooms(path) <= {"graph", "errors"}


# -- the table ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLE)
def test_a_declaration_is_complete(name: str) -> None:
    op = TABLE[name]
    assert op.sample, "without a sample no test draws arguments for it"
    assert op.text
    assert op.latex
    assert op.code
    for draw in op.sample:
        args, params = draw(np.random.default_rng(0))
        assert isinstance(args, tuple)
        hash(tuple(params.values()))  # settings are complete and hashable
        node = op(*map(tx.tensor, args), **params)
        assert node.params == params


def test_settings_have_no_defaults() -> None:
    """A default would hide from drawings, code and comparison of structure what was computed."""
    for op in TABLE.values():
        rules = op.vjp if isinstance(op.vjp, tuple) else (op.vjp,)
        for rule in rules:
            if rule is not None:
                for parameter in inspect.signature(rule).parameters.values():
                    assert parameter.default is parameter.empty, op.name


def test_rules_never_name_numpy_functions() -> None:
    """`np.` in a rule computes where it should record. Constants and the shapes' own are data."""
    allowed = {"inf", "ndarray", "dtype", "argsort"}
    for op in DIFFERENTIABLE.values():
        for rule in op.vjp if isinstance(op.vjp, tuple) else (op.vjp,):
            code = getattr(rule, "__code__", None)
            if code is not None and "np" in code.co_names:
                after = code.co_names[code.co_names.index("np") + 1 :]
                used = {n for n in after if hasattr(np, n) and n not in tx.ops.__all__}
                assert used <= allowed, f"{op.name}: {used}"


def test_a_rule_that_does_not_read_the_result_says_so() -> None:
    """It calls the result `_`, and the walk may then free the result before the rule is called."""
    for op in DIFFERENTIABLE.values():
        for rule in op.vjp if isinstance(op.vjp, tuple) else (op.vjp,):
            if rule is not None:
                read = {i.argval for i in dis.get_instructions(rule) if "STORE" not in i.opname}
                assert rule.__code__.co_varnames[1] == ("out" if "out" in read else "_"), op.name


def test_compositions_have_no_derivative_of_their_own() -> None:
    for path in (ROOT / "functions").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
        names |= {k.arg for k in ast.walk(tree) if isinstance(k, ast.keyword) and k.arg}
        assert not names & {"vjp", "primitive", "Primitive", "record"}
    assert not {"softmax", "logsumexp", "sigmoid", "relu", "mean"} & TABLE.keys()


def test_everything_public_is_documented() -> None:
    for name in (*tx.functions.__all__, *tx.ops.__all__):
        assert hasattr(tx, name)
    for name in tx.__all__:
        if inspect.isfunction(getattr(tx, name)):
            assert getattr(tx, name).__doc__, name


def test_only_the_engine_is_loaded_until_more_is_asked_for() -> None:
    code = """
import sys
import tinygrad_xent as tx
tx.grad(lambda x: x * x)(1.0)
rooms = {name.split(".")[1] for name in sys.modules if name.startswith("tinygrad_xent.")}
assert rooms <= {"errors", "functions", "graph", "numpy", "ops", "transforms", "trees",
                 "batching", "calling", "differentiate"}, rooms
assert "jinja2" not in sys.modules
assert tx.derive and tx.testing.assert_gradient
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_there() -> None:
    assert all(hasattr(tx, name) for name in tx.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = tx.nonsense
