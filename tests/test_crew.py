"""Kernels on several processors: every chunk once, none left behind, whoever asks."""

from __future__ import annotations

import contextlib
import gc
import os
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from collections.abc import Callable, Container, Iterator
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
    space: dict[str, Any],
    takes: float = 0.0,
    fails_at: Container[int] = (),
    helpers_take: float = 0.0,
    late: float = 0.0,
) -> Any:
    """What a generated kernel does with its first arguments, which notes who did which chunk."""

    def kernel(
        signals: Any, job: Any, rows: int, chunks: int, leads: bool, done: list[Any]
    ) -> None:
        if leads:
            added(signals, 0, 1)
        else:
            time.sleep(late)
            added(job, 8, 1)
            added(signals, 8, -1)
        chunk = added(job, 0, 1)
        while chunk < chunks:
            time.sleep(takes if leads else takes + helpers_take)
            if chunk in fails_at:
                raise IndexError("an index is out of range")
            done.append((chunk, threading.current_thread()))
            chunk = added(job, 0, 1)
        space["end"](signals, job, leads)

    return kernel


def run(space: dict[str, Any], kernel: Any) -> list[Any]:
    done: list[Any] = []
    space["crew"].run(kernel, 100, CHUNKS, done)
    return done


def within(reached: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.001)


class _Noted(list[Any]):
    """A list to which there are weak references."""


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
    space["end"] = lambda signals, job, leads: None
    kernel = kernel_of(space, 0.002, helpers_take=0.02)
    assert min(len(run(space, kernel)) for _ in range(5)) < CHUNKS


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_an_error_in_any_chunk_is_raised_once_nobody_works_any_more(
    space: dict[str, Any], chunk: int
) -> None:
    run(space, kernel_of(space, 0.002))
    done: list[Any] = []
    with pytest.raises(IndexError, match="out of range"):
        space["crew"].run(kernel_of(space, 0.002, [chunk]), 100, CHUNKS, done)
    count = len(done)
    time.sleep(0.02)
    assert len(done) == count
    assert chunks_of(run(space, kernel_of(space))) == list(range(CHUNKS))


def test_after_an_error_nobody_begins_any_more(space: dict[str, Any]) -> None:
    """Neither does a helper that comes when the leader is gone."""
    run(space, kernel_of(space, 0.002))
    done: list[Any] = []
    with pytest.raises(IndexError):
        space["crew"].run(kernel_of(space, fails_at=[0], late=0.02), 100, CHUNKS, done)
    time.sleep(0.05)
    assert done == []


def test_a_helper_may_have_a_job_of_its_own_done(space: dict[str, Any]) -> None:
    """As in a finaliser that Python happens to call in its thread."""
    run(space, kernel_of(space, 0.002))
    own: list[Any] = []
    space["crew"].task = lambda: own.append(run(space, kernel_of(space, 0.001)))
    space["crew"].call()
    added(space["crew"].signals, 0, 1)
    within(lambda: bool(own))
    assert all(chunks_of(done) == list(range(CHUNKS)) for done in own)


def test_helpers_help_after_what_happened_before_a_job_began(space: dict[str, Any]) -> None:
    call = space["crew"].call

    def interrupted() -> None:
        call()
        raise KeyboardInterrupt

    for _ in range(20):
        space["crew"].call = interrupted
        with pytest.raises(KeyboardInterrupt):
            run(space, kernel_of(space, 0.001))
        space["crew"].call = call
    test_helpers_help(space)
    assert space["crew"].task is space["idle"]


def test_several_threads_have_jobs_done_at_once(space: dict[str, Any]) -> None:
    kernel = kernel_of(space, 0.001)
    with ThreadPoolExecutor(4) as threads:
        calls = [threads.submit(run, space, kernel) for _ in range(40)]
    for call in calls:
        assert chunks_of(call.result()) == list(range(CHUNKS))


@pytest.mark.parametrize("pause", [0.0, 0.1])
def test_after_it_is_dismissed_no_new_crew_comes(space: dict[str, Any], pause: float) -> None:
    """It would be there when the interpreter is gone."""
    run(space, kernel_of(space))
    threads = space["crew"].helpers
    time.sleep(pause)
    space["crew"].dismiss()
    assert len(threads) == 2
    assert not any(thread.is_alive() for thread in threads)
    assert chunks_of(run(space, kernel_of(space))) == list(range(CHUNKS))
    assert space["crew"].helpers == []


@pytest.mark.parametrize("fails_at", [[], [0], [3], range(CHUNKS)], ids=str)
def test_nothing_is_kept_once_a_job_is_done(space: dict[str, Any], fails_at: Any) -> None:
    """The pool finds out by its references whether an array is free."""
    run(space, kernel_of(space, 0.002))
    done = _Noted()
    gone = weakref.ref(done)
    gc.disable()
    with contextlib.suppress(IndexError):
        space["crew"].run(kernel_of(space, 0.001, fails_at), 100, CHUNKS, done)
    del done
    try:
        within(lambda: gone() is None)
    finally:
        gc.enable()


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


def test_a_label_out_of_range_in_any_chunk_is_an_error_and_no_more(compiled: Any) -> None:
    z, rows = np.random.default_rng(0).normal(size=(300, 40)), np.arange(300)
    f = tx.compile(lambda z, y: loss(z) - tx.sum(z[rows, y]), backend="numba")
    expected = np.log(np.exp(z).sum(1)).sum() - z[:, 0].sum()
    for row in (0, 150, 299) * 5:
        labels = np.zeros(300, int)
        np.testing.assert_allclose(f(z, labels), expected, rtol=1e-12)
        labels[row] = 40
        with pytest.raises(tx.ShapeError, match="out of range"):
            f(z, labels)
    assert "crew.run(" in f.source


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
def test_a_forked_process_has_a_crew_of_its_own(compiled: Any, tmp_path: Any) -> None:
    """In a process of its own: other tests may have loaded what does not like to be forked."""
    program = compiled.source + textwrap.dedent("""
        z = np.random.default_rng(0).normal(size=(300, 40))
        here = run(z)[1]
        child = os.fork()
        agree = all(np.array_equal(run(z)[1], here) for _ in range(50))
        if not child:
            os._exit(not (agree and all(h.is_alive() for h in crew.helpers)))
        assert agree
        assert os.waitpid(child, 0)[1] == 0
    """)
    (tmp_path / "program.py").write_text(program)
    subprocess.run([sys.executable, "program.py"], cwd=tmp_path, check=True, timeout=100)


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
