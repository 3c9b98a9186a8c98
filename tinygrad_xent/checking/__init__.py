"""Judging formulas: re-checking a derivation's certificate."""

from .verify import Verification, verify

__all__ = ["Verification", "verify"]
