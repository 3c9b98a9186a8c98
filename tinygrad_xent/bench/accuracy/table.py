"""The report: a summary, and one table with every loss and system."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..table import machine
from .errors import Errors

PEERS = ("numpy", "numba", "torch", "jax", "autograd", "mpmath")
Found = dict[str, dict[tuple[str, str], Errors | str]]

_HEAD = (
    "| loss, targets | system | value: worst | median | gradient: worst | median "
    "| Hessian times a vector: worst | NaN or inf | sum of the gradient "
    "| float32, value and gradient: worst | Hessian times a vector: worst | NaN or inf |\n"
    "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
)


def text(found: Found, titles: list[str], rows: int) -> str:
    """Where and when, and the tables."""
    head = f"{machine(PEERS)}; {rows:,} rows for each loss and kind of floating point"
    lines = [_line(title, name, found[name]) for title in titles for name in found]
    return "\n".join([head, "", *_summary(found, titles), "", _HEAD, *lines])


def _summary(found: Found, titles: list[str]) -> list[str]:
    """One row for each loss: the worst value or component of the gradient, by system."""
    head = ["| worst of values and gradients, float64 |", *(f" {name} |" for name in found)]
    rows = [_cells([title, *(_worst(by["float64", title]) for by in found.values())])
            for title in titles]  # fmt: skip
    return ["".join(head), "|---|" + "---:|" * len(found), *rows]


def _worst(errors: Errors | str) -> str:
    if isinstance(errors, str):
        return "–"
    return "lost" if np.isinf(errors.worst) else _number(errors.worst)


def _line(title: str, name: str, by: dict[tuple[str, str], Errors | str]) -> str:
    double, single = by["float64", title], by["float32", title]
    if isinstance(double, str) or isinstance(single, str):
        return _cells([title, name, _escaped(double if isinstance(double, str) else str(single)),
                       *[""] * 9])  # fmt: skip
    return _cells([
        title, name, *_pair(double.value), *_pair(double.gradient), _pair(double.product)[0],
        f"{double.lost:,}", _pair(double.sums)[0], _number(single.worst),
        _pair(single.product)[0], f"{single.lost:,}",
    ])  # fmt: skip


def _cells(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _pair(errors: Any) -> tuple[str, str]:
    """The worst, and the median of those that are finite."""
    if not errors.size:
        return "", ""
    finite = errors[np.isfinite(errors)]
    return _number(float(errors.max())), _number(
        float(np.median(finite)) if finite.size else np.inf
    )


def _number(x: float) -> str:
    return "inf" if np.isinf(x) else f"{x:.1e}" if x else "0"


def _escaped(words: str) -> str:
    return words.replace("|", "\\|")
