"""Softmax and cross-entropy from primitives: the gradient at the logits is q - p.

The values are those of the second document, the argument is Jackson's.
"""

import numpy as np

import tinygrad_xent as tx

z = tx.tensor([0.2, 5.0, 0.3], name="z")
p = tx.tensor([0.0, 1.0, 0.0], name="p")
q = (tx.exp(z) / tx.exp(z).sum()).named("q")
loss = -(p * tx.log(q)).sum()

loss.backward()
print("q     ", q.value)
print("z.grad", z.grad)
print("q - p ", q.value - p.value)
np.testing.assert_allclose(z.grad, q.value - p.value, rtol=1e-12)

derivation = tx.derive(loss, wrt=z, assume=[tx.Simplex(p)])
print(derivation)
assert derivation.steps[-1].whole == "q - p"
