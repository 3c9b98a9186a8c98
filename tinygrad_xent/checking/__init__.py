"""Judging formulas: re-checking a derivation's certificate."""

from .verification import Verification
from .verify import verify

__all__ = ["Verification", "verify"]
