"""Text to graphs: what is read, what is refused and where, and from a graph to text and back."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_xent as tx
from tinygrad_xent import reading
from tinygrad_xent.reading.table import FUNCTIONS, signature
from tinygrad_xent.writing import text

RNG = np.random.default_rng(0)
LEAVES = {
    "x": tx.tensor(RNG.uniform(0.5, 2.0, size=3), name="x"),
    "y": tx.tensor(RNG.uniform(0.5, 2.0, size=3), name="y"),
    "A": tx.tensor(RNG.uniform(0.5, 2.0, size=(3, 3)), name="A"),
    "s": tx.tensor(1.5, name="s"),
    "μ": tx.tensor(0.5, name="μ"),
}
x, y, A, s = (LEAVES[name] for name in "xyAs")

# -- what is read ---------------------------------------------------------------------------------

READ: dict[str, Any] = {
    "2*x + 1": 2 * x + 1,
    "-x**2": -(x**2),
    "2**-x": 2**-x,
    "x - y - 1": x - y - 1,
    "x/y/2": x / y / 2,
    "x/(y/2)": x / (y / 2),
    "+x": x,
    "A @ x": A @ x,
    "A.T @ x": A.T @ x,
    "x@A@x": x @ A @ x,
    "x > 1": x > 1,
    "where(x >= y, x, 0)": tx.where(x >= y, x, 0.0),
    "where(x != y, x, y)": tx.where(tx.not_equal(x, y), x, y),
    "sum(A, axis=1)": tx.sum(A, axis=1),
    "sum(A, 1)": tx.sum(A, axis=1),
    "sum(A, axis=(0, -1))": tx.sum(A),
    "A.sum(axis=0, keepdims=True)": tx.sum(A, axis=0, keepdims=True),
    "exp(A).sum(axis=1)": tx.exp(A).sum(axis=1),
    "A.mean(1)": tx.mean(A, 1),
    "norm(x, ord=inf)": tx.norm(x, np.inf),
    "var(x, ddof=1)": tx.var(x, ddof=1),
    "clip(x, 0.7, max=1.2)": tx.clip(x, 0.7, max=1.2),
    "x[0]": x[0],
    "x[-1]": x[-1],
    "A[:, 1]": A[:, 1],
    "A[0:2, ::2]": A[0:2, ::2],
    "A[..., 0]": A[..., 0],
    "x[None] - x[:, None]": x[None] - x[:, None],
    "x[[0, 0, 2]]": x[[0, 0, 2]],
    "concatenate([x, 2*y])": tx.concatenate([x, 2 * y]),
    "stack([x, y], axis=1)": tx.stack([x, y], axis=1),
    "A.reshape(9)": A.reshape(9),
    "A.reshape((1, -1))": A.reshape((1, -1)),
    "A.transpose(1, 0)": A.T,
    "transpose(A, (1, 0))": A.T,
    "[1, 0, -2.5]*x": x * np.array([1.0, 0.0, -2.5]),
    "[[1, 2], [3, 4]] @ x[:2]": np.array([[1.0, 2.0], [3.0, 4.0]]) @ x[:2],
    "softmax_cross_entropy(x, 2)": tx.softmax_cross_entropy(x, 2),
    "softmax_cross_entropy(x, [0, 0, 1])": tx.softmax_cross_entropy(x, np.eye(3)[2]),
    "pi*x": np.pi * x,
    "np.exp(x) + tx.exp(x) + math.e": 2 * tx.exp(x) + np.e,
    "np.linalg.norm(x)": tx.norm(x),
    "ln(x)": tx.log(x),
    "1e-3*x": 1e-3 * x,
    "2*3 + 4**0.5": tx.tensor(8.0),
    "μ*s": LEAVES["μ"] * s,
    "  x\n + y ": x + y,
    "x² − 2·x × y ÷ s": x**2 - 2 * x * y / s,
    "x⁻¹² + √(s) + π": x**-12 + tx.sqrt(s) + np.pi,
    "σ(x) + Σ(x)": tx.sigmoid(x) + tx.sum(x),
    "Aᵀ @ x": A.T @ x,
}


@pytest.mark.parametrize("line", READ)
def test_reads(line: str) -> None:
    found, expected = reading.read(line, LEAVES), READ[line]
    assert isinstance(found, tx.Tensor)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.value, expected.value, rtol=1e-14)


def test_a_graph_of_the_very_variables() -> None:
    loss = reading.read("sum(x*y)", LEAVES)
    assert tx.gradient_graph(loss, x).value is not None
    assert text(loss) == "sum(x*y)"


def test_arguments_are_checked_against_what_a_function_takes() -> None:
    for name in FUNCTIONS:
        taken = [p for p in signature(name).parameters.values() if p.kind != p.VAR_POSITIONAL]
        call = f"{name}({', '.join(['x'] * (len(taken) + 1))})"
        with pytest.raises(tx.TinygradXentError):
            reading.read(call, LEAVES)


def test_names() -> None:
    assert reading.names("-sum(p*log(softmax(z/T, axis=-1)))") == ["p", "z", "T"]
    assert reading.names("z.sum() + z[0] + concatenate([a, b])[1] + np.pi*pi") == ["z", "a", "b"]
    assert reading.names("norm(x, ord=inf) + mean*mean(x)") == ["x", "mean"]


def test_a_long_expression() -> None:
    line = " + ".join(["x"] * 150)
    np.testing.assert_allclose(reading.read(line, LEAVES).value, 150 * x.value)


# -- what is refused ------------------------------------------------------------------------------

# text: (column of the caret, or None, and words of the message)
REFUSED: dict[str, tuple[int | None, list[str]]] = {
    "": (0, ["nothing to read"]),
    "x +": (None, ["not an expression"]),
    "(x": (None, ["not an expression"]),
    "x y": (None, ["not an expression", "2*y"]),
    "x = 2": (None, ["not an expression"]),
    "import os": (None, ["not an expression"]),
    "x; y": (1, ["';'"]),
    "x # y": (2, ["'#'"]),
    "__import__('os')": (11, ["character"]),
    "__import__(os)": (0, ["no function __import__"]),
    "f'{x}'": (1, ["character"]),
    "'x'": (0, ["character"]),
    "lambda: x": (0, ["no place"]),
    "(x := y)": (1, ["no place", "in place of the name"]),
    "[x for x in y]": (0, ["no place"]),
    "sum(i for i in x)": (3, ["no place"]),
    "x if s else y": (0, ["where(condition, x, y)"]),
    "1if x else y": (None, []),
    "x and y": (0, ["where(condition, x, y)"]),
    "not x": (0, ["where(condition, x, y)"]),
    "x^2": (1, ["** for a power"]),
    "μ*x^2": (3, ["** for a power"]),
    "x | y": (1, ["abs(x)"]),
    "x // 2": (1, ["+ - * / ** @"]),
    "0 < x < 1": (0, ["one comparison"]),
    "x in y": (0, ["comparison"]),
    "sum(*x)": (4, ["no place"]),
    "sum(**x)": (0, ["**"]),
    "sum(x, axis=0, axis=1)": (0, ["twice"]),
    "x.__class__": (0, ["no .__class__", "x.T"]),
    "x.value": (0, ["no .value"]),
    "x.backward()": (0, ["no function backward"]),
    "x.__len__()": (0, ["no function __len__"]),
    "np.load(x)": (0, ["no function load"]),
    "np.T": (0, ["no .T"]),
    "os.system(x)": (0, ["cannot be called"]),
    "x()()": (0, ["cannot be called"]),
    "1j*x": (0, ["1j", "not a real number"]),
    "x + True": (4, ["True", "not a real number"]),
    "x + None": (4, ["None"]),
    "1e999*x": (0, ["too large"]),
    f"x + {'9' * 400}": (4, ["too large"]),
    f"x + {'9' * 5000}": (None, []),
    "x*9**9**9": (2, ["inf", "finite"]),
    "x/(1 - 1)*(1/0)": (11, ["inf"]),
    "log(-1)*x": (0, ["nan"]),
    "log(-[1, 2])*x": (0, ["nan"]),
    "z + x": (0, ["nothing is named z"]),
    "softmax*x": (0, ["softmax is a function", "softmax(z, axis=-1)"]),
    "x + sofmax(x)": (4, ["no function sofmax", "softmax"]),
    "sum()": (0, ["missing", "sum(x, axis=None, *, keepdims=False)"]),
    "exp(x, y)": (0, ["too many", "exp(x)"]),
    "sum(x, axes=1)": (0, ["axes", "axis=None"]),
    "max(x, y)": (7, ["axis", "maximum(x, y)"]),
    "sum(A, axis=s)": (12, ["axis", "written out"]),
    "sum(A, axis=9**9)": (12, ["written out"]),
    "sum(A, axis=99999999999999999999)": (12, ["too large"]),
    "sum(A, axis=(0, (1,)))": (16, ["axis"]),
    "sum(A, keepdims=x)": (16, ["keepdims"]),
    "A[x]": (2, ["index"]),
    "A[1.5]": (2, ["index"]),
    "A[True]": (2, ["index"]),
    "s[0]": (0, ["no entries"]),
    "[x, y]": (1, ["numbers only", "stack"]),
    "[[1], [1, 2]]*x": (0, ["one length"]),
    "stack(x)": (6, ["list"]),
    "x + y*A[:, :2]": (4, ["(3,)", "(3, 2)"]),
    "x + (A @ [1, 2])": (5, ["matmul", "(3, 3)", "(2,)"]),
    "2 + sum(x, axis=1)": (4, ["axis 1", "(3,)"]),
    "x[7]": (0, ["out of bounds"]),
    "outer(outer(outer(outer(A, A), A), A), A)": (None, ["too large"]),
    "*".join(f"x[{'None, ' * i}:{', None' * (8 - i)}]" for i in range(9)): (0, ["too large"]),
    "one_hot(2, 1000000000000)": (0, ["no function one_hot"]),
    "x\0": (1, ["character"]),
    "x\ud800": (1, ["character"]),
    "x\u202e": (1, ["character"]),
    "‖x‖": (0, ["character"]),
    "x" * 20_000: (0, ["20000 characters", "10000"]),
    "-" * 9_999 + "x": (0, ["200"]),
    "+".join(["x"] * 4_999): (0, ["200"]),
    "x" + "**x" * 3_000: (0, ["200"]),
    "(" * 4_000 + "x" + ")" * 4_000: (None, []),
    "exp(" * 250 + "x" + ")" * 250: (None, []),
    "exp(" * 199 + "x" + ")" * 199: (None, ["200"]),
    "x" + ".T" * 4_999: (0, ["200"]),
    "x" + "[0]" * 3_000: (0, ["200"]),
    "[" * 150 + "1" + "]" * 150: (None, []),
    "lambda:" * 1_400 + "x": (None, []),
    "not " * 2_400 + "x": (None, []),
}


@pytest.mark.parametrize("line", REFUSED, ids=lambda line: ascii(line[:30]))
def test_refuses_at_the_column(line: str) -> None:
    column, words = REFUSED[line]
    began = time.perf_counter()
    with pytest.raises((tx.ParseError, tx.ShapeError)) as caught:
        reading.read(line, LEAVES)
    assert time.perf_counter() - began < 2
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    if column is not None:
        lines = message.split("\n")
        caret = next(i for i, shown in enumerate(lines) if shown.strip() == "^")
        assert lines[caret].index("^") - len("  given: ") == column, message
        assert lines[caret - 1][9:].startswith(line[:column][:30])


def test_the_place_is_shown_within_a_long_line() -> None:
    line = "x + " * 40 + "sofmax(x)" + " + x" * 40
    with pytest.raises(tx.ParseError) as caught:
        reading.read(line, LEAVES)
    shown, caret = str(caught.value).split("\n")[1:3]
    assert shown[caret.index("^") :].startswith("sofmax(x)")
    assert len(shown) < 150


TOKENS = [
    *"xyAs()[]+-*/@,=.:<", "**", "==", ".T", "sum(", "exp(", "softmax(", "max(", "where(",
    "stack([", "reshape(", "axis=", "1", "2.5", "0", "-1", "None", "...", "True", "pi", "np.",
    "lambda ", "if ", "else ", "for ", " in ", "not ", "{", "'", "1e308", " ", "²", "^", "clip(",
    "norm(", ".sum(", "squeeze(", "softmax_cross_entropy(", "kl_divergence(", "mean", "ord=",
    "inf", "e9",
]  # fmt: skip


@given(st.lists(st.sampled_from(TOKENS), max_size=12).map("".join))
@settings(max_examples=400, deadline=None)
def test_any_text_is_read_or_refused(line: str) -> None:
    whole = line + ")" * (line.count("(") - line.count(")"))
    for call in (reading.read, reading.assumption):
        with suppress(tx.TinygradXentError):
            call(whole, LEAVES)


@given(st.text(max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_characters_are_read_or_refused(line: str) -> None:
    with suppress(tx.TinygradXentError):
        reading.read(line, LEAVES)


# -- there and back -------------------------------------------------------------------------------


def vectors(inner: Any) -> Any:
    """Ways to make a vector from vectors, in any bracketing."""
    pairs = st.tuples(inner, inner)
    numbers = st.sampled_from([2.0, -3.0, 0.5, -0.25, np.pi, 1e-7])
    return st.one_of(
        pairs.map(lambda p: p[0] + p[1]),
        pairs.map(lambda p: p[0] - p[1]),
        pairs.map(lambda p: p[0] * p[1]),
        pairs.map(lambda p: p[0] / (1 + p[1] * p[1])),
        pairs.map(lambda p: tx.maximum(p[0], p[1])),
        pairs.map(lambda p: tx.where(p[0] > p[1], p[0], -p[1])),
        pairs.map(lambda p: p[0] @ p[1] + p[0]),
        pairs.map(lambda p: (p[0] - p[1]) ** 2 / 2),
        st.tuples(numbers, inner).map(lambda p: p[0] * p[1]),
        st.tuples(inner, numbers).map(lambda p: p[0] - p[1]),
        inner.map(lambda v: -v),
        inner.map(tx.tanh),
        inner.map(lambda v: A @ v),
        inner.map(lambda v: v @ A.T),
        inner.map(lambda v: tx.sum(A * v, axis=1)),
        inner.map(lambda v: tx.max(A - v, axis=0)),
        inner.map(lambda v: v - tx.sum(v)),
        inner.map(lambda v: v * v[0]),
        inner.map(lambda v: A[1] * v),
        inner.map(lambda v: abs(v) ** 1.5),
    )


@given(st.recursive(st.sampled_from([x, y, A[:, 0], x * s]), vectors, max_leaves=12))
@settings(max_examples=200, deadline=None)
def test_text_reads_back_to_the_same_value(node: tx.Tensor) -> None:
    with np.errstate(all="ignore"):
        back = reading.read(text(node), LEAVES)
    np.testing.assert_allclose(back.value, node.value, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("node", "line"),
    [
        (x / -(x * y), "x/(-x*y)"),
        (x * -(A @ y), "x*(-A @ y)"),
        (x * ((A @ y) * y), "x*(A @ y*y)"),
        (-(x * y) * y, "-x*y*y"),
        (x * (y * s), "x*y*s"),
        ((-(x * y)) ** 2, "(-x*y)**2"),
    ],
)
def test_brackets_where_a_reader_would_group_otherwise(node: tx.Tensor, line: str) -> None:
    assert text(node) == line
    np.testing.assert_allclose(reading.read(line, LEAVES).value, node.value)


# -- invented variables ---------------------------------------------------------------------------


def shapes_of(line: str, **options: Any) -> dict[str, tuple[int, ...]]:
    loss, variables = reading.expression(line, **options)
    assert loss.shape == ()
    assert np.isfinite(loss.value)
    return {name: v.shape for name, v in variables.items()}


def test_names_are_vectors_or_else_numbers() -> None:
    assert shapes_of("-sum(p*log(softmax(z)))") == {"p": (4,), "z": (4,)}
    assert shapes_of("(x - y)**2/2") == {"x": (), "y": ()}
    assert shapes_of("sum(x*[1, 2, 3])") == {"x": (3,)}
    assert shapes_of("x[5]**2") == {"x": (6,)}
    assert shapes_of("4*sum(x)") == {"x": (3,)}, "4 is no length here"


def test_letters_are_lengths() -> None:
    given = {"X": "N,D", "w": ("D",), "y": "N"}
    assert shapes_of("sum((X @ w - y)**2)", shapes=given) == {"X": (3, 4), "w": (4,), "y": (3,)}
    assert shapes_of("sum(z)", shapes={"z": "N,3"}) == {"z": (4, 3)}
    assert shapes_of("sum(z)/3", shapes={"z": "N,K"}) == {"z": (4, 5)}
    assert shapes_of("sum(z/T)", shapes={"z": "2,K", "T": ""}) == {"z": (2, 3), "T": ()}
    assert shapes_of("sum(z*w)", shapes={"z": "N,K"}) == {"z": (3, 4), "w": (4,)}


def test_values_are_kept_and_say_what_the_letters_are() -> None:
    values, shapes = {"z": [1.0, 2.0]}, {"z": "K", "p": "K"}
    _, variables = reading.expression("sum(p*z)", shapes, values)
    assert variables["z"].value.tolist() == [1.0, 2.0]
    assert variables["p"].shape == (2,)


@pytest.mark.parametrize(
    "line", ["sum(log(x))", "log(x - y)", "sqrt(x - 2)", "log(log(x))", "y*log(a) + (1-y)*log(1-a)"]
)
def test_the_sample_is_where_the_loss_is_finite(line: str) -> None:
    shapes_of(line)


def test_the_seed_decides_the_sample() -> None:
    first, again, other = (reading.expression("sum(x)", seed=seed)[0].value for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize(
    ("line", "options", "words"),
    [
        ("2 + 3", {}, ["no name"]),
        ("log(-exp(x))", {}, ["finite at none", "--at"]),
        ("softmax(z, axis=1)", {}, ["z is not clear", "axis 1", "--shape z=N,K"]),
        ("z*[1, 2]", {}, ["not clear", "shape (2,)"]),
        ("sum(z)", {"shapes": {"Z": "N"}}, ["Z", "does not occur", "z"]),
        ("sum(z)", {"shapes": {"z": "N,,K"}}, ["not a list of lengths"]),
        ("sum(z)", {"shapes": {"z": "-3"}}, ["not a list of lengths"]),
        ("sum(z)", {"shapes": {"z": "0"}}, ["not a list of lengths"]),
        ("sum(z)", {"shapes": {"z": "100000,100000"}}, ["too large", "letters"]),
        ("sum(z)", {"shapes": {"z": "N,K"}, "values": {"z": [1.0]}}, ["another shape"]),
        ("sum(z)", {"shapes": {"z": "N,N"}, "values": {"z": [[1.0, 2.0]]}}, ["another shape"]),
        ("sum(X@w)", {"shapes": {"X": "N,D", "w": "N"}}, ["matmul", "(3, 4)", "(3,)"]),
        ("sum(X@w) + b", {"shapes": {"X": "N,D", "w": "N"}}, ["matmul", "(3, 4)", "(3,)"]),
    ],
)
def test_what_cannot_be_invented(line: str, options: Any, words: list[str]) -> None:
    with pytest.raises((tx.ParseError, tx.ShapeError)) as caught:
        reading.expression(line, **options)
    assert all(word in str(caught.value) for word in words), caught.value


# -- assumptions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "kind", "shown"),
    [
        ("sum(x)=1", "SumsToOne", "sum(x) = 1"),
        ("sum(x) == 1", "SumsToOne", "sum(x) = 1"),
        ("sum(A, axis=1) = 1", "SumsToOne", "sum(A, axis=1) = 1"),
        ("A.sum(axis=0)=1", "SumsToOne", "sum(A, axis=0) = 1"),
        ("x>0", "Positive", "x > 0"),
        ("x != 0", "Nonzero", "x != 0"),
        ("x ≠ 0", "Nonzero", "x != 0"),
        ("x - y > 0", "Positive", "x - y > 0"),
        ("simplex(x)", "Simplex", "sum(x) = 1"),
        ("Simplex(A, axis=0)", "Simplex", "sum(A, axis=0) = 1"),
        ("onehot(y)", "OneHot", "y is one-hot"),
        ("one_hot(y)", "OneHot", "y is one-hot"),
        ("positive(x)", "Positive", "x > 0"),
        ("nonzero(s)", "Nonzero", "s != 0"),
    ],
)
def test_assumptions(line: str, kind: str, shown: str) -> None:
    found = reading.assumption(line, LEAVES)
    assert (type(found).__name__, str(found)) == (kind, shown)


@pytest.mark.parametrize(
    "line",
    ["x", "x > 1", "x < 1", "A = x.T", "sum(A)=1", "sum(x)=2", "sum(x, axis=1)=1", "z>0",
     "positive()", "=", "=1", "positive(x, y)", "positive(x, axis=0)", "simplex(s)",
     "simplex(A, axis=2)", "x=1=2", "simplex(A, axis=(0, 1))", "simplex(A, keepdims=True)",
     "simplex(**x)", "lambda: 0"],
)  # fmt: skip
def test_what_is_no_assumption(line: str) -> None:
    with pytest.raises((tx.ParseError, tx.ShapeError)) as caught:
        reading.assumption(line, LEAVES)
    assert "\n" in str(caught.value)


def test_an_unknown_assumption_lists_the_known_ones() -> None:
    with pytest.raises(tx.ParseError, match=r"sum\(p\)=1, .*onehot\(x\)"):
        reading.assumption("orthogonal(A)", LEAVES)


# -- derivations from text ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "wrt", "assume", "expected"),
    [
        ("-sum(p*log(exp(z)/sum(exp(z))))", "z", (), "sum(p)*softmax(z) - p"),
        ("-sum(p*log(softmax(z)))", "z", "sum(p)=1", "softmax(z) - p"),
        ("-sum(p*log(softmax(z)))", "z", ["simplex(p)"], "softmax(z) - p"),
        ("log(1 + exp(z)) - z*y", "z", (), "sigmoid(z) - y"),
        ("(x - y)**4", "x", (), "4*(x - y)**3"),
        ("logsumexp(z) - p@z", "z", "sum(p)=1", "softmax(z) - p"),
    ],
)
def test_derive_takes_text(loss: str, wrt: str, assume: Any, expected: str) -> None:
    derivation = tx.derive(loss, wrt=wrt, assume=assume)
    assert derivation.result == expected
    assert derivation.result.node.shape in ((), (4,))


def test_derive_takes_text_for_an_assumption_only() -> None:
    z, p = tx.tensor([0.2, 5.0], name="z"), tx.tensor([0.0, 1.0], name="p")
    loss = -(p * tx.log(tx.softmax(z))).sum()
    assert tx.derive(loss, wrt="z", assume=["sum(p)=1"]).result == "softmax(z) - p"
    with pytest.raises(tx.ParseError, match="nothing is named q"):
        tx.derive(loss, wrt="z", assume="sum(q)=1")


def test_derive_knows_the_names_in_a_text() -> None:
    with pytest.raises(tx.ParseError, match=r"named logit\n.*\n  works: logits"):
        tx.derive("sum(softmax(logits)*y)", wrt="logit")
    several, _ = reading.expression("softmax(z)", shapes={"z": "N"})
    with pytest.raises(tx.GradientError):
        tx.derive(several, wrt="z")
