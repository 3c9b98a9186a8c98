"""Benchmarks run, and leave out what gives wrong results. Nothing here looks at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import tinygrad_xent as tx
from tinygrad_xent.bench import Case, MissingError, names, report, suite, timed
from tinygrad_xent.bench.measure import Row, _admit, difference
from tinygrad_xent.bench.table import markdown
from tinygrad_xent.cli import main

OURS = [
    (case, system)
    for name in timed()
    for case in suite(name)
    for system in case.systems
    if system.startswith(("tinygrad_xent", "NumPy"))
    if not case.memory and case.per < 100_000 and "collector" not in system
    if "50257" not in case.name and "4096" not in case.name and "disk" not in system
]


@pytest.mark.parametrize(
    ("case", "system"), OURS, ids=[f"{case.name}-{system}" for case, system in OURS]
)
def test_what_is_timed_is_right(case: Case, system: str) -> None:
    """By the same check that a worker has to pass, here in this process."""
    try:
        call = case.systems[system]()
    except (MissingError, ImportError) as reason:
        pytest.skip(f"{system}: {reason}")
    expected = case.instead.get(system, case.expected)()
    assert difference(call(), expected) <= case.tolerance


def test_a_wrong_result_is_not_timed() -> None:
    case = Case("task", lambda: (2.0, np.ones(3)), {}, tolerance=1e-9)
    notes = [gives(case, 2.0, np.full(3, x)) for x in (1.0, 1.0 + 1e-6)]
    assert notes == ["", "left out: wrong by 1.0e-06"]
    assert gives(case, np.nan, np.ones(3)) == "left out: wrong by nan"
    assert gives(case, 2.0, np.ones((3, 1))) == "left out: wrong by inf"
    assert admitted(case, ("missing", "No module named 'peer'")) == "not installed"
    assert admitted(case, ("failed", "ValueError: no")) == "left out: ValueError: no"


def gives(case: Case, *result: Any) -> str:
    return admitted(case, ("result", (list(result), 0.0, 1)))


def admitted(case: Case, answer: Any) -> str:
    class Stub:
        def answer(self, patience: float) -> Any:
            return answer

    row = Row("peer")
    _admit(row, Stub(), case)  # type: ignore[arg-type]
    return row.note


def test_a_result_with_an_entry_missing_is_wrong() -> None:
    with pytest.raises(ValueError, match="longer"):
        difference((1.0,), (1.0, 2.0))


def test_the_table_shows_ratios_within_rounds() -> None:
    case = Case("task", lambda: 0.0, {}, per=10, memory=True)
    rows = [
        Row("one", [2e-5, 2e-5, 4e-5], [1.0, 1.0, 1.0], peak=3.2),
        Row("two", [8e-5, 2e-5, 8e-5], [4.0, 1.0, 2.0], peak=0.4),
        Row("three", note="not installed"),
    ]
    lines = markdown([(case, rows)]).splitlines()[2:]
    assert lines == [
        "| task | one | 2 µs | 1.00 | 1.00 to 1.00 | 3 MB |",
        "| task | two | 8 µs | 2.00 | 1.50 to 3.00 | 0 MB |",
        "| task | three | not installed | | | |",
    ]


def test_a_benchmark_runs_in_processes_of_its_own() -> None:
    said: list[str] = []
    text = report("derive", only="summed", quick=True, progress=said.append)
    assert said == ["log of summed exponentials"]
    line = next(x for x in text.splitlines() if "tinygrad_xent" in x)
    assert "| 1.00 |" in line


def test_the_command_names_the_benchmarks() -> None:
    run = CliRunner().invoke(main, ["bench"])
    assert run.exit_code == 0
    assert run.output.split() == names()
    wrong = CliRunner().invoke(main, ["bench", "eagre"])
    assert wrong.exit_code == 1
    assert "no benchmark 'eagre'" in wrong.output
    with pytest.raises(tx.NotSupportedError, match="derive"):
        suite("nothing")
