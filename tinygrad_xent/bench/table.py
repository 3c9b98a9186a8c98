"""The results as one Markdown table."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from .case import Case
from .measure import Row

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_HEAD = (
    "| task | system | median | times the first | middle half of the ratios | peak memory |\n"
    "|---|---|---:|---:|---:|---:|"
)


def markdown(results: Iterable[tuple[Case, list[Row]]]) -> str:
    """A table with a row for each system at each case."""
    return "\n".join([_HEAD, *(_line(case, row) for case, rows in results for row in rows)])


def _line(case: Case, row: Row) -> str:
    if row.note:
        return f"| {case.name} | {row.system} | {row.note} | | | |"
    low, ratio, high = row.quartiles
    peak = f"{row.peak:.0f} MB" if case.memory else ""
    cells = [case.name, row.system, duration(row.middle / case.per), f"{ratio:.2f}"]
    return f"| {' | '.join(cells)} | {low:.2f} to {high:.2f} | {peak} |"


def duration(seconds: float) -> str:
    """Three digits in the unit that suits.

    >>> duration(0.00123), duration(2.5e-7)
    ('1.23 ms', '250 ns')
    """
    scale, unit = next(((s, u) for s, u in _UNITS if seconds >= s), _UNITS[-1])
    return f"{seconds / scale:.3g} {unit}"


def machine(packages: Iterable[str] = ()) -> str:
    """The date, the kind of machine, and the versions of what was measured."""
    installed = [f"{name} {v}" for name in packages if (v := _version(name))]
    today = datetime.now(UTC).date()
    python = f"Python {platform.python_version()}"
    return (
        f"{today}, {os.cpu_count()} cores, {platform.machine()}, {python}, {', '.join(installed)}"
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
