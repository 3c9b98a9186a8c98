"""What a cell of a notebook shows of Tensors, derivations and walkthroughs."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from test_drawing import PRINTABLE, UNPRINTABLE

import tinygrad_xent as tx
from tinygrad_xent.drawing.tensors import html


class Reader(HTMLParser):
    """The text and the elements of a cell."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.text, self.elements = "", []  # type: ignore[var-annotated]
        self.feed(markup)

    def handle_data(self, data: str) -> None:
        self.text += data + " "

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append(tag)


def test_a_tensor_shows_its_formula_its_numbers_and_its_gradient() -> None:
    x = tx.tensor([[1.0, 2.0], [3.0, 4.5]], name="X")
    y = (tx.exp(x) * 2).named("y")
    y.sum().backward()
    shown = Reader(html(y))
    assert "y = exp(X)*2" in shown.text
    assert "(2, 2)" in shown.text
    for number in np.ravel(y.value):
        assert f"{number:.4g}" in shown.text
    assert "gradient" in shown.text
    assert shown.elements.count("tr") == 4
    assert "gradient" not in Reader(html(tx.tensor(1.0))).text


def test_large_tensors_are_summed_up() -> None:
    assert "0 .. 9999" in html(tx.tensor(np.arange(10_000.0)))
    assert len(html(tx.tensor(np.zeros((50, 50, 3))))) < 500
    assert "[]" in html(tx.tensor(np.zeros((0, 3))))


def test_a_tensor_at_the_end_of_a_long_chain_shows_at_once() -> None:
    x = tx.tensor(1.0)
    for _ in range(100_000):
        x = x + 1.0
    assert "100001" in html(x) or "1e+05" in html(x)


@pytest.mark.parametrize("name", [*PRINTABLE, *UNPRINTABLE, "</code><script>alert(1)</script>"])
def test_names_are_text(name: str) -> None:
    shown = Reader(html(tx.tensor(2.0, name=name) * 3.0))
    assert set(shown.elements) <= {"div", "code", "small", "table", "tr", "td", "pre"}
    html(tx.tensor(2.0, name=name)).encode()


def test_everything_shows_itself() -> None:
    x = tx.tensor([1.0, 2.0], name="x")
    loss = (x * x).sum()
    for thing in (x, tx.derive(loss, x), tx.steps(loss), tx.compare(loss, loss * 2), tx.draw(loss)):
        assert thing._repr_html_().strip().startswith("<")


def test_two_losses_leave_two_images_where_frames_are_taken_out() -> None:
    x = tx.tensor([1.0, 2.0], name="x")
    cell = tx.compare((x * x).sum(), x.sum())._repr_html_()
    rest = re.sub(r"<iframe.*?</iframe>", "", cell, flags=re.DOTALL)
    images = re.findall(r"base64,([^\"]+)", rest)
    assert len(images) == 2
    assert all(base64.b64decode(image).startswith(b"<svg xmlns") for image in images)
