"""Films of derivations, and two graphs side by side: what is drawn, marked, kept and counted."""

from __future__ import annotations

import os
import re
import time
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gallery import GALLERY
from test_drawing import PRINTABLE, UNPRINTABLE, words

import tinygrad_xent as tx
from tinygrad_xent.drawing import render
from tinygrad_xent.drawing.changes import kept, same
from tinygrad_xent.drawing.shots import Shot, shots
from tinygrad_xent.drawing.skeleton import skeleton
from tinygrad_xent.drawing.sketch import MOST

IMAGES = Path(__file__).parents[1] / "docs" / "images"
DERIVED: dict[str, Any] = {}


def derivation(name: str) -> Any:
    """A derivation of the gallery, made once."""
    if name not in DERIVED:
        loss, wrt, facts = GALLERY[name][0]()
        DERIVED[name] = tx.derive(loss, wrt, assume=facts)
    return DERIVED[name]


def cross_entropy() -> Any:
    return derivation("cross_entropy_named")


def boxes(svg: str) -> list[ET.Element]:
    groups = ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}g")
    return [g for g in groups if g.get("class", "").split()[0] == "node"]


def ids(shot: Shot, mark: str | None = None) -> set[str]:
    cells = shot.graph.cells
    return {c.id for c in cells if mark is None or mark in c.mark.split()}


# -- what frames show -----------------------------------------------------------------------------


def faults(film: list[Shot]) -> list[str]:
    """What is wrong with the marks and ids of frames, of which none is folded."""
    found = []
    for i, shot in enumerate(film):
        drawn = [c.id for c in shot.graph.cells]
        found += [f"{i}: an id twice"] * (len(drawn) != len(set(drawn)))
        ends = {end for line in shot.graph.lines for end in (line.tail, line.head)}
        found += [f"{i}: an arrow to nowhere"] * (not ends <= set(drawn))
    for i, (a, b) in enumerate(pairwise(film)):
        found += [f"{i}: gone, but still there"] * (ids(a, "gone") != ids(a) - ids(b))
        found += [f"{i}: new, but was there"] * (ids(b, "new") != ids(b) - ids(a))
        was = {(line.tail, line.head) for line in a.graph.lines}
        fresh = {(x.tail, x.head) for x in b.graph.lines if "new" in x.mark}
        found += [f"{i}: arrows"] * ({(x.tail, x.head) for x in b.graph.lines} - was != fresh)
        kinds = {c.id: c.kind for c in a.graph.cells}
        found += [f"{i}: {c.id} changed its kind"
                  for c in b.graph.cells if kinds.get(c.id, c.kind) != c.kind]  # fmt: skip
    found += ["the first has something new"] * bool(ids(film[0], "new"))
    found += ["of the last something goes"] * bool(ids(film[-1], "gone"))
    return found


@pytest.mark.parametrize("name", GALLERY)
def test_marks_say_what_changes_and_ids_stay(name: str) -> None:
    d = derivation(name)
    film = shots(d)
    assert len(film) == len(d.steps) + 1
    assert not any(shot.hidden for shot in film)
    assert faults(film) == []
    assert [s.operations for s in film] == [formula.operations for _, formula in d.lines]
    assert [s.rule for s in film] == [rule for rule, _ in d.lines]


def test_wrong_marks_and_ids_are_noticed() -> None:
    film = shots(cross_entropy())

    def planted(i: int, cell: int, **change: str) -> list[Shot]:
        cells = list(film[i].graph.cells)
        cells[cell] = cells[cell]._replace(**change)
        graph = film[i].graph._replace(cells=cells)
        return [*film[:i], replace(film[i], graph=graph), *film[i + 1 :]]

    other = film[2].graph.cells[0].id
    for fault in (
        planted(2, 3, mark="new"), planted(2, 3, mark="gone"), planted(1, 1, id="elsewhere"),
        planted(2, 1, id=other), planted(0, 0, mark="new"), planted(-1, 0, mark="gone"),
        planted(3, 0, kind="constant"),
    ):  # fmt: skip
        assert faults(fault)


