"""What is worth knowing beside a verdict: overflows, and entries that are at kinks."""

from __future__ import annotations

from collections.abc import Iterator

from .lost import where_born
from .numbers import Comparison
from .subject import Subject


def remarks(subject: Subject, comparison: Comparison | None) -> tuple[str, ...]:
    """Sentences about a comparison at the user's values."""
    if comparison is None:
        return ()
    return (*_overflow(subject, comparison), *_kink(comparison))


def _overflow(subject: Subject, comparison: Comparison) -> Iterator[str]:
    if comparison.lost:
        born = where_born(subject)
        many = f"{comparison.lost} of {len(comparison.entries)} entries"
        place = f", from {born}" if born else ""
        yield f"at your values {many} are nan or infinite when computed as written{place}"


def _kink(comparison: Comparison) -> Iterator[str]:
    for entry in comparison.kinks[:1]:
        if entry.between is not None:
            low, high = entry.between
            slopes = f"any slope from {low:.4g} to {high:.4g} is right there"
            place = f"entry {list(entry.index)}"
            yield f"{place} is at a kink: {slopes}, yours is {entry.hand:.4g}"
