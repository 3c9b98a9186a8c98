"""The whole benchmark: each system answers in a process of its own, and is compared here."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

import numpy as np

from ..case import MissingError
from .errors import Errors, compare
from .exact import Exact
from .families import FAMILIES, Family
from .inputs import batches
from .systems import SYSTEMS, Parts, Run
from .table import text

DTYPES = ("float64", "float32")
Key = tuple[str, str]  # dtype and title of the family
Answer = list[Parts] | str  # for each batch what came out; or why nothing did


def report(
    only: str = "",
    quick: bool = False,
    progress: Callable[[str], None] = print,
    systems: Iterable[str] = tuple(SYSTEMS),
) -> str:
    """Run the benchmark and return its Markdown.

    Args:
        only: keep the losses whose name or targets contain this.
        quick: a few rows of few classes, to see that everything runs.
        progress: is told what is being done.
        systems: whom to ask, of `SYSTEMS`.

    Raises:
        NotSupportedError: mpmath is not installed.
    """
    families = [family for family in FAMILIES if only in family.title]
    with _processes() as pool:
        jobs = {name: pool.submit(answers, name, only, quick) for name in systems}
        truths = {key: truth for dtype in DTYPES
                  for key, truth in _truths(families, dtype, quick, progress).items()}  # fmt: skip
        found = {}
        for name, job in jobs.items():
            progress(name)
            found[name] = _compared(job, truths)
    rows = sum(len(batch.logits) for batch in batches("float64", quick))
    return text(found, [family.title for family in families], rows)


def _processes() -> ProcessPoolExecutor:
    """Two at a time, a new one for each system: what one sets for floating point stays with it."""
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(2, mp_context=spawn, max_tasks_per_child=1)


def answers(name: str, only: str, quick: bool) -> dict[Key, Answer]:
    """What one system gives for each kind of floating point, family and batch."""
    families = [family for family in FAMILIES if only in family.title]
    try:
        run = SYSTEMS[name]()
    except (MissingError, ImportError) as reason:
        why = "not installed" if isinstance(reason, ImportError) else str(reason)
        return {(dtype, family.title): why for dtype in DTYPES for family in families}
    return {
        (dtype, family.title): answer(run, family, dtype, quick)
        for dtype in DTYPES
        for family in families
    }


def answer(run: Run, family: Family, dtype: str, quick: bool) -> Answer:
    """What a system gives for one family; or why it does not."""
    try:
        with np.errstate(all="ignore"):
            return [[np.asarray(part) for part in run(family, batch)]
                    for batch in batches(dtype, quick)]  # fmt: skip
    except MissingError as reason:
        return str(reason)
    except Exception as error:  # a system may fail in any way: the others are still compared
        return f"{type(error).__name__}: {error}".splitlines()[0]


def _truths(
    families: list[Family], dtype: str, quick: bool, progress: Callable[[str], None]
) -> dict[Key, list[Any]]:
    progress(f"exact numbers, {dtype}")
    inputs = [Exact(batch) for batch in batches(dtype, quick)]
    return {(dtype, f.title): [x.truths(f.name, f.targets) for x in inputs] for f in families}


def _compared(
    job: Future[dict[Key, Answer]], truths: dict[Key, list[Any]]
) -> dict[Key, Errors | str]:
    return {
        key: found if isinstance(found, str) else compare(found, truths[key], *key)
        for key, found in job.result().items()
    }