@pytest.mark.parametrize("name", ["cross_entropy_shifted", "layer_norm_vjp", "two_layers"])
def test_what_stays_is_the_same_operation(name: str) -> None:
    keys: dict[Any, int] = {}
    graphs = [skeleton(formula.term, keys) for _, formula in derivation(name).lines]
    for a, b in pairwise(graphs):
        pairs = kept(a, b)
        assert len(set(pairs.values())) == len(pairs)
        assert all(a[i].label == b[j].label for j, i in pairs.items())
        assert set(same(a, b)) <= set(pairs)
        calm = sum(a[i].key == b[j].key for j, i in pairs.items())
        assert calm == len(same(a, b))


def test_a_rewritten_argument_does_not_mark_what_it_is_in() -> None:
    film = shots(cross_entropy())
    step = next(i for i, shot in enumerate(film) if shot.rule == "sums to one")
    said = {c.title: c.mark for c in film[step - 1].graph.cells}
    assert said["sum(p)"] == "new gone"
    calm = {title for title, mark in said.items() if not mark}
    assert {"z", "p", "q", "exp(z)", "sum(exp(z))", "-...*..."} <= calm
    assert [len(film[step].new), len(film[step - 1].gone)] == [1, 1]


def test_order_of_factors_and_broadcasting_are_no_change() -> None:
    x, y = tx.tensor([1.0, 2.0], name="x"), tx.tensor(3.0, name="y")
    keys: dict[Any, int] = {}
    one = skeleton(tx.broadcast_to(x * y, (4, 2)), keys)
    other = skeleton(y * x, keys)
    assert one[-1].key == other[-1].key
    assert skeleton(x - y, keys)[-1].key != skeleton(y - x, keys)[-1].key
    assert skeleton(x**2, keys)[-1].key != skeleton(x**3, keys)[-1].key
    assert skeleton(2 * x, keys)[-1].key == skeleton(x * 2, keys)[-1].key
    assert skeleton(x.sum(), keys)[-1].key != skeleton(x.sum(axis=0, keepdims=True), keys)[-1].key


def test_definitions_say_what_they_stand_for() -> None:
    cells = {c.title: c for c in shots(cross_entropy())[0].graph.cells}
    assert (cells["q"].kind, cells["q"].note) == ("definition", "= exp(z)/sum(exp(z))")
    assert (cells["p"].kind, cells["p"].note) == ("leaf", "")


# -- films ----------------------------------------------------------------------------------------


def test_a_film_is_a_sequence_of_drawings() -> None:
    film = tx.film(cross_entropy())
    assert len(film) == 8
    assert all(isinstance(frame, tx.Drawing) for frame in film)
    assert [f.title for f in film[-2:]] == ["definition of q", "cancel"]
    assert repr(film).startswith("<Film of d loss / d z, 8 frames")
    first, last = words(film[0].svg()), words(film[-1].svg())
    assert "0 recorded by the engine The loss, walked backwards." in first
    assert "11 operations goes away next" in first
    assert "1 operation" in last
    assert "A nonzero factor cancels." in last
    assert film[-1].png().startswith(b"\x89PNG")


def test_marks_are_classes_and_colours() -> None:
    svg = tx.film(cross_entropy())[4].svg()
    classes = re.findall(r'class="(node [\w ]+)"', svg)
    assert "node operation new gone" in classes
    assert "node definition" in classes
    assert re.search(r'<g id="n\d+" class="node operation new gone">', svg)
    assert svg.count('stroke-dasharray="5,2"') >= 2


def test_all_frames_have_one_size_and_one_scale() -> None:
    svgs = [frame.svg() for frame in tx.film(cross_entropy())]
    roots = [ET.fromstring(svg) for svg in svgs]
    assert len({(r.get("width"), r.get("height")) for r in roots}) == 1
    views = [list(map(float, r.get("viewBox", "").split())) for r in roots]
    assert {tuple(view[2:]) for view in views} == {tuple(views[0][2:])}
    assert f"{views[0][2]:g}pt" == roots[0].get("width")


def test_a_film_is_laid_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    run = render._run
    monkeypatch.setattr(render, "_run", lambda *given: calls.append(1) or run(*given))
    film = tx.film(cross_entropy())
    assert calls == []
    for frame in film:
        frame.svg()
    assert len(calls) == 1


