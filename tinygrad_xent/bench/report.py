"""A whole benchmark, from its name to what is printed, drawn and saved."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import NotSupportedError, explain
from .busy import Watch
from .case import Case, suite, timed
from .measure import Row, measure
from .processes import THREADS, limited
from .table import machine, markdown

PEERS = ("numpy", "numba", "torch", "jax", "autograd", "mygrad", "micrograd", "sympy", "tensorgrad")
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Report:
    """What a benchmark found.

    Attributes:
        text: where and when, and the table, as Markdown.
        results: the rows of each case; none for a benchmark that does not look at time.
    """

    text: str
    results: tuple[tuple[Case, list[Row]], ...] = ()

    def plot(self, path: Path) -> None:
        """Draw the cases that are points of curves, as SVG.

        Raises:
            NotSupportedError: there are none, or matplotlib is not installed.
        """
        from .plotting import plot

        plot(path, self.results)

    def save(self, path: Path) -> None:
        """Write all figures in pyperf's format.

        Raises:
            NotSupportedError: there are none, or pyperf is not installed.
        """
        from .saving import save

        save(path, self.results)


def names() -> list[str]:
    """The benchmarks there are.

    >>> "accuracy" in names()
    True
    """
    return ["accuracy", *timed()]


def report(name: str, only: str = "", quick: bool = False, progress: Progress = print) -> Report:
    """Run a benchmark.

    Args:
        name: one of `names()`.
        only: keep the cases whose name contains this.
        quick: two turns of a few milliseconds, to see that everything runs.
        progress: is told what is being measured.
    """
    if name not in names():
        raise NotSupportedError(explain(f"bench: no benchmark {name!r}", name, ", ".join(names())))
    if name == "accuracy":
        from .accuracy import report as accuracy

        return Report(accuracy(only, quick, progress))
    return _timed(name, only, quick, progress)


def _timed(name: str, only: str, quick: bool, progress: Progress) -> Report:
    rounds, turn = (2, 0.002) if quick else (15, 0.1)
    found, watch = [], Watch()
    for number, case in enumerate(suite(name)):
        if only in case.name:
            progress(case.name)
            with limited(case.threads):
                found.append((case, measure(name, number, case, rounds, turn)))
    threads = sorted({_threads(case.threads) for case, _ in found})
    head = f"{machine(PEERS)}; {'; '.join(threads)}{watch.told()}"
    return Report(f"{head}\n\n{markdown(found)}", tuple(found))


def _threads(number: int | None) -> str:
    if number is not None:
        return "one thread each" if number == 1 else f"{number} threads each"
    told = [f"{v}={os.environ[v]}" for v in THREADS if v in os.environ]
    return f"as many threads as each takes by itself ({', '.join(told) or 'no variable says'})"
