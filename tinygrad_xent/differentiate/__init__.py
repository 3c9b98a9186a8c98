"""Reverse mode: how a cotangent travels back through a recorded graph.

Read `counting.py`, the short way, which most walks can go; `walk.py`, the general one;
`sending.py`, what one node sends; `seeds.py`, where a walk starts.
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