def test_equal_graphs_are_laid_out_once_and_in_order() -> None:
    a, b = tx.draw(tx.tensor(1.0, name="a")).dot, tx.draw(tx.tensor(1.0, name="b")).dot
    svgs = render.svgs([a, b, a])
    assert svgs == [render.svg(a), render.svg(b), render.svg(a)]
    assert render.svgs([]) == []


def test_a_derivation_read_from_json_gives_the_same_film() -> None:
    d = cross_entropy()
    again = tx.Derivation.from_json(d.json())
    assert [f.dot for f in tx.film(again)] == [f.dot for f in tx.film(d)]


def test_a_notebook_shows_every_frame_without_a_script() -> None:
    film = tx.film(cross_entropy())
    html = film._repr_html_()
    assert html.count("<details") == html.count("<img") == 8
    assert html.count("<details open") == 2
    assert "<script" not in html


@pytest.mark.parametrize("name", [*PRINTABLE, *UNPRINTABLE])
def test_names_may_hold_anything(name: str) -> None:
    x, y = tx.tensor([1.0, 2.0], name=name), tx.tensor([1.0, 3.0], name="y")
    d = tx.derive(((x - y) ** 2).sum(), x)
    film = tx.film(d)
    for svg in (film[-1].svg(), tx.draw_diff(d.start, d.result).svg()):
        assert not [e for e in ET.fromstring(svg).iter() if e.tag.endswith("script")]
        if name in PRINTABLE and len(name) < 20:
            assert " ".join(name.split()) in words(svg)
    assert "<script>" not in film._repr_html_()


def test_a_result_that_is_a_number() -> None:
    x = tx.tensor([1.0, 2.0], name="x")
    d = tx.derive((3 * x).sum(), x)
    film = tx.film(d)
    assert words(film[-1].svg()).endswith("3")
    assert tx.draw_diff(d.start, d.result).nodes >= 2


# -- large graphs ---------------------------------------------------------------------------------


def large(n: int) -> Any:
    """The derivation of a chain of `n` operations, of which no rule shortens anything."""
    x, w = tx.tensor(0.3, name="x"), tx.tensor(0.7, name="w")
    y = x
    for _ in range(n):
        y = tx.tanh(y * w)
    d = cross_entropy()
    growing = [tx.Formula(_gradient(y, x, i)) for i in range(40)]
    steps = [replace(d.steps[0], whole=f) for f in growing]
    return replace(d, start=growing[0], steps=tuple(steps))


def _gradient(y: tx.Tensor, x: tx.Tensor, i: int) -> tx.Tensor:
    return tx.gradient_graph(y, x) * (x + i)


def test_large_graphs_are_folded_and_say_so() -> None:
    d = large(60)
    assert d.start.operations > 200
    start = time.perf_counter()
    film = tx.film(d)
    svgs = [frame.svg() for frame in film]
    assert time.perf_counter() - start < 10
    assert all(MOST <= frame.nodes <= 2 * MOST for frame in film)
    assert re.search(r"\d+ of them folded", words(svgs[3]))
    assert "folded" in {c.kind for c in shots(d)[3].graph.cells}
    assert ids(shots(d)[3], "new")
    assert sum(bool(line.mark) for line in shots(d)[3].graph.lines) == 2


# -- files ----------------------------------------------------------------------------------------


def test_frames_are_saved_as_numbered_files(tmp_path: Path) -> None:
    files = tx.film(cross_entropy()).save(tmp_path / "new" / "film")
    assert [f.name for f in files] == [f"frame-{i:02}.svg" for i in range(8)]
    assert sorted(files) == files == sorted((tmp_path / "new" / "film").iterdir())
    assert all(boxes(f.read_text(encoding="utf-8")) for f in files)


def test_folders_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = tx.film(cross_entropy())
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "film", "\0"):
        with pytest.raises(tx.RenderError, match="cannot write"):
            film.save(folder)

    def full(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(tx.RenderError, match="disk full"):
        film.save(tmp_path / "film")
    assert not list((tmp_path / "film").iterdir())


def test_without_a_program_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render, "programs", lambda: [])
    film = tx.film(cross_entropy())
    with pytest.raises(tx.RenderError, match="pip install graphviz-pure"):
        film.save(tmp_path / "film")
    assert not (tmp_path / "film").exists()
    assert film._repr_html_().count("<pre>digraph") == 8


