"""Writes documents.md: what `lint` finds in the documents. Run it with `make documents`."""

from __future__ import annotations

from pathlib import Path

import tinygrad_xent as tx

HERE = Path(__file__).parent
TITLES = {
    "justification": "A Justification of the Cross Entropy Loss (Jacob Jackson, 2020)",
    "squared_error": "Why mean squared error loss works poorly with softmax (2023)",
    "categorical": "Softmax and categorical cross-entropy loss (Pawel Wocjan, 2019)",
}
HEAD = """\
# What lint finds in the three documents

Every formula of the documents that the [README](../README.md#the-documents) names, in their order,
with the verdict of `tinygrad-xent lint` ([what the verdicts mean](linting.md)). The formulas are in
[tests/data](../tests/data); `make documents` writes this page, and a test compares it.

"""


def page() -> str:
    """The page: a summary of the slips and assumptions, then all formulas."""
    reports = {name: tx.lint(text(name)) for name in TITLES}
    parts = [HEAD, "## In short\n"]
    for name, report in reports.items():
        parts.append(f"**{TITLES[name]}**: {report.summary()}.\n")
        parts += [f"* {line}" for line in notable(report)]
        parts.append("")
    for name, report in reports.items():
        parts += [f"## {TITLES[name]}\n", report.markdown()]
    return "\n".join(parts).rstrip() + "\n"


def text(name: str) -> str:
    return (HERE.parent / "tests" / "data" / f"{name}.tex").read_text(encoding="utf-8")


def notable(report: tx.Report) -> list[str]:
    """The slips, and what is silently assumed."""
    found = []
    for item in report.items:
        source = " ".join(item.source.split())
        if item.wrong:
            repaired = f" Repaired: `{item.repaired}`" if item.repaired else ""
            found.append(
                f"line {item.line}, {item.verdict}: `{source}` {item.explanation}{repaired}"
            )
        elif item.assumptions:
            found.append(f"line {item.line} needs `{'; '.join(item.assumptions)}`")
    return found


if __name__ == "__main__":
    (HERE / "documents.md").write_text(page(), encoding="utf-8")
