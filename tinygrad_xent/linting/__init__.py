"""Derivations in LaTeX or as plain lines, judged line by line."""

from __future__ import annotations

from collections.abc import Iterable

from .report import Item, Report

__all__ = ["Item", "Report", "lint"]


def lint(text: str, assume: Iterable[str] = (), seconds: float = 60.0) -> Report:
    r"""Judge a derivation line by line: LaTeX, Markdown with formulas, or plain lines.

    Args:
        text: the document. It is read, never executed.
        assume: what may be taken for granted everywhere, such as "sum(p)=1".
        seconds: what is not judged by then is reported as not read.

    Returns:
        A verdict for each formula: it follows from the line above; under an assumption, which is
        named; it does not follow, with a counterexample; it is ill-formed; or it was not read.

    Raises:
        ParseError: the text is longer than a million characters, or an assumption is not known.

    >>> report = lint(r'''
    ... $$q_i = \frac{e^{z_i}}{\sum_{j=1}^n e^{z_j}}, \quad L = -\sum_{i=1}^n p_i \log q_i$$
    ... $$\frac{\partial L}{\partial z_k} = q_k \sum_{i=1}^n p_i - p_k = q_k - p_k$$
    ... ''')
    >>> [item.verdict for item in report.items]
    ['defines', 'defines', 'follows', 'follows under an assumption']
    >>> report.items[-1].assumptions
    ('\\sum_i p_i = 1',)
    """
    from .linter import judged  # what it needs is loaded when it is used

    return judged(text, assume, seconds)
