"""Whether the machine had other work to do meanwhile: then figures, and above all those of systems
with several threads, say less."""

from __future__ import annotations

import os
from pathlib import Path

_STAT = Path("/proc/stat")


class Watch:
    """Looks at the cores from now on, on Linux."""

    def __init__(self) -> None:
        self._busy, self._all = _ticks()
        self._ours = _seconds()

    def told(self) -> str:
        """What other programs took of the cores, for the line above the table."""
        busy, ticks = _ticks()
        if ticks == self._all:
            return ""
        mine = (_seconds() - self._ours) * os.sysconf("SC_CLK_TCK")
        share = max(0.0, busy - self._busy - mine) / (ticks - self._all)
        return f"; other programs took {100 * share:.0f} % of the cores meanwhile"


def _ticks() -> tuple[int, int]:
    """How long all cores together have been busy, and have been there."""
    if not _STAT.exists():
        return 0, 0
    user, nice, system, idle, wait, *rest = map(int, _STAT.read_text().split("\n")[0].split()[1:9])
    busy = user + nice + system + sum(rest)
    return busy, busy + idle + wait


def _seconds() -> float:
    """Of this process and of the workers that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
