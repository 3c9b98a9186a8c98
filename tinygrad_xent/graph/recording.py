"""Whether operations leave a record, in this thread or async task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ContextDecorator, contextmanager
from contextvars import ContextVar, Token
from typing import Any

is_recording: ContextVar[bool] = ContextVar("recording", default=True)


class _Scope(ContextDecorator):
    """A block in which recording is on, or off."""

    __slots__ = ("_on", "_token")
    _token: Token[bool]

    def __init__(self, on: bool) -> None:
        self._on = on

    def _recreate_cm(self) -> _Scope:  # each call of a decorated function is a block of its own
        return _Scope(self._on)

    def __enter__(self) -> None:
        self._token = is_recording.set(self._on)

    def __exit__(self, *_: Any) -> None:
        is_recording.reset(self._token)


def no_grad() -> _Scope:
    """Inside this block nothing is recorded: results are leaves.

    It holds for the current thread or async task only.

    >>> import tinygrad_xent as tx
    >>> x = tx.tensor(2.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.op is None
    True
    """
    return _Scope(False)


def recording() -> _Scope:
    """Inside this block operations on Tensors are recorded, whatever surrounds it."""
    return _Scope(True)


branches_taken: ContextVar[list[tuple[Any, bool]] | None] = ContextVar("branches", default=None)


@contextmanager
def branches() -> Iterator[list[tuple[Any, bool]]]:
    """Inside this block, note what Python decided by Tensors: each condition and its truth.

    >>> import tinygrad_xent as tx
    >>> x = tx.tensor(2.0, name="x")
    >>> with branches() as taken:
    ...     y = x * x if x > 1 else x
    >>> [truth for condition, truth in taken]
    [True]
    """
    taken: list[tuple[Any, bool]] = []
    token = branches_taken.set(taken)
    try:
        yield taken
    finally:
        branches_taken.reset(token)
