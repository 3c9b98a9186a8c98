"""Softmax with squared error beside cross-entropy, where the softmax is certain and wrong.

The third class is right; the logits favour the first. Both losses send the same kind of cotangent
back to the softmax, but the logarithm of cross-entropy divides by the small probability of the
right class first, and the softmax then multiplies by it. Squared error has nothing that divides.

    tinygrad-xent step examples/two_losses.py:main --html two_losses.html
"""

import tinygrad_xent as tx


def main():
    z = tx.tensor([4.0, -1.0, -3.0], name="z")
    p = tx.tensor([0.0, 0.0, 1.0], name="p")
    q = (tx.exp(z) / tx.exp(z).sum()).named("q")
    cross_entropy = -(p * tx.log(q)).sum()
    squared_error = ((q - p) ** 2).sum() / 2
    return tx.compare(cross_entropy, squared_error, names=("ce", "se"))


if __name__ == "__main__":
    comparison = main()
    print(comparison)
    ce, se = (walk.backward[-1].arriving for walk in comparison.walks)
    comparison.save("two_losses.html")
    print("\nWrote two_losses.html")
