"""Whether operations leave a record, in this thread or async task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

is_recording: ContextVar[bool] = ContextVar("recording", default=True)


@contextmanager
def no_grad() -> Iterator[None]:
    """Inside this block nothing is recorded: results are leaves.

    It holds for the current thread or async task only.

    >>> import tinygrad_xent as tx
    >>> x = tx.tensor(2.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.op is None
    True
    """
    token = is_recording.set(False)
    try:
        yield
    finally:
        is_recording.reset(token)


@contextmanager
def recording() -> Iterator[None]:
    """Inside this block operations on Tensors are recorded, whatever surrounds it."""
    token = is_recording.set(True)
    try:
        yield
    finally:
        is_recording.reset(token)
