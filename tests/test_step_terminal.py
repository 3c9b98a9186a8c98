"""Stepping in the terminal: what keys do, what 80 columns show, and a real terminal at the end."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console
from test_stepping import AT, TEXT

import tinygrad_xent as tx
from tinygrad_xent.cli import main
from tinygrad_xent.stepping import Walkthrough
from tinygrad_xent.stepping.session import HELP, Session, breakpoint_from
from tinygrad_xent.stepping.terminal import Screen

ROOT = Path(__file__).parents[1]
CALL = ["step", TEXT, "--at", "z=4,-1,-3", "--at", "p=0,0,1"]
COUNT = len(tx.steps(TEXT, at=AT))  # of the steps that CALL shows
RIGHT, LEFT, HOME, END = "\x1b[C", "\x1b[D", "\x1b[H", "\x1b[F"


@pytest.fixture(scope="module")
def xent() -> Walkthrough:
    return tx.steps(TEXT, at=AT, assume="sum(p)=1", hand={"z": "softmax(z) - p"}, name="ce")


@pytest.fixture
def session(xent: Walkthrough) -> Session:
    return Session.of(xent)


def drawn(session: Session, ascii: bool = False, width: int = 80, height: int = 0) -> str:
    console = Console(width=width, record=True, file=StringIO(), legacy_windows=False)
    console.print(Screen(ascii).drawn(session, height))
    return console.export_text()


def test_moves(session: Session) -> None:
    last = len(session.rows) - 1
    for key, row in ((RIGHT, 1), ("n", 2), (LEFT, 1), ("p", 0), (LEFT, 0), (END, last),
                     (RIGHT, last), (HOME, 0)):  # fmt: skip
        assert session.press(key)
        assert session.row == row
    assert not session.press("q")


def test_play_goes_on_until_the_end(session: Session) -> None:
    session.press(" ")
    assert session.playing
    for _ in range(100):
        if session.playing:
            session.tick()
    assert (session.row, session.playing) == (len(session.rows) - 1, False)
    session.press(HOME)
    session.press(" ")
    session.press(" ")
    assert not session.playing


@pytest.mark.parametrize(
    ("start", "text", "row"),
    [(0, "log", 8), (8, "log", 15), (0, ">1000", 16), (12, "z", 20), (0, "< 1.2", 12)],
)
def test_stops(session: Session, start: int, text: str, row: int) -> None:
    session.row = start
    session.press("b")
    assert session.asking == "stop"
    session.answer(text)
    assert session.row == row


def test_go_to_a_node(session: Session) -> None:
    session.press("g")
    session.answer("softmax(z)")
    assert session.row == 7
    session.row = 20
    session.press("g")
    session.answer("softmax(z)")
    assert session.row == 16
    session.press("g")
    session.answer("nobody")
    assert "No node" in session.message


@pytest.mark.parametrize("text", ["nonsense", ">", "", "nan", "<x"])
def test_a_stop_that_is_none_says_so(session: Session, text: str) -> None:
    session.press("b")
    session.answer(text)
    assert session.row == 0
    assert session.message


def test_why(session: Session) -> None:
    session.press("w")
    session.answer("z 2")
    assert "entry [2] of z" in session.message
    session.press("w")
    session.answer("z 7")
    assert "why: one entry is wanted" in session.message


def test_a_line_of_input_can_be_mended_and_given_up(session: Session) -> None:
    for key in ["b", "l", "x", "\x7f", "o", "g", RIGHT, "\r"]:
        session.press(key)
    assert session.row == 8
    for key in ["g", "z", "\x1b", RIGHT]:
        session.press(key)
    assert session.row == 9


def test_help(session: Session) -> None:
    session.press("?")
    assert session.message == HELP


@pytest.mark.parametrize("ascii", [False, True])
def test_every_step_fits_80_columns_and_shows_its_numbers(xent: Walkthrough, ascii: bool) -> None:
    session = Session.of(xent)
    for step in xent:
        text = drawn(session, ascii)
        assert max(map(len, text.splitlines())) <= 80
        assert text.isascii() or not ascii
        assert f"{step.number}/{len(xent)}" in text
        if step.phase == "backward" and step.arriving.table:
            for x in np.ravel(step.arriving.entries):
                assert f"{x + 0.0:.4g}" in text
        session.press(RIGHT)


def test_symbols_take_the_place_of_numbers(session: Session) -> None:
    session.row = 16
    assert "-p/softmax(z)" in drawn(session)
    assert "1097" in drawn(session).split("local, by exp")[-1]
    session.press("s")
    assert "1097" not in drawn(session).split("local, by exp")[-1]


def test_hand_stands_beside_the_engine(session: Session) -> None:
    session.row = 20
    assert "softmax(z) - p" in drawn(session)
    assert "1.3e-16" in drawn(session)


def test_two_losses_side_by_side() -> None:
    z = tx.tensor([4.0, -3.0], name="z")
    q = tx.softmax(z).named("q")
    c = tx.compare(-tx.log(q)[1], ((q - 1.0) ** 2).sum(), names=("ce", "se"))
    session = Session.of(c)
    for _ in c.rows:
        text = drawn(session, width=80)
        assert max(map(len, text.splitlines())) <= 80
        session.press(RIGHT)
    assert "ce: " in text
    assert "se: " in text


def two() -> Session:
    z, p = tx.tensor([4.0, -1.0, -3.0], name="z"), tx.tensor([0.0, 0.0, 1.0], name="p")
    q = tx.softmax(z).named("q")
    return Session.of(tx.compare(-(p * tx.log(q)).sum(), ((q - p) ** 2).sum(), names=("ce", "se")))


def test_a_small_terminal_shows_everything_bit_by_bit() -> None:
    """In 24 lines the keys and what is asked stay in view; the arrows bring all the rest."""
    session = two()
    session.press("b")
    session.answer("> 1000")
    whole = set(drawn(session).splitlines())
    seen: set[str] = set()
    for _ in range(9):
        lines = drawn(session, height=24).splitlines()
        assert len(lines) <= 24
        assert lines[-1].strip() == "" or "arrows up, down" in lines[-1]
        seen |= set(lines)
        session.press("\x1b[B")
    assert {line for line in whole if "│" in line or "passes" in line} <= seen
    last = session.down
    session.press("\x1b[A")
    assert session.down < last < 40  # further down than the end is nowhere
    session.press("n")
    assert session.down == 0


def test_what_the_sizes_say() -> None:
    session = two()
    session.press("e")
    assert "cancel" in session.message
    assert "cancel" in drawn(session, height=24).replace("\n", " ")


def test_names_move_no_cursor() -> None:
    w = tx.steps((tx.tensor(2.0, name="\x1b[2J[bold]") ** 2).named("a\nb"))
    text = drawn(Session.of(w))
    assert "\x1b" not in text
    assert "[bold]" in text


def test_breakpoints_as_text() -> None:
    assert breakpoint_from("<1e-3") == (None, {"below": 1e-3})
    assert breakpoint_from("") == (None, {})


# -- the command ----------------------------------------------------------------------------------


def run(*args: str) -> str:
    done = CliRunner().invoke(main, list(args))
    assert done.exit_code == 0, done.output
    return done.output


def test_piped_it_prints_every_step() -> None:
    text = run(*CALL)
    for n in range(1, COUNT + 1):
        assert f"\n{n:4}  " in text
    assert run(*CALL, "--ascii").isascii()


def test_json_and_hand() -> None:
    w = Walkthrough.from_json(run(*CALL, "--json", "--hand", "z=softmax(z)-p"))
    assert any(s.hand and s.hand.difference < 1e-15 for s in w.backward)


def test_html_of_two_losses(tmp_path: Path) -> None:
    out = tmp_path / "out.html"
    run("step", f"{ROOT}/examples/two_losses.py:main", "--html", str(out))
    assert "se" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("tx.tensor(2.0, name='x') ** 2", "d loss / d x"),
        ("{'one': x * x, 'two': x * 3.0}", "one"),
        ("(x * x, x * 3.0)", "norm of what arrives"),
        ("tx.steps(x * x)", "Backward"),
    ],
)
def test_what_a_function_may_return(tmp_path: Path, body: str, shown: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(f"import tinygrad_xent as tx\nx = tx.tensor(2.0, name='x')\n"
                    f"def main():\n    return {body}\n")  # fmt: skip
    assert shown in run("step", f"{file}:main")


@pytest.mark.parametrize(
    "args",
    [
        ["sum("], ["x", "--at", "x=1"], ["sum(x)", "--hand", "x"], ["sum(x)", "--hand", "y=1"],
        ["sum(x)", "--html", "/nowhere/at/all.html"], ["sum(x)", "--html", "a.txt"],
        ["none.py:main"],
    ],
)  # fmt: skip
def test_bad_input_is_one_message(args: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["step", *args])
    assert done.exit_code != 0
    assert "Traceback" not in done.output
    assert "Error" in done.output


def test_draw(tmp_path: Path) -> None:
    out = tmp_path / "graph.svg"
    run("draw", "sum(x**2)", "--backward", "--out", str(out))
    assert out.read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.skipif(os.name != "posix", reason="no pseudo-terminals here")
def test_in_a_real_terminal() -> None:
    """Keys typed at a pseudo-terminal: a step on, to the end, a stop that is not there, and out."""
    import pty

    terminal, inside = pty.openpty()
    command = [sys.executable, "-m", "tinygrad_xent", *CALL]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80", "LINES": "40"}
    running = subprocess.Popen(
        command, stdin=inside, stdout=inside, stderr=inside, cwd=ROOT, env=environment
    )
    os.close(inside)
    n = COUNT
    keys = {f"1/{n}": RIGHT, f"2/{n}": END, f"{n}/{n}": "bnan\r", "No further": "q"}
    for awaited, typed in keys.items():
        assert awaited in _until(terminal, awaited)
        os.write(terminal, typed.encode())
    _until(terminal, "nothing more")
    assert running.wait(timeout=20) == 0
    os.close(terminal)


def _until(terminal: int, text: str, seconds: float = 20.0) -> str:
    seen, end = b"", time.monotonic() + seconds
    while text.encode() not in seen and time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                seen += os.read(terminal, 65536)
            except OSError:  # it has ended
                break
    return seen.decode(errors="replace")
