"""Derivations as LaTeX, MathML, Markdown and source code: the whole gallery, the whole table."""

from __future__ import annotations

import importlib
import inspect
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gallery import GALLERY, logits, naive_softmax, random
from oracle import TABLE, assert_close, draws
from pylatexenc.latexwalker import LatexWalker

import tinygrad_xent as tx
from tinygrad_xent.writing import identifiers, symbols
from tinygrad_xent.writing.latex import latex
from tinygrad_xent.writing.mathml import mathml
from tinygrad_xent.writing.source import source
from tinygrad_xent.writing.text import text

CASES = sorted(GALLERY)
HOSTILE = [
    "a_b_c", "\\end{align*}", "\\", "{", "}", "}{", "50%", "a$b", "x & y", "#1", "x^2", "~", "<b>",
    "損失", "ŷ", "σ", "é", "a\nb", "|", '"', "'", "`", "_", "\x00", "softmax(", "f(a;b)", "ﬁ",
    "\ue000", "softmax(50%)", "lambda", "np", "gradient", "value", "t1", "2", "1e5x", "--", "x\r=1",
    '"""\nimport os\n"""', "x; import os", "x, y", "]]>", "&amp;", "$$", "\\\\", "{0}", "{*}", "",
]  # fmt: skip


def derived(name: str) -> Any:
    return tx.derive(*GALLERY[name][0]())


def parse_latex(page: str) -> None:
    """Raises where braces, environments or \\left and \\right do not match."""
    LatexWalker(page, tolerant_parsing=False).get_latex_nodes()
    plain = re.sub(r"\\[{}\\]", "", page)
    assert plain.count("{") == plain.count("}")
    assert len(re.findall(r"\\left\b", page)) == len(re.findall(r"\\right\b", page))


def primitive_nodes() -> list[Any]:
    """One node for each draw of each primitive, on named Tensors."""
    return [
        pytest.param(op, args, params, id=f"{name}-{i}")
        for name, op in TABLE.items()
        for i, (args, params) in enumerate(draws(op))
    ]


def applied(op: Any, args: Any, params: Any) -> tuple[Any, dict[str, Any]]:
    """The operation on named Tensors (indices and masks stay data), and their values."""
    floats = [np.asarray(a).dtype.kind == "f" for a in args]
    floats = floats if any(floats) else [True] * len(args)  # masks, where there are no numbers
    named = [tx.tensor(a, name=f"v{i}") if f else a
             for i, (a, f) in enumerate(zip(args, floats, strict=True))]  # fmt: skip
    return op(*named, **params), {n.name: n.value for n in named if isinstance(n, tx.Tensor)}


# -- LaTeX ----------------------------------------------------------------------------------------

LATEX = {
    "softmax_vjp": r"q \odot (g - \left\langle g, q\right\rangle)",
    "cross_entropy_named": "q - p",
    "cross_entropy_naive": r"\operatorname{softmax}(z) - p",
    "temperature": r"\frac{\operatorname{softmax}(z/T) - p}{T}",
    "binary_cross_entropy_naive": r"\sigma(z) - y",
    "gaussian_mean": r"\frac{x - y}{s^{2}}",
    "linear_layer_weights": r"\frac{X^{\top} (Q - Y)}{n}",
    "two_layers": r"\frac{X^{\top} ((Q - Y) V^{\top} \odot (1 - H^{\odot 2}))}{6}",
    "quadratic_form": r"A x + A^{\top} x",
    "least_squares": r"2 A^{\top} (A x - b)",
    "norm": r"\frac{x}{\left\lVert x\right\rVert}",
}


@pytest.mark.parametrize("name", LATEX)
def test_latex_reads_as_in_a_textbook(name: str) -> None:
    assert derived(name).result.latex() == LATEX[name]


