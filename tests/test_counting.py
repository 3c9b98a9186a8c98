"""Gradients found by counting, against those found by searching."""

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
from tinygrad_xent.differentiate.counting import MUCH, Count, DeadEndError
from tinygrad_xent.graph import Primitive, toposort

UNARY: list[Callable[[Any], Any]] = [
    tx.tanh, tx.relu, tx.sigmoid, tx.sin, abs, lambda x: -x, lambda x: x**2, lambda x: 2 - x,
    lambda x: tx.exp(-x * x), lambda x: x * (x > 0), lambda x: x / 3, lambda x: tx.maximum(x, 0.1),
]  # fmt: skip
BINARY: list[Callable[[Any, Any], Any]] = [
    lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x * y, tx.minimum,
    lambda x, y: x / (2 + y * y), lambda x, y: tx.where(x > y, x, y * y),
]  # fmt: skip


SHAPES: list[tuple[tuple[int, ...], ...]] = [
    ((), (), ()), ((3,), (3,), (3,)), ((2, 1), (3,), ()), ((1, 3), (2, 3), (2, 1)),
]  # fmt: skip


def composed(
    seed: int, n: int = 40, shapes: tuple[tuple[int, ...], ...] = ((), (), ())
) -> tuple[list[Tensor], list[Tensor]]:
    """Leaves, and everything made of them by chance; nodes are used never, once or often."""
    rng = random.Random(seed)
    numbers = np.random.default_rng(seed)
    draw = lambda shape: numbers.uniform(-1, 1, shape) if shape else rng.uniform(-1, 1)
    leaves = [Tensor(draw(shape)) for shape in shapes]
    made = list(leaves)
    for _ in range(n):
        x, y = rng.choice(made[-6:]), rng.choice(made)
        made.append(rng.choice(UNARY)(x) if rng.random() < 0.5 else rng.choice(BINARY)(x, y))
    return leaves, made


def all_of_it(made: list[Tensor]) -> Tensor:
    """A result that everything is used for."""
    total: Any = 0.0
    for x in made:
        total = total + (tx.sum(x) if x.shape else x) * 0.5
    return total


def searched(root: Tensor, seed: float = 1.0) -> dict[Tensor, Any]:
    return Walk(root).searched(seed, last=False)


def as_dict(visited: list[Any]) -> dict[Tensor, Any]:
    received: dict[Tensor, Any] = {}
    for node, g in zip(visited[::2], visited[1::2], strict=True):
        received[node] = received.get(node, 0.0) + g
    return received


def agree(one: dict[Tensor, Any], other: dict[Tensor, Any]) -> bool:
    return one.keys() == other.keys() and all(
        np.all(np.abs(one[n] - other[n]) <= 1e-12 * (1 + np.abs(other[n]))) for n in other
    )


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("seed", range(30))
def test_counting_gives_what_searching_gives(seed: int, shapes: Any) -> None:
    root = all_of_it(composed(seed, 40, shapes)[1])
    count = Count([(root, 0.7)])
    assert not count.left
    assert agree(as_dict(count.visited), searched(root, 0.7))


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("seed", range(15))
def test_what_else_uses_a_node_changes_nothing(seed: int, shapes: Any) -> None:
    leaves, made = composed(seed, 40, shapes)
    root = tx.sum(made[-1])
    expected = searched(root)
    root.backward()
    assert agree({n: n.grad for n in toposort(root) if n.grad is not None}, expected)
    found = Walk(root, tuple(leaves), pruned=False).cotangents(1.0)
    assert agree(found, {n: g for n, g in expected.items() if n in frozenset(leaves)})


def test_a_count_that_is_wrong_never_gives_a_wrong_gradient() -> None:
    """Too low, as two threads may leave it, or too high: sums come out, or `Walk` goes on."""
    for seed in range(40):
        rng, root = random.Random(seed), all_of_it(composed(seed, 12, SHAPES[seed % 4])[1])
        expected = searched(root)
        node = rng.choice([n for n in toposort(root) if n.op is not None and n._uses > 1])
        node._uses += rng.choice([-1, 1])
        assert agree(Walk(root).cotangents(1.0), expected)


def test_a_node_that_is_visited_twice_passes_on_the_sum() -> None:
    x = Tensor(3.0)
    y = x * x
    root = y * 2.0 + y * 5.0
    y._uses = 1
    assert agree(as_dict(Count([(root, 1.0)]).visited), searched(root))


def test_a_planted_fault_is_found() -> None:
    root = all_of_it(composed(1)[1])
    received = as_dict(Count([(root, 1.0)]).visited)
    received[next(iter(received))] += 1e-6
    assert not agree(received, searched(root))


