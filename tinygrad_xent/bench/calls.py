"""Calls that are more than a function: results that are kept, and children that time themselves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from tempfile import TemporaryDirectory
from typing import Any

from .case import Call
from .processes import as_arrays

_BUDGET = 2**30  # bytes that the results of one system may take
_CACHES = ("XDG_CACHE_HOME", "NUMBA_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR")
_TURNS = 40  # more than a benchmark has, with the calls that warm up


class Kept:
    """A call whose results the caller keeps, so that no later one can have their memory.

    Attributes:
        most: how many calls a turn may have, so that all results fit into memory.
    """

    def __init__(self, call: Call) -> None:
        self._call, self._results, self.most = call, [call()], 1
        size = sum(part.nbytes for part in as_arrays(self._results[0]))
        self.most = max(1, _BUDGET // (_TURNS * max(size, 1)))

    def __call__(self) -> Any:
        result = self._call()
        self._results.append(result)
        return result


class Child:
    """A program for a Python of its own, which prints [seconds, result] as JSON.

    Args:
        program: its text.
        cache: the folder for what is cached on disk; by default a new one for each run.
    """

    def __init__(self, program: str, cache: str = "") -> None:
        self._program, self._cache = program, cache

    def __call__(self) -> Any:
        return self._run()[1]

    def seconds(self) -> float:
        """Run it once more, and say how long it took by its own account."""
        return self._run()[0]

    def _run(self) -> tuple[float, Any]:
        with TemporaryDirectory() as folder:
            own = dict.fromkeys(_CACHES, self._cache or folder)
            own["PYTHONDONTWRITEBYTECODE"] = ""  # what is installed has its bytecode
            command = [sys.executable, "-c", self._program]
            done = subprocess.run(
                command, env={**os.environ, **own}, capture_output=True, text=True
            )
        if done.returncode:
            raise RuntimeError(done.stderr.strip().splitlines()[-1])
        seconds, result = json.loads(done.stdout.splitlines()[-1])
        return seconds, result
