"""A process for each system: what one imports, allocates or collects does not touch another.

A worker prepares its task, sends what it gives, and then runs it as often as it is asked to.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from .case import Call, MissingError, suite

_MEGABYTE = 2**20
_NO_LIMIT = 1_000_000  # calls
_PATIENCE = 0.5  # seconds in which a thread that waits has gone to sleep
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
"""The variables that the libraries measured here ask for their number of threads."""


def serve(pipe: Connection, name: str, number: int, system: str) -> None:
    """The worker: answers with ("result", numbers), ("missing", why) or ("failed", why)."""
    try:
        call = suite(name)[number].systems[system]()
        _settle_memory()
        before = _memory("VmRSS")
        _reset_peak()
        result = call()
        peak = max(0.0, _memory("VmHWM") - before)
        pipe.send(("result", (as_arrays(result), peak, getattr(call, "most", _NO_LIMIT))))
    except (MissingError, ImportError) as reason:
        return pipe.send(("missing", str(reason)))
    except Exception as error:  # a peer may fail in any way: the others are still measured
        return pipe.send(("failed", f"{type(error).__name__}: {error}"))
    while times := pipe.recv():
        seconds = _timed(call, times)
        _wait_for_threads()
        pipe.send(seconds)


def _settle_memory() -> None:
    """Free a megabyte once. Until a block of some size was freed, Linux's C library gives memory of
    that size back after each call and asks for it again, page by page: a matter of what was done
    before, which would decide between systems.
    """
    np.empty(2**17)


def _wait_for_threads() -> None:
    """Until this process does nothing: threads of BLAS and OpenMP go on for a while after a call,
    waiting busily for the next, and would take a processor from whoever has the next turn.
    """
    end = time.perf_counter() + _PATIENCE
    while time.perf_counter() < end:
        before = time.process_time()
        time.sleep(0.01)
        if time.process_time() - before < 0.002:
            return


def as_arrays(result: Any) -> list[np.ndarray]:
    """What any system gave, in NumPy's arrays: nobody else has to import the system to read it."""
    if isinstance(result, (tuple, list)):
        return [array for part in result for array in as_arrays(part)]
    return [np.asarray(result, dtype=np.float64)]


def _timed(call: Call, times: int) -> float:
    """The seconds that the calls take; some, such as `Timed`, know better themselves."""
    if hasattr(call, "seconds"):
        return float(sum(call.seconds() for _ in range(times)))
    start = time.perf_counter()
    for _ in range(times):
        call()
    return time.perf_counter() - start


def _memory(field: str) -> float:
    """A line of the kernel's account of this process, in megabytes; 0 where there is none."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    line = next((x for x in status.read_text().splitlines() if x.startswith(field)), f"{field} 0")
    return int(line.split()[1]) * 1024 / _MEGABYTE


def _reset_peak() -> None:
    """Make VmHWM count from now on, where the kernel allows it."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


class Worker:
    """A system in its process, ready to run."""

    def __init__(self, name: str, number: int, system: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        args = (theirs, name, number, system)
        self.process = context.Process(target=serve, args=args, daemon=True)
        self.process.start()
        theirs.close()

    def answer(self, patience: float) -> tuple[str, Any]:
        """What the worker says about its first call."""
        if not self.pipe.poll(patience):
            return "failed", f"no result within {patience:.0f} s"
        try:
            answer: tuple[str, Any] = self.pipe.recv()
        except EOFError:
            return "failed", "its process ended"
        return answer

    def run(self, times: int) -> float:
        """The seconds that so many calls take."""
        self.pipe.send(times)
        seconds: float = self.pipe.recv()
        return seconds

    def stop(self) -> None:
        self.process.terminate()
        self.process.join()
        self.pipe.close()


@contextmanager
def limited(threads: int | None) -> Iterator[None]:
    """Workers started inside use so many threads each, however their libraries are built.

    With None, as many as each takes by itself, or as the variables say.
    """
    before = {v: os.environ.get(v) for v in THREADS}
    if threads is not None:
        os.environ.update(dict.fromkeys(THREADS, str(threads)))
    try:
        yield
    finally:
        for variable, value in before.items():
            os.environ.pop(variable, None)
            if value is not None:
                os.environ[variable] = value