@pytest.mark.parametrize("name", CASES)
def test_latex_of_the_gallery_parses(name: str) -> None:
    d = derived(name)
    page = d.latex()
    parse_latex(page)
    assert page.startswith("\\begin{align*}\n")
    assert page.endswith("\n\\end{align*}")
    assert page.count("&=") == 1 + len(d.steps) + len(d.definitions)
    assert all(symbols.quoted(step.rule) in page for step in d.steps)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda x, y: x * (y + 1), "x (y + 1)"),
        (lambda x, y: (x + y) * (x - y), "(x + y) (x - y)"),
        (lambda x, y: -(x - y), "-(x - y)"),
        (lambda x, y: x - (y - 1), "x - (y - 1)"),
        (lambda x, y: (x / y) ** 2, r"\left(\frac{x}{y}\right)^{2}"),
        (lambda x, y: tx.exp(x) ** 2, "(e^{x})^{2}"),
        (lambda x, y: tx.sin(x / y), r"\sin\left(\frac{x}{y}\right)"),
        (lambda x, y: x ** (y + 1), "x^{y + 1}"),
        (lambda x, y: (x**y) ** 2, "(x^{y})^{2}"),
        (lambda x, y: x * -2.0, "x (-2)"),
        (lambda x, y: 1e-12 * x, "10^{-12} x"),
        (lambda x, y: 2.5 * np.pi * x, r"7.853981633974483 x"),
        (lambda x, y: tx.where(x > 0, x, y),
         r"\begin{cases} x & x > 0 \\ y & \text{otherwise} \end{cases}"),
        (lambda x, y: tx.where(x > 0, x, y) * y,
         r"\left(\begin{cases} x & x > 0 \\ y & \text{otherwise} \end{cases}\right)\,y"),
        (lambda x, y: tx.maximum(x, y + 1), r"\max(x, y + 1)"),
    ],
)  # fmt: skip
def test_latex_brackets(make: Any, expected: str) -> None:
    assert latex(make(random("x", positive=True), random("y"))) == expected


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda a, b: a * b, r"A \odot B"),
        (lambda a, b: a @ (b * a), r"A (B \odot A)"),
        (lambda a, b: (a @ b) * a, r"A B \odot A"),
        (lambda a, b: (a + b).T @ a, r"(A + B)^{\top} A"),
        (lambda a, b: a.sum(axis=0), r"\operatorname{sum}_{\text{axis }0}(A)"),
        (lambda a, b: a.sum(), r"\operatorname{sum}(A)"),
        (lambda a, b: (a * b).sum(), r"\left\langle A, B\right\rangle"),
        (lambda a, b: (a * a).sum() + 1, r"\left\lVert A\right\rVert^{2} + 1"),
        (lambda a, b: a[:, 1], r"A_{:,1}"),
        (lambda a, b: 2 * a, "2 A"),
        (lambda a, b: a[0] @ b @ b[1], r"A_{0}^{\top} B B_{1}"),
    ],
)  # fmt: skip
def test_latex_of_matrices(make: Any, expected: str) -> None:
    assert latex(make(random("A", 3, 3), random("B", 3, 3))) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x", "x"), ("x1", "x_{1}"), ("W_in", r"W_{\mathrm{in}}"), ("theta_1", r"\theta_{1}"),
        ("σ", r"\sigma"), ("ŷ", r"\hat{y}"), ("Gamma", r"\Gamma"), ("x'", "x'"),
        ("logits", r"\mathrm{logits}"), ("a_b_c", r"\text{a\_b\_c}"),
        ("softmax(X @ W + b)", r"\operatorname{softmax}(X \, W + b)"),
    ],
)  # fmt: skip
def test_symbols(name: str, expected: str) -> None:
    assert symbols.symbol(name) == expected


# -- MathML and Markdown --------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_mathml_of_the_gallery_parses(name: str) -> None:
    d = derived(name)
    rows = ET.fromstring(d.mathml()).findall(".//{*}mtable/{*}mtr")
    assert len(rows) >= 2 + len(d.steps) + len(d.definitions)
    assert ET.fromstring(d.result.mathml()).tag.endswith("math")
    assert "\\" not in d.mathml()


