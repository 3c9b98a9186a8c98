"""DOT to SVG and PNG: everything that knows which program does the layout.

`dot` is used where it is installed, else the program that the `graphviz-pure` wheel puts into the
scripts folder of the running environment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from contextlib import suppress

from ..errors import RenderError, explain

SECONDS = 60.0  # for one layout
PIXELS = 4000  # each side of a PNG: renderers ask for memory in proportion to the area
_DPI = 144


def svg(dot: str) -> str:
    """The drawing as one `<svg>` element, which may stand in a file or inside a page."""
    whole = _render(dot, "-Tsvg").decode("utf-8")
    return whole[whole.index("<svg") :]


def svgs(dots: Sequence[str]) -> list[str]:
    """Several drawings, for which the program has to start only once for each distinct one."""
    distinct = list(dict.fromkeys(dots))
    whole = _render("\n".join(distinct), "-Tsvg").decode("utf-8") if distinct else ""
    drawn = [part[part.index("<svg") :] for part in whole.split("<?xml")[1:]]
    found = dict(zip(distinct, drawn, strict=True))
    return [found[dot] for dot in dots]


def png(dot: str) -> bytes:
    """The drawing as an image of at most `PIXELS` on each side."""
    inches = (PIXELS - 2) / _DPI
    return _render(dot, "-Tpng", f"-Gdpi={_DPI}", f"-Gsize={inches:.3f},{inches:.3f}")


def layout(dot: str) -> str:
    """Where everything goes, in Graphviz's `plain` format: lines of words, lengths in inches."""
    return _render(dot, "-Tplain").decode("utf-8")


def programs() -> list[str]:
    """The layout programs there are, best first: `dot` on the PATH, then the wheel's own."""
    found = [shutil.which("dot"), shutil.which("graphviz-pure", path=_scripts())]
    return [path for path in found if path]


def _scripts() -> str:
    """Where an environment keeps its programs, which need not be on the PATH."""
    folders = [sysconfig.get_path("scripts"), os.path.dirname(sys.executable)]
    return os.pathsep.join([*folders, os.environ.get("PATH", "")])


def _render(dot: str, *options: str) -> bytes:
    found = programs()
    if not found:
        raise RenderError(
            explain(
                "render: there is no program to lay out the graph",
                "neither `dot` on the PATH nor the program of the graphviz-pure wheel",
                "pip install graphviz-pure; or Graphviz itself, from graphviz.org",
            )
        )
    for program in found[:-1]:
        with suppress(_ProgramError):  # a `dot` without its plugins is common
            return _run(program, dot, options)
    return _run(found[-1], dot, options)


class _ProgramError(RenderError):
    """The program itself failed, so that another may do better."""


def _run(program: str, dot: str, options: tuple[str, ...]) -> bytes:
    command = [program, *options]
    try:
        done = subprocess.run(command, input=dot.encode(), capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise RenderError(
            explain(
                f"render: the layout was not done after {SECONDS:g} seconds",
                f"{len(dot.splitlines()):,} lines of DOT to {program}",
                "a part of the graph: draw a node nearer to the leaves",
            )
        ) from None
    except OSError as error:
        raise _ProgramError(explain(f"render: {program} does not start", str(error))) from None
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip()[-500:]
        raise _ProgramError(explain(f"render: {program} failed ({done.returncode})", said))
    return done.stdout
