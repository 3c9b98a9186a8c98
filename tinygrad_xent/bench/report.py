"""A whole benchmark, from its name to the text that is printed."""

from __future__ import annotations

import os
from collections.abc import Callable

from ..errors import NotSupportedError, explain
from .case import Case, suite, timed
from .measure import Row, measure
from .processes import THREADS, limited
from .table import machine, markdown

PEERS = ("numpy", "numba", "torch", "jax", "autograd", "mygrad", "micrograd", "sympy", "tensorgrad")
Progress = Callable[[str], None]
Results = list[tuple[Case, list[Row]]]


def names() -> list[str]:
    """The benchmarks there are.

    >>> "accuracy" in names()
    True
    """
    return ["accuracy", *timed()]


def report(name: str, only: str = "", quick: bool = False, progress: Progress = print) -> str:
    """Run a benchmark and return its Markdown: where and when, then the table.

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

        return accuracy(only, quick, progress)
    return written(results(name, only, quick, progress))


def results(name: str, only: str = "", quick: bool = False, progress: Progress = print) -> Results:
    """The rows of a benchmark that looks at time, case by case."""
    rounds, turn = (2, 0.002) if quick else (15, 0.1)
    found = []
    for number, case in enumerate(suite(name)):
        if only in case.name:
            progress(case.name)
            with limited(case.threads):
                found.append((case, measure(name, number, case, rounds, turn)))
    return found


def written(found: Results) -> str:
    """Where and when, with how many threads, and the table."""
    threads = sorted({_threads(case.threads) for case, _ in found})
    return f"{machine(PEERS)}; {'; '.join(threads)}\n\n{markdown(found)}"


def _threads(number: int | None) -> str:
    if number is not None:
        return "one thread each" if number == 1 else f"{number} threads each"
    told = [f"{v}={os.environ[v]}" for v in THREADS if v in os.environ]
    return f"as many threads as each takes by itself ({', '.join(told) or 'no variable says'})"
