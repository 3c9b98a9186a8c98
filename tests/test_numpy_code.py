"""NumPy code made from graphs gives what the graphs hold, however it is cut into tiles."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from gallery import GALLERY
from graphs import Graph, primitive_graphs, random_graphs
from hypothesis import given
from hypothesis import settings as trying
from oracle import TABLE
from test_rows import INDICES, cross_entropy, indexed

import tinygrad_xent as tx
from tinygrad_xent.compiling import numpy_code
from tinygrad_xent.compiling.numpy_code import loops, memory, settings
from tinygrad_xent.compiling.tracing import trace
from tinygrad_xent.graph import Tensor, toposort

# Bytes for a tile, and rows for a matrix product: one row at a time, some, blocks of rows with
# tiles inside them, all rows.
TILES = ((1, 1), (40, 1), (1, 4), (60, 3), (1 << 18, 512))
FEW = ((1, 1), (1, 4), (1 << 18, 512))


@contextmanager
def tile_of(size: int, rows: int = 1) -> Iterator[None]:
    """Tiles of another size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "TILE", size)
        patch.setattr(settings, "BLAS_ROWS", rows)
        patch.setattr(settings, "BLAS_COLUMNS", 2)
        yield


def assert_runs(inputs: list[Tensor], outputs: list[Tensor], tiles: Any = TILES) -> None:
    """The code gives what the graph holds: twice, in its dtype, in arrays that are nobody's."""
    values = [leaf._value for leaf in inputs]
    for tile in tiles:
        with tile_of(*tile):
            run = numpy_code.generate(inputs, outputs).load()
        first = run(*values)
        kept = [np.array(a) for a in first]
        second = run(*values)
        for node, a, before, b in zip(outputs, first, kept, second, strict=True):
            assert_same(a, node)
            np.testing.assert_array_equal(a, before)  # the second call did not touch it
            np.testing.assert_array_equal(a, b)
        arrays = [a for a in (*first, *second, *values) if np.ndim(a)]
        for i, a in enumerate(arrays[: 2 * len(first)]):
            assert not any(np.shares_memory(a, b) for b in arrays[i + 1 :])


def assert_same(got: Any, node: Tensor) -> None:
    assert np.shape(got) == node.shape
    assert np.asarray(got).dtype == node.dtype
    expected = np.asarray(node._value)
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(got, expected)
        return
    finite = expected[np.isfinite(expected)]
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    tolerance = (3e-4 if node.dtype == np.float32 else 1e-11) * np.max(np.abs(finite), initial=1.0)
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", TABLE)
def test_every_primitive_and_its_gradient(name: str) -> None:
    for dtype in (np.float64, np.float32):
        for inputs, outputs in primitive_graphs(name, dtype):
            assert_runs(inputs, outputs)


@pytest.mark.parametrize("name", TABLE)
def test_whole_numbers_and_masks(name: str) -> None:
    for dtype in (np.int64, np.int32, np.bool_):
        for inputs, _ in primitive_graphs(name):
            leaves = [Tensor(np.abs(np.rint(np.asarray(a._value) * 3)).astype(dtype) + dtype(1))
                      if a.dtype.kind == "f" else a for a in inputs]  # fmt: skip
            if dtype is np.bool_ and name in ("neg", "sub", "sign"):  # NumPy has no such rules
                continue
            for params in params_of(name, leaves):
                assert_runs(leaves, [TABLE[name](*leaves, **params)])


def params_of(name: str, leaves: list[Tensor]) -> list[dict[str, Any]]:
    """The settings of the samples of which the arguments have these shapes."""
    draws = [draw(np.random.default_rng(0)) for draw in TABLE[name].sample]
    shapes = [a.shape for a in leaves]
    return [params for args, params in draws if [np.shape(a) for a in args] == shapes]


