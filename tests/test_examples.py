"""Every example runs without a warning; what it claims it asserts itself."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "examples"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb")), sorted(FOLDER.glob("*_marimo.py"))
EXAMPLES = sorted(set(FOLDER.glob("*.py")) - set(NOTEBOOKS[1]))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_example_runs(path: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def shown(cells: list[str]) -> list[Any]:
    """What the cells of a notebook show: the value of the last line of each."""
    scope: dict[str, Any] = {}
    results = []
    for cell in cells:
        *lines, last = ast.parse(cell).body
        exec(compile(ast.Module(lines, []), "cell", "exec"), scope)
        results.append(eval(compile(ast.Expression(last.value), "cell", "eval"), scope))  # type: ignore[attr-defined]
    return results


def jupyter(path: Path) -> list[str]:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]


def marimo(path: Path) -> list[str]:
    """The bodies of the cells, which are functions, without what they return."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    cells = [f for f in tree.body if isinstance(f, ast.FunctionDef)]
    return ["\n".join(map(ast.unparse, f.body[:-1])) for f in cells]


@pytest.mark.parametrize("path", [*NOTEBOOKS[0], *NOTEBOOKS[1]], ids=lambda p: p.name)
def test_notebook_shows_what_it_computes(path: Path) -> None:
    cells = jupyter(path) if path.suffix == ".ipynb" else marimo(path)
    results = [r for r in shown(cells) if r is not None]
    assert len(results) >= 4
    assert all("<" in result._repr_html_() for result in results)


def test_both_notebooks_do_the_same() -> None:
    first, second = (read(path[0]) for read, path in zip((jupyter, marimo), NOTEBOOKS, strict=True))
    assert [ast.dump(ast.parse(cell)) for cell in first] == [
        ast.dump(ast.parse(cell)) for cell in second
    ]


def test_saved_notebooks_carry_no_output() -> None:
    for path in NOTEBOOKS[0]:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            assert not cell.get("outputs")
