"""Tables in documents: what a command wrote, between two comments that say which command."""

from __future__ import annotations

from pathlib import Path

from ..errors import NotSupportedError, explain


def insert(path: Path, name: str, text: str) -> None:
    """Replace what stands between `<!-- bench NAME -->` and `<!-- end -->` in a document.

    Raises:
        NotSupportedError: the document has no such place.
    """
    start, end = f"<!-- bench {name} -->\n", "<!-- end -->"
    document = path.read_text(encoding="utf-8")
    before, found, rest = document.partition(start)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        works = f"{start.strip()} and {end}, on lines of their own"
        raise NotSupportedError(explain("bench: no place for the table", str(path), works))
    path.write_text(f"{before}{start}\n{text}\n\n{end}{after}", encoding="utf-8")
