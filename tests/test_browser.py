"""The harness that opens pages would notice what the tests of pages look for."""

from __future__ import annotations

from pathlib import Path

from browser import browse, in_browser

PAGE = """<!DOCTYPE html><meta charset="utf-8">
<style>p { color: rgb(1, 2, 3); }
@media (prefers-color-scheme: dark) { p { color: rgb(4, 5, 6); } }</style>
<p>before</p><button>x</button><noscript>without</noscript>
<script>
document.querySelector("p").textContent = "after";
onkeydown = e => { document.querySelector("p").textContent = e.key; };
document.querySelector("button").onclick = () => { document.title = "clicked"; };
</script>"""


@in_browser
def test_faults_are_noticed(tmp_path: Path) -> None:
    faulty = """<!DOCTYPE html><img src="http://example.org/x.png"><script>nonsense()</script>
    <div style="width: 2000px">wide</div>"""
    seen = browse(faulty, tmp_path, 430, "return one('b').nothing;")
    assert seen.needed > seen.width == 430
    assert seen.requests == ["http://example.org/x.png"]
    assert any("nonsense" in line for line in seen.log)
    assert "error" in seen.result


@in_browser
def test_keys_and_clicks_arrive(tmp_path: Path) -> None:
    script = """const said = [one("p").textContent];
      await press("End"); said.push(one("p").textContent);
      await click("button"); said.push(doc.title, page.location.hash);
      return said;"""
    seen = browse(PAGE, tmp_path, script=script, at="#here")
    assert seen.result == ["after", "End", "clicked", "#here"]
    assert (seen.requests, seen.log) == ([], [])


@in_browser
def test_without_scripts_and_in_the_dark(tmp_path: Path) -> None:
    script = "return [one('p').textContent, page.getComputedStyle(one('p')).color]"
    seen = [browse(PAGE, tmp_path, script=script, scripts=s, dark=not s) for s in (True, False)]
    assert [s.result for s in seen] == [["after", "rgb(1, 2, 3)"], ["before", "rgb(4, 5, 6)"]]


@in_browser
def test_a_picture_is_taken(tmp_path: Path) -> None:
    browse(PAGE, tmp_path, 430, picture=tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