@pytest.mark.parametrize("name", GALLERY)
def test_losses(name: str) -> None:
    loss, wrt, _ = GALLERY[name][0]()
    slope = tx.gradient_graph(loss, wrt)
    assert_runs([n for n in toposort(loss) if n.op is None], [loss, slope], FEW)


@given(graph=random_graphs())
@trying(max_examples=150, deadline=None)
def test_random_graphs(graph: Graph) -> None:
    assert_runs(*graph, FEW)


@pytest.mark.parametrize("index", INDICES)
def test_every_kind_of_index(index: Any) -> None:
    assert_runs(*indexed(index))


# -- shapes, dtypes, outputs ----------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (1, 4), (1,), (), (2, 0, 3)])
def test_few_rows_or_none(shape: tuple[int, ...]) -> None:
    x = tx.tensor(np.random.default_rng(0).normal(size=shape))
    value, slope = tx.value_and_grad(lambda x: tx.sum(tx.exp(x) * x))(x)
    assert_runs([x], [value, slope])


def test_outputs_that_are_inputs_constants_views_or_the_same_twice() -> None:
    x, number = tx.tensor(np.ones((3, 2)), name="out"), tx.tensor(2.0)
    y = tx.exp(x)
    constant = Tensor(np.arange(40.0))
    assert_runs([x, number], [x, y, y, y.T, x.T, constant, number, y, tx.sum(y), tx.sum(y)])


def test_precision_is_that_of_the_graph() -> None:
    x = tx.tensor(np.ones((4, 3), np.float32))
    wide, number = np.float64(0.1), np.float32(0.1)
    outputs = [x * 0.1, x * wide, x * number, 1 / x, x > 0.1, x > wide, x**2, x**3.0, x**-1,
               tx.where(x > 0, 1.0, x), tx.where(x > 0, wide, x), tx.maximum(x, 0), tx.mean(x),
               tx.sum(x) * 0.1, tx.sum(x) * wide, x.astype("float64") * x, x.astype("int32") * 2,
               ]  # fmt: skip
    assert_runs([x], outputs)


def test_a_python_number_among_the_inputs_widens_nothing() -> None:
    x, rate = tx.tensor(np.ones((4, 3), np.float32)), tx.tensor(0.1)
    assert_runs([x, rate], [x - rate * x, tx.exp(rate) * x, rate * rate, rate > 0.05])


def test_branches_that_are_not_taken_raise_no_warning() -> None:
    x = tx.tensor(np.array([0.0, 1.0, 4.0]))
    safe = tx.value_and_grad(lambda x: tx.sum(tx.where(x > 0, tx.sqrt(x), 0.0)))(x)
    assert_runs([x], list(safe))


def test_an_operation_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"vjp": None, "scalar": None, "elementwise": True}
    cube = tx.graph.Primitive("cube_here", lambda x: x * x * x, **fields)
    monkeypatch.setitem(tx.graph.PRIMITIVES, "cube_here", cube)
    x = tx.tensor(np.arange(6.0).reshape(3, 2))
    assert_runs([x], [tx.sin(cube(x * 2))])


def test_results_are_written_where_the_caller_says() -> None:
    inputs, outputs = cross_entropy()
    run = numpy_code.generate(inputs, outputs).load()
    given = (np.empty(()), None, np.empty((3, 4)))
    got = run(*(leaf.value for leaf in inputs), out=given)
    assert got[0] is given[0]
    assert got[2] is given[2]
    for a, node in zip(got, outputs, strict=True):
        assert_same(a, node)


def test_arrays_that_are_not_contiguous() -> None:
    inputs, outputs = cross_entropy()
    x, w = (np.asfortranarray(leaf.value) for leaf in inputs)
    wide = np.zeros((12, 6))
    wide[::2, ::2] = x
    for tile in TILES:
        with tile_of(*tile):
            run = numpy_code.generate(inputs, outputs).load()
        for got, node in zip(run(wide[::2, ::2], w), outputs, strict=True):
            assert_same(got, node)