@pytest.mark.parametrize("name", CASES)
def test_markdown_has_every_step(name: str) -> None:
    d = derived(name)
    table = [line for line in d.markdown().splitlines() if line.startswith("|")]
    assert len(table) == 3 + len(d.steps)
    assert all(line.count("|") == 5 for line in table)
    for step, line in zip(d.steps, table[3:], strict=True):
        assert line.startswith(f"| {step.rule} |") or "&#" in line
        assert (step.used == ()) == line.endswith("|  |")


def test_notebooks_show_formulas() -> None:
    d = derived("cross_entropy_named")
    assert d.result._repr_latex_() == r"$\displaystyle q - p$"
    assert d._repr_latex_() == d.latex()
    assert d._repr_html_() == d.mathml()
    assert d.result._repr_html_() == d.result.mathml()


# -- source ---------------------------------------------------------------------------------------


def numpy_arrays() -> Callable[[Any], Any]:
    return np.asarray


def torch_arrays() -> Callable[[Any], Any]:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    return lambda x: torch.tensor(np.array(x))


def jax_arrays() -> Callable[[Any], Any]:
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    jax.config.update("jax_enable_x64", True)
    return importlib.import_module("jax.numpy").asarray  # type: ignore[no-any-return]


ARRAYS = {"numpy": numpy_arrays, "torch": torch_arrays, "jax": jax_arrays}


def functions(code: str) -> dict[str, Any]:
    """What the printed code defines, run with nothing but what it imports itself."""
    space: dict[str, Any] = {}
    exec(compile(code, "printed", "exec"), space)
    return space


def called(function: Any, values: dict[str, Any], convert: Any) -> Any:
    return function(*(convert(values[name]) for name in inspect.signature(function).parameters))


@pytest.mark.parametrize("language", ARRAYS)
@pytest.mark.parametrize("name", CASES)
def test_source_gives_the_value_and_the_gradient(name: str, language: str) -> None:
    convert = ARRAYS[language]()
    loss, wrt, assume = GALLERY[name][0]()
    d = tx.derive(loss, wrt, assume)
    space = functions(d.source(language))
    values = {n.name: n.value for n in tx.graph.toposort(loss, wrt) if n.op is None and n.name}
    value, gradient = called(space["value_and_gradient"], values, convert)
    assert_close(np.asarray(value), loss.value)
    for got in (gradient, called(space["gradient"], values, convert)):
        assert_close(np.asarray(got), np.broadcast_to(d.result.value, wrt.shape))


@pytest.mark.parametrize("name", CASES)
def test_source_survives_json(name: str) -> None:
    d = derived(name)
    assert tx.Derivation.from_json(d.json()).source() == d.source()


def test_source_is_readable() -> None:
    page = derived("cross_entropy_named").source()
    assert "def value_and_gradient(p, z):\n" in page
    value, gradient = "-np.sum(log_softmax(z)*p)", "q*(1 - p) - others(q)*p"
    assert f"    q = softmax(z)\n    value = {value}\n    return value, {gradient}\n" in page


def test_source_of_torch_calls_its_own_functions() -> None:
    page = derived("linear_layer_weights").source("torch")
    assert "Q = torch.softmax(X @ W + b, dim=-1)" in page
    assert "def log_softmax(z, dim=-1):" in page


def test_source_of_a_gradient_does_not_overflow() -> None:
    z, p = logits()
    d = tx.derive(-(p * tx.log(naive_softmax(z).named("q"))).sum(), z, tx.Simplex(p))
    gradient = functions(d.source())["gradient"]
    np.testing.assert_allclose(
        gradient(p.value, np.array([0, 0, 1e4, -1e4])), [0, 0, 1, 0] - p.value
    )


def test_source_holds_for_other_sizes() -> None:
    x = random("x", 3)
    gradient = functions(tx.derive((x * 2).sum(), x).source())["gradient"]
    np.testing.assert_array_equal(gradient(np.ones(7)), np.full(7, 2.0))
    z, p = logits()
    loss = -(p * tx.log(naive_softmax(z))).sum()
    gradient = functions(tx.derive(loss, z).source())["gradient"]
    assert gradient(np.ones(9), np.ones(9)).shape == (9,)


