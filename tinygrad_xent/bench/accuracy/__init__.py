"""How accurate losses and their gradients are: thousands of random inputs, against exact numbers.

inputs.py     the inputs, drawn anew in every process from the same seed
families.py   the losses, written naively and with the careful functions of a library
exact.py      what they should give, by mpmath
systems.py    who computes them: this package in several ways, and its peers
running.py    each system in a process of its own
table.py      errors, and the report
"""

from .running import report

__all__ = ["report"]
