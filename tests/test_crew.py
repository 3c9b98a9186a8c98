"""Kernels on several processors: every chunk once, none left behind, whoever asks."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from plain_numba import added, executed

import tinygrad_xent as tx
from tinygrad_xent.compiling.numba_code import fused
from tinygrad_xent.compiling.numba_code.writer import crew_alone

CHUNKS = 7


@pytest.fixture
def space() -> Iterator[dict[str, Any]]:
    """The crew as plain Python, with two helpers."""
    made = executed(crew_alone(), ROUNDS=20)
    yield made
    made["crew"].dismiss()


def kernel_of(
    space: dict[str, Any], takes: float = 0.0, fails_at: int = -1, helpers_take: float = 0.0
) -> Any:
    """What a generated kernel does with its first arguments, which notes who did which chunk."""

    def kernel(
        signals: Any, job: Any, rows: int, chunks: int, leads: bool, done: list[Any]
    ) -> None:
        if leads:
            added(signals, 0, 1)
        chunk = added(job, 0, 1)
        while chunk < chunks:
            time.sleep(takes if leads else takes + helpers_take)
            if chunk == fails_at:
                raise IndexError("an index is out of range")
            done.append((chunk, threading.current_thread()))
            chunk = added(job, 0, 1)
        if leads:
            space["wait"](signals)

    return kernel


def run(space: dict[str, Any], kernel: Any) -> list[Any]:
    done: list[Any] = []
    space["crew"].run(kernel, 100, CHUNKS, done)
    return done


def chunks_of(done: list[Any]) -> list[int]:
    return sorted(chunk for chunk, _ in done)


def test_every_chunk_once_and_all_done_before_it_returns(space: dict[str, Any]) -> None:
    kernel = kernel_of(space, 0.002)
    for pause in (0.0, 0.0, 0.1, 0.0):  # in which the helpers fall asleep
        time.sleep(pause)
        assert chunks_of(run(space, kernel)) == list(range(CHUNKS))


def test_helpers_help(space: dict[str, Any]) -> None:
    names = {thread for _ in range(3) for _, thread in run(space, kernel_of(space, 0.005))}
    assert len(names) == 3


def test_without_waiting_a_chunk_would_be_missing(space: dict[str, Any]) -> None:
    """What the wait at the end is for: a helper's last chunk."""
    space["wait"] = lambda signals: None
    kernel = kernel_of(space, 0.002, helpers_take=0.02)
    assert min(len(run(space, kernel)) for _ in range(5)) < CHUNKS


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_an_error_in_any_chunk_is_raised_once_nobody_works_any_more(
    space: dict[str, Any], chunk: int
) -> None:
    run(space, kernel_of(space, 0.002))
    done: list[Any] = []
    with pytest.raises(IndexError, match="out of range"):
        space["crew"].run(kernel_of(space, 0.002, chunk), 100, CHUNKS, done)
    count = len(done)
    time.sleep(0.02)
    assert len(done) == count
    assert chunks_of(run(space, kernel_of(space))) == list(range(CHUNKS))


def test_who_finds_the_helpers_taken_works_alone(space: dict[str, Any]) -> None:
    kernel = kernel_of(space, 0.001)
    with ThreadPoolExecutor(4) as threads:
        calls = [threads.submit(run, space, kernel) for _ in range(40)]
    for call in calls:
        assert chunks_of(call.result()) == list(range(CHUNKS))


def test_after_it_is_dismissed_a_new_crew_comes(space: dict[str, Any]) -> None:
    run(space, kernel_of(space))
    threads = space["crew"].helpers
    space["crew"].dismiss()
    assert not any(thread.is_alive() for thread in threads)
    assert chunks_of(run(space, kernel_of(space))) == list(range(CHUNKS))


def test_one_processor_needs_no_helper(
    space: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space["config"], "NUMBA_NUM_THREADS", 1)
    assert chunks_of(run(space, kernel_of(space))) == list(range(CHUNKS))
    assert space["crew"].helpers == []


def test_no_more_threads_are_no_error(
    space: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(thread: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert chunks_of(run(space, kernel_of(space))) == list(range(CHUNKS))


# -- compiled --------------------------------------------------------------------------------------


def loss(z: Any) -> Any:
    return tx.sum(tx.log(tx.sum(tx.exp(z), 1)))


def softmax(z: Any) -> Any:
    return np.exp(z) / np.exp(z).sum(1, keepdims=True)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> Any:
    pytest.importorskip("numba", reason="numba is not installed")
    monkeypatch.setattr(fused, "PARALLEL", 1000)
    monkeypatch.setattr(fused, "CHUNK", 100)
    f = tx.compile(tx.value_and_grad(loss), backend="numba")
    f(np.zeros((300, 40)))
    assert "crew.run(" in f.source
    return f


def test_compiled_from_several_threads_with_and_without_pauses(compiled: Any) -> None:
    def work(seed: int) -> None:
        z = np.random.default_rng(seed).normal(size=(300, 40))
        expected = softmax(z)
        for k in range(200):
            time.sleep(0.003 * (k % 50 == 0))
            np.testing.assert_allclose(compiled(z)[1], expected, rtol=1e-12)

    with ThreadPoolExecutor(4) as threads:
        for call in [threads.submit(work, seed) for seed in range(4)]:
            call.result()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_has_a_crew_of_its_own(compiled: Any) -> None:
    z = np.random.default_rng(0).normal(size=(300, 40))
    here = compiled(z)[1]
    queue: Any = multiprocessing.get_context("fork").SimpleQueue()
    child = multiprocessing.get_context("fork").Process(
        target=lambda: [compiled(z) for _ in range(50)] and queue.put(compiled(z)[1])
    )
    child.start()
    np.testing.assert_array_equal(queue.get(), here)
    child.join(20)
    assert child.exitcode == 0


def test_the_printed_source_runs_by_itself_and_ends(compiled: Any, tmp_path: Any) -> None:
    """Also where it ends in the middle of the helpers' watch."""
    z = np.random.default_rng(0).normal(size=(300, 40))
    np.save(tmp_path / "z.npy", z)
    program = compiled.source + textwrap.dedent("""
        z = np.load("z.npy")
        for _ in range(20):
            value, slope = run(z)
        np.save("slope.npy", slope)
    """)
    (tmp_path / "program.py").write_text(program)
    subprocess.run([sys.executable, "program.py"], cwd=tmp_path, check=True, timeout=100)
    np.testing.assert_array_equal(np.load(tmp_path / "slope.npy"), compiled(z)[1])