def test_names_of_the_user_are_names_only() -> None:
    x = tx.tensor([1.0, 2.0], name='"); import os #')
    y = tx.tensor([1.0, 2.0], name="np")
    code = numpy_code.generate([x, y], [x * y])
    assert "import os" not in code.source
    np.testing.assert_array_equal(code.load()(x.value, y.value)[0], [1.0, 4.0])


def test_the_source_runs_without_this_package() -> None:
    inputs, outputs = cross_entropy()
    code = numpy_code.generate(inputs, outputs)
    assert not code.constants
    space: dict[str, Any] = {}
    exec(code.source, space)
    assert "tinygrad" not in code.source
    assert_same(space["run"](*(leaf.value for leaf in inputs))[0], outputs[0])


def test_a_view_that_a_later_loop_reads_keeps_its_numbers() -> None:
    x = tx.tensor(np.random.default_rng(0).normal(size=(4, 1)))
    column = tx.expand_dims(tx.exp(x)[np.arange(4), np.zeros(4, int)], 1)
    spread = tx.softmax(x * column, axis=0)
    assert_runs([x], [spread * column, tx.broadcast_to(tx.sin(x), (4, 2)), tx.sin(x) * 2])


def test_what_is_made_before_a_product_is_still_there_after_it() -> None:
    rng = np.random.default_rng(0)
    x, w = tx.tensor(rng.normal(size=(6, 3))), tx.tensor(rng.normal(size=(3, 3)))
    column = tx.expand_dims(tx.exp(x)[np.arange(6), np.zeros(6, int)], 1)
    y = (x * column) @ w * 0.1
    z = tx.tanh(y * column)
    assert_runs([x, w], [z @ w * column, tx.sum(z * column, axis=0), tx.max(z @ w, axis=0)])


def test_choices_by_bits_are_those_of_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "CHOSEN", 1)
    special = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan])
    for dtype in (np.float64, np.float32):
        x = Tensor(np.stack([special, special[::-1], np.arange(7.0)]).astype(dtype))
        y = Tensor(np.arange(21.0).reshape(3, 7).astype(dtype))
        outputs = [tx.where(y > 9, x, 0.0), tx.where(y > 9, 0.0, x), tx.where(x > 0, x, 0.0),
                   tx.where(x < 2, x, 2.0), tx.where(x > 1, x, 0.0), tx.where(y > 3, x, y),
                   tx.where(y[:, :1] > 3, x * 2, y[0]), tx.where(y[0] > 3, y, x * 2),
                   tx.where(x == 0, 0.0, tx.where(y > 3, x, 0.0)), tx.where(y == 0, 0.0, -x),
                   tx.where(x == 0, 0.0, x), tx.where(y > 3, x.astype("float16"), y)]  # fmt: skip
        assert_runs([x, y], outputs)


# -- sums, memory, threads ------------------------------------------------------------------------


def test_sums_are_as_accurate_as_numpys() -> None:
    rng = np.random.default_rng(0)
    x = Tensor((rng.random((5000, 30)) + 1).astype(np.float32))
    outputs = [tx.sum(x * 1.5), tx.sum(x * 1.5, axis=0), tx.sum(x * 1.5, axis=1)]
    exact = x.value.astype(np.float64) * 1.5
    for tile in (1 << 10, 1 << 18):
        with tile_of(tile):
            total, down, along = numpy_code.generate([x], outputs).load()(x.value)
        assert abs(total / exact.sum() - 1) < 2e-7
        assert np.max(np.abs(down / exact.sum(axis=0) - 1)) < 3e-6
        assert np.max(np.abs(along / exact.sum(axis=1) - 1)) < 5e-7


def test_logits_are_never_all_in_memory() -> None:
    inputs, outputs = cross_entropy(rows=64, inner=3, classes=50)
    with tile_of(2000):
        code = numpy_code.generate(inputs, outputs)
    assert code.memory < 64 * 50 * 8 / 3
    with tile_of(2000, 16):  # a block for the products, of which no second copy is needed
        code = numpy_code.generate(inputs, outputs)
    assert 16 * 50 * 8 < code.memory < 1.5 * 16 * 50 * 8


