"""The page of a derivation: what it says, its graphs, and how it behaves in a browser."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from browser import browse, in_browser
from gallery import GALLERY
from test_drawing import PRINTABLE, UNPRINTABLE

import tinygrad_xent as tx
from tinygrad_xent.drawing import render
from tinygrad_xent.drawing.embedding import embedded
from tinygrad_xent.drawing.page import page, save_page
from tinygrad_xent.drawing.shots import shots
from tinygrad_xent.writing import mathml


@cache
def derivation(name: str = "") -> Any:
    if name:
        loss, wrt, facts = GALLERY[name][0]()
        return tx.derive(loss, wrt, assume=facts)
    return tx.derive("-sum(p*log(softmax(z)))", wrt="z", assume=["sum(p)=1", "z>0"])


@cache
def cross_entropy() -> str:
    return page(derivation())


def said(html: str) -> str:
    """The text of a page or a part of one, without tags."""
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


# -- what it says ---------------------------------------------------------------------------------


def test_the_page_tells_all_of_the_derivation() -> None:
    html, d = cross_entropy(), derivation()
    for step in d.steps:
        assert f"</span> {step.rule}</a>" in html
        assert step.reason in html
    assert html.count('<li id="step-') == len(d.steps) + 1 == html.count("<svg")
    assert said(html).count("assumed:") == sum(len(s.used) for s in d.steps) == 1
    assert re.search(r"not needed</dt><dd>.*<mi>z</mi>.*<mn>0</mn>", html)
    assert "for all values" not in html
    assert "def gradient(p, z):" in html
    assert r"\begin{align*}" in html


def test_the_page_is_small_and_refers_to_nothing_outside_itself() -> None:
    html = cross_entropy()
    assert len(html.encode()) < 150_000
    assert "http" not in html
    links = re.findall(r'(?:href|src)="([^"]*)"', html)
    assert all(link.startswith(("#", "data:,")) for link in links)
    assert not re.search(r"@import|url\(", html)


def test_what_a_step_changed_is_marked_in_its_formula() -> None:
    html = cross_entropy()
    lines = re.findall(r'<div class="formula">(.*?)</div>', html, re.DOTALL)
    assert 'class="gone"' in lines[0]
    assert 'class="new"' not in lines[0]
    assert any('class="new"' in line for line in lines)
    assert not re.search(r'class="[\w ]*gone', lines[-1])


@pytest.mark.parametrize("name", GALLERY)
def test_marks_do_not_change_what_a_formula_says(name: str) -> None:
    d = derivation(name)
    for shot, (_, formula) in zip(shots(d), d.lines, strict=True):
        marks = {id(term): "new" for term in (*shot.new, *shot.gone)}
        plain, marked = (
            ET.fromstring(f"<m>{mathml.row(formula.term, m)}</m>") for m in ({}, marks)
        )
        assert "".join(plain.itertext()) == "".join(marked.itertext())
        found = [e for e in marked.iter() if e.get("class") == "new"]
        assert bool(found) == bool(marks) or formula.operations <= 1 or name == "norm"


def test_a_number_after_a_marked_factor_keeps_its_dot() -> None:
    x = tx.tensor(1.0, name="x")
    part = x * 3
    for node, shown in ((2 * (3 * x), "2·3x"), (2 * part, None)):
        row = mathml.row(node, {id(part): "new", id(node.args[1]): "new"})
        body = "".join(ET.fromstring(f"<m>{row}</m>").itertext())
        assert body == (shown or "".join(ET.fromstring(f"<m>{mathml.row(node)}</m>").itertext()))


@pytest.mark.parametrize("name", [*PRINTABLE, *UNPRINTABLE])
def test_names_are_only_text(name: str) -> None:
    x, y = tx.tensor([1.0, 2.0], name=name), tx.tensor([1.0, 3.0], name="y")
    html = page(tx.derive(((x - y) ** 2).sum().named(name), x))
    html.encode("utf-8")
    assert html.count("<script>") == html.count("</script>") == 1
    assert not re.search(r"<b>|<img|\x00", html)


def test_without_a_layout_program_the_steps_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "programs", lambda: [])
    html = page(derivation())
    assert "<svg" not in html
    assert html.count('<li id="step-') == len(derivation().steps) + 1


def test_a_derivation_read_from_json_has_the_same_page() -> None:
    assert page(tx.Derivation.from_json(derivation().json())) == cross_entropy()


def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    save_page(derivation(), tmp_path / "new" / "page.html")
    assert (tmp_path / "new" / "page.html").read_text(encoding="utf-8") == cross_entropy()
    (tmp_path / "folder").mkdir()
    with pytest.raises(tx.RenderError, match="cannot write"):
        save_page(derivation(), tmp_path / "folder")
    assert {p.name for p in tmp_path.iterdir()} == {"new", "folder"}


# -- graphs in a page -----------------------------------------------------------------------------


def test_a_drawing_in_a_page_has_the_same_boxes_and_no_colours() -> None:
    svg = render.svg(tx.film(derivation())[0].dot)
    inside = embedded(svg, 'a "<b>"')
    assert len(inside) < len(svg) / 2
    assert not re.search(r"#[0-9a-f]{6}|font-|stroke|fill|style", inside)
    root = ET.fromstring(inside)
    assert root.get("aria-label") == 'a "<b>"'
    boxes = [g.get("data-id") for g in root if g.get("class", "").startswith("node")]
    assert sorted(map(str, boxes)) == sorted(c.id for c in shots(derivation())[0].graph.cells)


def test_text_is_in_the_middle_of_its_box_whatever_the_font() -> None:
    x = tx.tensor(1.0, name="a longer name")
    svg = render.svg(tx.draw_diff(x, x).dot)
    for group in ET.fromstring(embedded(svg, "")):
        if group.get("class") == "cluster":
            continue
        shape, text = group
        points = re.findall(r"(-?[\d.]+),", shape.get("d", shape.get("points", "")))
        middle = (min(map(float, points)) + max(map(float, points))) / 2
        assert float(text.get("x", 0)) == pytest.approx(middle, abs=0.1)


# -- in a browser ---------------------------------------------------------------------------------

STATE = """const state = () => {
  const current = all(".frame").findIndex(shown), step = one(".steps .current");
  return [current, step.id, page.location.hash, one(".controls input").value,
          step.getAttribute("aria-current")];
};
"""


def at(step: int, link: bool = True) -> list[Any]:
    return [step, f"step-{step}", f"#step-{step}" if link else "", str(step), "step"]


@in_browser
@pytest.mark.parametrize("width", [430, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_every_step_is_shown_without_errors_or_requests(
    tmp_path: Path, width: int, dark: bool
) -> None:
    script = f"""{STATE} const seen = [], wide = [];
      for (let i = 0; i <= {len(derivation().steps)}; i++) {{
        seen.push(state()[0]); wide.push(root.scrollWidth); await press("ArrowRight");
      }}
      const canvas = new Set(all(".frame svg").map(svg =>
        svg.getAttribute("viewBox").split(" ").slice(2).join(" ")));
      return [seen, Math.max(...wide), canvas.size];"""
    seen = browse(cross_entropy(), tmp_path, width, script, dark=dark)
    assert seen.result == [list(range(len(derivation().steps) + 1)), width, 1]
    assert seen.needed == seen.width == width
    assert (seen.requests, seen.log) == ([], [])


@in_browser
def test_keys_and_controls(tmp_path: Path) -> None:
    script = f"""{STATE} const seen = [state()];
      await press("ArrowLeft"); seen.push(state());
      await press("End"); seen.push(state());
      await press("ArrowRight"); seen.push(state());
      await press("ArrowLeft"); seen.push(state());
      await press("Home"); seen.push(state());
      for (const go of ["next", "next", "previous", "last", "first"]) {{
        await click(`[data-go=${{go}}]`); seen.push(state());
      }}
      const slider = one(".controls input");
      slider.value = 3; slider.dispatchEvent(new page.Event("input")); seen.push(state());
      await click("#step-4 h2 a"); seen.push(state());
      await click("#step-2 .formula"); seen.push(state());
      page.location.hash = "#step-5"; await settled(); seen.push(state());
      return seen;"""
    seen = browse(cross_entropy(), tmp_path, script=script)
    last = len(derivation().steps)
    expected = [last, last, last - 1, 0, 1, 2, 1, last, 0, 3, 4, 2, 5]
    assert seen.result == [at(0, link=False)] * 2 + [at(i) for i in expected]
    assert seen.log == []


@in_browser
def test_a_link_opens_its_step_and_other_keys_do_nothing(tmp_path: Path) -> None:
    script = f"""{STATE} const seen = [state()];
      await press("a"); await press("Tab"); await press("PageDown");
      doc.body.dispatchEvent(new page.KeyboardEvent("keydown",
        {{key: "ArrowRight", altKey: true, bubbles: true}}));
      seen.push(state());
      return seen;"""
    assert browse(cross_entropy(), tmp_path, script=script, at="#step-3").result == [at(3)] * 2
    for odd in ("#step-99", "#nothing", "#step--1"):
        shown = browse(cross_entropy(), tmp_path, script=f"{STATE} return state()[0]", at=odd)
        assert shown.result == (len(derivation().steps) if odd == "#step-99" else 0)


@in_browser
def test_what_changed_is_told_and_shown(tmp_path: Path) -> None:
    script = """const told = [one(".unseen").textContent];
      await press("ArrowRight"); told.push(one(".unseen").textContent);
      const before = [...one(".now").children].length;
      const boxes = frame => new Map([...frame.querySelectorAll("[data-id]")]
        .map(box => [box.dataset.id, box.getAttribute("class")]));
      const [a, b] = all(".frame").map(boxes);
      const kept = [...b.keys()].filter(id => a.has(id));
      const fresh = [...b.keys()].filter(id => !a.has(id));
      const focus = one("[data-go=next]"); focus.focus();
      return [told, before, kept.length > 3, fresh.length > 0,
              fresh.every(id => b.get(id).includes("new")),
              kept.every(id => !b.get(id).includes("new")),
              one(".unseen").getAttribute("aria-live"), one("[data-go=first]").disabled,
              all("button, input").every(e => e.getAttribute("aria-label")),
              page.getComputedStyle(focus).outlineStyle];"""
    told, *rest = browse(cross_entropy(), tmp_path, script=script).result
    assert told[0] == ""
    assert re.fullmatch(r"Step 1 of \d+: standard form\. .*operations, \d+ new.*\.", told[1])
    assert rest == [1, True, True, True, True, "polite", False, True, "solid"]


@in_browser
@pytest.mark.parametrize("width", [430, 1280])
def test_what_stays_moves_from_where_it_was(tmp_path: Path, width: int) -> None:
    script = """const centres = () => new Map(all(".frame.current [data-id]")
        .map(box => [box.dataset.id, box.getBoundingClientRect()])
        .map(([id, r]) => [id, [r.x + r.width / 2, r.y + r.height / 2]]));
      const before = centres();
      doc.body.dispatchEvent(new page.KeyboardEvent("keydown", {key: "ArrowRight", bubbles: true}));
      doc.getAnimations().forEach(moving => { moving.pause(); moving.currentTime = 0; });
      const start = centres();
      doc.getAnimations().forEach(moving => moving.finish());
      const end = centres();
      const far = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
      const stay = [...end.keys()].filter(id => before.has(id));
      return [stay.length, Math.max(...stay.map(id => far(before.get(id), start.get(id)))),
              Math.max(...stay.map(id => far(before.get(id), end.get(id))))];"""
    count, off, moved = browse(cross_entropy(), tmp_path, width, script).result
    assert count > 5
    assert moved > 20
    assert off < 1.5


@in_browser
@pytest.mark.parametrize("width", [430, 1280])
def test_without_scripts_all_steps_and_the_two_ends_are_shown(tmp_path: Path, width: int) -> None:
    script = """return [all(".frame").map(shown), all(".steps li").every(shown),
      all(".formula").every(shown), shown(one(".controls")), shown(one(".now"))];"""
    seen = browse(cross_entropy(), tmp_path, width, script, scripts=False)
    between = [False] * (len(derivation().steps) - 1)
    assert seen.result == [[True, *between, True], True, True, False, False]
    assert seen.needed == width


@in_browser
def test_hostile_names_run_nothing(tmp_path: Path) -> None:
    name = "</script><script>document.title='run'</script><img src=x onerror=document.title='run'>"
    x = tx.tensor([1.0, 2.0], name=name)
    html = page(tx.derive((x * x * x).sum().named(name + '"'), x))
    script = "await press('End'); return [doc.title, all('img').length, one('h1').textContent]"
    seen = browse(html, tmp_path, 430, script)
    assert seen.result[0] != "run"
    assert seen.result[1] == 0
    assert "<script>" in seen.result[2]
    assert (seen.requests, seen.log) == ([], [])
    assert seen.needed == 430


@in_browser
@pytest.mark.parametrize("name", ["entropy_of_softmax", "layer_norm_vjp"])
def test_long_derivations_fit_as_well(tmp_path: Path, name: str) -> None:
    html, script = page(derivation(name)), "await press('End'); return root.scrollWidth"
    for width in (430, 1280):
        seen = browse(html, tmp_path, width, script)
        assert seen.result == seen.needed == width
        assert seen.log == []
