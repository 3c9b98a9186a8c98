"""Curves: the time of each system over the size of the task, a panel for each series."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import NotSupportedError, explain
from .case import Case
from .measure import Row

Results = Sequence[tuple[Case, list[Row]]]
_STYLE: Any = {"svg.hashsalt": "tinygrad_xent", "svg.fonttype": "none", "font.size": 9}
_NO_DATE = {"Date": None, "Creator": None}  # the same figures give the same file


def plot(path: Path, results: Results) -> None:
    """Draw the cases that are points of curves, as SVG.

    Raises:
        NotSupportedError: there are none, or matplotlib is not installed.
    """
    found = curves(results)
    if not found:
        problem = "bench: nothing here is a curve"
        raise NotSupportedError(explain(problem, str(path), "tinygrad-xent bench scaling"))
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        works = 'pip install matplotlib, or pip install "tinygrad-xent[demo]"'
        problem = "bench: drawing needs matplotlib, which is not installed"
        raise NotSupportedError(explain(problem, str(path), works)) from None
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(3.2 * len(found), 3.4), layout="constrained")
        _draw(figure, found)
        figure.savefig(path, format="svg", metadata=_NO_DATE)


def curves(results: Results) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """For each series and system the sizes and the nanoseconds, in the order of the sizes."""
    found: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for case, rows in results:
        for row in rows if case.series else ():
            if row.seconds:
                points = found.setdefault(case.series, {}).setdefault(row.system, [])
                points.append((case.at, 1e9 * row.middle / case.per))
    return found


def _draw(figure: Any, found: dict[str, dict[str, list[tuple[float, float]]]]) -> None:
    systems = list(dict.fromkeys(system for lines in found.values() for system in lines))
    lines: dict[str, Any] = {}
    for axes, (series, by) in zip(figure.subplots(1, len(found), squeeze=False)[0], found.items(),
                                  strict=True):  # fmt: skip
        for system, points in by.items():
            color = f"C{systems.index(system)}"
            (lines[system],) = axes.loglog(*zip(*sorted(points), strict=True), "o-", ms=3,
                                           color=color)  # fmt: skip
        axes.set(title=series, ylabel="ns for each, log scale")
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    figure.legend(lines.values(), lines, loc="outside lower center", ncols=3, frameon=False)