def test_loops_share_their_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    x = tx.tensor(np.random.default_rng(0).normal(size=(64, 50)))
    y = x
    for _ in range(4):
        y = tx.exp(y - tx.max(tx.sin(y) * 2, axis=0)) * tx.cos(x)
    with tile_of(8000):
        shared = numpy_code.generate([x], [tx.sum(y, axis=0)])
        monkeypatch.setattr(numpy_code.Writer, "give_back", lambda self, names: None)
        apart = numpy_code.generate([x], [tx.sum(y, axis=0)])
    assert shared.memory < apart.memory
    assert_same(shared.load()(x.value)[0], tx.sum(y, axis=0))


def test_labels_that_are_no_arguments_stay_small() -> None:
    labels = np.random.default_rng(0).integers(0, 5000, 3000)

    def loss(z: Any) -> Any:
        e = tx.exp(z)
        return -tx.mean(tx.log((e / tx.sum(e, axis=1, keepdims=True))[np.arange(3000), labels]))

    z = np.broadcast_to(np.float32(0), (3000, 5000))
    traced = trace([z], lambda leaves: tx.value_and_grad(loss)(*leaves))
    code = numpy_code.generate(traced.inputs, traced.outputs)
    assert max(np.size(c) for c in code.constants.values()) == 3000
    assert code.memory < 3000 * 5000


def test_the_same_graph_gives_the_same_code() -> None:
    for tile in TILES:
        with tile_of(*tile):
            pages = {numpy_code.generate(*cross_entropy()).source for _ in range(8)}
        assert len(pages) == 1


def test_numpys_buffer_is_set_back() -> None:
    inputs, outputs = cross_entropy(rows=64, classes=1200)
    with tile_of(1 << 20):
        code = numpy_code.generate(inputs, outputs)
    before = np.getbufsize()
    code.load()(*(leaf.value for leaf in inputs))
    assert "setbufsize(1200)" in code.source
    assert np.getbufsize() == before


def test_several_threads_at_once() -> None:
    inputs, outputs = cross_entropy(rows=600, inner=20, classes=30)
    with tile_of(1 << 14):
        run = numpy_code.generate(inputs, outputs).load()
    values = [leaf.value for leaf in inputs]
    wrong: list[str] = []

    def work() -> None:
        for _ in range(20):
            for got, node in zip(run(*values), outputs, strict=True):
                try:
                    assert_same(got, node)
                except AssertionError as error:
                    wrong.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# -- the checks themselves ------------------------------------------------------------------------


def fails() -> bool:
    inputs, outputs = cross_entropy(rows=7)
    try:
        assert_runs(inputs, outputs, FEW)
    except (AssertionError, ValueError, IndexError):
        return True
    return False


def test_a_tile_that_ends_a_row_early_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not fails()
    monkeypatch.setattr(loops, "_even", lambda rows, fitting: 3)
    original = loops.Loop.write

    def early(self: Any) -> None:
        original(self)
        self.page.lines = [s.replace("j = min(i + 3, 7)", "j = min(i + 3, 6)")
                           for s in self.page.lines]  # fmt: skip

    assert not fails()
    monkeypatch.setattr(loops.Loop, "write", early)
    assert fails()


def test_memory_used_again_too_early_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    find = memory.Places._find

    def early(self: Any, values: Any) -> None:
        find(self, values)
        for kind in self._free:
            self._free[kind] += [p for v, p in self.of.items() if self._kinds.get(v) == kind][:1]

    monkeypatch.setattr(memory.Places, "_find", early)
    assert fails()


# -- choices --------------------------------------------------------------------------------------