# -- two graphs -----------------------------------------------------------------------------------


def marked(drawing: tx.Drawing) -> list[str]:
    return re.findall(r'class="\w+ (only-[ab])"', drawing.dot)


def test_naive_against_simplified() -> None:
    z, p = tx.tensor([0.2, 5.0, 0.3], name="z"), tx.tensor([0.0, 1.0, 0.0], name="p")
    q = tx.softmax(z).named("q")
    loss = -(p * tx.log(q)).sum()
    naive = tx.gradient_graph(loss, z)
    d = tx.derive(loss, z, assume=[tx.Simplex(p)])
    drawing = tx.draw_diff(naive, d.result.node)
    assert {"only-a", "only-b"} == set(marked(drawing))
    assert marked(drawing).count("only-b") == 1  # the difference itself; p and q are in both
    shown = words(drawing.svg())
    assert "in both only in a only in b" in shown
    assert "b 1 operation" in shown
    assert "q - p" in shown
    assert drawing.nodes == len(boxes(drawing.svg()))


def test_a_graph_and_itself_have_no_difference() -> None:
    d = cross_entropy()
    drawing = tx.draw_diff(d.start, d.start)
    assert marked(drawing) == []
    assert words(drawing.svg()).count("11 operations") == 2
    assert "only in" not in words(drawing.svg())


def test_what_is_there_twice_is_in_both_only_once() -> None:
    x = tx.tensor(2.0, name="x")
    drawing = tx.draw_diff(tx.exp(x) + tx.exp(x), tx.exp(x) + x)
    assert marked(drawing) == ["only-a", "only-a", "only-b"]


def test_leaves_are_known_by_name_or_by_numbers() -> None:
    x, other, same_name = tx.tensor(2.0, name="x"), tx.tensor(2.0, name="y"), tx.tensor(3.0, "x")
    assert marked(tx.draw_diff(tx.exp(x), tx.exp(other)))
    assert not marked(tx.draw_diff(tx.exp(x), tx.exp(same_name)))
    assert not marked(tx.draw_diff(x * np.ones(2), x * np.ones(2)))
    assert marked(tx.draw_diff(x * np.ones(2), x * np.array([1.0, 2.0])))


def test_a_named_result_is_opened() -> None:
    x = tx.tensor(2.0, name="x")
    y = tx.exp(x).named("y")
    assert "1 operation" in words(tx.draw_diff(y, x * y).svg())
    assert tx.draw_diff(y, y).nodes == 4


@pytest.mark.parametrize("given", [3.0, "loss", None, np.ones(3), [tx.tensor(1.0)]])
def test_only_graphs_are_compared(given: object) -> None:
    x = tx.tensor(1.0)
    for pair in ((given, x), (x, given)):
        with pytest.raises(tx.NotSupportedError, match="neither a Tensor nor a formula"):
            tx.draw_diff(*pair)
    with pytest.raises(tx.NotSupportedError, match="not a derivation"):
        tx.film(given)  # type: ignore[arg-type]


# -- the documents --------------------------------------------------------------------------------


def test_the_pictures_in_the_documents_are_what_the_library_draws() -> None:
    z, p = tx.tensor([0.2, 5.0, 0.3], name="z"), tx.tensor([0.0, 1.0, 0.0], name="p")
    q = (tx.exp(z) / tx.exp(z).sum()).named("q")
    loss = -(p * tx.log(q)).sum()
    d = tx.derive(loss, wrt=z, assume=[tx.Simplex(p)])
    drawn = {
        "frame": tx.film(d)[6],
        "difference": tx.draw_diff(tx.gradient_graph(loss, z), d.result),
    }
    for name, drawing in drawn.items():
        kept_picture = (IMAGES / f"{name}.svg").read_text(encoding="utf-8")
        assert sorted(words(kept_picture).split()) == sorted(words(drawing.svg()).split())
