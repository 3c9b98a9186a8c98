"""Figures in pyperf's format, so that its tools read them: stats, hist, compare_to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import NotSupportedError, explain
from .case import Case
from .measure import Row


def save(path: Path, results: Sequence[tuple[Case, list[Row]]]) -> None:
    """Write the seconds of every call and round, with what pyperf finds out about the machine.

    Raises:
        NotSupportedError: pyperf is not installed, or nothing was timed.
    """
    try:
        import pyperf
    except ImportError:
        works = 'pip install pyperf, or pip install "tinygrad-xent[bench]"'
        problem = "bench: this format needs pyperf, which is not installed"
        raise NotSupportedError(explain(problem, str(path), works)) from None
    found = [_benchmark(pyperf, case, row) for case, rows in results for row in rows
             if row.seconds]  # fmt: skip
    if not found:
        raise NotSupportedError(explain("bench: nothing was timed", str(path), "another --only"))
    pyperf.BenchmarkSuite(found).dump(str(path), replace=True)


def _benchmark(pyperf: Any, case: Case, row: Row) -> Any:
    metadata = {"name": f"{case.name}: {row.system}", "unit": "second"}
    values = [seconds / case.per for seconds in row.seconds]
    return pyperf.Benchmark([pyperf.Run(values, metadata=metadata, collect_metadata=True)])
