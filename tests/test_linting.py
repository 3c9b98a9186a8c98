"""Derivations are judged right: correct ones pass, every planted slip is found and named."""

from __future__ import annotations

import json
import time
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from derivations import GOOD, SLIPS, UNREAD, UNUSUAL

import tinygrad_xent as tx
from tinygrad_xent.errors import ParseError
from tinygrad_xent.linting import base, calculus
from tinygrad_xent.linting.gathering import gather
from tinygrad_xent.reading.latex_text import latex

DATA = Path(__file__).parent / "data"
DOCUMENTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(DATA.glob("*.tex"))}


@cache
def linted(text: str) -> tx.Report:
    return tx.lint(text)


def verdicts(text: str, **options: object) -> list[str]:
    return [item.verdict for item in tx.lint(text, **options).items]  # type: ignore[arg-type]


# -- correct derivations --------------------------------------------------------------------------


@pytest.mark.parametrize("name", GOOD)
def test_a_correct_derivation_passes(name: str) -> None:
    report = linted(GOOD[name])
    assert report, str(report)
    found = Counter(item.verdict for item in report.items)
    assert found["not read"] == UNREAD.get(name, 0), str(report)
    assert name in UNREAD or found["follows"] + found["follows under an assumption"] > 0


@pytest.mark.parametrize("name", UNUSUAL)
def test_nothing_unusual_is_called_wrong(name: str) -> None:
    report = linted(UNUSUAL[name])
    assert report, str(report)


SAME = r"$$q_i = \frac{e^{z_i}}{\sum_{j=1}^n e^{z_j}}, \quad L = -\sum_{i=1}^n p_i \log q_i$$"
DERIVATIVE = r"$$\frac{\partial L}{\partial z_k} = "
REWRITTEN = [
    r"q_k \sum_{i=1}^n p_i - p_k",
    r"-p_k + q_k \sum_{j=1}^n p_j",
    r"\sum_{i=1}^n p_i (q_k - \delta_{ik})",
    r"\sum_{i} p_i (q_k - \delta_{ki})",
    r"-\sum_{i=1}^n p_i (\delta_{ik} - q_k)",
    r"\sum_{i=1}^{n} (p_i q_k - p_i \delta_{i,k})",
    r"q_k \sum_{i \neq k} p_i + q_k p_k - p_k",
    r"\frac{e^{z_k} \sum_{i=1}^n p_i}{\sum_{j=1}^n e^{z_j}} - p_k",
    r"\frac{\exp(z_k)}{\sum_{j=1}^n \exp(z_j)} \left(\sum_{i=1}^n p_i\right) - p_k",
    r"\sum_{i} \begin{cases} p_i (q_i - 1) & \text{if } i = k \\ p_i q_k & \text{else}\end{cases}",
    r"\sum_{i=1}^n p_i \left(q_k - \mathbb{1}[i = k]\right)",
    r"-p_k (1 - q_k) + \sum_{i=1, i \neq k}^n p_i q_k",
    r"\text{softmax}(z)_k \, \sum_i p_i - p_k",
    r"\text{softmax}_k(z) \cdot \sum_i p_i - p_k",
    r"q_k \cdot \sum_i p_i - p_k",
]


@pytest.mark.parametrize("right", REWRITTEN)
def test_another_way_to_write_it_passes(right: str) -> None:
    report = tx.lint(f"{SAME}\n{DERIVATIVE}{right}$$")
    assert report.items[-1].verdict == "follows", str(report)


@pytest.mark.parametrize("right", [r"q_k - p_k", r"-(p_k - q_k)", r"\sum_i p_i q_k - p_k"])
def test_it_may_need_an_assumption(right: str) -> None:
    source = f"{SAME}\n{DERIVATIVE}{right}$$"
    last = tx.lint(source).items[-1]
    if "sum" in right:
        assert last.verdict == "follows"
    else:
        assert last.assumptions == (r"\sum_i p_i = 1",)
    assert tx.lint(source, assume=["sum(p) = 1"])


# -- planted slips --------------------------------------------------------------------------------


@pytest.mark.parametrize("slip", SLIPS, ids=lambda s: f"{s[0]}: {s[2]}")
def test_a_planted_slip_is_found(slip: tuple[str, str, str, str]) -> None:
    name, old, new, kinds = slip
    right = GOOD[name]
    assert old in right
    line = 1 + right[: right.index(old)].count("\n")
    report = tx.lint(right.replace(old, new, 1))
    assert not report
    found = [item for item in report.wrong if item.line == line]
    assert found, str(report)
    assert not kinds or found[0].kind in kinds.split(), str(report)


