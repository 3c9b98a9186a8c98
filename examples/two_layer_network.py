"""A network of two layers that learns exclusive or, and the walk back through it.

tinygrad-xent step examples/two_layer_network.py:main
"""

import numpy as np

import tinygrad_xent as tx

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([0, 1, 1, 0])
rng = np.random.default_rng(1)
network = {
    "W1": rng.normal(size=(2, 8)), "b1": np.zeros(8),
    "W2": rng.normal(size=(8, 2)), "b2": np.zeros(2),
}  # fmt: skip


def loss(network, x=X, y=Y):
    hidden = tx.tanh(x @ network["W1"] + network["b1"])
    logits = hidden @ network["W2"] + network["b2"]
    return tx.softmax_cross_entropy(logits, y).mean()


def main():
    """The walk back for one example, with every node named."""
    x = tx.tensor([0.0, 1.0], name="x")
    W1 = tx.tensor([[1.0, -1.0], [-1.0, 1.0]], name="W1")
    W2 = tx.tensor([[1.0, -1.0], [0.5, 1.0]], name="W2")
    p = tx.tensor([0.0, 1.0], name="p")
    h = tx.tanh(x @ W1).named("h")
    q = tx.softmax((h @ W2).named("z")).named("q")
    return tx.steps(-(p * tx.log(q)).sum(), hand={"z": q - p, "W2": tx.outer(h, q - p)})


if __name__ == "__main__":
    for step in range(301):
        value, slope = tx.value_and_grad(loss)(network)
        network = {name: network[name] - 0.5 * slope[name] for name in network}
        if step % 100 == 0:
            print(f"step {step:3}   loss {float(value):.4f}")
    assert value < 0.05

    walk = main()
    hands = [step.hand for step in walk.backward if step.hand]
    print(f"\nby hand and by the engine, at z and at W2: {[hand.difference for hand in hands]}")
    assert all(hand.difference < 1e-12 for hand in hands)