def test_source_of_along_another_axis() -> None:
    z = random("z", 4, 3)
    e = tx.exp(z)
    loss = (random("g", 4, 3) * (e / e.sum(axis=0, keepdims=True))).sum()
    d = tx.derive(loss, z)
    assert "softmax(z, axis=0)" in d.source()
    assert "torch.softmax(z, dim=0)" in d.source("torch")
    values = {n.name: n.value for n in tx.graph.toposort(loss) if n.op is None}
    got = called(functions(d.source())["gradient"], values, np.asarray)
    assert_close(got, d.result.value)


def test_source_in_an_unknown_language() -> None:
    with pytest.raises(tx.DeriveError, match="no language 'fortran'"):
        derived("norm").source("fortran")


def test_two_things_of_one_name_are_told_apart() -> None:
    loss = (random("x", 2) * random("x", 2) ** 2).sum()
    derivation = tx.derive(loss, loss.args[0].args[0])
    assert str(derivation.result) == "x_2**2"
    assert "def gradient(x, x_2):" in derivation.source()


# -- the table ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("op", "args", "params"), primitive_nodes())
def test_every_primitive_prints(op: Any, args: Any, params: Any) -> None:
    node, _ = applied(op, args, params)
    assert "v" in text(node)
    body = latex(node)
    parse_latex(body)
    assert "v_{" in body
    ET.fromstring(mathml(node))


@pytest.mark.parametrize("language", ARRAYS)
@pytest.mark.parametrize(("op", "args", "params"), primitive_nodes())
def test_every_primitive_runs_as_source(op: Any, args: Any, params: Any, language: str) -> None:
    convert = ARRAYS[language]()
    node, values = applied(op, args, params)
    gradient = functions(source(language, node, ""))["gradient"]
    got = np.asarray(called(gradient, values, convert))
    assert_close(np.broadcast_to(got, node.shape), node.value)


# -- any text as a name ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_is_safe_in_every_format(name: str) -> None:
    x, p = tx.tensor([0.5, 2.0], name=name or None), random("p", 2)
    q = (x * p).named(name + "q") if name else x * p
    d = tx.derive((tx.sin(q) * q).sum().named(name + "L"), x)
    parse_latex(d.latex())
    assert d.latex().isascii()
    assert d.latex().count(r"\end{align*}") == 1
    ET.fromstring(d.mathml())
    assert {e.tag.split("}")[1][0] for e in ET.fromstring(d.mathml()).iter()} == {"m"}
    table = [line for line in d.markdown().splitlines() if line.startswith("|")]
    assert all(line.count("|") == 5 for line in table)
    assert "<b>" not in d.markdown()
    for language in ARRAYS:
        compile(d.source(language), "printed", "exec")
    _, gradient = functions(d.source())["value_and_gradient"](x.value, p.value)
    assert_close(gradient, d.result.value)


def test_all_hostile_names_together() -> None:
    leaves = [tx.tensor(float(i + 1), name=name) for i, name in enumerate(HOSTILE) if name]
    loss = leaves[0]
    for leaf in leaves[1:]:
        loss = loss + leaf * leaf
    d = tx.derive(loss, leaves[3])
    parse_latex(d.latex())
    ET.fromstring(d.mathml())
    value, _ = functions(d.source())["value_and_gradient"](*(leaf.value for leaf in leaves))
    assert value == pytest.approx(loss.value)


@pytest.mark.parametrize("name", HOSTILE)
def test_identifiers(name: str) -> None:
    names = identifiers.Names({"np"})
    names.add(name)
    names.add(name + " ")
    assert names[name].isidentifier()
    assert names[name] != names[name + " "]
    assert "np" not in (names[name], names[name + " "])


def test_a_sum_of_powers_is_a_norm_only_for_the_number_two() -> None:
    x, y = tx.tensor([1.0, 2.0], name="x"), tx.tensor([2.0, 2.0], name="y")
    assert r"\rVert^{2}" in latex((x**2).sum())
    for exponent in (y, np.array([2.0, 3.0]), 3):
        assert r"\rVert" not in latex((x**exponent).sum())
