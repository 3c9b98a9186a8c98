"""How a Tensor shows itself in a notebook: what it is, its numbers, its gradient.

Plain HTML without scripts and without formulas in markup, so that a notebook that is not trusted
shows the same.
"""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from ..graph import Tensor, implements, toposort
from .dot import spelled
from .titles import leaf_names, note, title
from .values import brief, number

_MOST = 12  # rows, and columns, that are written out
_NAMED = 500  # nodes, up to which leaves without names are numbered as in a drawing
_CELL = "padding:1px 8px;text-align:right;font-family:monospace;border:0;background:none"
_BRACKET = "border-collapse:collapse;border-left:2px solid;border-right:2px solid;margin:2px 0"


@implements(methods="_repr_html_")
def html(self: Tensor) -> str:
    """The Tensor as HTML.

    >>> print(html(Tensor(2.0, name="<x>")))  # doctest: +ELLIPSIS
    <div><code>&lt;x&gt;</code> <small>leaf ()</small><table ...>2</td></tr></table></div>
    """
    names = leaf_names(toposort(self)) if _is_small(self) else {id(self): self.name or "x"}
    head = f"<code>{_escaped(title(self, names))}</code> <small>{_escaped(note(self))}</small>"
    gradient = "" if self._grad is None else f"<small>gradient</small>{_table(self.grad)}"
    return f"<div>{head}{_table(self._value)}{gradient}</div>"


def _is_small(node: Tensor) -> bool:
    """Whether few nodes lie below this one; a graph may be very long."""
    waiting, seen = [node], {id(node)}
    while waiting and len(seen) <= _NAMED:
        new = [a for a in waiting.pop().args if type(a) is Tensor and id(a) not in seen]
        seen |= set(map(id, new))
        waiting += new
    return len(seen) <= _NAMED


def _table(value: Any) -> str:
    array = np.atleast_2d(np.asarray(value))
    if array.ndim > 2 or max(array.shape) > _MOST or array.size == 0:
        return f"<pre>{_escaped(brief(value))}</pre>"
    rows = ("".join(f'<td style="{_CELL}">{number(x)}</td>' for x in row) for row in array)
    return f'<table style="{_BRACKET}">{"".join(f"<tr>{row}</tr>" for row in rows)}</table>'


def _escaped(text: str) -> str:
    return escape(spelled(text))
