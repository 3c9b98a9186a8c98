"""What a benchmark consists of."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..errors import NotSupportedError, explain

Call = Callable[[], Any]


class MissingError(Exception):
    """A system that is not installed here, or cannot do the task: the reason why it is left out."""


@dataclass(frozen=True)
class Case:
    """One task, done by several systems.

    Attributes:
        name: what the table calls it.
        expected: what the task gives, in float64, by NumPy alone.
        systems: for each name a function that imports the system, prepares the task and returns
            the call to time. The first is the one that the others are divided by.
        per: what one call is counted as, for figures per operation.
        tolerance: the largest error allowed, relative to the largest entry expected.
        memory: whether the table shows how much memory a call takes at its peak.
        instead: what a system gives that does a smaller task, for comparison.
        threads: how many threads each system has; None for as many as it takes by itself.
        series, at: for a curve: which one this is a point of, and how far to the right.
    """

    name: str
    expected: Callable[[], Any]
    systems: dict[str, Callable[[], Call]]
    per: int = 1
    tolerance: float = 1e-9
    memory: bool = False
    instead: dict[str, Callable[[], Any]] = field(default_factory=dict)
    threads: int | None = 1
    series: str = ""
    at: float = 0.0


def timed() -> list[str]:
    """The benchmarks that look at time and memory: the files in `suites/`."""
    from . import suites

    return [
        module.name for module in pkgutil.iter_modules(suites.__path__) if module.name[0] != "_"
    ]


def suite(name: str) -> tuple[Case, ...]:
    """The cases of a benchmark.

    >>> [case.name for case in suite("derive")][0]
    'softmax with cross-entropy'
    """
    if name not in timed():
        raise NotSupportedError(explain("bench: no cases of this name", name, ", ".join(timed())))
    cases: tuple[Case, ...] = importlib.import_module(f"{__package__}.suites.{name}").CASES
    return cases
