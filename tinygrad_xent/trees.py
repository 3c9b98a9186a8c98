"""Arguments in containers: parameters often come as tuples, lists or dicts of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def flatten(tree: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """The arrays in nested tuples, lists and dicts, and the function that puts new ones back.

    A list of plain numbers, however nested, is one array and not a container.
    """
    if type(tree) is np.ndarray:
        return [tree], _only
    if isinstance(tree, dict):
        return _join(list(tree.values()), lambda parts: dict(zip(tree, parts, strict=True)))
    if isinstance(tree, tuple):
        make = type(tree)._make if hasattr(tree, "_make") else type(tree)
        return _join(list(tree), make)
    if isinstance(tree, list) and not is_numbers(tree):
        return _join(tree, list)
    return [tree], _only


def _only(new: list[Any]) -> Any:
    return new[0]


def is_numbers(x: Any) -> bool:
    """Whether it is a number, or nested lists of nothing but numbers."""
    return all(is_numbers(e) for e in x) if isinstance(x, list) else isinstance(x, (int, float))


def _join(
    parts: list[Any], make: Callable[[list[Any]], Any]
) -> tuple[list[Any], Callable[..., Any]]:
    flat = [flatten(part) for part in parts]
    if all(inner is _only for _, inner in flat):
        return [leaf for leaves, _ in flat for leaf in leaves], make

    def rebuild(new: list[Any]) -> Any:
        rest, built = list(new), []
        for leaves, inner in flat:
            built.append(inner(rest[: len(leaves)]))
            rest = rest[len(leaves) :]
        return make(built)

    return [leaf for leaves, _ in flat for leaf in leaves], rebuild
