"""Going through a graph to make something of every node, arguments before results."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .tensor import Tensor, record


def interpret(
    order: Iterable[Tensor],
    make: Callable[[Tensor, tuple[Any, ...]], Any],
    done: dict[int, Any] | None = None,
) -> dict[int, Any]:
    """What `make` makes of each node, by the node's `id`.

    Args:
        order: the nodes, each after its arguments, as `toposort` lists them.
        make: called with a node and its arguments, each Tensor among them replaced by what was
            made of it.
        done: what is made already; the rest is added to it.

    >>> from tinygrad_xent.graph import tensor, toposort
    >>> x = tensor(3.0)
    >>> y = x * x + 1
    >>> made = interpret(toposort(y), lambda n, args: n.op.evaluate(args, {}) if n.op else 5.0)
    >>> made[id(y)]
    26.0
    """
    done = {} if done is None else done
    for node in order:
        if id(node) not in done:
            args = tuple([done[id(a)] if type(a) is Tensor else a for a in node.args])
            done[id(node)] = make(node, args)
    return done


def with_args(node: Tensor, args: tuple[Any, ...]) -> Tensor:
    """The same operation of other arguments, with the value and the name that it has.

    The node itself if it has these arguments already, or is a leaf.
    """
    if node.op is None or all(a is b for a, b in zip(args, node.args, strict=True)):
        return node
    again = record(node.op, args, node.params, node._value)
    again.name = node.name
    return again
