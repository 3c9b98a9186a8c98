"""Frozen dataclasses to JSON and back; which class stands where, the annotations say."""

from __future__ import annotations

import json
import math
import types
from collections.abc import Callable, Hashable
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from ..errors import ParseError, explain

_SPECIAL = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def dumps(thing: Any) -> str:
    """JSON text of a dataclass; what JSON has no number for is written as a string."""
    line = json.dumps(to_data(thing), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return line.encode("utf-8", "backslashreplace").decode()  # half a letter, as JSON escapes it


def to_data(thing: Any) -> Any:
    """Dicts, lists, strings and numbers; fields that hold their default are left out.

    >>> to_data((1, float("nan"), "a"))
    [1, 'nan', 'a']
    """
    if is_dataclass(thing):
        kept = {f.name: getattr(thing, f.name) for f in fields(thing) if f.compare}
        return {f.name: to_data(kept[f.name]) for f in fields(thing)
                if f.name in kept and not _is_default(kept[f.name], f.default)}  # fmt: skip
    if isinstance(thing, (tuple, list)):
        return [to_data(item) for item in thing]
    if isinstance(thing, float) and not math.isfinite(thing):
        return str(thing)
    return thing


def _is_default(value: Any, default: Any) -> bool:
    return value is default or (isinstance(value, (tuple, str, int)) and value == default)


def loads(kind: Any, text: str) -> Any:
    """The dataclass that `dumps` wrote.

    Raises:
        ParseError: text that it did not write.
    """
    try:
        return from_data(kind, json.loads(text) or {})
    except (ValueError, TypeError, KeyError, AttributeError, StopIteration) as error:
        problem = f"from_json: this is not a {kind.__name__.lower()}"
        works = "the text that .json() gives"
        raise ParseError(explain(problem, str(error)[:200], works)) from error


def from_data(kind: Any, data: Any) -> Any:
    """A value of the annotated kind.

    >>> from_data(tuple[float, ...] | None, [1, "nan"])
    (1.0, nan)
    """
    if data is None:
        return None
    if get_origin(kind) in (types.UnionType, Union):
        return _one_of([k for k in get_args(kind) if k is not type(None)], data)
    if is_dataclass(kind):
        build = cast(Callable[..., Any], kind)
        hints = _hints(build)
        return build(**{key: from_data(hints[key], value) for key, value in data.items()})
    if get_origin(kind) is tuple:
        inner = get_args(kind)
        kinds = [inner[0]] * len(data) if inner[-1] is Ellipsis else inner
        return tuple(from_data(k, item) for k, item in zip(kinds, data, strict=True))
    if kind is Any:
        return from_data(tuple[Any, ...] if isinstance(data, list) else float, data)
    return _SPECIAL[data] if kind is float and isinstance(data, str) else kind(data)


def _one_of(kinds: list[Any], data: Any) -> Any:
    """The member of a union that fits: a dataclass by its fields, a tuple by being a list."""
    if isinstance(data, dict):
        return from_data(next(k for k in kinds if data.keys() <= _hints(k).keys()), data)
    nested = [k for k in kinds if get_origin(k) is tuple]
    return from_data(nested[0] if isinstance(data, list) else kinds[0], data)


@cache
def _hints(kind: Hashable) -> dict[str, Any]:
    return get_type_hints(kind)
