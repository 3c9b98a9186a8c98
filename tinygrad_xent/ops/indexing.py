"""Picking entries out, putting them back, and joining arrays.

In every rule table: g the arriving cotangent, out the result, x the argument.

An index is a hashable pattern, in which an array stands as its number among the data arguments.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from ..errors import NotSupportedError, ShapeError, describe, explain
from ..graph import (
    Blank,
    Tensor,
    constant,
    dtype_of,
    implements,
    known,
    primitive,
    shape_of,
    veiled,
    zeros,
)
from . import samples
from .shaping import expand_dims, ravel


def _index(pattern: tuple[Any, ...], arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    kinds: dict[str, Any] = {
        "slice": lambda *bounds: slice(*bounds),
        "array": lambda i: arrays[i],
        "int": lambda i: i,
        "new": lambda: None,
        "rest": lambda: Ellipsis,
    }
    return tuple(kinds[kind](*values) for kind, *values in pattern)


def _pattern(index: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Split an index into its hashable pattern and its arrays."""
    pattern: list[tuple[Any, ...]] = []
    arrays: list[Any] = []
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, builtins.slice):
            pattern.append(("slice", *_bounds(part)))
        elif part is None or part is Ellipsis:
            pattern.append(("new",) if part is None else ("rest",))
        elif isinstance(part, (int, np.integer)) and not isinstance(part, bool):
            pattern.append(("int", int(part)))
        else:
            pattern.append(("array", len(arrays)))
            arrays.append(_index_array(part))
    return tuple(pattern), tuple(arrays)


def _bounds(part: slice) -> tuple[Any, ...]:
    return tuple(None if n is None else int(n) for n in (part.start, part.stop, part.step))


def _index_array(part: Any) -> Any:
    array = part if isinstance(part, Tensor) else np.asarray(part)
    if array.size == 0 and array.dtype.kind == "f":
        array = np.asarray(array, dtype=np.intp)
    if array.dtype.kind not in "iub":
        raise NotSupportedError(
            explain(
                "getitem: an index must be whole numbers or booleans",
                describe(array),
                "integers, slices, integer or boolean arrays, None, ...; labels.astype(int)",
            )
        )
    return array if isinstance(array, Tensor) else constant(array)


def _in_rows(op: Any, *args: Any, index: tuple[Any, ...], **params: Any) -> Any:
    """`op` at the index of each row; not where NumPy would put what arrays pick before the rows."""
    advanced = [i for i, (kind, *_) in enumerate(index) if kind in ("array", "int")]
    arrays = any(kind == "array" for kind, *_ in index)
    if arrays and advanced[-1] - advanced[0] >= len(advanced):
        return NotImplemented
    return op(*args, index=(("slice", None, None, None), *index), **params)


def _at(x: Any, *arrays: Any, index: Any) -> Any:
    return np.asanyarray(veiled(x, *arrays))[_index(index, arrays)]


def _scatter(g: Any, *arrays: Any, index: Any, shape: tuple[int, ...]) -> Any:
    if not known(g, *arrays):
        return Blank.of(shape, dtype_of(g))
    out = zeros(shape, dtype_of(g))
    if arrays:
        np.add.at(out, _index(index, arrays), g)
    else:
        out[_index(index, arrays)] += g
    return out


_LABELS = (np.arange(3), np.array([1, 0, 1]))
_AT_LABELS = (("array", 0), ("array", 1))
_SLICED = (("slice", None, None, 2), ("int", 1))

_getitem = primitive(
    "getitem", _at, selects=True,
    vjp=lambda g, _, x, *arrays, index: (
        scatter(g, *arrays, index=index, shape=shape_of(x)), *(None for _ in arrays)
    ),
    rows=lambda x, *arrays, index: _in_rows(_getitem, x, *arrays, index=index),
    text="{0}[{index}]", latex="{0}_{{{index}}}",
    sample=(
        samples.trailing((3, 4), index=_SLICED),
        samples.trailing((3, 4), *_LABELS, index=_AT_LABELS),
    ),
    works="an index in range for every axis, and no more indices than axes",
)  # fmt: skip

