"""Benchmarks: every figure that the documents quote, measured again on the reader's machine.

`suites/` has a file for each benchmark: a tuple of cases. A case is one task, what it must give,
and a function for each system that prepares the task and returns the call to time. `processes.py`
runs each system in a process of its own, `measure.py` lets them take turns, `table.py` prints.
"""

from .case import Case, MissingError, suite, timed
from .measure import Row, measure
from .report import names, report

__all__ = ["Case", "MissingError", "Row", "measure", "names", "report", "suite", "timed"]
