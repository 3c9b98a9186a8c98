"""The command line: its help, its options, and its errors."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tinygrad_xent import __version__
from tinygrad_xent.cli import main


def call(*args: str) -> Result:
    return CliRunner().invoke(main, args)


def test_help_lists_every_command() -> None:
    shown = call("--help")
    assert shown.exit_code == 0
    assert all(f"  {name} " in shown.output for name in main.commands)


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_has_help(name: str) -> None:
    shown = call(name, "--help")
    assert shown.exit_code == 0
    assert " ".join(main.commands[name].help.split()) in " ".join(shown.output.split())


def test_version() -> None:
    assert __version__ in call("--version").output


def test_demo(tmp_path: Path) -> None:
    done = call("demo", "--out", str(tmp_path / "out"), "--epochs", "2")
    assert done.exit_code == 0
    assert (tmp_path / "out" / "index.html").exists()


@pytest.mark.parametrize(
    "args", [["--epochs", "0"], ["--epochs", "many"], ["--out", __file__], ["--nonsense"], ["more"]]
)
def test_wrong_options_exit_with_2(args: list[str]) -> None:
    done = call("demo", *args)
    assert done.exit_code == 2
    assert "Error:" in done.output


def test_a_folder_that_cannot_be_written_exits_with_1_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = call("demo", "--out", str(tmp_path / "file" / "out"))
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    assert "cannot write" in done.output
    assert ".py" not in done.output


def test_a_terminal_without_the_letters_is_no_reason_to_fail(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tinygrad_xent", "demo", "--epochs", "1", "--out", str(tmp_path)],
        env=os.environ | {"PYTHONIOENCODING": "ascii"}, capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


# -- derive ---------------------------------------------------------------------------------------

CROSS_ENTROPY = "-sum(p*log(softmax(z)))"


def derived(*args: str) -> list[str]:
    """The lines that `derive` prints, up to the result."""
    done = call("derive", *args)
    assert done.exit_code == 0, done.output
    shown, *_ = re.split(r"\n(?:the loss is )?computed as\n", done.stdout)
    *lines, last = shown.rstrip().split("\n")
    return [*lines, *last.rsplit("    ", 1)]  # the result, and what it rests on


def test_derive_from_the_naive_composition() -> None:
    *_, last, footing = derived("-sum(p*log(exp(z)/sum(exp(z))))", "--wrt", "z")
    assert last.endswith("  = sum(p)*softmax(z) - p")
    assert footing.strip() == "holds for all values"


def test_derive_with_an_assumption() -> None:
    *_, last, footing = derived(CROSS_ENTROPY, "--wrt", "z", "--assume", "sum(p)=1")
    assert last.endswith("  = softmax(z) - p")
    assert footing.strip() == "holds where sum(p) = 1"


def test_derive_with_shapes() -> None:
    shapes = ["--shape", "X=N,D", "--shape", "w=D", "--shape", "y=N"]
    assert derived("sum((X @ w - y)**2)", "--wrt", "w", *shapes)[-2].endswith("X.T @ (X @ w - y))")
    shown = call("derive", "sum((X @ w - y)**2)", "--wrt", "w", *shapes).stderr
    assert shown == "Sizes of the sample: X: 3 by 4, w: 4, y: 3\n"


def test_derive_at_values() -> None:
    assert derived("sum(a*x)", "--wrt", "x", "--at", "a=2", "--at", "x=1,2")[-2].endswith("= a")
    assert derived("sum(a*x)", "--wrt", "x", "--at", "a=1,2;3,4")[-2].endswith("= sum(a, axis=0)")


@pytest.mark.parametrize("loss", ["-sum(h)", "-x", "-h*w", "-x.sum()", "-(w*h).sum()"])
def test_a_formula_may_begin_with_a_minus_sign(loss: str) -> None:
    wrt = "x" if "x" in loss else "h"
    assert "= -" in derived(loss, "--wrt", wrt)[-2]
    assert "= -" in derived("--wrt", wrt, "--", loss)[-2]


def test_derive_as_json() -> None:
    data = json.loads("\n".join(derived(CROSS_ENTROPY, "--wrt", "z", "--json")))
    assert data["title"] == "d loss / d z"


@pytest.mark.parametrize(
    ("option", "sign"), [("--latex", "align*"), ("--markdown", "| step |"), ("--mathml", "<math")]
)
def test_derive_in_other_forms(option: str, sign: str) -> None:
    assert sign in "\n".join(derived(CROSS_ENTROPY, "--wrt", "z", option))


def test_derive_as_code_that_runs() -> None:
    names: dict[str, Any] = {}
    options = ["--assume", "sum(p)=1", "--code", "numpy"]
    exec(call("derive", CROSS_ENTROPY, "--wrt", "z", *options).stdout, names)
    gradient = names["gradient"](z=np.array([0.0, 0.0]), p=np.array([0.0, 1.0]))
    np.testing.assert_allclose(gradient, [0.5, -0.5])
    assert "import torch" in derived(CROSS_ENTROPY, "--wrt", "z", "--code", "torch")
    assert call("derive", CROSS_ENTROPY, "--wrt", "z", "--code", "fortran").exit_code == 2


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)
        if tag not in ("meta", "link", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_derive_as_a_page(tmp_path: Path) -> None:
    page = tmp_path / "new" / "page.html"
    derived(CROSS_ENTROPY, "--wrt", "z", "--assume", "sum(p)=1", "--html", str(page))
    html = page.read_text(encoding="utf-8")
    tags = Tags(html)
    assert not tags.open
    film, computed = html.split('<section class="computed"')
    assert Tags(film).seen.count("li") == tags.seen.count("svg") > 3
    assert "others(softmax(z))" in computed or "<math" in computed
    assert "http" not in html
    assert "<title>d loss / d z = softmax(z) - p</title>" in html
    assert "assumed: <math>" in html


def test_the_page_escapes_what_it_shows(tmp_path: Path) -> None:
    derived("sum(where(x > y, x, y))", "--wrt", "x", "--html", str(tmp_path / "page.html"))
    assert "x &gt; y" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_page_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = call("derive", "x", "--wrt", "x", "--html", str(tmp_path / "file" / "page.html"))
    assert (done.exit_code, "cannot write" in done.output) == (1, True)


LOSSES = """
import numpy as np
import neighbour
import tinygrad_xent as tx

