"""Formulas as nodes, in one form, so that equal formulas are the same object.

Read `views.py`, which sees a node as a product or as a sum; `nodes.py`, where there is one node for
each thing that is said; `arithmetic.py` and, on top of it, `standard.py`, which bring any graph
into that form. `calls.py` makes calls such as softmax(z) single nodes, `formula.py` plain data of a
term.
"""
