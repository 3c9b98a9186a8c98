"""Drawings: what DOT, SVG and PNG say about a graph, and what happens when they cannot be made."""

from __future__ import annotations

import hashlib
import os
import re
import struct
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.differentiate import cotangents
from tinygrad_xent.drawing import Drawing, picture, render
from tinygrad_xent.drawing.picture import LARGEST, Arrow
from tinygrad_xent.drawing.picture import picture as sketch
from tinygrad_xent.drawing.values import MISSING, brief
from tinygrad_xent.graph import PRIMITIVES, Primitive, is_float

XENT = """
import numpy as np, tinygrad_xent as tx
z = tx.tensor([0.2, 5.0, 0.3], name="z")
p = tx.tensor([0.0, 1.0, 0.0], name="p")
q = (tx.exp(z) / tx.exp(z).sum()).named("q")
loss = -(p * np.log(q)).sum()
"""

PRINTABLE = [
    "<script>alert(1)</script>", '"quoted"', "it's", "back\\slash", "\\N \\G \\L \\l \\E \\\\",
    "a\nb", "&amp; &", "&#65;", "<b>", "<", "]]>", "--", "emoji 🧠👩‍🔬", "∂ℒ/∂z ‖x‖² σᵢ ᵀ",
    "tab\there", "}{|[]", "%s {0}", "שלום", "\u202eright to left",
]  # fmt: skip
UNPRINTABLE = ["bell\x07", "nul\x00", "\x0b", "\x85", "lone \ud800", "\uffff", " ", "x" * 500]


def cross_entropy_graph() -> dict[str, tx.Tensor]:
    scope: dict[str, tx.Tensor] = {}
    exec(XENT, scope)
    return scope


def elements(svg: str, kind: str) -> list[ET.Element]:
    groups = ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}g")
    return [g for g in groups if g.get("class") == kind]


def words(svg: str) -> str:
    """All the text in an SVG, its no-break spaces made plain."""
    return " ".join(" ".join(ET.fromstring(svg).itertext()).replace("\xa0", " ").split())


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG")
    return struct.unpack(">II", png[16:24])  # type: ignore[return-value]


def arrows(node: tx.Tensor) -> list[Arrow]:
    return list(sketch((node,), backward=True).arrows)


# -- what is drawn --------------------------------------------------------------------------------


@pytest.mark.parametrize("backward", [False, True])
def test_every_operation_is_one_node_with_its_name_shape_and_value(backward: bool) -> None:
    svg = tx.draw(cross_entropy_graph()["loss"], backward).svg()
    assert len(elements(svg, "node")) == 10
    assert len(elements(svg, "edge")) == 10
    shown = words(svg)
    for part in ("q = exp(z)/sum(exp(z))", "div (3,)", "[0.00809, 0.983, 0.00894]", "0.01718"):
        assert part in shown


def test_a_definition_looks_different_from_an_operation() -> None:
    x = tx.tensor(2.0, name="x")
    plain, named = tx.draw(tx.exp(x)).dot, tx.draw(tx.exp(x).named("e")).dot
    assert "e = exp(x)" in named
    assert "#fff3cc" in named
    assert "#fff3cc" not in plain


def test_a_square_has_two_arrows() -> None:
    a = tx.tensor(3.0, name="a")
    for backward, arrow in ((False, "n0 -> n1"), (True, "n1 -> n0")):
        drawing = tx.draw(a * a, backward)
        assert drawing.dot.count(arrow) == drawing.dot.count("->") == 2
        assert len(elements(drawing.svg(), "edge")) == 2


def test_constants_are_small_nodes_with_their_number() -> None:
    x = tx.tensor(3.0, name="x")
    drawing = tx.draw(1.0001 * x + np.array([1.0, 2.0]))
    constants = [
        box for box in picture.picture((1.0001 * x,), False).boxes if box.kind == "constant"
    ]
    assert [box.title for box in constants] == ["1.0001"]
    assert "[1, 2]" in words(drawing.svg())
    assert drawing.nodes == 3


