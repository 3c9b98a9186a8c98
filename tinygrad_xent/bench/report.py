"""A whole benchmark, from its name to the text that is printed."""

from __future__ import annotations

from collections.abc import Callable

from .case import suite
from .measure import measure
from .processes import single_threaded
from .table import machine, markdown

PEERS = ("numpy", "torch", "jax", "autograd", "mygrad", "micrograd", "sympy", "tensorgrad")


def report(
    name: str, only: str = "", quick: bool = False, progress: Callable[[str], None] = print
) -> str:
    """Run a benchmark and return its Markdown: where and when, then the table.

    Args:
        name: one of `names()`.
        only: keep the cases whose name contains this.
        quick: two turns of a few milliseconds, to see that everything runs.
        progress: is told what is being measured.
    """
    rounds, turn = (2, 0.002) if quick else (15, 0.1)
    results = []
    with single_threaded():
        for number, case in enumerate(suite(name)):
            if only in case.name:
                progress(case.name)
                results.append((case, measure(name, number, case, rounds, turn)))
    return f"{machine(PEERS)}, one thread each\n\n{markdown(results)}"
