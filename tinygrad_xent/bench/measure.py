"""Systems take turns, A B C A B C; what counts are medians, and the ratio within each round."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any

import numpy as np

from .case import Case
from .processes import Worker, as_arrays

PATIENCE = 120.0  # seconds for a first call, imports included


@dataclass
class Row:
    """One system at one task.

    Attributes:
        system: its name.
        seconds: per call, one figure for each round.
        ratios: to the first system, in the same round.
        peak: megabytes that the first call took on top of what was there.
        most: how many calls a turn may have.
        note: why there are no figures, if there are none.
    """

    system: str
    seconds: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    peak: float = 0.0
    most: int = 1_000_000
    note: str = ""

    @property
    def middle(self) -> float:
        return median(self.seconds)

    @property
    def quartiles(self) -> tuple[float, float, float]:
        """Below these are a quarter, half and three quarters of the ratios."""
        low, middle, high = quantiles(self.ratios, n=4, method="inclusive")
        return low, middle, high


def measure(name: str, number: int, case: Case, rounds: int, turn: float) -> list[Row]:
    """Every system at one case, checked before it is timed.

    Args:
        name, number: which case of which benchmark this is: the workers look it up themselves.
        rounds: how often each system has its turn.
        turn: how many seconds a turn lasts, roughly.
    """
    rows = [Row(system) for system in case.systems]
    workers: dict[str, Worker] = {}
    try:
        for row in rows:
            workers[row.system] = Worker(name, number, row.system)
            _admit(row, workers[row.system], case)
        _take_turns([(row, workers[row.system]) for row in rows if not row.note], rounds, turn)
    finally:
        for worker in workers.values():
            worker.stop()
    return rows


def _admit(row: Row, worker: Worker, case: Case) -> None:
    kind, answer = worker.answer(PATIENCE)
    if kind != "result":
        row.note = "not installed" if "No module" in str(answer) else f"left out: {answer}"
        return
    result, row.peak, row.most = answer
    error = difference(result, case.instead.get(row.system, case.expected)())
    if not error <= case.tolerance:
        row.note = f"left out: wrong by {error:.1e}"


def difference(result: Any, expected: Any) -> float:
    """The largest error, relative to the largest entry expected (or to 1); nan for a nan."""
    pairs = zip(as_arrays(result), as_arrays(expected), strict=True)
    return float(np.max([_error(got, want) for got, want in pairs]))


def _error(got: np.ndarray, want: np.ndarray) -> float:
    if got.shape != want.shape:
        return np.inf
    return float(np.max(np.abs(got - want)) / max(1.0, np.max(np.abs(want))))


def _take_turns(ready: list[tuple[Row, Worker]], rounds: int, turn: float) -> None:
    times = {row.system: _calls_per_turn(worker, turn, row.most) for row, worker in ready}
    slow = sum(worker.run(1) for _, worker in ready) > 20 * turn
    for _ in range(min(rounds, 5) if slow else rounds):
        for row, worker in ready:
            n = times[row.system]
            row.seconds.append(worker.run(n) / n)
            row.ratios.append(row.seconds[-1] / ready[0][0].seconds[-1])


def _calls_per_turn(worker: Worker, turn: float, most: int) -> int:
    """How many calls fill a turn: the first runs also warm caches up."""
    times = 1
    while (seconds := worker.run(times)) < turn / 2 and times < most:
        times = max(times + 1, min(10 * times, int(times * turn / max(seconds, 1e-9))))
    return min(times, most)
