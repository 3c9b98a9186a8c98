"""The demo as a reader meets it: what is printed, what is written, and what the data show."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sympy
from browser import browse, in_browser
from rich.console import Console

import tinygrad_xent as tx
from tinygrad_xent.demo import curves, digits, extras, report, run, story, training
from tinygrad_xent.demo.comparison import Comparison
from tinygrad_xent.demo.formulas import FORMULAS
from tinygrad_xent.demo.saturation import LOSSES, Saturation, saturations

EPOCHS = 150


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One run of the demo: what it printed and the folder it wrote."""
    folder = tmp_path_factory.mktemp("demo") / "new" / "out"
    printed = StringIO()
    page = run(folder, epochs=EPOCHS, console=Console(file=printed, width=100, highlight=False))
    return SimpleNamespace(text=printed.getvalue(), folder=folder, page=page)


@pytest.fixture(scope="module")
def duel() -> dict[tuple[str, str], training.Run]:
    return {(r.problem.title, r.start): r for r in training.comparison(EPOCHS)}


# -- what is printed ------------------------------------------------------------------------------


def test_the_story_is_told_in_order(demo: Any) -> None:
    titles = [line for line in demo.text.splitlines() if re.match(r"\d  \w", line)]
    assert [title[0] for title in titles] == ["1", "2", "3", "4"]


def test_the_derivations_end_as_they_should(demo: Any) -> None:
    ends = re.findall(r"= (.*)\n  holds", demo.text)
    assert ends == ["q - p", "sum(p)*q - p"]


def test_every_formula_is_printed_and_agrees(demo: Any) -> None:
    assert demo.text.count(" ok ") >= len(FORMULAS)
    assert "DIFFERS" not in demo.text


def test_it_says_where_everything_is(demo: Any) -> None:
    assert all(str(demo.folder / name) in demo.text for name in report.FILES)


# -- what the data show ---------------------------------------------------------------------------


def test_cross_entropy_recovers_from_a_saturated_start(duel: Any) -> None:
    recovered = duel["cross-entropy", "saturated"]
    assert recovered.accuracy[0] <= recovered.chance < 0.15
    assert recovered.accuracy[-1] > 0.9


def test_squared_error_stays_stuck_in_it(duel: Any) -> None:
    stuck = duel["squared error", "saturated"]
    assert stuck.accuracy[-1] == stuck.accuracy[0] < 0.15
    assert max(stuck.gradient) < 1e-7
    assert duel["cross-entropy", "saturated"].gradient[0] > 1


def test_both_learn_from_an_ordinary_start(duel: Any) -> None:
    assert duel["cross-entropy", "ordinary"].accuracy[-1] > 0.94
    assert duel["squared error", "ordinary"].accuracy[-1] > 0.9


def test_each_last_layer_learns() -> None:
    runs = training.last_layers(EPOCHS)
    assert [r.problem.activation_name for r in runs] == ["sigmoid", "softmax", "sigmoid"]
    assert all(r.accuracy[-1] > r.chance + 0.25 for r in runs)


@pytest.mark.parametrize("problem", training.LAST_LAYERS, ids=lambda p: p.title)
def test_each_last_layer_sends_back_the_difference(problem: training.Problem) -> None:
    labels = np.arange(10)
    y = problem.targets(labels)
    z = np.random.default_rng(0).normal(size=y.shape)
    gradient = tx.grad(lambda z: tx.sum(problem.loss(y, problem.activation(z))))(z)
    np.testing.assert_allclose(gradient, problem.activation(z) - y, rtol=1e-9)


def test_training_twice_gives_the_same_numbers(duel: Any) -> None:
    data = digits.load()
    again = training.train(training.ENTROPY, "ordinary", *data, EPOCHS)
    assert again.accuracy == duel["cross-entropy", "ordinary"].accuracy


def test_train_and_test_images_are_all_and_disjoint() -> None:
    train, test = digits.load()
    assert len(train.images) + len(test.images) == 1797
    assert train.images.min() == 0
    assert train.images.max() == 1


def test_the_attributes_of_a_digit() -> None:
    np.testing.assert_array_equal(digits.attributes(np.array([2, 9])), [[1, 1, 0, 0], [0, 0, 1, 1]])


