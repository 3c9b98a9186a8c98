"""A loss before anything is rewritten: at which lengths it holds, and on which numbers.

Read `copying.py`, which copies it onto random numbers; `sizes.py`, at which lengths (`unit_axes.py`
looks through axes of length one). `slopes.py` says what the loss depends on and through what,
`compositions.py` which of its nodes are softmax, a mean or the like.
"""
