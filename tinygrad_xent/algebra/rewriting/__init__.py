"""Rules applied until none applies. Which rules, the caller says.

Read `weight.py`, what has to fall with each step; `rewrite.py`, the loop, which checks each step on
numbers; `cases.py`, which compares what conditions choose from, also by `vanishing.py`, which
decides what rules may miss; `turning.py`, which turns round what reads badly.
"""
