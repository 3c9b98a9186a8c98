"""From the formula that is shown to an equal one that keeps its digits.

Read `to_compute.py`, the rewriting; `losing_digits.py`, the weight that falls with it;
`definitions.py`, what the names in a formula stand for when it is computed.
"""
