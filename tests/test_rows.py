"""The plan of a compiled function: values once, the right loop, nothing read before it is there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gallery import GALLERY
from graphs import Graph, primitive_graphs, random_graphs
from hypothesis import given, settings
from oracle import TABLE
from planned import Done

import tinygrad_xent as tx
from tinygrad_xent.compiling.planning.rows import Plan
from tinygrad_xent.graph import Tensor, toposort


def assert_planned(inputs: list[Tensor], outputs: list[Tensor], tiles: Any = (1, 2, 100)) -> Plan:
    """The plan, done tile by tile, gives what the graph holds."""
    plan = Plan(inputs, outputs)
    single = any(node.dtype == np.float32 for node in outputs)
    for tile in tiles:
        done = Done(plan, [leaf._value for leaf in inputs], tile)
        for node, got in zip(outputs, done.outputs, strict=True):
            assert np.shape(got) == node.shape
            scale = np.max(np.abs(node._value), initial=1.0)
            tolerance = (3e-4 if single else 1e-11) * scale
            np.testing.assert_allclose(got, node._value, rtol=0, atol=tolerance)
    return plan


def cross_entropy(rows: int = 6, inner: int = 3, classes: int = 4) -> Graph:
    rng = np.random.default_rng(0)
    x, w = (tx.tensor(rng.normal(size=s)) for s in [(rows, inner), (inner, classes)])
    labels = rng.integers(0, classes, rows)

    def loss(x: Any, w: Any) -> Any:
        e = tx.exp(x @ w)
        q = e / tx.sum(e, axis=1, keepdims=True)
        return -tx.mean(tx.log(q[np.arange(rows), labels]))

    value, slopes = tx.value_and_grad(loss, argnums=(0, 1))(x, w)
    return [x, w], [value, *slopes]


# -- what a plan means ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLE)
def test_every_primitive_and_its_gradient(name: str) -> None:
    for dtype in (np.float64, np.float32):
        for inputs, outputs in primitive_graphs(name, dtype):
            assert_planned(inputs, outputs)


@pytest.mark.parametrize("name", GALLERY)
def test_losses(name: str) -> None:
    loss, wrt, _ = GALLERY[name][0]()
    slope = tx.gradient_graph(loss, wrt)
    leaves = [n for n in toposort(loss) if n.op is None]
    assert_planned(leaves, [loss, slope], tiles=(2, 100))


@given(graph=random_graphs())
@settings(max_examples=60, deadline=None)
def test_random_graphs(graph: Graph) -> None:
    plan = assert_planned(*graph, tiles=(2,))
    assert_in_order(plan)
    assert_each_once(plan)


# -- what it promises -----------------------------------------------------------------------------


def assert_in_order(plan: Plan) -> None:
    """What is read by row is made here or stored before; what is read whole is complete."""
    complete = set(plan.inputs)
    for stage in plan.stages:
        here: set[Any] = set()
        for step in stage.steps:
            for arg, by_row in zip(step.value.args, step.by_row, strict=True):
                made_here = arg in here and (by_row or not stage.rows)
                assert arg.op == "constant" or arg in complete or made_here, (step, arg)
            here |= {step.value} if step.kind != "gathered" else set()
        complete |= stage.stored | {s.value for s in stage.steps if s.kind != "row"}


def assert_each_once(plan: Plan) -> None:
    """No two values say the same, and only what is cheap and made row by row is made twice."""
    values = list(dict.fromkeys(v for stage in plan.stages for v in stage.values))
    keys = [(v.op, v.args, tuple(sorted(v.params.items()))) for v in values]
    assert len(set(keys)) == len(keys)
    for stage in plan.stages:
        assert len(set(stage.values)) == len(stage.values)


def test_softmax_regression_is_one_loop_and_its_logits_are_never_stored() -> None:
    inputs, outputs = cross_entropy()
    plan = assert_planned(inputs, outputs)
    loops = [stage for stage in plan.stages if stage.rows]
    assert [stage.rows for stage in loops] == [6]
    assert all(v.shape == inputs[0].shape for v in loops[0].stored)  # the gradient of the rows of X
    assert {s.value.shape for s in loops[0].gathered} == {(), (3, 4)}


def test_what_is_gathered_is_read_by_a_later_loop() -> None:
    x = tx.tensor(np.random.default_rng(0).normal(size=(7, 3)))
    centred = tx.exp(x) - tx.mean(tx.exp(x), axis=0)
    plan = assert_planned([x], [centred / tx.sqrt(tx.mean(centred * centred, axis=0))])
    loops = [stage for stage in plan.stages if stage.rows == 7]
    assert len(loops) == 3
    exps = [v for stage in loops for v in stage.values if v.op == "exp"]
    assert len(exps) == 1  # dear: stored
    assert sum(v.op == "sub" for stage in loops for v in stage.values) == 2  # cheap: made again


def test_equal_expressions_are_one_value_and_unused_ones_none() -> None:
    x = tx.tensor([1.0, 2.0])
    plan = Plan([x], [tx.exp(x) * 2 + tx.exp(x) * 2])
    assert [v.op for stage in plan.stages for v in stage.values] == ["exp", "mul", "add"]
    _, slope = tx.value_and_grad(lambda x: tx.sum(x * 3))(x)
    assert Plan([x], [slope]).outputs[0].op == "constant"


def test_numbers_of_rows_are_the_same_values_with_and_without_their_axis() -> None:
    x, y = tx.tensor(np.ones((6, 4))), tx.tensor(np.ones(6))
    largest = tx.max(x, axis=1, keepdims=True)
    column = tx.exp(tx.expand_dims(y, 1) - largest)
    plain = tx.exp(y - tx.squeeze(largest, 1))
    plan = assert_planned([x, y], [x * column, plain])
    ops = [step.value.op for stage in plan.stages for step in stage.steps]
    assert sorted(ops) == ["exp", "expand_dims", "max", "mul", "sub"]
    crosswise = tx.expand_dims(y, 0) * tx.expand_dims(y, 1)  # axes in different places
    assert_planned([y], [tx.exp(crosswise), tx.exp(tx.expand_dims(y, 0)) + tx.expand_dims(y, 0)])


def test_python_numbers_stay_weak_and_numpys_do_not() -> None:
    x = tx.tensor(np.ones(3, np.float32))
    weak, strong = Plan([x], [x * 2.5, x * np.float64(2.5)]).outputs
    assert (weak.dtype, strong.dtype) == (np.float32, np.float64)
    assert weak.args[1].weak
    assert not strong.args[1].weak


INDICES = [
    (np.arange(4), [2, 0, 0, 1]), (np.arange(4)[:, None], [[2, 0], [0, 1], [1, 1], [0, 0]]),
    (np.arange(4), 1), (slice(None), [2, 0]), (slice(None), 1), (slice(None), None, slice(0, 2)),
    [3, 0, 1, 2, 2], ([0, 1, 2, 3], [2, 0, 0, 1]), [[0, 1], [3, 3]], (np.arange(4), slice(None)),
    (slice(None, None, -1), 1), ..., (None, slice(None), [0, 2]), (-1, [0, -1]), (2, 1),
    np.array([True, False, True, True]), (np.arange(4), None, [2, 0, 0, 1]),
    (np.arange(4), [1]), (slice(None), np.array([True, False, True])), ([1], slice(1, None)),
]  # fmt: skip


def indexed(index: Any) -> Graph:
    """Entries picked out of what is made row by row, and put back."""
    index = tuple(np.asarray(i) if isinstance(i, list) else i for i in index) if isinstance(
        index, tuple) else np.asarray(index) if isinstance(index, list) else index  # fmt: skip
    x = tx.tensor(np.random.default_rng(0).normal(size=(4, 3)))
    return [x], list(tx.value_and_grad(lambda x: tx.sum(tx.sin(tx.exp(x)[index])))(x))


@pytest.mark.parametrize("index", INDICES)
def test_every_kind_of_index(index: Any) -> None:
    assert_in_order(assert_planned(*indexed(index)))


def test_labels_take_one_entry_of_each_row() -> None:
    x = tx.tensor(np.random.default_rng(0).normal(size=(4, 3)))
    labels = Tensor(np.array([2, 0, 0, 1]))
    picked = tx.exp(x)[np.arange(4), labels]
    slope = tx.gradient_graph(tx.sum(picked * picked), x)
    plan = assert_planned([x, labels], [slope + x])
    assert {v.op for v in plan.stages[0].values} >= {"row_getitem", "row_scatter"}
    assert all(step.kind == "row" for step in plan.stages[0].steps)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (1, 4), (1,), (), (2, 0, 3)])
def test_few_rows_or_none(shape: tuple[int, ...]) -> None:
    x = tx.tensor(np.random.default_rng(0).normal(size=shape))
    value, slope = tx.value_and_grad(lambda x: tx.sum(tx.exp(x) * x))(x)
    assert_planned([x], [value, slope, x, value], tiles=(1, 2))


# -- the check itself -----------------------------------------------------------------------------


def test_a_wrong_plan_is_found() -> None:
    """A gathered value taken for one of a tile, or an argument read whole that is not."""
    inputs, outputs = cross_entropy()
    plan = Plan(inputs, outputs)
    loop = next(stage for stage in plan.stages if stage.rows)
    loop.gathered[0].kind = "row"
    with pytest.raises((AssertionError, KeyError)):
        Done(plan, [leaf._value for leaf in inputs], 4)


def test_a_value_that_is_not_stored_is_found() -> None:
    inputs, outputs = cross_entropy()
    plan = Plan(inputs, outputs)
    for stage in plan.stages:
        stage.stored.clear()
    with pytest.raises(KeyError):
        Done(plan, [leaf._value for leaf in inputs], 4)
