"""Imports run only downward through the rooms, in the order of docs/design.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tinygrad_xent"
FILES = [f for f in sorted(PACKAGE.rglob("*.py")) if f != PACKAGE / "__init__.py"]


def rooms() -> dict[str, int]:
    """Each room and how high it lies: its row in the table of docs/design.md."""
    rows = re.findall(r"^\| (`.+?) \|", (ROOT / "docs/design.md").read_text("utf-8"), re.M)
    return {
        name.removesuffix(".py").rstrip("/"): height
        for height, row in enumerate(rows)
        for name in re.findall(r"`(.+?)`", row)
    }


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(path: Path) -> Iterator[str]:
    """The rooms that a file imports from; those it imports for type checking count too."""
    here = path.relative_to(PACKAGE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = here[: len(here) - node.level + 1]
            inside = (*base, *(node.module or "").split(".")) if node.module else base
            yield from {inside[0]} if inside else {alias.name for alias in node.names}


def test_every_file_has_a_room() -> None:
    assert {room(path) for path in FILES} <= rooms().keys()


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_downward(path: Path) -> None:
    height = rooms()
    upward = {r for r in imported(path) if height.get(r, -1) > height[room(path)]}
    assert not upward
