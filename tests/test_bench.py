"""Benchmarks run, and leave out what gives wrong results. Nothing here looks at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner

import tinygrad_xent as tx
from tinygrad_xent.bench import (
    Case,
    MissingError,
    Report,
    busy,
    insert,
    names,
    report,
    suite,
    timed,
)
from tinygrad_xent.bench.busy import Watch
from tinygrad_xent.bench.calls import Child, Kept
from tinygrad_xent.bench.measure import Row, _admit, difference
from tinygrad_xent.bench.plotting import curves, plot
from tinygrad_xent.bench.suites._compilers import autograd, jax, torch
from tinygrad_xent.bench.suites._layers import NETWORK, NORMALISATION
from tinygrad_xent.bench.suites._tasks import (
    BINARY_ENTROPY,
    DIVERGENCE,
    ENTROPY,
    SQUARED_ERROR,
    Task,
)
from tinygrad_xent.bench.suites.compiled import expected
from tinygrad_xent.bench.suites.memory import LAYER
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
    text = report("derive", only="summed", quick=True, progress=said.append).text
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


# -- calls, documents, curves ---------------------------------------------------------------------


def test_results_that_are_kept_are_never_written_over() -> None:
    memory = np.zeros(2**20)
    reused = Kept(lambda: memory)
    assert reused.most == 2**30 // (40 * memory.nbytes)
    fresh = Kept(lambda: np.zeros(3))
    results = [fresh() for _ in range(4)]
    results[0][:] = 1
    assert all(not result.any() for result in results[1:])
    assert fresh._results[1] is results[0]


def test_a_child_times_itself_and_its_cache_is_empty() -> None:
    program = "import json, os; print(json.dumps([0.25, os.listdir(os.environ['XDG_CACHE_HOME'])]))"
    assert Child(program)() == []
    assert Child(program).seconds() == 0.25
    with pytest.raises(RuntimeError, match="ValueError: no"):
        Child("raise ValueError('no')")()


def test_other_work_on_the_machine_is_told(tmp_path: Path, monkeypatch: Any) -> None:
    stat = tmp_path / "stat"
    monkeypatch.setattr(busy, "_STAT", stat)
    monkeypatch.setattr(busy, "_seconds", lambda: 0.0)
    stat.write_text("cpu 100 0 50 800 50 0 0 0\ncpu0 ...\n")
    watch = Watch()
    assert watch.told() == ""  # no time has passed
    stat.write_text("cpu 150 0 100 880 70 0 0 0\ncpu0 ...\n")
    assert watch.told() == "; other programs took 50 % of the cores meanwhile"
    stat.unlink()
    assert Watch().told() == ""  # not Linux


def test_a_table_goes_where_the_document_wants_it(tmp_path: Path) -> None:
    path = tmp_path / "document.md"
    path.write_text("before\n\n<!-- bench eager -->\nold\n<!-- end -->\nafter\n", encoding="utf-8")
    for table in ("| 1 |", "| 2 |"):
        insert(path, "eager", table)
    text = path.read_text(encoding="utf-8")
    assert text == "before\n\n<!-- bench eager -->\n\n| 2 |\n\n<!-- end -->\nafter\n"
    with pytest.raises(tx.NotSupportedError, match="bench derive"):
        insert(path, "derive", "| 3 |")


def points() -> list[tuple[Case, list[Row]]]:
    cases = [Case(f"rows: {n}", lambda: 0.0, {}, per=n, series="rows", at=n) for n in (10, 100)]
    return [(c, [Row("one", [1e-7 * c.at**2] * 3, [1.0]), Row("two", note="no")]) for c in cases]


def test_curves_are_nanoseconds_for_each_entry(tmp_path: Path) -> None:
    wanted = {"one": [(10, pytest.approx(1000)), (100, pytest.approx(10_000))]}
    assert curves(points()) == {"rows": wanted}
    assert curves([(Case("task", lambda: 0.0, {}), points()[0][1])]) == {}
    with pytest.raises(tx.NotSupportedError, match="scaling"):
        Report("", ()).plot(tmp_path / "plot.svg")


def test_the_same_figures_give_the_same_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    files = [tmp_path / name for name in ("a.svg", "b.svg")]
    for path in files:
        plot(path, points())
    assert files[0].read_bytes() == files[1].read_bytes()
    words = "".join(ElementTree.parse(files[0]).getroot().itertext())
    assert "one" in words
    assert "two" not in words


def test_figures_are_saved_for_pyperf(tmp_path: Path) -> None:
    pyperf = pytest.importorskip("pyperf")
    path = tmp_path / "figures.json"
    Report("", tuple(points())).save(path)
    found = pyperf.BenchmarkSuite.load(str(path))
    assert found.get_benchmark_names() == ["rows: 10: one", "rows: 100: one"]
    assert found.get_benchmark("rows: 10: one").median() == pytest.approx(1e-6)
    with pytest.raises(tx.NotSupportedError, match="nothing was timed"):
        Report("", ()).save(path)


# -- peers, where they are installed --------------------------------------------------------------

TASKS = [
    *((task, (6, 5)) for task in (ENTROPY, SQUARED_ERROR, BINARY_ENTROPY, DIVERGENCE)),
    (NORMALISATION, (6, 5)),
    (NETWORK, (6, 4, 3, 5)),
    (LAYER, (6, 4, 5)),
]


@pytest.mark.parametrize("peer", [("torch", torch), ("jax", jax), ("autograd", autograd)])
@pytest.mark.parametrize(("task", "shape"), TASKS, ids=[task.name for task, _ in TASKS])
def test_peers_are_given_the_same_task(peer: Any, task: Task, shape: Any) -> None:
    pytest.importorskip(peer[0])
    result = peer[1](task, shape, "float64")()
    assert difference(result, expected(task, shape, "float64")) < 1e-11
