"""Whether operations leave a record, in this thread or async task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager
from contextvars import ContextVar, Token
from typing import Any

from ..errors import CompileError, describe, explain
from .blank import known

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


def recorded(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """`f(*args, **kwargs)`, with recording on."""
    if is_recording.get():  # as nearly always, and two context variables less to set
        return f(*args, **kwargs)
    with recording():
        return f(*args, **kwargs)


class Observer:
    """Who watches a function while it is recorded: this one lets everything pass."""

    def truth(self, node: Any) -> bool:
        """What Python's `if` gets to know of a Tensor."""
        self.looked(node)
        return bool(node._value)

    def looked(self, node: Any) -> None:
        """The numbers of a Tensor leave the graph, for `.value`, `.item()`, `float()` ..."""
        if not known(node._value):
            raise CompileError(
                explain(
                    "compile: this Tensor was recorded to be compiled, and has no numbers",
                    describe(node),
                    "what the compiled function returns",
                )
            )

    def differentiated(self, node: Any) -> Any:
        """The Tensor to differentiate in place of this one."""
        return node


observer: ContextVar[Observer] = ContextVar("observer", default=Observer())  # noqa: B039


@contextmanager
def observed_by(watcher: Observer) -> Iterator[None]:
    """Inside this block, `watcher` sees what functions do with Tensors."""
    token = observer.set(watcher)
    try:
        yield
    finally:
        observer.reset(token)


class _Branches(Observer):
    def __init__(self) -> None:
        self.taken: list[tuple[Any, bool]] = []

    def truth(self, node: Any) -> bool:
        truth = bool(node._value)
        if node.op is not None:
            self.taken.append((node, truth))
        return truth


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
    watcher = _Branches()
    with observed_by(watcher):
        yield watcher.taken