scatter = primitive(
    "scatter", _scatter,
    vjp=lambda g, _, x, *arrays, index, shape: (
        _getitem(g, *arrays, index=index), *(None for _ in arrays)
    ),
    rows=lambda x, *arrays, index, shape: _in_rows(
        scatter, x, *arrays, index=index, shape=shape_of(x)[:1] + shape
    ),
    text="scatter({0}, [{index}])", code="scatter({0}, {places}, {shape})",
    sample=(
        samples.trailing((2,), index=_SLICED, shape=(3, 4)),
        samples.trailing((3,), *_LABELS, index=_AT_LABELS, shape=(3, 4)),
    ),
)  # fmt: skip


def _put(x: Any, v: Any, *arrays: Any, index: Any) -> Any:
    out = np.copy(veiled(x, v, *arrays))
    out[_index(index, arrays)] = v
    return out


put = primitive(
    "put", _put, selects=True,
    vjp=lambda g, _, x, v, *arrays, index: (
        put(g, 0.0, *arrays, index=index), _getitem(g, *arrays, index=index),
        *(None for _ in arrays),
    ),
    rows=lambda x, v, *arrays, index: _in_rows(put, x, v, *arrays, index=index),
    text="put({0}, {1}, [{index}])", code="put({0}, {1}, {places})",
    sample=(
        samples.normal((3, 4), (2,), index=_SLICED),
        samples.trailing((3, 4), np.array([1.0, -2.0, 0.5]), *_LABELS, index=_AT_LABELS),
    ),
    works="an index that names no entry twice, and values that broadcast to its shape",
)  # fmt: skip


@implements(methods="__getitem__")
def getitem(x: Any, index: Any) -> Any:
    """`x[index]`, with every kind of index NumPy has; repeated entries add their cotangents.

    >>> import tinygrad_xent as tx
    >>> tx.grad(lambda x: tx.sum(x[[0, 0, 2]]))([1.0, 2.0, 3.0])
    array([2., 0., 1.])
    """
    pattern, arrays = _pattern(index)
    return _getitem(x, *arrays, index=pattern)


# -- joining --------------------------------------------------------------------------------------


def _split(g: Any, parts: tuple[Any, ...], axis: int) -> tuple[Any, ...]:
    ends = np.cumsum([shape_of(p)[axis] for p in parts])
    lead = (slice(None),) * axis
    starts = [0, *ends[:-1]]
    return tuple(getitem(g, (*lead, slice(a, b))) for a, b in zip(starts, ends, strict=True))


_concatenate = primitive(
    "concatenate", lambda *parts, axis: np.concatenate(parts, axis),
    vjp=lambda g, _, *parts, axis: _split(g, parts, axis),
    text="concatenate([{*}]{axis})", code="np.concatenate([{*}]{axis})",
    sample=(samples.normal((2, 3), (1, 3), axis=0), samples.normal((2, 3), (2, 2), axis=1)),
    works="parts that differ in length along the axis only",
)  # fmt: skip


@implements(numpy=np.concatenate)
def concatenate(parts: Any, axis: int | None = 0) -> Any:
    """Arrays joined along an axis they have; all their entries in one axis if it is None.

    >>> import tinygrad_xent as tx
    >>> tx.concatenate([tx.tensor([1.0]), [2.0, 3.0]]).value
    array([1., 2., 3.])
    """
    if axis is None:
        return concatenate([ravel(p) for p in parts])
    if not len(parts):
        raise ShapeError(explain("concatenate: nothing to join", "0 arrays", "at least one"))
    ndim = len(np.shape(parts[0]))
    if not -ndim <= axis < ndim:
        given = ", ".join(describe(p) for p in parts)
        raise ShapeError(
            explain(f"concatenate: axis {axis} is not an axis of the parts", given,
                    f"an axis from {-ndim} to {ndim - 1}; tx.stack for a new one")
        )  # fmt: skip
    return _concatenate(*parts, axis=axis + ndim if axis < 0 else axis)


@implements(numpy=np.stack)
def stack(parts: Any, axis: int = 0) -> Any:
    """Arrays of one shape, joined along a new axis.

    >>> import tinygrad_xent as tx
    >>> tx.stack([tx.tensor(1.0), 2.0]).value
    array([1., 2.])
    """
    return concatenate([expand_dims(p, axis) for p in parts], axis)
