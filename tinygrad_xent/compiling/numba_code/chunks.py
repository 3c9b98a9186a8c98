"""Kernels on several processors: part of the generated code, as text."""
# mypy: ignore-errors

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

helpers = ThreadPoolExecutor(max(1, (os.cpu_count() or 1) - 1))  # starts no thread until it is used


def in_chunks(kernel, rows, chunks, *arguments):
    """Call a kernel for chunks of the rows, on all processors; what it returns, in order.

    What it adds up over rows goes to one of a list of arrays for each chunk, so that no result
    depends on which processor was faster. A helper that has not begun when all is done is not
    waited for.
    """
    jobs, found = iter(range(chunks)), [None] * chunks

    def work():
        for k in jobs:
            given = [a[k] if type(a) is list else a for a in arguments]
            found[k] = kernel(rows * k // chunks, rows * (k + 1) // chunks, *given)

    others = [helpers.submit(work) for _ in range(min(chunks, os.cpu_count() or 1) - 1)]
    try:
        work()
    finally:
        for other in others:
            if not other.cancel():
                other.result()
    return found