def test_uncomputed_cotangents_are_a_dot_and_never_zero() -> None:
    scope = cross_entropy_graph()
    boxes = sketch((scope["loss"],), False).boxes
    assert {box.cotangent for box in boxes} == {"·"} == {MISSING}
    assert MISSING in tx.draw(scope["loss"]).dot
    scope["loss"].backward()
    assert MISSING not in {box.cotangent for box in sketch((scope["loss"],), False).boxes}


def test_nothing_arrives_behind_stop_gradient() -> None:
    x, y = tx.tensor(2.0, name="x"), tx.tensor(5.0, name="y")
    boxes = {box.title: box for box in sketch((tx.stop_gradient(x) * y,), True).boxes}
    assert boxes["x"].cotangent == boxes["stop_gradient(x)"].cotangent == MISSING
    assert boxes["y"].cotangent == "2"
    blocked = [a for a in arrows(tx.stop_gradient(x) * y) if a.kind == "blocked"]
    assert [(a.place, a.rule) for a in blocked] == [("", ""), ("x", "")]


def test_a_cotangent_that_is_zero_is_drawn_as_zero() -> None:
    x = tx.tensor([1.0, -1.0], name="x")
    boxes = sketch((tx.sum(tx.relu(x)),), True).boxes
    assert next(box for box in boxes if box.title == "x").cotangent == "[1, 0]"


def test_backward_shows_the_engines_cotangents_and_leaves_grad_alone() -> None:
    scope = cross_entropy_graph()
    boxes = {box.title: box for box in sketch((scope["loss"],), True).boxes}
    for node, g in cotangents(scope["loss"], 1.0).items():
        if node.name:
            title = next(t for t in boxes if t == node.name or t.startswith(f"{node.name} ="))
            assert boxes[title].cotangent == brief(g)
    assert scope["z"].grad is None
    assert scope["q"].grad is None


def test_forward_shows_what_backward_stored() -> None:
    scope = cross_entropy_graph()
    scope["loss"].backward()
    assert "[0.00809, -0.01703, 0.00894]" in words(tx.draw(scope["loss"]).svg())


def test_any_tensor_can_be_drawn_such_as_a_gradient() -> None:
    scope = cross_entropy_graph()
    assert "q - p" in words(tx.draw(scope["q"] - scope["p"]).svg())
    x = tx.tensor(2.0, name="x")
    recorded = tx.grad(lambda v: v * v * v)(x)
    assert len(elements(tx.draw(recorded).svg(), "node")) > 3


def test_several_results_share_a_drawing() -> None:
    x = tx.tensor(2.0, name="x")
    drawing = tx.draw([tx.exp(x), x * x])
    assert drawing.nodes == 3
    boxes = {box.title: box for box in sketch((tx.exp(x), x * x), True).boxes}
    assert boxes["x"].cotangent == brief(np.exp(2.0) + 4.0)


def test_unnamed_leaves_get_names_that_are_free() -> None:
    a, b = tx.tensor(1.0), tx.tensor(2.0, name="x1")
    assert [box.title for box in sketch((a + b,), False).boxes] == ["x2", "x1", "x2 + x1"]


def test_long_formulas_are_elided() -> None:
    x = tx.tensor(1.0, name="x")
    for _ in range(30):
        x = tx.tanh(x)
    assert sketch((x,), False).boxes[-1].title == "tanh(tanh(...))"
    data, w = np.ones((5, 9)), tx.tensor(np.ones(9), name="w")
    assert "... @ w" in {box.title for box in sketch((data @ w,), False).boxes}


def test_formulas_stop_at_definitions() -> None:
    y = tx.tensor(1.0, name="x")
    for i in range(50):
        y = tx.tanh(y).named(f"h{i}")
    assert sketch((y,), False).boxes[-1].title == "h49 = tanh(h48)"


def test_the_result_of_a_derivation_is_drawn_by_its_graph() -> None:
    class Formula:
        node = tx.tensor(1.0, name="x") * 2.0

    assert tx.draw(Formula()).dot == tx.draw(Formula.node).dot


# -- rules on the arrows --------------------------------------------------------------------------


