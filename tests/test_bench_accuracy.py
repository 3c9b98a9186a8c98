"""The accuracy benchmark: its exact numbers are exact, and it sees what is off."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.bench.accuracy import report
from tinygrad_xent.bench.accuracy.errors import compare, relative
from tinygrad_xent.bench.accuracy.exact import Exact, Truth
from tinygrad_xent.bench.accuracy.families import FAMILIES, Family
from tinygrad_xent.bench.accuracy.inputs import Batch, batches
from tinygrad_xent.bench.accuracy.running import answer
from tinygrad_xent.bench.accuracy.systems import derived, ours_careful, ours_naive
from tinygrad_xent.numerics.precise import exactly

pytest.importorskip("mpmath")
TITLES = [family.title for family in FAMILIES]


def tame(batch: Batch) -> Batch:
    """Rows without masks, and logits that arbitrary precision gets through without closed forms."""
    rows = np.isfinite(batch.logits).all(axis=1) & (np.abs(batch.logits).max(axis=1) < 30)
    return Batch(batch.logits[rows], batch.labels[rows], batch.dense[rows], batch.along[rows])


@pytest.mark.parametrize("family", FAMILIES, ids=TITLES)
def test_closed_forms_are_what_the_composition_gives_with_many_digits(family: Family) -> None:
    """Where the naive graph is defined: 0 log 0 is not."""
    batch = tame(next(batches("float64", quick=True)))
    targets = batch.targets(family.targets)
    if "KL" in family.name and family.targets == "one-hot":
        pytest.skip("the naive graph has 0 log 0")
    z = tx.Tensor(batch.logits)
    targets = targets if family.targets == "labels" else tx.Tensor(targets)
    with np.errstate(all="ignore"):
        loss = family.naive(tx, z, targets)
    value, slope = exactly(loss, tx.gradient_graph(tx.sum(loss), z))[0]
    truths = Exact(batch).truths(family.name, family.targets)
    for exact, truth in zip((value, slope), truths, strict=False):
        exact = np.broadcast_to(exact, truth.high.shape)
        off = exact - truth.high - truth.low
        scale = np.maximum(np.abs(exact.astype(float)), 1e-300)
        assert np.max(np.abs(off.astype(float)) / scale) < 1e-30


@pytest.mark.parametrize("family", FAMILIES, ids=TITLES)
def test_products_with_the_hessian_are_differences_of_the_exact_gradient(family: Family) -> None:
    batch = tame(list(batches("float64", quick=True))[1])
    parts = Exact(batch).truths(family.name, family.targets)
    if len(parts) == 2:
        pytest.skip("not compared")
    step = 2.0**-40
    ahead = Batch(batch.logits + step * batch.along, batch.labels, batch.dense, batch.along)
    moved = ahead.logits - batch.logits
    there = Exact(ahead).truths(family.name, family.targets)[1]
    wanted = Exact(Batch(batch.logits, batch.labels, batch.dense, moved)).truths(
        family.name, family.targets
    )[2]
    change = (there.high - parts[1].high) + (there.low - parts[1].low)
    assert np.abs(change - wanted.high).max() < 1e-4 * np.abs(wanted.high).max() + 1e-20


def test_an_error_is_relative_and_what_is_lost_is_infinite() -> None:
    exact = np.array([1.0, 1e-300, 5e-324, np.inf, 2.0])
    truth = Truth(exact, np.zeros(5), np.abs(exact))
    got = np.array([1.0 + 1e-9, 2e-300, 0.0, np.nan, np.inf])
    found = relative(got, truth, "float64")
    assert found == pytest.approx([1e-9, 1.0, 2.2e-16, np.inf], rel=0.02)
    with pytest.raises(ValueError, match="shape"):
        relative(got[:2], truth, "float64")


def test_a_planted_fault_is_seen() -> None:
    """The gradient of one component off by 1e-9; one value lost."""
    family = FAMILIES[0]
    answers = answer(ours_careful(), family, "float64", quick=True)
    truths = [Exact(b).truths(family.name, family.targets) for b in batches("float64", True)]
    assert isinstance(answers, list)
    before = compare(answers, truths, "float64", family.title)
    assert before.lost == 0
    parts: list[Any] = [np.array(part) for part in answers[0]]
    best = np.argmax(np.abs(truths[0][1].high))
    parts[1].flat[best] *= 1 + 1e-9
    parts[0][0] = np.nan
    after = compare([parts, answers[1]], truths, "float64", family.title)
    assert after.lost == 1
    assert np.any(np.isclose(after.gradient, 1e-9, rtol=0.01, atol=0))
    assert not np.any(np.isclose(before.gradient, 1e-9, rtol=0.01, atol=0))


@pytest.mark.parametrize("family", FAMILIES, ids=TITLES)
@pytest.mark.parametrize("maker", [ours_naive, ours_careful, derived])
def test_the_systems_compute_the_same_loss(maker: Any, family: Family) -> None:
    """Most errors are those of rounding, whatever is lost at the edges: it is the right loss."""
    answers = answer(maker(), family, "float64", quick=True)
    if isinstance(answers, str):
        return pytest.skip(answers)
    truths = [Exact(b).truths(family.name, family.targets) for b in batches("float64", True)]
    found = compare(answers, truths, "float64", family.title)
    assert np.quantile(found.gradient, 0.4, method="lower") < 1e-15
    finite = found.value[np.isfinite(found.value)]
    assert not finite.size or np.median(finite) < 1e-14


def test_the_report_names_every_loss_and_who_is_missing() -> None:
    said: list[str] = []
    systems = ["tinygrad_xent, its own functions", "tinygrad_xent, derived source"]
    text = report("labels", quick=True, progress=said.append, systems=systems)
    assert said[-2:] == systems
    assert "32 rows" in text
    line = next(x for x in text.splitlines() if x.startswith("| softmax, cross-entropy, labels |"))
    assert line.endswith("| – |")
    assert "its source is for one example" in text
