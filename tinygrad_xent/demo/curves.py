"""Learning curves as SVG, drawn so that a page can give them its own text colour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import StringIO
from typing import Any

from .extras import extra
from .training import Run

_TEXT = "#010203"  # stands for the page's text colour until the picture is written
_COLOURS = {"cross-entropy": "#0a84c6", "squared error": "#d9541a"}
_DASHES = {"ordinary": "-", "saturated": "--"}
_STYLE = {
    "font.size": 11,
    "svg.fonttype": "none",  # real text: searchable, and in the reader's own font
    "font.family": "sans-serif",
    "svg.hashsalt": "tinygrad_xent",
    "text.color": _TEXT,
    "axes.edgecolor": _TEXT,
    "axes.labelcolor": _TEXT,
    "xtick.color": _TEXT,
    "ytick.color": _TEXT,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def accuracy(runs: Sequence[Run]) -> str:
    """Test accuracy after each epoch."""
    return _curves(runs, lambda run: run.accuracy, "test accuracy", "linear")


def gradient(runs: Sequence[Run]) -> str:
    """The length of the gradient at the logits after each epoch, on a logarithmic scale."""
    return _curves(runs, lambda run: run.gradient, "gradient at the logits", "log")


def _curves(
    runs: Sequence[Run], values: Callable[[Run], Sequence[float]], title: str, scale: str
) -> str:
    with extra("matplotlib", "matplotlib").rc_context(_STYLE):
        figure = extra("matplotlib.figure", "matplotlib").Figure((5.2, 3.9), layout="constrained")
        axes = figure.add_subplot()
        for run in runs:
            axes.plot(values(run), label=f"{run.problem.title}, {run.start} start", lw=2,
                      color=_COLOURS[run.problem.title], ls=_DASHES[run.start])  # fmt: skip
        axes.set(xlabel="epoch", yscale=scale)
        axes.set_title(title, loc="left", fontsize=12)
        axes.grid(alpha=0.25)
        axes.margins(x=0.01)
        figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
        return _svg(figure)


def _svg(figure: Any) -> str:
    text = StringIO()
    figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return text.getvalue().replace(_TEXT, "currentColor")