def test_a_division_is_labelled_by_its_two_rules() -> None:
    x, y = tx.tensor([1.0, 2.0], name="a"), tx.tensor(4.0, name="b")
    over = [(a.place, a.rule, a.note) for a in arrows(tx.sum(x / y)) if a.tail == "n2"]
    assert over == [("x", "g/y", ""), ("y", "-g*out/y", "then summed to ()")]
    shown = words(tx.draw(tx.sum(x / y), backward=True).svg())
    assert "g/y" in shown
    assert "-g*out/y" in shown


def test_labels_follow_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    x = tx.tensor(2.0, name="x")
    assert [a.rule for a in arrows(tx.exp(x))] == ["g*out"]
    monkeypatch.setattr(PRIMITIVES["exp"], "vjp", lambda g, out, x: (-g * out,))
    assert [a.rule for a in arrows(tx.exp(x))] == ["-g*out"]


def test_a_new_primitive_is_labelled_in_the_words_of_its_own_rule() -> None:
    scale = Primitive(
        "scale_here", lambda x, rate: x * rate, scalar=None, elementwise=True, selects=False,
        vjp=lambda g, out, x, rate: (g * rate, None), text="scale({*})", precedence=9, works="",
    )  # fmt: skip
    over = arrows(scale(tx.tensor(2.0), tx.tensor(3.0)))
    assert [(a.place, a.rule, a.kind) for a in over] == [
        ("x", "g*rate", "cotangent"),
        ("rate", "", "blocked"),
    ]


def test_a_rule_too_long_to_read_is_named() -> None:
    def long(g, out, x):  # type: ignore[no-untyped-def]
        for _ in range(100):
            g = g * x
        return (g,)

    op = Primitive("long_here", np.sign, scalar=None, elementwise=True, selects=False, vjp=long,
                   text="long({0})", precedence=9, works="")  # fmt: skip
    assert [a.rule for a in arrows(op(tx.tensor(2.0)))] == ["vjp of long_here"]


SAMPLES = [(name, i) for name, op in PRIMITIVES.items() for i in range(len(op.sample))]


def applied(name: str, i: int) -> tx.Tensor:
    op = PRIMITIVES[name]
    args, params = op.sample[i](np.random.default_rng(0))
    return op(*[tx.tensor(a, name=f"a{k}") for k, a in enumerate(args)], **params)


@pytest.mark.parametrize(("name", "i"), SAMPLES)
def test_every_primitive_is_drawn_with_the_rule_that_it_has(name: str, i: int) -> None:
    node = applied(name, i)
    assert len(elements(tx.draw(node).svg(), "edge")) == len(node.args)
    if not is_float(node.value):
        return
    op, root = PRIMITIVES[name], tx.sum(node)
    ET.fromstring(tx.draw(root, backward=True).svg())
    here = [a for a in arrows(root) if a.tail == f"n{len(set(node.args))}"]
    g = np.random.default_rng(1).normal(size=node.shape)
    for k, (arrow, arg) in enumerate(zip(here, node.args, strict=True)):
        values = [a.value for a in node.args]
        given = None if op.vjp is None else op.pull(k, g, node.value, values, node.params)
        flows = given is not None and is_float(arg.value)
        assert arrow.kind == ("cotangent" if flows else "blocked")
        assert ("g" in arrow.rule) == flows
        if flows and op.elementwise:
            names = dict(zip(places(here), values, strict=True))
            said = eval(arrow.rule, {**vars(tx), "inf": np.inf, "g": g, "out": node.value, **names})
            np.testing.assert_allclose(said, given, rtol=1e-12)


def places(here: list[Arrow]) -> list[str]:
    return [a.place or "x" for a in here]


# -- text, bytes and sizes ------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*PRINTABLE, *UNPRINTABLE])
def test_names_may_hold_anything(name: str) -> None:
    x = tx.tensor([1.0, 2.0], name=name)
    y = tx.exp(x).named(name)
    for backward in (False, True):
        svg = tx.draw(tx.sum(y), backward).svg()
        assert len(elements(svg, "node")) == 3
        assert not [e for e in ET.fromstring(svg).iter() if e.tag.endswith("script")]
        if name in PRINTABLE:
            assert " ".join(name.split()) in words(svg)


