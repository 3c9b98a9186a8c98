"""Judging formulas: hand-written gradients, and a derivation's certificate."""

from .check import check, same
from .verdict import Diagnosis, Verdict
from .verification import Verification
from .verify import verify

__all__ = ["Diagnosis", "Verdict", "Verification", "check", "same", "verify"]
