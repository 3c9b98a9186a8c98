"""A linear layer, softmax and cross-entropy on a batch: the gradients of Wocjan's section 5.

By hand, dL/dw_ji = (a_j - y_j) x_i and dL/db_j = a_j - y_j, summed over the batch.
"""

import numpy as np

import tinygrad_xent as tx

rng = np.random.default_rng(0)
x = rng.normal(size=(8, 5))
y = tx.one_hot(rng.integers(0, 3, size=8), 3)
layer = {"W": rng.normal(size=(3, 5)), "b": np.zeros(3)}


def loss(layer):
    return tx.softmax_cross_entropy(x @ layer["W"].T + layer["b"], y).sum()


value, slope = tx.value_and_grad(loss)(layer)

error = tx.softmax(x @ layer["W"].T + layer["b"]) - y
np.testing.assert_allclose(slope["W"], error.T @ x, rtol=1e-12)
np.testing.assert_allclose(slope["b"], error.sum(axis=0), rtol=1e-12)
print(f"loss {value:.4f}; the gradients of W and b agree with the formulas")

for step in range(200):
    value, slope = tx.value_and_grad(loss)(layer)
    layer = {name: layer[name] - 0.1 * slope[name] for name in layer}
    if step % 50 == 0:
        print(f"step {step:3}   loss {value:.4f}")