def test_what_xml_cannot_hold_is_spelled_out() -> None:
    assert r"bell\x07" in words(tx.draw(tx.tensor(1.0, name="bell\x07")).svg())


PRINTS_DOT = """
loss.backward()
both = tx.draw(loss).dot + tx.draw(loss, backward=True).dot
import hashlib; print(hashlib.sha256(both.encode()).hexdigest())
"""


def test_dot_is_the_same_bytes_in_every_process() -> None:
    def run(seed: str) -> str:
        command = [sys.executable, "-c", XENT + PRINTS_DOT]
        env = {**os.environ, "PYTHONHASHSEED": seed}
        return subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout

    scope = cross_entropy_graph()
    scope["loss"].backward()
    both = tx.draw(scope["loss"]).dot + tx.draw(scope["loss"], backward=True).dot
    assert {run(s).strip() for s in "012"} == {hashlib.sha256(both.encode()).hexdigest()}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.123456, "0.1235"), (-0.0, "0"), (1e-12, "1e-12"), (np.float32(0.1), "0.1"), (7, "7"),
        (True, "True"), (np.bool_(False), "False"), (np.inf, "inf"), (np.array([]), "[]"),
        (np.array([[1, 2], [3, 4]]), "[1, 2]\n[3, 4]"), (np.zeros((0, 3)), "[]"),
        (np.arange(100), "0 .. 99"), (np.array([np.nan] * 9), "all nan"),
        (np.array([np.nan] + [1.0] * 8), "all 1, 1 nan"), (np.zeros((2, 2, 2)), "all 0"),
        (np.array([True, False] * 9), "False .. True"),
    ],
)  # fmt: skip
def test_values_are_brief(value: object, shown: str) -> None:
    assert brief(value) == shown


def test_infinite_slopes_are_drawn_without_a_warning() -> None:
    x = tx.tensor([0.0, 1.0], name="x")
    with np.errstate(all="ignore"):
        y = tx.sum(tx.log(x))
    shown = words(tx.draw(y, backward=True).svg())
    assert "[inf, 1]" in shown


def chain(length: int) -> tx.Tensor:
    y = tx.tensor(1.0, name="x")
    for _ in range(length):
        y = y * 1.0
    return y


def test_large_graphs_show_their_two_ends() -> None:
    whole, ends = tx.draw(chain(LARGEST - 1)), tx.draw(chain(LARGEST))
    assert whole.nodes == LARGEST
    assert ends.nodes == 16
    for backward in (False, True):
        shown = sketch((chain(5000),), backward)
        assert Counter(box.kind for box in shown.boxes)["gap"] == 1
        drawing = tx.draw(chain(5000), backward)
        assert "4,985 more nodes" in words(drawing.svg())
        ids = {box.id for box in shown.boxes}
        assert {end for a in shown.arrows for end in (a.tail, a.head)} <= ids
        assert "n5000" in ids


def test_a_million_nodes_take_seconds() -> None:
    y = chain(1_000_000)
    start = time.perf_counter()
    tx.draw(y)
    assert time.perf_counter() - start < 10
    tx.draw(y, backward=True)
    assert time.perf_counter() - start < 30


def test_images_have_bounded_sizes() -> None:
    small, large = tx.draw(chain(2)).png(), tx.draw(chain(600)).png()
    assert max(size(small)) < 1500
    assert 3000 < max(size(large)) <= render.PIXELS


# -- files ----------------------------------------------------------------------------------------


def drawing() -> Drawing:
    return tx.draw(cross_entropy_graph()["loss"], backward=True)


def test_the_ending_says_what_is_written(tmp_path: Path) -> None:
    made = drawing()
    for ending in ("svg", "png", "gv", "dot", "SVG"):
        assert made.save(tmp_path / f"a.{ending}") == tmp_path / f"a.{ending}"
    assert made.save(str(tmp_path / "b.gv")).read_text(encoding="utf-8") == made.dot
    ET.parse(tmp_path / "a.svg")
    assert size((tmp_path / "a.png").read_bytes())
    with pytest.raises(tx.RenderError, match=r"\.svg \.png"):
        made.save(tmp_path / "a.pdf")
    assert len(list(tmp_path.iterdir())) == 6


