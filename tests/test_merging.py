"""Leading axes that a compiled function goes over as one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.compiling import numpy_code
from tinygrad_xent.compiling.merging import indexed, merged
from tinygrad_xent.compiling.planning.rows import Plan
from tinygrad_xent.compiling.tracing import trace

RNG = np.random.default_rng(0)
SHAPES = [(2, 3), (3, 3), (4, 1), (1, 4), (2, 3, 2)]


def share(z: Any) -> Any:
    return tx.exp(z) / tx.sum(tx.exp(z), axis=-1, keepdims=True)


def centred(x: Any) -> Any:
    return x - x.mean(axis=-1, keepdims=True)


def norm(x: Any, gain: Any, bias: Any) -> Any:
    return centred(x) / tx.sqrt((centred(x) ** 2).mean(axis=-1, keepdims=True) + 0.1) * gain + bias


class Case:
    """Arguments whose first axes are `lead`, and what functions need to know of that."""

    def __init__(self, lead: tuple[int, ...]) -> None:
        self.counts = tuple(np.ogrid[tuple(slice(n) for n in lead)])
        self.lead, self.every = lead, (slice(None),) * len(lead)
        self.x, self.p = RNG.normal(size=(*lead, 4)), RNG.uniform(0.1, 1, size=(*lead, 5))
        self.w, self.b, self.g = RNG.normal(size=(4, 5)), RNG.normal(size=5), RNG.normal(size=4)
        self.y, self.m = RNG.integers(0, 5, lead), RNG.uniform(size=(*lead, 1)) > 0.3

    def all(self) -> tuple[np.ndarray, ...]:
        return self.x, self.w, self.b, self.g, self.p, self.y, self.m

    def flat(self) -> Case:
        other = Case((math.prod(self.lead),))
        for name in ("w", "b", "g"):
            setattr(other, name, getattr(self, name))
        for name in ("x", "p", "y", "m"):
            a = getattr(self, name)
            setattr(other, name, a.reshape(-1, *a.shape[len(self.lead) :]))
        return other


Loss = Callable[..., Any]
LOSSES: dict[str, Callable[[Case], Loss]] = {
    "naive cross-entropy": lambda c: lambda x, w, b, g, p, y, m: (
        -tx.mean(tx.log(share(x @ w + b)[(*c.counts, y)]))
    ),
    "its sum over rows": lambda c: lambda x, w, b, g, p, y, m: (
        -tx.sum(tx.where(m, tx.log(share(x @ w))[(*c.counts, y)][..., None], 0.0))
    ),
    "cross-entropy": lambda c: lambda x, w, b, g, p, y, m: (
        tx.mean(tx.softmax_cross_entropy(x @ w + b, y))
    ),
    "distributions": lambda c: lambda x, w, b, g, p, y, m: -tx.sum(p * tx.log(share(x @ w))),
    "layer normalisation": lambda c: lambda x, w, b, g, p, y, m: tx.sum(norm(x, g, 2 * g) ** 3),
    "before a layer": lambda c: lambda x, w, b, g, p, y, m: (
        tx.mean(tx.softmax_cross_entropy(norm(x, g, g) @ w + b, y))
    ),
    "one column": lambda c: lambda x, w, b, g, p, y, m: tx.sum(tx.exp(x @ g) * x[(*c.every, 0)]),
    "embedded": lambda c: lambda x, w, b, g, p, y, m: tx.sum(tx.exp(w.T[y] * x)),
    "largest": lambda c: lambda x, w, b, g, p, y, m: tx.sum((x @ w).max(axis=-1) ** 2) + tx.max(x),
    "two axes more": lambda c: lambda x, w, b, g, p, y, m: (
        tx.sum(share(x[..., None] * b) ** 2 * p[..., None, :])
    ),
    "parts": lambda c: lambda x, w, b, g, p, y, m: (
        tx.sum(share(tx.concatenate([x, p * b], axis=-1))[(*c.every, slice(1, 4))] ** 2)
    ),
}  # fmt: skip
BACK_ENDS = ["numpy", "numba"]


def check(step: Callable[..., Any], args: Any, backend: str) -> None:
    if backend == "numba":
        pytest.importorskip("numba")
    found, expected = tx.compile(step, backend=backend)(*args), step(*args)
    for a, b in zip(flattened(found), flattened(expected), strict=True):
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


def flattened(results: Any) -> list[Any]:
    if isinstance(results, tuple):
        return [leaf for r in results for leaf in flattened(r)]
    return [results.value if isinstance(results, tx.Tensor) else results]


@pytest.mark.parametrize("lead", SHAPES, ids=str)
@pytest.mark.parametrize("name", LOSSES)
def test_compiled_code_gives_what_the_function_gives(name: str, lead: tuple[int, ...]) -> None:
    case = Case(lead)
    step = tx.value_and_grad(LOSSES[name](case), argnums=(0, 1, 2, 3))
    check(step, case.all(), "numpy")


@pytest.mark.parametrize("name", LOSSES)
def test_kernels_give_what_the_function_gives(name: str) -> None:
    case = Case((3, 4))
    check(tx.value_and_grad(LOSSES[name](case), argnums=(0, 1, 2)), case.all(), "numba")


def loops(step: Callable[..., Any], args: Any) -> list[tuple[int, list[str]]]:
    """The loops over rows, and what is done in each."""
    traced = trace(args, lambda leaves: step(*leaves))
    stages = Plan(traced.inputs, [o for o in traced.outputs if isinstance(o, tx.Tensor)]).stages
    return [(s.rows, sorted(map(repr, s.steps))) for s in stages if s.rows]


def steps_of(name: str, case: Case) -> list[tuple[int, list[str]]]:
    return loops(tx.value_and_grad(LOSSES[name](case), argnums=(0, 1, 2)), case.all())


@pytest.mark.parametrize("name", LOSSES)
def test_all_loops_go_over_all_rows(name: str) -> None:
    rows = {rows for rows, _ in steps_of(name, Case((2, 3)))}
    assert 6 in rows
    assert not rows & {2, 3}


@pytest.mark.parametrize("name", [*set(LOSSES) - {"its sum over rows", "two axes more"}])
def test_loops_are_those_of_one_axis(name: str) -> None:
    case = Case((2, 3))
    assert steps_of(name, case) == steps_of(name, case.flat())


@pytest.mark.parametrize("backend", BACK_ENDS)
def test_many_rows_are_the_same_code_as_with_one_axis(backend: str) -> None:
    """Large index arrays are told by identity, so this is another case than that of few."""
    if backend == "numba":
        pytest.importorskip("numba")
    codes = []
    for case in (Case((4, 50)), Case((4, 50)).flat()):
        step = LOSSES["naive cross-entropy"](case)
        code = tx.compile(tx.value_and_grad(step, argnums=(0, 1)), backend=backend)
        code(*case.all())
        codes.append(code)
    assert codes[0].memory == codes[1].memory
    head, tail = (c.source.split("def run")[0] for c in codes)
    assert head == tail


# -- what mixes the axes --------------------------------------------------------------------------

TRIANGLE = np.tril(np.ones((3, 3), bool))
MIXED: dict[str, tuple[tuple[int, ...], Loss]] = {
    "a mask of the second axis": ((2, 3, 4), lambda x: share(tx.where(TRIANGLE[:, :1], x, -9.0))),
    "positions": ((2, 3, 4), lambda x: share(x + RNG_POSITIONS)),
    "a mask of both": ((2, 3, 3), lambda x: share(tx.where(TRIANGLE, x, -9.0))),
    "heads": ((2, 2, 3, 3), lambda x: share(tx.where(TRIANGLE, x, -9.0))),
    "attention": ((2, 3, 3), lambda x: share(x @ tx.transpose(x, (0, 2, 1))) @ x),
    "along the second": ((2, 3, 4), lambda x: share(x) / tx.exp(x).sum(axis=1, keepdims=True)),
    "summed along the second": ((3, 3, 4), lambda x: tx.exp(share(x).sum(axis=1))),
    "summed twice": ((3, 3, 4), lambda x: share(x).sum(axis=1).sum(axis=0)),
    "summed along the first": ((3, 3, 4), lambda x: share(x).sum(axis=0)),
    "turned": ((3, 3, 4), lambda x: share(tx.transpose(share(x), (1, 0, 2)))),
    "backwards": ((3, 3, 4), lambda x: share(x)[::-1]),
    "one of the second": ((3, 3, 4), lambda x: share(x)[:, 1]),
    "rows out of order": ((3, 3, 4), lambda x: share(x)[np.array([[2], [1], [0]]), np.ogrid[:3]]),
    "the diagonal": ((3, 3, 4), lambda x: share(x)[np.arange(3), np.arange(3)]),
    "axes exchanged in an index": ((3, 3, 4), lambda x: share(x)[np.ogrid[:3], np.c_[:3]]),
    "merged and back": (
        (2, 3, 4), lambda x: tx.exp(share(x).reshape(6, 4)).reshape(2, 3, 4) * x
    ),
    "merged otherwise": ((2, 3, 4), lambda x: share(share(x).reshape(3, 2, 4))),
    "an axis in front": ((2, 2, 3), lambda x: share(share(x)[None] + x[:, None])),
    "a matrix of the same shape": ((3, 4, 4), lambda x: tx.exp(x @ x[0].T) + x[0] @ x[1]),
    "largest along the second": ((3, 3, 4), lambda x: share(x).max(axis=1)),
    "chosen by a mask": (
        (3, 4, 4), lambda x: share(x)[np.arange(12).reshape(3, 4) % 4 == 0] + share(x)[0, :3]
    ),
    "whole first axis": ((3, 3, 4), lambda x: share(x)[np.arange(3)] * 2 + share(x)[:]),
    "no entries": ((2, 0, 3), lambda x: share(x)),
}  # fmt: skip
RNG_POSITIONS = RNG.normal(size=(3, 4))


@pytest.mark.parametrize("backend", BACK_ENDS)
@pytest.mark.parametrize("name", MIXED)
def test_what_mixes_axes_is_right_as_well(name: str, backend: str) -> None:
    shape, f = MIXED[name]
    x = RNG.normal(size=shape)
    check(f, (x,), backend)
    check(tx.grad(lambda x: tx.sum(f(x) ** 2)), (x,), backend)


@pytest.mark.parametrize(("name", "rows"), [("a mask of both", 2), ("positions", 2), ("heads", 4)])
def test_a_mask_over_the_second_axis_keeps_it(name: str, rows: int) -> None:
    """Heads are merged with the first axis, but not with that of the mask."""
    shape, f = MIXED[name]
    assert {r for r, _ in loops(f, (np.ones(shape),))} == {rows}


def test_weights_that_have_the_lengths_of_the_axes_are_still_weights() -> None:
    x, w = RNG.normal(size=(4, 5, 4)), RNG.normal(size=(4, 5))

    def step(x: Any, w: Any) -> Any:
        value, slope = tx.value_and_grad(lambda w: tx.mean(share(x @ w)[..., 0] ** 2))(w)
        return value, w - 0.1 * slope

    check(step, (x, w), "numpy")
    assert {rows for rows, _ in loops(step, (x, w))} == {20, 4}  # and w itself


def test_an_array_to_write_into_is_written_into() -> None:
    x = tx.tensor(RNG.normal(size=(2, 3, 4)))
    run = numpy_code.generate([x], merged([share(x)])).load()
    given = np.zeros((2, 3, 4))
    (found,) = run(x.value, out=(given,))
    assert found is given
    np.testing.assert_allclose(given, share(x).value)


def test_results_are_not_read_after_they_are_written_over() -> None:
    """A result in another shape, and one that shares its memory."""
    check(lambda x: (share(x), share(x).reshape(6, 4), share(x) * 2), (RNG.normal(size=(2, 3, 4)),),
          "numpy")  # fmt: skip


@pytest.mark.parametrize("name", ["rows out of order", "axes exchanged in an index"])
def test_an_index_that_does_not_count_would_be_seen(name: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(indexed, "_is_count", lambda array, n, behind: True)
    shape, f = MIXED[name]
    with pytest.raises(AssertionError):
        check(f, (RNG.normal(size=shape),), "numpy")


def test_results_that_are_no_arrays_come_back() -> None:
    x = RNG.normal(size=(2, 3, 4))
    found = tx.compile(lambda x: (share(x), "text", None, 2, x), backend="numpy")(x)
    np.testing.assert_allclose(found[0], share(x))
    assert found[1:4] == ("text", None, 2)
    np.testing.assert_array_equal(found[4], x)


# -- compositions on cubes: what is meant for one axis fits the others as well ---------------------

SQUARE, ROW, GRID = RNG.normal(size=(3, 3)) / 2, RNG.normal(size=3), np.ogrid[:3, :3]
PLACES = RNG.integers(0, 3, (3, 3))
PIECES: list[Callable[[Any], Any]] = [
    share, centred, tx.tanh, lambda x: x * ROW, lambda x: x + SQUARE, lambda x: x @ SQUARE,
    lambda x: SQUARE @ x, lambda x: x @ x / 3, lambda x: x * x.sum(axis=1, keepdims=True) / 3,
    lambda x: x - x[(*GRID, PLACES)][..., None], lambda x: x - x.max(axis=-1)[:, :, None],
    lambda x: x + x.sum(axis=-1), lambda x: x * x.sum(axis=(0, 1)) / 9, lambda x: x[PLACES, 0] * x,
    lambda x: x + x[np.arange(3), np.arange(3)], lambda x: tx.transpose(x, (0, 2, 1)),
    lambda x: tx.transpose(x, (1, 0, 2)), lambda x: x.reshape(9, 3).reshape(3, 3, 3) + x,
    lambda x: tx.concatenate([x, x], axis=2)[:, :, 1:4], lambda x: x * (x @ ROW)[:, :, None],
    lambda x: x + x[PLACES[:, :1], GRID[1], PLACES][:, :, None], lambda x: x[::-1] * 0.5,
    lambda x: tx.where(x > 0, x, x * x.mean()), lambda x: x + SQUARE[PLACES],
    lambda x: x * x.sum(axis=1).sum(axis=0),
]  # fmt: skip


@pytest.mark.parametrize("seed", range(60))
def test_any_composition_on_a_cube(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pieces = [PIECES[i] for i in rng.integers(0, len(PIECES), 4)]

    def f(x: Any) -> Any:
        for piece in pieces:
            x = piece(x)
        return x

    x = rng.normal(size=(3, 3, 3))
    check(lambda x: (f(x), tx.grad(lambda x: tx.sum(f(x) * share(x)))(x)), (x,), "numpy")
