"""The order of a graph, and copying one: flat, so that a long chain does not recurse."""

from __future__ import annotations

from typing import Any

from .tensor import MANY, Tensor, detached, record


def toposort(*roots: Tensor) -> list[Tensor]:
    """Every node the roots depend on, arguments before results; iterative, in a fixed order."""
    order: list[Tensor] = []
    seen: set[Tensor] = set()
    stack: list[Any] = list(reversed(roots))
    while stack:
        node = stack.pop()
        if node is None:  # all that the node below depends on is in the order by now
            order.append(stack.pop())
        elif node not in seen:
            seen.add(node)
            if node.op is None:
                order.append(node)
                continue
            stack.append(node)
            stack.append(None)
            a, b = node._first, node._second
            for x in a[::-1] if b is MANY else (b, a):
                if type(x) is Tensor and x not in seen:
                    stack.append(x)
    return order


def _reduce(self: Tensor) -> tuple[Any, ...]:
    """What `copy` and `pickle` ask for."""
    if self.op is None:
        return _load_leaf, (self._value, self.name, self._grad)
    order = [n for n in toposort(self) if n.op is not None]
    place = {id(node): i for i, node in enumerate(order)}
    return _load_graph, ([_dump(node, place) for node in order],)


Tensor.__reduce__ = _reduce  # type: ignore[assignment]


def _dump(node: Tensor, place: dict[int, int]) -> tuple[Any, ...]:
    inner = [place.get(id(a)) for a in node.args]
    args = [None if i is not None else a for a, i in zip(node.args, inner, strict=True)]
    assert node.op is not None
    return node.op, inner, args, node.params, node._value, node.name, node._grad


def _load_leaf(value: Any, name: str | None, grad: Any) -> Tensor:
    leaf = detached(value)
    leaf.name, leaf._grad = name, grad
    return leaf


def _load_graph(records: list[tuple[Any, ...]]) -> Tensor:
    nodes: list[Tensor] = []
    for op, inner, args, params, value, name, grad in records:
        whole = [a if i is None else nodes[i] for a, i in zip(args, inner, strict=True)]
        node = record(op, tuple(whole), params, value)
        node.name, node._grad = name, grad
        nodes.append(node)
    return nodes[-1]