def test_paths_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder.svg").mkdir()
    for path in (tmp_path / "absent" / "a.svg", tmp_path / "folder.svg", tmp_path / "\0.svg"):
        with pytest.raises(tx.RenderError, match="cannot write"):
            drawing().save(path)
    file = drawing().save(tmp_path / "a.gv")
    before = file.read_bytes()

    def full(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(tx.RenderError, match="disk full"):
        tx.draw(tx.tensor(1.0)).save(file)
    assert file.read_bytes() == before
    assert {p.name for p in tmp_path.iterdir()} == {"folder.svg", "a.gv"}


# -- programs -------------------------------------------------------------------------------------


@pytest.fixture
def no_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(render, "_scripts", lambda: "")


@pytest.mark.usefixtures("no_programs")
def test_without_a_program_the_source_is_written(tmp_path: Path) -> None:
    made = drawing()
    with pytest.raises(tx.RenderError, match="pip install graphviz-pure"):
        made.svg()
    with pytest.raises(tx.RenderError, match=r"dot -Tpng .*a\.gv -o .*a\.png"):
        made.save(tmp_path / "a.png")
    assert (tmp_path / "a.gv").read_text(encoding="utf-8") == made.dot
    assert [p.name for p in tmp_path.iterdir()] == ["a.gv"]


@pytest.mark.usefixtures("no_programs")
def test_without_a_program_a_notebook_shows_the_source() -> None:
    made = drawing()
    bundle = made._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert bundle["text/html"].startswith("<pre>digraph")
    assert "<table" not in bundle["text/html"]
    assert made._repr_svg_() is None


def test_a_notebook_shows_an_image_that_needs_no_trust() -> None:
    bundle = drawing()._repr_mimebundle_(include=None, exclude=None)
    ET.fromstring(bundle["image/svg+xml"])
    image = ET.fromstring(bundle["text/html"])
    assert image.tag == "img"
    assert image.get("src", "").startswith("data:image/svg+xml;base64,")
    assert bundle["text/html"] == drawing()._repr_html_()
    assert re.match(r"<Drawing of 10 nodes", bundle["text/plain"])


def test_the_wheels_program_is_found_off_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert [Path(p).stem for p in render.programs()] == ["graphviz-pure"]
    ET.fromstring(drawing().svg())


def fake_dot(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "dot"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


unix = pytest.mark.skipif(os.name == "nt", reason="writes a shell script")


@unix
def test_an_installed_dot_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_dot(tmp_path, "echo '<?xml?><svg/>'", monkeypatch)
    assert drawing().svg().strip() == "<svg/>"


@unix
@pytest.mark.parametrize("fault", ["echo no plugins >&2; exit 1", "exit 0"])
def test_a_broken_dot_gives_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    fake_dot(tmp_path, fault, monkeypatch)
    assert len(elements(drawing().svg(), "node")) == 10
    monkeypatch.setattr(render, "_scripts", lambda: "")
    with pytest.raises(tx.RenderError, match="failed"):
        drawing().svg()


@unix
def test_a_layout_that_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_dot(tmp_path, "exec sleep 20", monkeypatch)
    monkeypatch.setattr(render, "SECONDS", 0.2)
    start = time.perf_counter()
    with pytest.raises(tx.RenderError, match=r"not done after 0\.2 seconds"):
        drawing().svg()
    assert time.perf_counter() - start < 10


# -- bad input ------------------------------------------------------------------------------------


def test_backward_of_a_non_scalar() -> None:
    with pytest.raises(tx.GradientError, match="non-scalar"):
        tx.draw(tx.exp(tx.tensor([1.0, 2.0])), backward=True)


@pytest.mark.parametrize("node", [3.0, "loss", None, [tx.tensor(1.0), 2.0], np.ones(3)])
def test_only_tensors_are_drawn(node: object) -> None:
    with pytest.raises(tx.NotSupportedError, match="draw"):
        tx.draw(node)


def test_importing_the_package_does_not_import_graphviz() -> None:
    code = "import sys, tinygrad_xent; sys.exit('graphviz' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