def test_most_slips_are_repaired_and_the_repair_follows() -> None:
    repaired = 0
    for name, old, new, _ in SLIPS[::8]:
        lines = GOOD[name].replace(old, new, 1).split("\n")
        item = tx.lint("\n".join(lines)).wrong[0]
        line = lines[item.line - 1]
        start = item.column - 1
        if item.repaired and line[start:].startswith(item.source):
            repaired += 1
            after = line[start + len(item.source) :]
            lines[item.line - 1] = line[:start] + item.repaired + after
            assert tx.lint("\n".join(lines)), f"{name}: {lines}"
    assert repaired > len(SLIPS[::8]) * 2 // 3


@pytest.mark.parametrize("name", ["softmax CE", "BCE", "logsumexp"])
def test_a_wrong_engine_would_be_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A derivation passes because of its derivatives: with wrong ones it fails."""
    slopes = calculus.slopes
    monkeypatch.setattr(calculus, "slopes", lambda *a: [1.001 * g for g in slopes(*a)])
    assert not tx.lint(GOOD[name])


def test_points_that_are_all_alike_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With every variable 1, a swapped index is not seen: the points have to differ."""
    monkeypatch.setattr(base, "drawn", lambda name, shape, trial, facts: np.ones((24, *shape)))
    assert tx.lint(SAME + r"$$\frac{\partial q_i}{\partial z_k} = q_i (\delta_{ik} - q_i)$$")


# -- verdicts, one by one -------------------------------------------------------------------------

ILL_FORMED = {
    r"$$L = -\sum_{i=1}^m y_k \log a_k$$": ("unused", r"L = -\sum_{k=1}^{m} y_{k} \log(a_{k})"),
    r"$$q_i = \frac{e^{z_i}}{\sum_{i=1}^n e^{z_i}}$$": (
        "captured", r"q_{i} = \frac{e^{z_{i}}}{\sum_{j=1}^{n} e^{z_{j}}}"),
    r"$z = (z_1, \ldots, z_m)$ $$s = \sum_{j=1}^n z_j$$": ("range", r"s = \sum_{j=1}^{m} z_{j}"),
    r"$a = (a_1, \ldots, a_m)^T \in \mathbb{R}^n$": ("range", ""),
    r"$y \in [m]$ and $y = (y_1, \ldots, y_m)$": ("letter", ""),
    r"$$z_i = \sum_i w_{ij} x_j$$": ("captured", r"z_{i} = \sum_{j} w_{ij} x_{j}"),
}  # fmt: skip


@pytest.mark.parametrize("source", ILL_FORMED)
def test_what_is_ill_formed_says_which_index(source: str) -> None:
    kind, repaired = ILL_FORMED[source]
    item = tx.lint(source).wrong[0]
    assert (item.verdict, item.kind, item.repaired) == ("ill-formed", kind, repaired)


FINE = [
    r"$$\sum_{j=1}^n 1 = n$$",
    r"$$\sum_{j=1}^n c = n c$$",
    r"$$s = \sum_i a_i + \sum_i b_i$$",
    r"$x_1 + x_2 = 1$ and $p \approx q$, $m = 3$",
    r"$$x_1 + x_2 = 1$$",
    r"$$f(2) = 3$$",
    r"$$f(x) = g(x)$$ $$f(2) = 3$$",
    r"$$L = -\log q_c$$ $$\frac{\partial L}{\partial q_i} = -\frac{\delta_{ic}}{q_c}$$",
    r"$$\frac{\partial L}{\partial x} = 0$$",
    r"$$\frac{\partial L}{\partial a_j} = \sum_k \frac{\partial L}{\partial z_k} w_{kj}$$",
    r"$$L = x^2$$ $$\frac{\partial L}{\partial x} = 0$$ and $$\frac{\partial L}{\partial x} = 3$$",
    r"$$q_i = \frac{e^{z_i}}{\sum_j e^{z_j}}$$ so that $q_i = p_i$, $y_k = 1$, and $$y_k = 1$$",
    r"$$dZ = A - Y$$ $$dW = \frac{1}{m} dZ X^T$$ $$w_{t+1} = w_t - \eta g_t$$ $$w \leftarrow 0$$",
    r"$$E \propto \exp(-\beta x)$$ $$a < b \leq c$$",
    r"$$\int_0^1 x \, dx = \frac{1}{2}$$ $$A^{-1} A = I$$ $$\oint = \unknown{3}$$",
    r"$$|x|^2 = x^2, \quad \sqrt{x^2} = |x|$$",
    r"$$\log x y = 3$$",
]


@pytest.mark.parametrize("source", FINE)
def test_what_cannot_be_known_is_not_called_wrong(source: str) -> None:
    assert tx.lint(source)


def test_what_is_not_read_has_its_place_and_reason() -> None:
    item = tx.lint("Text.\n\n$$a = b + \\int_0^1 x \\, dx$$").items[0]
    assert (item.verdict, item.line, item.column) == ("not read", 3, 11)
    assert "int" in item.explanation