ASKED = np.resize(np.array([np.nan, -np.inf, np.inf, 0.0, -0.0, 2.0, -2.0, 0.5, 0.25]), 3000)
COMPARISONS = (np.greater, np.greater_equal, np.less, np.less_equal)
CHOICES: dict[str, Callable[[Any, Any], tuple[Any, Any]]] = {
    "a bound": lambda x, c: (x, c),
    "x beyond a bound": lambda x, c: (c, x),
    "x or -x": lambda x, c: (-x, x),
    "-x or x": lambda x, c: (x, -x),
    "-x or a bound": lambda x, c: (-x, c),
    "another number": lambda x, c: (c + 1.0, x),
}


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("compare", COMPARISONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("bound", [0.0, 0.5])
def test_choices_by_a_comparison(name: str, compare: Any, bound: float) -> None:
    x = tx.tensor(ASKED)
    mask = {"greater": x > bound, "greater_equal": x >= bound, "less": x < bound,
            "less_equal": x <= bound}[compare.__name__]  # fmt: skip
    made = tx.where(mask, *CHOICES[name](x, bound))
    source = numpy_code.generate([x], [made]).source
    even = name in ("x or -x", "-x or a bound") and bound == 0
    clipped = even or name in ("a bound", "x beyond a bound")
    assert clipped == (not re.search(r"np\.copyto|np\.putmask|select\(|keep\(", source))
    (found,) = numpy_code.generate([x], [made]).load()(ASKED)
    np.testing.assert_array_equal(found, np.where(mask.value, *CHOICES[name](ASKED, bound)))


@pytest.mark.parametrize("size", [3, 300, 3000])
def test_a_weight_of_zero_makes_nothing_of_infinity(size: int) -> None:
    p = np.resize([0.0, 0.5, 0.0, 2.0], size)
    infinite = np.resize([1.0, 2.0, np.inf, 3.0, np.nan], size)
    for q in (infinite, np.resize([1.0, 2.0, 3.0], size)):
        a, b = tx.tensor(p), tx.tensor(q)
        with np.errstate(invalid="ignore"):
            run = numpy_code.generate([a, b], [tx.where(a != 0, a * b, 0.0)]).load()
            (found,) = run(p, q)
            np.testing.assert_array_equal(found, np.where(p != 0, p * q, 0.0))


@pytest.mark.parametrize("dtype", [np.float64, np.longdouble])
def test_infinities_are_constants(dtype: Any) -> None:
    x, few = np.ones(2, dtype), np.array([-np.inf, np.inf], dtype)
    for y in (few, few[0], few[1], np.array(np.nan, dtype)):
        leaf = tx.tensor(x)
        found = numpy_code.generate([leaf], [leaf + Tensor(y)]).load()(x)[0]
        np.testing.assert_array_equal(found, x + y, strict=True)


def test_the_largest_of_each_row_is_known_by_its_mask() -> None:
    x = tx.tensor(np.array([[1.0, 3.0, 3.0], [np.nan, 0.0, 1.0], [-np.inf, 5.0, 2.0]] * 400))
    shifted = x - tx.max(x, axis=1, keepdims=True)
    code = numpy_code.generate([x], [tx.where(shifted == 0, 7.0, x)])
    assert "select(" not in code.source
    assert "where=" in code.source
    found = code.load()(x.value)[0]
    np.testing.assert_array_equal(found[:3], [[1, 7, 7], [np.nan, 0, 1], [-np.inf, 7, 2]])


def test_what_is_read_as_a_whole_is_not_overwritten_where_it_is_made_once_more() -> None:
    rng = np.random.default_rng(0)
    x, y, c = (tx.tensor(rng.normal(size=shape)) for shape in ((3, 3), 3, (3, 3)))
    v = x * y
    down, across = tx.transpose(v) @ v, tx.transpose(v) @ c
    assert_runs([x, y, c], [tx.sum(v @ down), across @ tx.transpose(v), v @ tx.transpose(across)])
