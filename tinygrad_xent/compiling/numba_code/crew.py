"""Kernels on several processors: part of the generated code, as text.

To wake a thread up takes the system 50 to 120 µs, in which a kernel is through 200,000 entries. So
helpers watch for work for a while before they sleep. Nor may they wait for the interpreter, which
puts a thread to sleep as well. What has to be known at once is in memory that compiled code reads,
without the interpreter:

    signals[0]    how many jobs there have been
    signals[8]    how many helpers are with the interpreter, between a job and the watch
    job[0]        how many chunks of the rows somebody has taken
    job[8]        how many helpers work on it

(8 numbers further is another line of the processor's cache.) Each job has its own array, so that
whoever comes late finds nothing left to do, and any number of threads may have jobs done at once.
"""
# mypy: ignore-errors
# ruff: noqa: F821

from __future__ import annotations

import atexit
import threading

import numpy as np


def added(typing, array, i, x):
    """Add x to array[i], which no other thread can do meanwhile; what was there before."""
    from numba.core import cgutils, types

    def write(context, builder, signature, args):
        kind = signature.args[0]
        there = context.make_array(kind)(context, builder, args[0])
        at = cgutils.get_item_pointer(context, builder, kind, there, [args[1]])
        return builder.atomic_rmw("add", at, args[2], "seq_cst")

    return types.int64(array, types.intp, types.int64), write


def begin(signals, job, leads):
    """Call the helpers that are watching; or be one, which is known before it takes a chunk."""
    if leads:
        added(signals, 0, 1)
    else:
        added(job, 8, 1)
        added(signals, 8, -1)


def taken(job):
    """A chunk that nobody else has."""
    return added(job, 0, 1)


def end(signals, job, leads):
    """Be no helper any more; or wait until there is none.

    Then also until none is with the interpreter, for a tenth of a millisecond at most: the leader
    needs it next, and whoever has to wait for it is put to sleep.
    """
    if not leads:
        added(signals, 8, 1)
        added(job, 8, -1)
        return
    while added(job, 8, 0) > 0:
        give_way()
    for _ in range(300):
        if added(signals, 8, 0) <= 0:
            break
        give_way()


def watch(signals, seen, busy, rounds):
    """Wait for another job than the last one seen; its number, or the last one's if none comes.

    A helper is with the interpreter from here on if a job comes, and was if `busy` is 1 and not 0.
    """
    added(signals, 8, -busy)
    for _ in range(rounds):
        for _ in range(32):
            job = added(signals, 0, 0)
            if job != seen:
                added(signals, 8, 1)
                return job
        give_way()
    return seen


ROUNDS = 3000  # that a helper watches before it sleeps: about a millisecond
MOST = 15  # helpers, whose work memory still keeps up with


class Helper(threading.Thread):
    """A thread that does chunks of whatever job there is."""

    def __init__(self, crew):
        super().__init__(name="tinygrad_xent helper", daemon=True)
        self.crew, self.asleep, self.gate = crew, False, threading.Semaphore(0)

    def run(self):
        seen, busy, signals = 0, 0, self.crew.signals
        while not self.crew.dismissed:
            job = watch(signals, seen, busy, ROUNDS)
            busy = int(job != seen)
            if busy:
                self.crew.task()
            else:
                self.sleep(seen)
            seen = job

    def sleep(self, seen):
        self.asleep = True
        if self.crew.signals[0] == seen:  # none came while it waited for the interpreter
            self.gate.acquire()
        self.asleep = False

    def wake(self):
        if self.asleep:
            self.asleep = False
            self.gate.release()


class Crew:
    """The helpers of this process. No thread is started before it is needed."""

    def __init__(self):
        self.helpers, self.dismissed, self.task = None, False, idle
        self.signals, self.lock = np.zeros(16, np.int64), threading.RLock()

    def run(self, kernel, rows, chunks, *arguments):
        """Call a kernel for all chunks of the rows, on all processors.

        What it finds for each chunk goes to a place of its own, so that no result depends on which
        processor was faster.
        """
        signals, job, failed = self.signals, np.zeros(16, np.int64), []

        def help_out():
            try:
                kernel(signals, job, rows, chunks, False, *arguments)
            except BaseException as error:
                failed.append(error.with_traceback(None))  # which would keep the arrays
                end(signals, job, False)

        try:
            self.task = help_out
            self.call()
            kernel(signals, job, rows, chunks, True, *arguments)
        except BaseException:
            job[0] = chunks  # none is left
            end(signals, job, True)
            raise
        finally:
            if self.task is help_out:
                self.task = idle
        if failed:
            raise failed.pop()

    def call(self):
        """Start or wake the helpers that are not watching."""
        if self.helpers is None:
            self.start()
        for helper in self.helpers:
            helper.wake()

    def start(self):
        nothing = np.zeros(16, np.int64)
        watch(nothing, 0, 0, 0)  # which compiles it
        with self.lock:
            if self.helpers is None:
                atexit.register(self.dismiss)
                self.helpers = list(self.started())

    def started(self):
        for _ in range(min(config.NUMBA_NUM_THREADS - 1, MOST)):
            helper = Helper(self)
            try:
                helper.start()
            except RuntimeError:  # the system has no more threads, or the interpreter is ending
                return
            yield helper

    def dismiss(self):
        """Let all threads end: none may be in compiled code when the interpreter is gone."""
        self.dismissed = True
        self.signals[0] += 1
        for helper in self.helpers or ():
            helper.gate.release()
            helper.join()
        self.helpers = []


def idle():
    """What there is to do between two jobs."""
