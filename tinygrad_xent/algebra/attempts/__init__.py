"""One attempt at a derivation, from a recorded graph to a closed form.

Read `run.py`, the phases; `ground.py`, the definitions and facts that several attempts share;
`recognising.py`, which makes definitions of what has a usual name.
"""
