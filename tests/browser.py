"""A page as headless Chromium shows it: what a test of a page needs, and nothing to install.

The page stands in a frame of the wanted width, so that a narrow window and a page without scripts
can be had as well; a script beside the frame presses keys, clicks, and reports what it finds.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, _NAMES)), "")

_HARNESS = """<!DOCTYPE html>
<meta charset="utf-8">
<style>body {{ margin: 0; }} iframe {{ display: block; border: 0; }}</style>
<iframe {sandbox} style="width: {width}px; height: {height}px"></iframe>
<pre hidden></pre>
<script>
const frame = document.querySelector("iframe");
const settled = async () => {{
  await new Promise(done => setTimeout(done, 60));
  frame.contentDocument.getAnimations().forEach(moving => moving.finish());
}};
frame.onload = async () => {{
  const page = frame.contentWindow, doc = page.document, root = doc.documentElement;
  const one = selector => doc.querySelector(selector);
  const all = selector => [...doc.querySelectorAll(selector)];
  const shown = element => element.getClientRects().length > 0;
  const press = async (key, on = doc.activeElement || doc.body) => {{
    on.dispatchEvent(new page.KeyboardEvent("keydown", {{key, bubbles: true, cancelable: true}}));
    await settled();
  }};
  const click = async selector => {{
    const found = typeof selector === "string" ? one(selector) : selector;
    found.dispatchEvent(new page.MouseEvent("click", {{bubbles: true, cancelable: true}}));
    await settled();
  }};
  let result;
  try {{ result = await (async () => {{ {script} }})(); }}
  catch (error) {{ result = {{error: String(error)}}; }}
  const requests = page.performance.getEntriesByType("resource").map(r => r.name);
  document.querySelector("pre").textContent = JSON.stringify({{
    result: result === undefined ? null : result, width: root.clientWidth,
    needed: root.scrollWidth, height: root.scrollHeight, requests,
  }});
}};
frame.src = "{address}";
</script>
"""


@dataclass(frozen=True)
class Seen:
    """What a browser found.

    Attributes:
        result: what the script returned.
        width, needed: of the window, and of the page in it; a page that is wider scrolls sideways.
        height: of the page.
        requests: the addresses that it asked for.
        log: what appeared in the console.
    """

    result: Any
    width: int
    needed: int
    height: int
    requests: list[str]
    log: list[str]


def browse(
    html: str,
    folder: Path,
    width: int = 1280,
    script: str = "",
    *,
    height: int = 900,
    scripts: bool = True,
    dark: bool = False,
    at: str = "",
    picture: Path | None = None,
) -> Seen:
    """What headless Chromium finds on a page.

    Args:
        html: the page.
        folder: where to write it.
        width, height: of the window, in pixels.
        script: the body of an async function, with `one(selector)`, `all(selector)`,
            `shown(element)`, `await press(key)` and `await click(selector)`; what it returns comes
            back as `result`. It runs when the page has loaded.
        scripts: whether the page may run its own.
        dark: whether the reader prefers dark pages.
        at: the part of the address from `#` on.
        picture: where to write a screenshot as PNG.
    """
    (folder / "index.html").write_text(html, encoding="utf-8")
    harness = folder / "harness.html"
    sandbox = "" if scripts else 'sandbox="allow-same-origin"'
    address = (folder / "index.html").as_uri() + at
    fields = {"width": width, "height": height, "sandbox": sandbox, "address": address}
    harness.write_text(_HARNESS.format(script=script, **fields), encoding="utf-8")
    size = f"--window-size={width},{height}"
    shot = [] if picture is None else [f"--screenshot={picture}"]
    done = _run(folder, dark, size, *shot, "--dump-dom", harness.as_uri())
    found = re.search(r"<pre[^>]*>(.+?)</pre>", done.stdout)
    assert found, done.stderr
    log = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return Seen(**json.loads(unescape(found[1])), log=log)


def _run(folder: Path, dark: bool, *options: str) -> subprocess.CompletedProcess[str]:
    """Chromium without a window, whatever the machine; no name outside it can be looked up."""
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    return subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
         "--enable-logging=stderr", "--allow-file-access-from-files", scheme,
         "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder / 'profile'}",
         "--virtual-time-budget=20000", *options],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def in_browser(test: Any) -> Any:
    """Mark a test that opens a page; it is skipped where there is no Chromium."""
    skipped = pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium on the PATH")
    return pytest.mark.browser(skipped(test))
