"""Plain Python numbers, as in micrograd: build an expression, walk back, read the gradients."""

import tinygrad_xent as tx

a = tx.tensor(2.0, name="a")
b = tx.tensor(-3.0, name="b")
c = tx.tensor(10.0, name="c")
loss = tx.tanh((a * b + c) / 4)
loss.backward()

slope = 1 - loss.item() ** 2
print(f"loss    {loss.item():.6f}")
for x, by_hand in ((a, slope * b.item() / 4), (b, slope * a.item() / 4), (c, slope / 4)):
    print(f"d/d{x.name}    {x.grad:+.6f}   by hand {by_hand:+.6f}")
    assert abs(x.grad - by_hand) < 1e-15

# Functions work too, and their derivatives nest to any order.
cube = tx.grad(tx.grad(lambda x: x**3))
print(f"(x³)'' at 2 is {cube(2.0)}")
