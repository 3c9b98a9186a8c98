"""Softmax regression on real digits, by full-batch gradient descent on the plain composition.

m   parameters: weights W and biases b     z   logits
a   activations                            y   targets, one row per example
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import tinygrad_xent as tx

from . import digits
from .compositions import binary_cross_entropy, cross_entropy, sigmoid, softmax, squared_error

Array = Any
Parameters = dict[str, Array]

RATE = 1.0
SATURATION = 20.0
"""The bias that a saturated start gives to one class: e**-20 of the probability is left over."""


# -- what is trained ------------------------------------------------------------------------------


def most_likely(y: Array, a: Array) -> Array:
    return a.argmax(axis=1) == y.argmax(axis=1)


def each_side(y: Array, a: Array) -> Array:
    return (a > 0.5) == (y > 0.5)


@dataclass(frozen=True)
class Problem:
    """What is predicted, from which activation, with which loss.

    Attributes:
        title: what the problem is called.
        activation, loss: functions of logits, and of targets and activations (one per example).
        targets: digit labels -> targets.
        right: targets and activations -> where the prediction is right.
    """

    title: str
    activation: Callable[[Any], Any]
    loss: Callable[[Any, Any], Any]
    targets: Callable[[Array], Array]
    right: Callable[[Array, Array], Array]

    @property
    def activation_name(self) -> str:
        return self.activation.__name__

    @property
    def loss_name(self) -> str:
        return self.loss.__name__.replace("cross_entropy", "cross-entropy").replace("_", " ")


@dataclass(frozen=True)
class Run:
    """One training: accuracy on the test images and gradient at the logits, after each epoch."""

    problem: Problem
    start: str
    accuracy: tuple[float, ...]
    gradient: tuple[float, ...]
    chance: float


def _digit(labels: Array) -> Array:
    return tx.one_hot(labels, digits.CLASSES)


def _parity(labels: Array) -> Array:
    return (labels % 2 == 0)[:, None] * 1.0


ENTROPY = Problem("cross-entropy", softmax, cross_entropy, _digit, most_likely)
SQUARED = Problem("squared error", softmax, squared_error, _digit, most_likely)

LAST_LAYERS = (
    Problem("binary", sigmoid, binary_cross_entropy, _parity, each_side),
    Problem("single label", softmax, cross_entropy, _digit, most_likely),
    Problem("multi-label", sigmoid, binary_cross_entropy, digits.attributes, each_side),
)
"""The rows of Wocjan's table of last-layer activation and loss function."""


# -- training -------------------------------------------------------------------------------------


def ordinary(inputs: int, outputs: int) -> Parameters:
    """All zero: every class is as likely as any other."""
    return {"W": np.zeros((inputs, outputs)), "b": np.zeros(outputs)}


def saturated(inputs: int, outputs: int) -> Parameters:
    """Certain from the start that every image is an 8: wrong nine times in ten."""
    m = ordinary(inputs, outputs)
    m["b"][8] = SATURATION
    return m


STARTS = {"ordinary": ordinary, "saturated": saturated}


def train(
    problem: Problem,
    start: str,
    shown: digits.Split,
    unseen: digits.Split,
    epochs: int,
    tick: Callable[[], None] = lambda: None,
) -> Run:
    """Train on the shown images; before the first epoch and after each, measure.

    Accuracy is that on the unseen images, the gradient that of the shown ones.
    """
    y, y_unseen = problem.targets(shown.labels), problem.targets(unseen.labels)
    first = STARTS[start](shown.images.shape[1], y.shape[1])
    accuracies, gradients = [], []
    for m in _descend(problem, first, shown.images, y, epochs):
        accuracies.append(_accuracy(problem, m, unseen.images, y_unseen))
        gradients.append(gradient_at_logits(problem, _logits(m, shown.images), y))
        tick()
    return Run(problem, start, tuple(accuracies), tuple(gradients), chance(problem, y_unseen))


def _descend(
    problem: Problem, m: Parameters, images: Array, y: Array, epochs: int
) -> Iterator[Parameters]:
    def loss(m: Parameters) -> Any:
        return tx.mean(problem.loss(y, problem.activation(_logits(m, images))))

    value_and_grad = tx.value_and_grad(loss)
    yield m
    for _ in range(epochs):
        _, slope = value_and_grad(m)
        m = {name: m[name] - RATE * slope[name] for name in m}
        yield m


def _logits(m: Parameters, images: Array) -> Any:
    return images @ m["W"] + m["b"]


def _accuracy(problem: Problem, m: Parameters, images: Array, y: Array) -> float:
    return float(problem.right(y, problem.activation(_logits(m, images))).mean())


def gradient_at_logits(problem: Problem, z: Array, y: Array) -> float:
    """The length of the gradient that one example sends into its logits, on average."""
    gradient = tx.grad(lambda z: tx.sum(problem.loss(y, problem.activation(z))))(z)
    return float(np.linalg.norm(gradient, axis=1).mean())


def chance(problem: Problem, y: Array) -> float:
    """The accuracy of always giving the most common answer."""
    usual = np.broadcast_to(y.mean(axis=0), y.shape)
    return float(problem.right(y, usual).mean())


def comparison(epochs: int, tick: Callable[[], None] = lambda: None) -> list[Run]:
    """Both losses from both starts: what the second document argues, on data."""
    data = digits.load()
    return [train(p, s, *data, epochs, tick) for p in (ENTROPY, SQUARED) for s in STARTS]


def last_layers(epochs: int, tick: Callable[[], None] = lambda: None) -> list[Run]:
    """Each row of Wocjan's table, trained on a question about the digits."""
    data = digits.load()
    return [train(p, "ordinary", *data, epochs, tick) for p in LAST_LAYERS]


RUNS = 2 * len(STARTS) + len(LAST_LAYERS)
