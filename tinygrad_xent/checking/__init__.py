"""Judging formulas: hand-written gradients, and a derivation's certificate."""

from .check import check, same
from .gradcheck import Gradcheck, gradcheck
from .verdict import Diagnosis, Verdict
from .verification import Verification
from .verify import verify

__all__ = [
    "Diagnosis",
    "Gradcheck",
    "Verdict",
    "Verification",
    "check",
    "gradcheck",
    "same",
    "verify",
]
