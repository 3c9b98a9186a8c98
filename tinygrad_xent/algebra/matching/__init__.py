"""What a rule is, and where in a term it applies. No rule is here.

Read `rule.py` first, then what it is made of: `kinds.py` and `sums.py`, what the arguments of a
rule stand for; `patterns.py`, formulas of such arguments; `matcher.py`, which finds them in a term.
"""
