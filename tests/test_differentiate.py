"""backward(), what it leaves in .grad, and the loop below it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import assert_close, differences

import tinygrad_xent as tx
from tinygrad_xent.differentiate import cotangents
from tinygrad_xent.graph import Tensor, constant, toposort

# -- accumulation ---------------------------------------------------------------------------------


def test_a_product_with_itself_has_both_contributions() -> None:
    a = tx.tensor(3.0)
    (a * a).backward()
    assert a.grad == 6.0
    m = tx.tensor([[1.0, 2.0], [3.0, 4.0]])
    (m @ m).sum().backward()
    ones = np.ones((2, 2))
    assert_close(m.grad, ones @ m.value.T + m.value.T @ ones)


def test_every_node_on_the_way_has_a_gradient() -> None:
    x = tx.tensor([1.0, 2.0])
    y = tx.exp(x)
    loss = (y * 3.0).sum()
    loss.backward()
    assert loss.grad == 1.0
    assert_close(y.grad, [3.0, 3.0])
    assert_close(x.grad, 3 * np.exp([1.0, 2.0]))


def test_a_second_call_adds_and_the_graph_is_kept() -> None:
    x = tx.tensor(2.0)
    y = x * x
    loss = y * x
    for n in (1, 2, 3):
        loss.backward()
        assert x.grad == n * 12.0
        assert y.grad == n * 2.0
        assert loss.grad == n * 1.0
    (x * 5.0).backward()
    assert x.grad == 41.0
    x.grad = None
    loss.backward()
    assert x.grad == 12.0


def test_a_cotangent_scales_and_may_be_of_any_real_type() -> None:
    x = tx.tensor([1.0, 2.0, 3.0])
    y = x * x
    expected = np.array([2.0, -8.0, 6.0])
    for v in ([1, -2, 1], np.array([1.0, -2.0, 1.0], np.float32), tx.tensor([1.0, -2.0, 1.0])):
        x.grad = None
        y.backward(v)
        assert type(x.grad) is np.ndarray
        assert_close(x.grad, expected)


def test_no_gradient_where_nothing_arrives() -> None:
    x, y, n = tx.tensor([1.0, 2.0]), tx.tensor(1.0), tx.tensor(np.array([1, 2]))
    (x * n + tx.stop_gradient(x * y)).sum().backward()
    assert_close(x.grad, [1.0, 2.0])
    assert y.grad is None
    assert n.grad is None


def test_gradients_have_the_dtype_and_shape_of_their_tensor() -> None:
    s, h, d = tx.tensor(2.0), tx.tensor(np.ones(3, np.float32)), tx.tensor(np.ones((2, 1)))
    ((s * h) * d * h).sum().backward()
    assert type(s.grad) is float
    assert (h.grad.dtype, h.grad.shape) == (np.float32, (3,))
    assert (d.grad.dtype, d.grad.shape) == (np.float64, (2, 1))
    assert s.grad == 6.0


def test_a_float_keeps_its_precision_beside_single_precision() -> None:
    s = tx.tensor(1.0)
    tiny = 1e-12
    (s * tiny + (s * np.ones(1, np.float32)).sum()).backward()
    assert s.grad == 1.0 + tiny


# -- nothing is shared with the user --------------------------------------------------------------


def leaves_and_loss() -> tuple[list[Tensor], Tensor]:
    """Additions, reshapes and slices: operations that could pass one array on to many."""
    a, b, c = (tx.tensor(np.arange(4.0) + k) for k in range(3))
    d = (a + b) + c.reshape(2, 2).T.reshape(4)
    e = d + tx.concatenate([a[:2], b[2:]])
    return [a, b, c, d, e], (e + a).sum()


def test_gradients_never_alias_each_other_or_a_value() -> None:
    nodes, loss = leaves_and_loss()
    loss.backward()
    grads, values = [n.grad for n in nodes], [n.value for n in nodes]
    for i, g in enumerate(grads):
        assert g.flags.writeable
        assert not any(np.shares_memory(g, h) for h in grads[:i] + values)


def test_the_user_may_overwrite_a_gradient() -> None:
    nodes, loss = leaves_and_loss()
    loss.backward()
    expected = [n.grad.copy() for n in nodes]
    nodes[0].grad[:] = 100.0
    for n, e in zip(nodes[1:], expected[1:], strict=True):
        np.testing.assert_array_equal(n.grad, e)
    loss.backward()
    np.testing.assert_array_equal(nodes[0].grad, 100.0 + expected[0])
    np.testing.assert_array_equal(nodes[1].grad, 2 * expected[1])


def test_an_earlier_gradient_is_not_changed_by_a_later_call() -> None:
    x = tx.tensor([1.0, 2.0])
    loss = (x * x).sum()
    loss.backward()
    before = x.grad
    loss.backward()
    assert_close(before, [2.0, 4.0])
    assert_close(x.grad, [4.0, 8.0])


def test_an_array_assigned_to_grad_is_copied() -> None:
    x, mine = tx.tensor([1.0, 2.0]), np.array([1.0, 1.0])
    x.grad = mine
    (x * x).sum().backward()
    assert_close(mine, [1.0, 1.0])
    mine[:] = 7.0
    assert_close(x.grad, [3.0, 5.0])
    x.grad *= 0.5
    assert_close(x.grad, [1.5, 2.5])
    x.grad = [0.0, 0.0]
    assert type(x.grad) is np.ndarray


def test_the_cotangent_given_is_neither_kept_nor_changed() -> None:
    x, v = tx.tensor([1.0, 2.0]), np.array([1.0, 1.0])
    y = x + 0.0
    y.backward(v)
    v[:] = 9.0
    assert_close(x.grad, [1.0, 1.0])
    assert_close(y.grad, [1.0, 1.0])
    frozen = np.ones(2)
    frozen.flags.writeable = False
    y.backward(frozen)
    assert not np.shares_memory(y.grad, frozen)


def views(a: np.ndarray) -> list[np.ndarray]:
    return [a, a[::-1], a.reshape(2, 2).T.reshape(-1), a.view()]


@pytest.mark.parametrize("k", range(4))
def test_changing_an_array_after_recording_changes_no_gradient(k: int) -> None:
    data, factor = np.arange(1.0, 5.0), np.arange(2.0, 6.0)
    x, by = views(data)[k], views(factor)[k]
    expected = 2 * x * by
    t = tx.tensor(x)
    loss = (t * t * by).sum()
    data[:], factor[:] = 0.0, 0.0
    loss.backward()
    assert_close(t.grad, expected)


def test_an_array_that_was_read_only_for_a_while_is_no_exception() -> None:
    data, factor = np.arange(1.0, 5.0), np.arange(2.0, 6.0)
    view, expected = data[:], 2 * data * factor
    data.flags.writeable = factor.flags.writeable = False
    t = tx.tensor(data)
    loss = (t * t * factor).sum()
    factor.flags.writeable = True
    view[:], factor[:] = 0.0, 0.0
    loss.backward()
    assert_close(t.grad, expected)
    with pytest.raises(ValueError, match="WRITEABLE"):
        t.value.flags.writeable = True


@pytest.mark.parametrize("order", ["C", "F"])
def test_large_arrays_are_copied_once_and_stay_as_they_were(order: Any) -> None:
    data = np.asfortranarray(np.ones((2048, 300))) if order == "F" else np.ones((2048, 300))
    t = tx.tensor(data)
    loss = (t * t * data).sum()
    by = loss.args[0].args[1]
    data[:] = 0.0
    loss.backward()
    assert_close(t.grad, np.full(data.shape, 2.0))
    assert constant(by) is by
    for part in (by, by[5:].T):
        assert constant(part) is part
        with pytest.raises(ValueError, match="WRITEABLE"):
            part.flags.writeable = True


def test_a_read_only_view_of_what_others_change_is_copied() -> None:
    memory = bytearray(8 * 2**20)
    data = np.frombuffer(memoryview(memory).toreadonly())
    t = tx.tensor(data)
    memory[:8] = b"12345678"
    assert data[0] != 0
    assert t.value[0] == 0


def test_index_and_mask_arrays_are_copied_too() -> None:
    index, mask = np.array([0, 0, 2]), np.array([True, False, True])
    t = tx.tensor([1.0, 2.0, 3.0])
    loss = t[index].sum() + tx.where(mask, t, 0.0).sum()
    index[:], mask[:] = 1, False
    loss.backward()
    assert_close(t.grad, [3.0, 0.0, 2.0])


def test_values_cannot_be_written_into() -> None:
    t = tx.tensor([1.0, 2.0])
    for node in (t, t * 2, t[:1], t.reshape(2, 1), t.T, tx.stop_gradient(t)):
        with pytest.raises(ValueError, match="read-only"):
            node.value[...] = 5.0


# -- the loop itself ------------------------------------------------------------------------------


def test_only_the_paths_to_what_is_wanted_are_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = tx.tensor(2.0), tx.tensor(3.0)
    u, v = tx.exp(x), tx.sin(y)
    assert cotangents(u * v, 1.0, (x,)).keys() == {x}
    assert cotangents(u * v, 1.0).keys() >= {x, y, u, v}
    monkeypatch.setattr(tx.sin, "vjp", lambda g, out, y: pytest.fail("nobody wants to know"))
    assert cotangents(u * v, 1.0, (x,)).keys() == {x}


def test_an_inner_node_may_be_wanted() -> None:
    x = tx.tensor(2.0)
    y = x * x
    found = cotangents(y * y * x, 1.0, (y,))
    assert found[y] == 2 * 4.0 * 2.0
    assert x not in found


def test_a_node_that_passes_nothing_on_may_be_wanted_or_be_the_root() -> None:
    x = tx.tensor(2.0)
    cut = tx.stop_gradient(x * x)
    assert cotangents(cut * x, 1.0, (cut, x)) == {cut: 2.0, x: 4.0}
    assert cotangents(cut, 1.0, (x,)) == {}
    assert cotangents(cut, 1.0) == {cut: 1.0}
    assert cotangents(x, 3.0, (x,)) == {x: 3.0}


def test_toposort_puts_arguments_first_in_a_fixed_order() -> None:
    rng = np.random.default_rng(0)
    nodes = [tx.tensor(float(k)) for k in range(3)]
    for _ in range(200):
        i, j = rng.integers(len(nodes), size=2)
        nodes.append(nodes[i] + nodes[j])
    order = toposort(nodes[-1], nodes[-2])
    place = {id(n): k for k, n in enumerate(order)}
    assert len(place) == len(order)
    for n in order:
        assert all(place[id(a)] < place[id(n)] for a in n.args)
    assert [id(n) for n in toposort(nodes[-1], nodes[-2])] == [id(n) for n in order]


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_random_expressions_agree_with_differences(seed: int) -> None:
    """Expressions of a dozen operations with fan-out and broadcasting, to second order."""
    x = np.random.default_rng(seed).uniform(0.5, 1.5, size=(2, 3))
    f = lambda x: random_expression(np.random.default_rng(seed), x)
    assert_close(tx.grad(f)(x), differences(f, x), tolerance=1e-6)
    slope = tx.grad(f)
    assert_close(tx.jacobian(slope)(x), differences(slope, x), tolerance=1e-6)


def random_expression(rng: np.random.Generator, x: Any) -> Any:
    unary = [
        tx.exp,
        tx.tanh,
        tx.sin,
        tx.sigmoid,
        tx.softplus,
        tx.softmax,
        lambda a: a.T.T,
        tx.log1p,
    ]
    binary = [tx.add, tx.sub, tx.mul, lambda a, b: a / (2 + b * b)]
    pool = [x, tx.mean(x, axis=0), tx.sum(x, axis=1, keepdims=True) / 3]
    for _ in range(8):
        a, b = (pool[i] for i in rng.integers(len(pool), size=2))
        one = unary[rng.integers(len(unary))]
        both = binary[rng.integers(len(binary))]
        pool.append(tx.tanh(both(tx.tanh(one(tx.sin(a) + 1.5)), b)))
    return tx.sum(pool[-1] * x) + tx.mean(pool[-2])


def test_numbers_of_python_of_any_kind_become_float64() -> None:
    for value in (Fraction(1, 2), [Fraction(1, 2), 1], [10**30, 1], [True, 2.5]):
        assert tx.tensor(value).dtype == np.float64
    with pytest.raises(tx.DtypeError, match="object"):
        tx.tensor([None, 1])
