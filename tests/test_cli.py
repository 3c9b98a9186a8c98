"""The command line: its help, its options, and its errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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
    assert main.commands[name].help in " ".join(shown.output.split())


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


def test_as_a_module() -> None:
    command = [sys.executable, "-m", "tinygrad_xent", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("Usage: tinygrad-xent")
    assert done.returncode == 0
