"""A gradient of one's own, and how a mistake in it is found.

The loss is a mean squared error. One formula is right, one forgets the 2, one takes the residual
the wrong way round.
"""

import numpy as np

import tinygrad_xent as tx

X = tx.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]], name="X")
w = tx.tensor([0.5, -1.0], name="w")
y = tx.tensor([1.0, 0.0, 2.0], name="y")
r = (X @ w - y).named("r")
loss = (r**2).mean()

by_hand = {
    "right": "2*X.T @ (X @ w - y)/3",
    "no 2": "X.T @ (X @ w - y)/3",
    "turned round": "2*X.T @ (y - X @ w)/3",
}

# Is it right, for all X, w and y? If not, what went wrong?
verdicts = {who: tx.check(loss, w, formula) for who, formula in by_hand.items()}
for who, verdict in verdicts.items():
    print(f"{who + ':':<14} {verdict.headline}")
print(f"\n{verdicts['no 2']}\n")

assert [verdict.equal for verdict in verdicts.values()] == [True, False, False]
assert "a factor of 1/2" in verdicts["no 2"].headline
assert "your sign is flipped" in verdicts["turned round"].headline

# Where does it go wrong? A gradient by hand can be given for every node on the way.
walk = tx.steps(loss, wrt="w", hand={"r": "r/3", "w": by_hand["no 2"]})
for step in walk.backward:
    if step.hand:
        name = walk.box(step.box).symbol.text
        print(f"at {name}: the engine has {step.arriving.brief}, by hand {step.hand.value.brief}")

# The factor 2 is missing at r already, so the mistake is in the derivative of the square.
first = next(step for step in walk.backward if step.hand)
assert walk.box(first.box).symbol.text == "r"
assert np.isclose(first.hand.difference, 0.5)

print(f"\nin closed form: {tx.derive(loss, wrt=w).result}")