def test_a_counterexample_is_one() -> None:
    text = r"$$L = x^2$$ $$\frac{\partial L}{\partial x} = x$$"
    assert tx.lint(text).wrong[0].counterexample == "x = 1: 2 above, 1 here"


def test_assumptions_said_in_the_document_count() -> None:
    define = r"$$q_i = \frac{e^{z_i}}{\sum_j e^{z_j}}$$"
    claim = r"$$\frac{\partial q_i}{\partial z_k} = q_i (1 - q_k)$$"
    assert tx.lint(f"{define} For $i = k$, {claim}")
    assert tx.lint(f"{define} {claim} for $i = k$.")
    assert not tx.lint(f"{define} {claim}")
    assert not tx.lint(f"{define} For $i \\neq k$, {claim}")
    assert tx.lint(f"{define} {claim}", assume=["i = k"])


def test_a_matrix_is_symmetric_only_where_it_is_said() -> None:
    form = r"$$f = x^\top A x$$"
    claim = r"$$\frac{\partial f}{\partial x} = 2 A x$$"
    assert not tx.lint(form + claim)
    assert tx.lint(f"{form} Let A be symmetric. {claim}")
    assert tx.lint(f"{form} {claim} since $A = A^\\top$.")
    assert tx.lint(form + claim, assume=["A = A^T"])


def test_an_unknown_assumption_is_refused() -> None:
    with pytest.raises(ParseError, match=r"works: .*onehot"):
        tx.lint("", assume=["the moon is full"])


def test_a_name_may_get_another_meaning() -> None:
    first, second = r"$$L = x^2$$", r"$$L = x^3$$"
    assert verdicts(f"{first}\n# Another\n{second}") == ["defines", "defines"]
    assert verdicts(f"{first}\nNow let us define\n{second}") == ["defines", "defines"]
    assert verdicts(f"{first}\n{second}") == ["defines", "does not follow"]


def test_macros_are_replaced() -> None:
    macros = r"\newcommand{\pd}[2]{\frac{\partial #1}{\partial #2}} \newcommand{\loss}{L}"
    assert verdicts(macros + r" $$\loss = x^2$$ $$\pd{\loss}{x} = 2x$$") == ["defines", "follows"]


# -- reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*GOOD, *DOCUMENTS])
def test_what_is_written_back_reads_the_same(name: str) -> None:
    """A tree as LaTeX, read again, is the same tree, or one that differs in brackets only."""
    text = GOOD.get(name) or DOCUMENTS[name]
    for line in gather(text, time.monotonic() + 60)[1]:
        for side in line.statement.sides:
            if side.tree is not None:
                again = latex(side.tree)
                assert again.count("{") == again.count("}")


def test_the_result_does_not_depend_on_spaces_and_line_ends() -> None:
    text = GOOD["softmax CE"]
    assert verdicts(text.replace("\n", "\r\n")) == verdicts(text)
    assert verdicts(text.replace(" &= ", "&=")) == verdicts(text)
    assert verdicts("\n\n" + text.replace(r"\left", "").replace(r"\right", "")) == verdicts(text)


# -- the documents --------------------------------------------------------------------------------


def test_the_documents_are_read_completely() -> None:
    for name, text in DOCUMENTS.items():
        report = linted(text)
        assert "not read" not in {item.verdict for item in report.items}, f"{name}\n{report}"


def test_the_slips_of_the_documents_are_found() -> None:
    found = {n: [(i.line, i.kind) for i in linted(t).wrong] for n, t in DOCUMENTS.items()}
    assert found == {
        "categorical": [(4, "range"), (6, "range"), (13, "range"), (15, "unused"), (16, "letter"),
                        (20, "unused"), (21, "captured")],
        "justification": [],
        "squared_error": [(4, "captured")],
    }  # fmt: skip


def test_the_silent_assumptions_of_the_documents_are_named() -> None:
    for name in ("justification", "squared_error"):
        report = linted(DOCUMENTS[name])
        needed = {a for item in report.items for a in item.assumptions}
        assert needed & {r"\sum_i p_i = 1", r"\sum_i y_i = 1"}


def test_the_printed_report_is_the_real_one() -> None:
    root = Path(__file__).parents[1]
    source = (root / "docs" / "documents.py").read_text(encoding="utf-8")
    space: dict[str, object] = {
        "__name__": "documents",
        "__file__": str(root / "docs/documents.py"),
    }
    exec(compile(source, "documents.py", "exec"), space)
    expected = space["page"]()  # type: ignore[operator]
    shown = (root / "docs" / "documents.md").read_text(encoding="utf-8")
    assert shown == expected, "run: make documents"


# -- forms ----------------------------------------------------------------------------------------

SCRIPT = r"$$<script>alert(1)</script> = \text{<i>} | ` x$$"


