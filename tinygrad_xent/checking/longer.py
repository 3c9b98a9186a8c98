"""The same graph at other lengths: what is a length follows, what is a number stays."""

from __future__ import annotations

from ..algebra.loss.sizes import Sizes
from .subject import Subject


def at_lengths(sizes: Sizes, lengths: dict[int, int]) -> Sizes:
    """A copy in which free classes of one length have another."""
    fresh = Sizes.__new__(Sizes)
    fresh.__dict__.update(vars(sizes))
    free = set(sizes.free())
    fresh.length = {c: lengths.get(n, n) if n in free else n for c, n in sizes.length.items()}
    return fresh


def other_lengths(subject: Subject) -> Sizes:
    """Lengths that are all different from those of `subject.sizes`, where they are free."""
    free = sorted(subject.sizes.free())
    return at_lengths(subject.sizes, {n: n + len(free) + 1 for n in free})
