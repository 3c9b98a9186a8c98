"""What functions accept beside arrays and Tensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from ..graph import constant


def accepts_lists(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a list of numbers stand for an array, as every NumPy function does."""

    def opened(x: Any) -> Any:
        return constant(x, function.__name__) if type(x) is list else x

    @wraps(function)
    def accepting(*args: Any, **kwargs: Any) -> Any:
        if list in map(type, args) or (kwargs and list in map(type, kwargs.values())):
            return function(*map(opened, args), **{k: opened(v) for k, v in kwargs.items()})
        return function(*args, **kwargs)

    return accepting