def test_a_report_prints_in_every_form() -> None:
    report = tx.lint(GOOD["softmax CE"].replace("q_k - p_k", "p_k - q_k"))
    assert "does not follow" in str(report)
    data = json.loads(report.json())
    assert data["ok"] is False
    assert [entry["verdict"] for entry in data["items"]] == [i.verdict for i in report.items]
    rows = [line for line in report.markdown().splitlines() if line.startswith("|")]
    assert len(rows) == 2 + len(report.items)
    assert all(row.count("|") - row.count("\\|") == 4 for row in rows)
    assert report.html().count("<li") == len(report.items)


def test_the_page_has_a_dark_form() -> None:
    assert "prefers-color-scheme: dark" in linted(GOOD["plain"]).html()


def test_text_of_the_document_is_escaped() -> None:
    report = tx.lint(SCRIPT)
    assert "<script>" not in report.html()
    assert "&lt;script&gt;" in report.html()
    assert "<i>" not in report.html()


# -- hostile documents ----------------------------------------------------------------------------

HOSTILE = {
    "nothing": "",
    "blank": " \n" * 100_000,
    "braces": "{" * 900_000,
    "braces in a formula": "$" + "{" * 900_000 + "$",
    "deep": "$$" + "{" * 10_000 + "x" + "}" * 10_000 + "$$",
    "deep fractions": "$$" + r"\frac{" * 5_000 + "x" + "}{2}" * 5_000 + "$$",
    "open brackets": "$$" + "(" * 10_000 + "$$",
    "begin": r"\begin{align}" * 5_000,
    "dollars": "$" * 100_001,
    "verbatim": r"\begin{verbatim}" * 50_000,
    "macros": r"\def\a{\a\a}$\a = 1$" * 300,
    "a bomb of macros": r"\def\a{\b\b\b\b}\def\b{\c\c\c\c}\def\c{\a\a\a\a}$\a$",
    "a long sum": "$$x=" + "+".join(f"x_{{{i}}}" for i in range(2_000)) + "$$",
    "scripts": "$" + "x^" * 5_000 + "2$",
    "nested sums": "$$x=" + "".join(rf"\sum_{{{c}=1}}^n " for c in "ijklrstuvw") + "z_i$$",
    "large numbers": r"$$x=\sum_{i=1}^{1000000000} z_i$$ $$y=z_{99999999}$$ $$z=9^{9^{9^9}}$$",
    "division by zero": r"$$x = \frac{1}{0}$$ $$y = \log(-1) = 2$$",
    "itself": r"$$f(x) = f(f(x))$$ $$a = a + 1$$ $$b = c$$ $$c = b$$ $$b = 2$$",
    "bytes": bytes(range(256)).decode("latin1") * 100,
    "unicode": "$$∑ᵢ pᵢ = 1 💥 \u202e ∂L/∂z³$$ $α²=β$",
    "numbers after nothing": r"$$\int = \oint \approx 0.5 \approx 1 = 0.3$$ $$= 1$$ $$\approx 2$$",
    "relations": "$$" + "x=" * 1_500 + "1$$",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_ends_in_a_report(name: str) -> None:
    start = time.monotonic()
    report = tx.lint(HOSTILE[name], seconds=10)
    assert time.monotonic() - start < 15
    str(report), report.html(), report.json(), report.markdown()


@pytest.mark.parametrize("seed", range(3))
def test_random_bytes_end_in_a_report(seed: int) -> None:
    data = np.random.default_rng(seed).bytes(20_000)
    tx.lint(data.decode("utf-8", errors="replace"), seconds=10)
    symbols = np.random.default_rng(seed).choice([*r"\${}^_&=()[]|'xi1 ", "\\\\", r"\frac",
                                                  r"\sum_{i}", r"\partial "], 3_000)  # fmt: skip
    tx.lint("$$" + "".join(symbols) + "$$", seconds=10)


def test_nothing_is_executed() -> None:
    report = tx.lint(
        r"\write18{ls} $$\input{/etc/passwd} = \write18{touch /tmp/x}$$ $$__import__$$"
    )
    assert "root:" not in str(report)
    assert {item.verdict for item in report.items} == {"not read"}


def test_a_document_may_be_too_long() -> None:
    with pytest.raises(ParseError, match="too long"):
        tx.lint("x" * 1_000_001)


def test_time_is_bounded() -> None:
    report = tx.lint(GOOD["softmax CE"], seconds=1e-9)
    assert {item.verdict for item in report.items} <= {"not read", "no claim", "defines"}


def test_steps_are_in_order() -> None:
    for text in (*GOOD.values(), *DOCUMENTS.values()):
        places = [(item.line, item.column) for item in linted(text).items]
        assert all(a <= b for a, b in pairwise(places))
