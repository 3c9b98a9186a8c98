"""Every Python block of the documents runs, and gives what its `# ->` comments say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])

CHECK = """\
def _check(value, expected):
    shown = " ".join(str(value).split())
    assert shown == " ".join(expected.split()), f"{shown} is not {expected}"
"""


def script(document: str) -> str:
    """The blocks of a document as one program; `value  # -> text` becomes a check."""
    blocks = re.findall(r"^```python\n(.*?)^```", document, flags=re.DOTALL | re.MULTILINE)
    checked = re.sub(r"^(\S.*?)\s+# -> (.*)$", r"_check(\1, '\2')", "\n".join(blocks), flags=re.M)
    return CHECK + checked


def run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_blocks_run(path: Path, tmp_path: Path) -> None:
    done = run(script(path.read_text(encoding="utf-8")), tmp_path)
    assert done.returncode == 0, done.stderr
    for picture in path.parent.glob("images/*.svg"):  # those that a block has drawn
        if (tmp_path / picture.name).exists():
            assert words(tmp_path / picture.name) == words(picture), picture.name


def words(picture: Path) -> list[str]:
    """The texts in a drawing; where they stand is up to the program that does the layout."""
    root = ElementTree.fromstring(picture.read_text(encoding="utf-8"))
    return ["".join(element.itertext()) for element in root.iter() if element.tag.endswith("text")]


def test_a_wrong_comment_is_noticed(tmp_path: Path) -> None:
    done = run(script("```python\n1 + 1  # -> 3\n```\n"), tmp_path)
    assert "2 is not 3" in done.stderr


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#]+)\)", text) + re.findall(r'src="([^"]+)"', text)
    missing = [t for t in targets if "://" not in t and not (path.parent / t).exists()]
    assert not missing


def test_every_dependency_is_named_with_its_reason() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    needed = [*project["dependencies"], *(r for extra in extras for r in extra)]
    table = (ROOT / "README.md").read_text(encoding="utf-8").split("## Dependencies")[1]
    names = [re.match(r"[\w-]+", requirement).group() for requirement in needed]
    assert [name for name in names if name not in table] == []


def test_the_printed_derivation_is_the_real_one() -> None:
    from tinygrad_xent.demo.story import compose

    shown = str(compose().derivation).split("\n  holds")[0]
    assert shown in (ROOT / "README.md").read_text(encoding="utf-8")
