"""Why squared error works poorly after a softmax: it sends nothing back when q is certain.

Two classes, of which the first is right. The logits favour the second, more and more.
"""

import numpy as np

import tinygrad_xent as tx

y = np.array([1.0, 0.0])


def squared_error(z):
    return tx.sum((tx.softmax(z) - y) ** 2) / 2


def cross_entropy(z):
    return tx.softmax_cross_entropy(z, y)


print("  q of the wrong class   squared error   cross-entropy")
for gap in (0.0, 2.0, 5.0, 10.0, 20.0, 40.0):
    z = np.array([0.0, gap])
    lengths = [np.abs(tx.grad(loss)(z)).max() for loss in (squared_error, cross_entropy)]
    print(f"  {tx.softmax(z)[1]:20.15f}   {lengths[0]:13.2e}   {lengths[1]:13.2e}")

assert lengths[0] < 1e-15
assert np.isclose(lengths[1], 1.0)
