"""Reverse mode: how a cotangent travels back through a recorded graph.

Read `walk.py`, the loop; `sending.py`, what one node sends; `seeds.py`, where a walk starts;
`counting.py`, the short way for graphs of Python floats.
"""

from .seeds import backward, not_recorded, ones_like, seed_for
from .sending import conform, contributions, has_nan, unbroadcast, unpoisoned
from .walk import Walk, cotangents

__all__ = [
    "Walk",
    "backward",
    "conform",
    "contributions",
    "cotangents",
    "has_nan",
    "not_recorded",
    "ones_like",
    "seed_for",
    "unbroadcast",
    "unpoisoned",
]
