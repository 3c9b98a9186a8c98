"""Every Python block of the documents runs, and gives what its `# ->` comments say.

So does what stands below a `print(...)`, and below a command after `$`; `...` leaves something out.
"""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])

CHECK = """\
import doctest


def _printed(value, expected):
    printed = str(value).rstrip() + "\\n"
    same = doctest.OutputChecker().check_output(expected, printed, doctest.ELLIPSIS)
    assert same, f"this was printed: {value}"


def _check(value, expected):
    shown = " ".join(str(value).split())
    assert shown == " ".join(expected.split()), f"{shown} is not {expected}"
"""


def script(document: str) -> str:
    """The blocks of a document as one program, in which what is shown of results are checks."""
    below = r"^print\(([^\n]*)\)\n```\n\n```(?:latex)?\n(.*?)^```"
    document = re.sub(below, _as_check, document, flags=re.DOTALL | re.MULTILINE)
    blocks = re.findall(r"^```python\n(.*?)^```", document, flags=re.DOTALL | re.MULTILINE)
    checked = re.sub(r"^(\S.*?)\s+# -> (.*)$", r"_check(\1, '\2')", "\n".join(blocks), flags=re.M)
    return CHECK + checked


def _as_check(found: re.Match[str]) -> str:
    return f"_printed({found[1]}, {found[2]!r})\n```"


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
    done = run(script("```python\nprint('a, b')\n```\n\n```\na, ...\n```\n"), tmp_path)
    assert done.returncode == 0
    done = run(script("```python\nprint('a, b')\n```\n\n```\nb, ...\n```\n"), tmp_path)
    assert "this was printed: a, b" in done.stderr


@pytest.mark.parametrize("name", ["checking.md", "linting.md"])
def test_commands_print_what_is_shown(name: str, tmp_path: Path) -> None:
    document = (ROOT / "docs" / name).read_text(encoding="utf-8")
    shown = re.findall(r"^```(?:sh)?\n(\$ .*?)^```", document, flags=re.DOTALL | re.MULTILINE)
    for turn in (t for block in shown for t in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]):
        command, _, expected = turn.partition("\n")
        program, *args = shlex.split(command)
        if program == "cat":
            (tmp_path / args[0]).write_text(expected, encoding="utf-8")
            continue
        call = [sys.executable, "-m", program.replace("-", "_"), *args]
        done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        same = doctest.OutputChecker().check_output(expected, done.stdout, doctest.ELLIPSIS)
        assert same, done.stdout + done.stderr


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