def test_what_a_saturated_logit_receives(demo: Any) -> None:
    """The limits of the documents' argument; far out, the engine's own numbers are the same."""
    rows = {row.loss: row for row in saturations()}
    assert [r.loss for r in rows.values() if r.stuck] == [
        "softmax, squared error", "softmax, absolute error", "sigmoid, squared error"
    ]  # fmt: skip
    assert (rows["softmax, cross-entropy"].rising, rows["softmax, cross-entropy"].falling) == (
        "1 - y_0", "-y_0"
    )  # fmt: skip
    y, T, e = np.array([0.35, 0.65]), 2.0, 0.1
    letters = {"y_0": y[0], "y_1": y[1], "T": T, "e": e}
    for name, loss in LOSSES.items():
        for far, limit in ((300.0, rows[name].rising), (-300.0, rows[name].falling)):
            with np.errstate(all="ignore"):
                slope = tx.grad(lambda z, f=loss: f(z, y, T, e))(np.array([far, -0.4]))
            if np.isfinite(slope[0]):  # written without care, some of them overflow
                value = float(sympy.sympify(limit).subs(letters))
                assert slope[0] == pytest.approx(value, abs=1e-9), name
        assert f"{name} " in demo.text


# -- what is written ------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a page contains that matters here."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.references: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        found = dict(attrs)
        self.ids += [found["id"]] if "id" in found else []
        self.references += [found[k] for k in ("src", "href", "xlink:href") if found.get(k)]


def test_every_picture_parses_as_xml(demo: Any) -> None:
    for name in report.PICTURES:
        root = ET.parse(demo.folder / f"{name}.svg").getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_the_page_refers_to_nothing_outside_itself(demo: Any) -> None:
    html = demo.page.read_text(encoding="utf-8")
    assert all(r.startswith(("#", "data:")) for r in Page(html).references)
    assert not re.search(r"@import|url\((?!#)", html)
    assert "<script" not in html


def test_ids_are_unique_and_every_reference_is_met(demo: Any) -> None:
    html = demo.page.read_text(encoding="utf-8")
    page = Page(html)
    assert len(page.ids) == len(set(page.ids))
    used = [r[1:] for r in page.references if r.startswith("#")] + re.findall(
        r"url\(#(.*?)\)", html
    )
    assert set(used) <= set(page.ids)


def test_the_page_tells_all_of_it(demo: Any) -> None:
    html = demo.page.read_text(encoding="utf-8")
    derivation = story.compose().derivation
    assert html.count("<svg") == len(report.PICTURES)
    assert all(f"<strong>{step.rule}</strong>" in html for step in derivation.steps)
    assert html.count(">agrees<") == len(FORMULAS)
    assert "∇ loss = q − p" in html
    assert all(f'<th scope="row">{name}</th>' in html for name in LOSSES)


def test_what_is_inserted_is_escaped(duel: Any) -> None:
    nasty = "<script>alert('&')</script>"
    formula = SimpleNamespace(document=nasty, place=nasty, statement=nasty)
    row = Comparison(formula, 0.0, 1.0, 1.0, 1)  # type: ignore[arg-type]
    pictures = dict.fromkeys(report.PICTURES, "")
    html = report.render(
        story=story.compose(), composition=nasty, compared=[row], tolerance=1e-12,
        duel=list(duel.values()), limits=[Saturation(nasty, nasty, nasty)], last_layers=[],
        attributes=[nasty], pictures=pictures,
    )  # fmt: skip
    assert nasty not in html
    assert "&lt;script&gt;" in html


def test_inlined_pictures_keep_their_ids_apart() -> None:
    svg = '<?xml version="1.0"?><svg><path id="a"/><use xlink:href="#a" clip-path="url(#a)"/></svg>'
    shown = report.inline(svg, "one")
    assert shown == (
        '<svg><path id="one-a"/><use xlink:href="#one-a" clip-path="url(#one-a)"/></svg>'
    )


def test_curves_are_the_same_bytes_every_time(duel: Any) -> None:
    runs = list(duel.values())
    assert curves.gradient(runs) == curves.gradient(runs)


# -- what can go wrong ----------------------------------------------------------------------------


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def absent(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(extras, "import_module", absent)
    with pytest.raises(extras.MissingExtraError, match=r"scikit-learn(.|\n)*tinygrad-xent\[demo\]"):
        run(tmp_path, epochs=1, console=Console(file=StringIO()))


def test_a_folder_that_cannot_be_made_is_reported_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    printed = StringIO()
    with pytest.raises(tx.RenderError, match="--out DIR"):
        run(tmp_path / "file" / "out", console=Console(file=printed))
    assert printed.getvalue() == ""


# -- in a browser ---------------------------------------------------------------------------------


@in_browser
@pytest.mark.parametrize("width", [430, 1280])
def test_a_browser_shows_the_page_without_errors_or_requests(
    demo: Any, tmp_path: Path, width: int
) -> None:
    seen = browse(demo.page.read_text(encoding="utf-8"), tmp_path, width)
    assert seen.needed == seen.width == width
    assert seen.height > 3000
    assert (seen.requests, seen.log) == ([], [])
