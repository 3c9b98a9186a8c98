"""What is assumed of Tensors, and what follows for terms.

Read `assumptions.py`, what can be assumed; `stating.py`, where that comes from, the user or the
loss; `known.py`, what is known of a term when a rule asks.
"""
