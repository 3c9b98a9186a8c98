"""The loss done again with one thing changed: another axis, a label or target that is off by one.

Some mistakes are right gradients of a wrong loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...graph import Primitive, Tensor, numbers, toposort
from ..points import Alter, Point
from ..subject import Subject

Found = tuple[float, str, str, Callable[[Point], Any], tuple[Tensor, ...]]


def redone(subject: Subject) -> Iterator[Found]:
    """Gradients of changed losses."""
    yield from _axes(subject)
    yield from _labels(subject)
    yield from _targets(subject)


def _altered(alter: Alter) -> Callable[[Point], Any]:
    return lambda p: Point(p.subject, p.values, p.dtype, alter).gradient


# -- axes -----------------------------------------------------------------------------------------


def _axes(subject: Subject) -> Iterator[Found]:
    """Sums, means and extremes along another axis: all of one axis together, and one by one."""
    reductions = [n for n in toposort(subject.loss) if _along_one(n)]
    groups: dict[tuple[Any, ...], list[Tensor]] = {}
    for n in reductions:
        groups.setdefault((n.params["axis"], n.args[0].shape), []).append(n)
        groups.setdefault((n.params["axis"], n.params.get("keepdims"), n.args[0].shape), []).append(
            n
        )
    each = [*groups.values(), *([n] for n in reductions if len(reductions) > 1)]
    for nodes in each:
        (axis,), ndim = nodes[0].params["axis"], nodes[0].args[0].ndim
        for axes, word in _other_axes(axis, ndim):
            sentence = f"the wrong axis: {word} in place of {axis} in {{0}}"
            shown = _user(subject, nodes[-1])
            for keep in (None, True):
                alter = {id(n): _along(axes, keep) for n in nodes}
                yield (1.5, "axis", sentence, _altered(alter), (shown,))


def _other_axes(axis: int, ndim: int) -> Iterator[tuple[tuple[int, ...], str]]:
    """Each other axis by itself, and all of them."""
    yield from (((other,), str(other)) for other in range(ndim) if other != axis)
    yield tuple(range(ndim)), "all axes"


def _along_one(node: Tensor) -> bool:
    axis = node.params.get("axis") if node.op is not None else None
    named = node.op is not None and node.op.name in ("sum", "max", "min", "size")
    return named and isinstance(axis, tuple) and len(axis) == 1 and node.args[0].ndim > 1


def _user(subject: Subject, node: Tensor) -> Tensor:
    """What a reduction is for: the operation that takes it, if that is not another reduction."""
    users = (n for n in toposort(subject.loss) if any(a is node for a in n.args))
    return next((n for n in users if n.op is not None and n.op.elementwise), node)


def _along(axes: tuple[int, ...], keepdims: bool | None) -> Any:
    def altered(op: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        kept = {"keepdims": True} if keepdims and "keepdims" in params else {}
        return op, args, {**params, "axis": axes, **kept}

    return altered


# -- labels and targets ---------------------------------------------------------------------------


def _labels(subject: Subject) -> Iterator[Found]:
    """Indices that are off by one."""
    for n in toposort(subject.loss):
        if n.op is not None and n.op.name == "getitem":
            for step, word in ((1, "too high"), (-1, "too low")):
                sentence = f"off by one: the index in {{0}} is one {word}"
                make = _altered({id(n): _shifted(step, n.args[0].shape)})
                yield (1.5, "off by one", sentence, make, (n,))


def _shifted(step: int, shape: tuple[int, ...]) -> Any:
    """The last index that names single entries, moved by one, round the end."""

    def altered(op: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        index, arrays = list(params["index"]), list(args[1:])
        at = [k for k, part in enumerate(index) if part[0] in ("int", "array")][-1]
        kind, value = index[at]
        length = shape[at]
        if kind == "int":
            index[at] = ("int", (value + step) % length)
        else:
            arrays[value] = (np.asarray(numbers(arrays[value])) + step) % length
        return op, (args[0], *arrays), {**params, "index": tuple(index)}

    return altered


def _targets(subject: Subject) -> Iterator[Found]:
    """Data that is shifted along an axis, turned round, or complemented."""
    for leaf in subject.leaves:
        if leaf is subject.wrt:
            continue
        for axis in range(leaf.ndim):
            for step, word in ((1, "to the right"), (-1, "to the left")):
                along = f" along axis {axis}" if leaf.ndim > 1 else ""
                sentence = f"off by one: {{0}} is shifted by one {word}{along}"
                roll = lambda v, axis=axis, step=step: np.roll(v, step, axis)  # noqa: E731
                yield (1.6, "off by one", sentence, _with(leaf, roll), (leaf,))
        yield (1.8, "target", "1 - {0} is taken in place of {0}",
               _with(leaf, lambda v: 1 - v), (leaf,))  # fmt: skip
        yield (1.8, "sign of a path", "{0} has the wrong sign", _with(leaf, lambda v: -v), (leaf,))
        if leaf.ndim == 2 and leaf.shape[0] == leaf.shape[1]:
            sentence = "{0} is transposed"
            yield (1.6, "transpose", sentence, _with(leaf, np.transpose), (leaf,))


def _with(leaf: Tensor, change: Callable[[Any], Any]) -> Callable[[Point], Any]:
    return lambda p: p.moved({id(leaf): change(np.asarray(p.of(leaf)._value))}).gradient