def test_much_memory_is_left_to_the_walk_that_frees_it() -> None:
    x = Tensor(np.ones(MUCH // 8))
    y = x * x
    root = tx.sum(y) * 2.0
    assert Count([(root, 1.0)]).left.keys() == {y}
    assert agree(Walk(root).cotangents(1.0), searched(root))


def test_a_node_that_waits_in_vain_is_left_with_what_it_has() -> None:
    x = Tensor(3.0)
    y = x * x
    tx.exp(y)
    root = y * y * 2.0
    assert Count([(root, 1.0)]).left == {y: 36.0}
    assert agree(Walk(root).cotangents(1.0), searched(root))


def test_a_dead_end_is_told() -> None:
    x = Tensor(3.0)
    for wall in (tx.stop_gradient(x * x), tx.sign(x)):
        for root in (
            wall * 2.0 + x,
            2.0 * wall + x,
            tx.exp(wall) + x,
            tx.stack([wall, wall])[0] + x,
        ):
            with pytest.raises(DeadEndError):
                Count([(root, 1.0)])
            root.backward()
            assert {n for n in toposort(root) if n.grad is not None} == {x, root}
            assert Count([(root, 1.0)], frozenset([x])).visited == [x, 1.0]


def test_what_is_not_asked_for_is_not_computed() -> None:
    """No rule is called for a variable of somebody else."""
    x, y = np.array([0.0, 2.0]), tx.tensor(0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert tx.grad(lambda x: tx.sum(x**y))(np.array([1.0, 4.0])).tolist() == [0.5, 0.25]
        slope = tx.elementwise_grad(lambda x: x**y)
        assert np.isfinite(tx.elementwise_grad(slope)(x)).all()


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


WHOLE = [
    lambda: Tensor(np.array([1, 2, 3])),
    lambda: Tensor(np.array([True, False, True])),
    lambda: Tensor([1.5, 2.0, -3.0]).astype("int64"),
]


@pytest.mark.parametrize("whole", WHOLE)
def test_no_gradient_where_only_whole_numbers_are_behind(whole: Any) -> None:
    n, x = whole(), Tensor([1.0, 2.0, 3.0])
    scaled = n * 2.5
    tall = tx.exp(tx.abs(scaled)) + tx.exp(scaled)
    tx.sum(tall * scaled * x).backward()
    assert (n.grad, scaled.grad, tall.grad) == (None, None, None)
    assert x.grad.tolist() == (tall * scaled).value.tolist()


def test_no_gradient_behind_what_waits_in_vain() -> None:
    n, x = Tensor(np.array([1, 2, 3])), Tensor([1.0, 2.0, 3.0])
    scaled = n * 2.5
    tx.exp(scaled)
    root = scaled * 2.0
    tx.sum(root * x).backward()
    assert (scaled.grad, root.grad) == (None, None)


def quietly(f: Callable[[Any], Any], x: Any) -> Any:
    with np.errstate(all="ignore"):
        return f(x)


@pytest.mark.parametrize("zero", [0.0, np.zeros(3)])
def test_one_warning_where_counting_gives_up(zero: Any) -> None:
    x = Tensor(zero)
    y = quietly(lambda x: tx.log(x) * 2.0 + tx.stop_gradient(x) * 3.0, x)
    with the_warnings() as caught:
        tx.sum(y).backward()
    assert len(caught) == 1


@pytest.mark.parametrize("zero", [0.0, np.zeros(3)])
def test_no_warning_from_what_is_not_asked_for(zero: Any) -> None:
    z = Tensor(zero)
    outside = quietly(tx.log, z)
    losses: list[Callable[[Any], Any]] = [
        lambda x: tx.sum(x + outside),
        lambda x: tx.sum(x + quietly(tx.log, z)),
        lambda x: tx.sum(x + quietly(lambda z: z**-0.5, z)),
        lambda x: tx.sum(x + quietly(tx.log, tx.stop_gradient(x * 0.0))),
        lambda x: tx.sum(x ** (z + 2.0)),
    ]
    for loss in losses:
        with the_warnings() as caught:
            tx.grad(loss)(zero)
        assert not caught


def test_a_rule_that_fails_matters_only_if_it_is_asked_for() -> None:
    def fails(*_: Any) -> Any:
        raise RuntimeError("no rule")

    op = Primitive("failing", np.sin, vjp=fails, rows=None, scalar=None,
                   elementwise=True, selects=False, works="")  # fmt: skip
    outside = op(Tensor(np.ones(3)))
    assert tx.grad(lambda x: tx.sum(x * outside))(np.ones(3)).tolist() == outside.value.tolist()
    with pytest.raises(RuntimeError, match="no rule"):
        tx.grad(lambda x: tx.sum(op(x)))(np.ones(3))


def test_the_same_warning_in_either_order() -> None:
    """Whether a choice silences what is infinite beside it does not depend on how one counts."""
    for f in (lambda x: tx.log(x) + tx.relu(x + 1), lambda x: tx.relu(x + 1) + tx.log(x)):
        x = Tensor(0.0)
        root = quietly(f, x)
        with the_warnings() as caught:
            root.backward()
        with the_warnings() as expected:
            searched(root)
        assert len(caught) == len(expected)


def test_counting_keeps_nothing_that_waited() -> None:
    x = Tensor(3.0)
    y = x * x
    tx.exp(y)
    assert not Count([(y * 2.0, 1.0)]).waiting


def test_a_second_backward_doubles_every_gradient() -> None:
    """To the last digit, also where the search went on with what counting had found."""
    for seed in range(20):
        root = all_of_it(composed(seed, 20, SHAPES[seed % 4])[1])
        tx.sin(random.Random(seed).choice([n for n in toposort(root) if n.op is not None]))
        root.backward()
        first = {n: n.grad for n in toposort(root) if n.grad is not None}
        root.backward()
        assert all(np.array_equal(n.grad, 2 * g, equal_nan=True) for n, g in first.items())


def test_threads_that_share_weights() -> None:
    w = [Tensor(0.3), Tensor(-0.7)]
    shared = w[0] * w[1]
    found: list[tuple[float, float]] = []

    def run() -> None:
        for _ in range(50):
            total: Any = 0.0
            for i in range(20):
                total = total + shared * float(i) + w[0]
            walk = Walk(total, tuple(w), pruned=False)
            found.append(tuple(walk.cotangents(1.0).values()))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 200
    assert {tuple(sorted(round(g, 9) for g in pair)) for pair in found} == {(-113.0, 57.0)}
