"""Axes of length one that are inserted or dropped, however that was written.

`x[:, None]`, `x.reshape(3, 1)` and `x.reshape(-1, 1)` say the same, and it holds for every length.
"""

from __future__ import annotations

from typing import Any

from ...graph import Tensor, op_name, shape_of
from ...ops.shaping import expand_dims, squeeze

_WHOLE = ("slice", None, None, None)


def dropped_and_new(node: Tensor) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The axes of length one that a reshape or an index drops and then inserts, if it only does so.

    >>> import tinygrad_xent as tx
    >>> x = tx.tensor([[1.0, 2.0, 3.0]])
    >>> dropped_and_new(x.reshape(3, 1)), dropped_and_new(x[:, :2])
    (((0,), (1,)), None)
    """
    if op_name(node) == "getitem":
        index = node.params["index"]
        if not all(part in (_WHOLE, ("new",)) for part in index):
            return None
        return (), tuple(i for i, part in enumerate(index) if part == ("new",))
    if op_name(node) != "reshape":
        return None
    before, after = shape_of(node.args[0]), node.shape
    if [n for n in before if n != 1] != [n for n in after if n != 1]:
        return None
    ones = tuple(tuple(i for i, n in enumerate(shape) if n == 1) for shape in (before, after))
    return ones[0], ones[1]


def again(node: Tensor, args: tuple[Any, ...]) -> Any:
    """The node's operation on other arguments, which may have other lengths."""
    assert node.op is not None
    moved = dropped_and_new(node)
    if moved is None or not isinstance(args[0], Tensor):
        return node.op(*args, **node.params)
    dropped, new = moved
    x = squeeze(args[0], axis=dropped) if dropped else args[0]
    return expand_dims(x, axis=new) if new else x


def settings(node: Tensor, shape: tuple[int, ...]) -> dict[str, Any]:
    """What the node's operation is set to for a first argument of another shape.

    >>> import tinygrad_xent as tx
    >>> x = tx.tensor([1.0, 2.0, 3.0])
    >>> settings(x.reshape(-1, 1), (5,))
    {'shape': (5, 1)}
    """
    moved = dropped_and_new(node) if op_name(node) == "reshape" else None
    if moved is None:
        return node.params
    dropped, new = moved
    lengths = [n for i, n in enumerate(shape) if i not in dropped]
    for i in new:
        lengths.insert(i, 1)
    return {"shape": tuple(lengths)}
