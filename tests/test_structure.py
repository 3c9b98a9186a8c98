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
    "errors", "trees", "memory", "graph", "ops", "functions", "differentiate", "batching",
    "calling", "transforms", "numpy", "writing", "algebra", "reading", "drawing", "checking",
    "linting", "compiling", "numerics", "stepping", "testing", "__init__", "demo", "bench", "cli",
    "__main__",
]  # fmt: skip
# The same inside a room of many files.
ORDER_WITHIN = {
    "algebra": [
        "terms", "facts", "matching", "rules", "rewriting",
        "loss", "attempts", "computing", "presenting", "deriving", "__init__",
    ],
}  # fmt: skip
MODULES = sorted(ROOT.rglob("*.py"))
Name = tuple[str, ...]  # of a module, below this package


def name_of(path: Path) -> Name:
    return path.relative_to(ROOT).with_suffix("").parts


def imported(here: Name, code: str) -> set[Name]:
    """The names in this package that a module imports."""
    found: set[Name] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names = [tuple(alias.name.split(".")) for alias in node.names]
            found |= {name[1:] for name in names if name[0] == "tinygrad_xent"}
        elif isinstance(node, ast.ImportFrom):
            base = tuple(node.module.split(".")) if node.module else ()
            if node.level:
                base = (*here[: len(here) - node.level], *base)
            elif base[0] == "tinygrad_xent":
                base = base[1:]
            else:
                continue
            found |= {(*base, alias.name) for alias in node.names}
    return found


def rooms(names: set[Name], order: list[str]) -> set[str]:
    """What is no room of its own, such as `__version__`, comes from the front door."""
    return {name[0] if name and name[0] in order else "__init__" for name in names}


def upward(here: Name, code: str) -> set[str]:
    """The rooms that a module imports from and may not: those that do not come before its own."""
    names = imported(here, code)
    found = _upward(here[0], rooms(names, ORDER), ORDER)
    if here[0] in ORDER_WITHIN:
        inner = {name[1:] for name in names if name[0] == here[0]}
        order = ORDER_WITHIN[here[0]]
        found |= _upward(here[1], rooms(inner, order), order)
    return found


def _upward(mine: str, others: set[str], order: list[str]) -> set[str]:
    assert mine in order, f"{mine} has no place in the order of the rooms"
    return {other for other in others if order.index(other) > order.index(mine)}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_only_downward(path: Path) -> None:
    assert not upward(name_of(path), path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("here", "code", "found"),
    [
        ("writing/text", "from ..algebra import derive", {"algebra"}),
        ("writing/text", "from .. import algebra", {"algebra"}),
        ("writing/text", "import tinygrad_xent.algebra", {"algebra"}),
        ("writing/text", "from tinygrad_xent import algebra, errors", {"algebra"}),
        ("writing/text", "from .. import __version__", {"__init__"}),
        ("algebra/terms/views", "from ..facts.known import Facts", {"facts"}),
        ("algebra/terms/views", "from .. import facts", {"facts"}),
        ("algebra/terms/views", "from .. import derive", {"__init__"}),
        ("algebra/terms/views", "from ...checking import check", {"checking"}),
        ("algebra/facts/known", "from ..terms.views import Term", set()),
        ("algebra/facts/known", "from ...graph import Tensor\nimport numpy", set()),
        ("algebra/__init__", "from .deriving.higher import derive", set()),
    ],
)
def test_an_import_upward_is_found(here: str, code: str, found: set[str]) -> None:
    assert upward(tuple(here.split("/")), code) == found


@pytest.mark.parametrize("room", ORDER_WITHIN)
def test_the_front_of_a_part_names_each_of_its_files(room: str) -> None:
    """It says in which order to read them."""
    for front in (ROOT / room).glob("*/__init__.py"):
        said = front.read_text(encoding="utf-8")
        for path in front.parent.glob("[!_]*.py"):
            assert f"`{path.name}`" in said, path


def test_the_graph_knows_no_operation() -> None:
    for path in (ROOT / "graph").glob("*.py"):
        names = imported(name_of(path), path.read_text(encoding="utf-8"))
        assert rooms(names, ORDER) <= {"graph", "errors", "memory"}


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
import numpy
loaded_by_numpy = "numpy.random" in sys.modules
import tinygrad_xent as tx
tx.grad(lambda x: x * x)(1.0)
rooms = {name.split(".")[1] for name in sys.modules if name.startswith("tinygrad_xent.")}
assert rooms <= {"errors", "functions", "graph", "memory", "numpy", "ops", "transforms",
                 "trees", "batching", "calling", "differentiate"}, rooms
assert "jinja2" not in sys.modules
assert loaded_by_numpy or "numpy.random" not in sys.modules
assert tx.derive and tx.testing.assert_gradient
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_there() -> None:
    assert all(hasattr(tx, name) for name in tx.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = tx.nonsense
