"""Gradients of graphs of Python floats, found by counting, against those found by searching."""

from __future__ import annotations

import random
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent import Tensor
from tinygrad_xent.differentiate import Walk
from tinygrad_xent.differentiate.counting import counted
from tinygrad_xent.graph import toposort

UNARY: list[Callable[[Any], Any]] = [
    tx.tanh, tx.relu, tx.sigmoid, tx.sin, abs, lambda x: -x, lambda x: x**2, lambda x: 2 - x,
    lambda x: tx.exp(-x * x), lambda x: x * (x > 0), lambda x: x / 3, lambda x: tx.maximum(x, 0.1),
]  # fmt: skip
BINARY: list[Callable[[Any, Any], Any]] = [
    lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x * y, tx.minimum,
    lambda x, y: x / (2 + y * y), lambda x, y: tx.where(x > y, x, y * y),
]  # fmt: skip


def composed(seed: int, n: int = 40) -> tuple[list[Tensor], list[Tensor]]:
    """Leaves, and everything made of them by chance; nodes are used never, once or often."""
    rng = random.Random(seed)
    leaves = [Tensor(rng.uniform(-1, 1)) for _ in range(3)]
    made = list(leaves)
    for _ in range(n):
        x, y = rng.choice(made[-6:]), rng.choice(made)
        made.append(rng.choice(UNARY)(x) if rng.random() < 0.5 else rng.choice(BINARY)(x, y))
    return leaves, made


def all_of_it(made: list[Tensor]) -> Tensor:
    """A result that everything is used for."""
    total: Any = 0.0
    for x in made:
        total = total + x * 0.5
    return total


def searched(root: Tensor, seed: float = 1.0) -> dict[Tensor, Any]:
    return Walk(root, None, False).cotangents(seed)


def as_dict(pairs: Any) -> dict[Tensor, float]:
    received: dict[Tensor, float] = {}
    for node, g in pairs:
        received[node] = received.get(node, 0.0) + g
    return received


def agree(one: dict[Tensor, float], other: dict[Tensor, float]) -> bool:
    return one.keys() == other.keys() and all(
        abs(one[n] - other[n]) <= 1e-12 * (1 + abs(other[n])) for n in other
    )


@pytest.mark.parametrize("seed", range(60))
def test_counting_gives_what_searching_gives(seed: int) -> None:
    root = all_of_it(composed(seed)[1])
    pairs = counted(root, 0.7)
    assert pairs is not None
    assert agree(as_dict(pairs), searched(root, 0.7))


@pytest.mark.parametrize("seed", range(30))
def test_what_else_uses_a_node_changes_nothing(seed: int) -> None:
    leaves, made = composed(seed)
    root = made[-1]
    expected = searched(root)
    root.backward()
    assert agree({n: n.grad for n in toposort(root) if n.grad is not None}, expected)
    found = tx.differentiate.cotangents(root, 1.0, tuple(leaves))
    assert agree(found, {n: g for n, g in expected.items() if n in frozenset(leaves)})


def test_a_count_that_is_wrong_never_gives_a_wrong_gradient() -> None:
    """Too low, as two threads may leave it, or too high: sums come out, or `Walk` is asked."""
    for seed in range(40):
        rng, root = random.Random(seed), all_of_it(composed(seed, 12)[1])
        expected = searched(root)
        node = rng.choice([n for n in toposort(root) if n.op is not None and n._uses > 1])
        node._uses += rng.choice([-1, 1])
        pairs = counted(root, 1.0)
        assert pairs is None or agree(as_dict(pairs), expected)


def test_a_node_that_is_visited_twice_passes_on_the_sum() -> None:
    x = Tensor(3.0)
    y = x * x
    root = y * 2.0 + y * 5.0
    y._uses = 1
    pairs = list(counted(root, 1.0) or ())
    assert [node for node, _ in pairs].count(y) == 2
    assert agree(as_dict(pairs), searched(root))


def test_a_planted_fault_is_found() -> None:
    root = all_of_it(composed(1)[1])
    pairs = dict(counted(root, 1.0) or ())
    pairs[next(iter(pairs))] += 1e-6
    assert not agree(pairs, searched(root))


def not_a_float(x: Tensor) -> Tensor:
    return x * np.float32(2.0)


def behind_a_wall(x: Tensor) -> Tensor:
    return tx.stop_gradient(x * x) * 2.0 + x


@pytest.mark.parametrize("f", [not_a_float, lambda x: tx.sum(x * np.ones(3)), behind_a_wall])
def test_the_rest_is_left_to_the_search(f: Callable[[Tensor], Tensor]) -> None:
    x = Tensor(3.0)
    root = f(x)
    assert counted(root, 1.0) is None
    root.backward()
    assert x.grad == searched(root)[x]


def test_no_gradient_behind_a_wall() -> None:
    x = Tensor(3.0)
    wall = tx.stop_gradient(x)
    twice = wall * 2.0
    (twice * x).backward()
    assert (x.grad, wall.grad, twice.grad) == (6.0, None, None)


@contextmanager
def the_warnings() -> Iterator[list[Any]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


def test_one_warning_for_one_division() -> None:
    x = Tensor(0.0)
    with the_warnings() as caught:
        y = tx.log(x) * 2.0
    assert len(caught) == 1
    with the_warnings() as caught:
        y.backward()
    assert len(caught) == 1
    assert x.grad == np.inf


def test_no_warning_from_a_branch_that_was_not_taken() -> None:
    x = Tensor(0.0)
    with np.errstate(all="ignore"):
        y = tx.where(x > 0, tx.log(x) + x**-0.5, x)
    with the_warnings() as caught:
        y.backward()
    assert not caught
    assert x.grad == 1.0


def test_threads_that_share_weights() -> None:
    w = [Tensor(0.3), Tensor(-0.7)]
    shared = w[0] * w[1]
    found: list[tuple[float, float]] = []

    def run() -> None:
        for _ in range(50):
            total: Any = 0.0
            for i in range(20):
                total = total + shared * float(i) + w[0]
            found.append(tuple(tx.differentiate.cotangents(total, 1.0, tuple(w)).values()))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 200
    assert {tuple(sorted(round(g, 9) for g in pair)) for pair in found} == {(-113.0, 57.0)}
