"""Benchmarks: every figure that the documents quote, measured again on the reader's machine.

`suites/` has a file for each benchmark: a tuple of cases. A case is one task, what it must give,
and a function for each system that prepares the task and returns the call to time. `processes.py`
runs each system in a process of its own, `measure.py` lets them take turns, `table.py` prints.
`accuracy/` looks at errors in place of time.
"""

from .case import Case, MissingError, suite, timed
from .inserting import insert
from .measure import Row, measure
from .report import Report, names, report

__all__ = [
    "Case",
    "MissingError",
    "Report",
    "Row",
    "insert",
    "measure",
    "names",
    "report",
    "suite",
    "timed",
]