def my_loss(logits, targets, scale=2.0):
    q = tx.softmax(logits).named("q")
    return -scale * (targets * np.log(q)).sum() / neighbour.TWO

def broken(x):
    return x.sum() + missing

def misfit(x, y):
    return (x @ y).sum()

def no_tensor(x):
    return 1.0
"""


@pytest.fixture
def losses(tmp_path: Path) -> str:
    (tmp_path / "neighbour.py").write_text("TWO = 2.0")
    (tmp_path / "losses.py").write_text(LOSSES)
    (tmp_path / "wrong.py").write_text("def f(x):\n    return x +\n")
    return str(tmp_path / "losses.py")


def test_derive_a_function_of_a_file(losses: str) -> None:
    shapes = ["--shape", "logits=N,K", "--shape", "targets=N,K"]
    facts = ["--assume", "sum(targets, axis=1)=1"]
    lines = derived(f"{losses}:my_loss", "--wrt", "logits", *shapes, *facts)
    assert lines[-2].endswith("= q - targets")
    lines = derived(f"{losses}:my_loss", "--wrt", "logits", *facts, *shapes, "--at", "scale=3")
    assert "scale*" in lines[-2]


@pytest.mark.parametrize(
    ("name", "options", "code", "words"),
    [
        ("broken", [], 1, ["losses.py:11: NameError", "missing"]),
        ("misfit", ["--shape", "x=2,3", "--shape", "y=2,3"], 1, ["losses.py:14", "(2, 3)"]),
        ("misfit", ["--shape", "x=2,3", "--shape", "z=3"], 2, ["z", "does not occur"]),
        ("no_tensor", [], 1, ["derive"]),
        ("my_los", [], 2, ["no function my_los", "my_loss"]),
    ],
)
def test_a_file_that_cannot_be_derived(
    losses: str, name: str, options: list[str], code: int, words: list[str]
) -> None:
    done = call("derive", f"{losses}:{name}", "--wrt", "x", *options)
    assert done.exit_code == code
    assert isinstance(done.exception, SystemExit)
    assert all(word in done.output for word in words), done.output


def test_files_that_are_not_there_or_not_python(losses: str, tmp_path: Path) -> None:
    assert "no such file" in call("derive", f"{tmp_path}/none.py:f", "--wrt", "x").output
    assert (
        "wrong.py:2: SyntaxError" in call("derive", f"{tmp_path}/wrong.py:f", "--wrt", "x").output
    )
    assert call("derive", f"{losses}:", "--wrt", "x").exit_code == 2


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["-sum(p*log(sofmax(z)))", "--wrt", "z"], 2, ["no function sofmax", "^", "softmax"]),
        (["sum(z", "--wrt", "z"], 2, ["not an expression", "^"]),
        (["sum(z)", "--wrt", "q"], 2, ["named q", "works: z"]),
        (["sum(z)"], 2, ["--wrt"]),
        (["--wrt", "z"], 2, ["LOSS"]),
        (["sum(z)", "sum(y)", "--wrt", "z"], 2, ["unexpected extra argument"]),
        (["sum(z)", "--wrt", "z", "--nonsense"], 2, ["--nonsense"]),
        (["sum(z)", "--wrt", "z", "--assume", "orthogonal(z)"], 2, ["assume", "onehot(x)"]),
        (["sum(z)", "--wrt", "z", "--assume", "q>0"], 2, ["nothing is named q"]),
        (["sum(z)", "--wrt", "z", "--shape", "z"], 2, ["shape", "z=N,K"]),
        (["sum(z)", "--wrt", "z", "--shape", "z=N", "--shape", "z=K"], 2, ["twice"]),
        (["sum(z)", "--wrt", "z", "--at", "z=1,a"], 2, ["not numbers"]),
        (["sum(z)", "--wrt", "z", "--at", "z=1,2;3"], 2, ["rows of one length"]),
        (["sum(z)", "--wrt", "z", "--at", "z="], 2, ["at"]),
        (["sum(z)", "--wrt", "z", "--at", "z=inf"], 2, ["finite"]),
        (["softmax(z, axis=1)", "--wrt", "z"], 2, ["--shape z=N,K"]),
        (["softmax(z)", "--wrt", "z", "--shape", "z=N"], 1, ["non-scalar", "(3,)"]),
        (["sum(stop_gradient(z)*y)", "--wrt", "z"], 1, ["does not depend on z"]),
        (["sum(A @ b)", "--wrt", "b", "--shape", "A=N,K", "--shape", "b=N"], 1, ["(3, 4)", "(3,)"]),
    ],
)  # fmt: skip
def test_errors_of_derive(args: list[str], code: int, words: list[str]) -> None:
    done = call("derive", *args)
    assert done.exit_code == code, done.output
    assert isinstance(done.exception, SystemExit)
    assert all(word in done.output for word in words), done.output
    assert ".py" not in done.output


def test_as_a_module() -> None:
    command = [sys.executable, "-m", "tinygrad_xent", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("Usage: tinygrad-xent")
    assert done.returncode == 0


# -- verify ---------------------------------------------------------------------------------------


def test_a_certificate_is_printed_and_verified(tmp_path: Path) -> None:
    page = call("derive", "-sum(p*log(softmax(z)))", "--wrt", "z", "--certificate").stdout
    file = tmp_path / "cert.json"
    file.write_text(page, encoding="utf-8")
    verified = call("verify", str(file))
    assert verified.exit_code == 0
    assert "d loss / d z = sum(p)*softmax(z) - p" in verified.stdout
    assert "NOT" not in verified.stdout


def test_a_certificate_that_does_not_hold_ends_with_an_error(tmp_path: Path) -> None:
    page = call("derive", "sum((x - y)**2)", "--wrt", "x", "--certificate").stdout
    file = tmp_path / "cert.json"
    file.write_text(page.replace('"args": [2', '"args": [3'), encoding="utf-8")
    verified = call("verify", str(file))
    assert verified.exit_code == 1
    assert "NOT verified" in verified.stdout


@pytest.mark.parametrize(
    "content",
    [b"nonsense", b"", b"\xff\xfe\x00", b"[" * 10**6, b"[1, NaN]", b"{}", b" " * 10**8],
    ids=["words", "empty", "binary", "nested", "nan", "object", "huge"],
)
def test_what_is_no_certificate_ends_with_a_message(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "cert.json"
    file.write_bytes(content)
    refused = call("verify", str(file))
    assert refused.exit_code == 1
    assert "not a certificate" in refused.output
    assert len(refused.output) < 400


def test_a_missing_file_ends_with_a_message(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        assert call("verify", str(path)).exit_code == 2


def test_what_only_the_statement_cannot_read_ends_with_a_message(tmp_path: Path) -> None:
    page = call("derive", "sum((x - y)**2)", "--wrt", "x", "--certificate").stdout
    file = tmp_path / "cert.json"
    file.write_text(page.replace('"name": "x"', '"name": "x\\u001b[31m"'), encoding="utf-8")
    assert "\x1b" not in call("verify", str(file)).output


# -- lint -----------------------------------------------------------------------------------------

RIGHT = "L = sum_i x_i**2\ndL/dx_k = 2*x_k\n"
SILENT = "q = softmax(z)\nL = -sum(p*log(q))\ndL/dz = q - p\n"


def lint_file(tmp_path: Path, text: str, *options: str) -> Result:
    path = tmp_path / "derivation.tex"
    path.write_text(text, encoding="utf-8")
    return CliRunner().invoke(main, ["lint", str(path), *options])


def test_lint_exits_with_what_it_found(tmp_path: Path) -> None:
    assert lint_file(tmp_path, RIGHT).exit_code == 0
    assert lint_file(tmp_path, SILENT).exit_code == 0
    wrong = lint_file(tmp_path, RIGHT.replace("2*x_k", "x_k"))
    assert wrong.exit_code == 1
    assert "does not follow" in wrong.output
    assert "A factor 2 is missing." in wrong.output
    assert lint_file(tmp_path, "no formula").exit_code == 0
    missing = CliRunner().invoke(main, ["lint", str(tmp_path / "none.tex")])
    assert missing.exit_code == 2
    assert "cannot be read" in missing.output


def test_lint_forms(tmp_path: Path) -> None:
    assert json.loads(lint_file(tmp_path, RIGHT, "--json").output)["ok"] is True
    assert "| place | formula | verdict |" in lint_file(tmp_path, RIGHT, "--markdown").output
    page = tmp_path / "new" / "page.html"
    assert lint_file(tmp_path, RIGHT, "--html", str(page)).exit_code == 0
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_lint_takes_assumptions(tmp_path: Path) -> None:
    assert "assuming: sum(p)=1" in lint_file(tmp_path, SILENT, "--assume", "sum(p)=1").output
    refused = lint_file(tmp_path, SILENT, "--assume", "nonsense")
    assert refused.exit_code == 2
    assert "sum(p)=1" in refused.output


def test_lint_reads_standard_input_and_other_bytes(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["lint", "-"], input=RIGHT)
    assert done.exit_code == 0
    path = tmp_path / "bytes.tex"
    path.write_bytes(bytes(range(256)) * 10)
    assert CliRunner().invoke(main, ["lint", str(path)]).exit_code == 0
