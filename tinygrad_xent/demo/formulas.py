"""The documents' gradient formulas: the hand-derived ones, each beside the engine's.

A row holds the loss as a composition of primitives and, as plain NumPy, the formula that a
document derives for its gradient by hand. The two share no code.

x, y   prediction and answer        z   logits (l in Jackson, x in the second document)
p      target distribution          q, a, s   predicted distribution, softmax(z)
W, b, v   weights, biases and features of a linear layer
"""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_xent as tx

from . import hand
from .comparison import Array, Formula, Function
from .compositions import (
    binary_cross_entropy,
    cross_entropy,
    log_sum_exp,
    sigmoid,
    softmax,
    squared_error,
)

JACKSON = "Jackson 2020"
SQUARED = "MSE and softmax, 2023"
WOCJAN = "Wocjan 2019"

# -- the losses -----------------------------------------------------------------------------------


def cross_entropy_of_logits(z: Any, p: Any) -> Any:
    return cross_entropy(p, softmax(z))


def squared_error_of_logits(z: Any, p: Any) -> Any:
    return squared_error(p, softmax(z))


def layer(W: Any, b: Any, v: Any, y: Any) -> Any:
    return tx.sum(cross_entropy(y, softmax(v @ W.T + b)))


def surprise(z: Any, label: int) -> Any:
    return -tx.log(softmax(z)[label])


# -- what is asked of the engine ------------------------------------------------------------------


def value(f: Function) -> Function:
    """The function itself, run by the engine: for the equalities between values."""
    return lambda *args: np.asarray(f(*(tx.tensor(a) for a in args)).value)


def averaged_over_labels(f: Function) -> Function:
    """The mean, over labels drawn from p, of the gradient that one label gives."""
    return lambda z, p: sum(p[i] * tx.grad(f)(z, i) for i in range(len(p)))


def by_second(f: Function) -> Function:
    """The gradient with respect to the second argument."""
    return tx.grad(f, argnums=1)


# -- where they are compared ----------------------------------------------------------------------

_rng = np.random.default_rng(2020)
_Z3, _P3 = np.array([0.2, 5.0, 0.3]), np.array([0.0, 1.0, 0.0])
_LABELS = np.eye(5)[[3, 0, 4, 1]]


def _distribution(n: int) -> Array:
    return _rng.dirichlet(np.ones(n))


NUMBERS = ((2.0, -1.5), (0.3, 0.8), (-1.0, -1.0), (_rng.normal(size=6), _rng.normal(size=6)))
DISTRIBUTIONS = tuple((_distribution(n), _distribution(n)) for n in (2, 5, 10))
LOGITS = ((_Z3,), (_rng.normal(size=2),), (3 * _rng.normal(size=7),))
TARGETS = (
    (_Z3, _P3),
    (_rng.normal(size=5), _LABELS[0]),
    (3 * _rng.normal(size=7), _distribution(7)),
)
PAIRS = (
    (np.array([0.5, -1.0]), np.array([1.0, 0.0])),
    (np.array([-3.0, 4.0]), np.array([0.3, 0.7])),
)
SATURATED = tuple(
    (np.array(z), np.array(y))
    for z in ([-60.0, 0.0], [60.0, 0.0])
    for y in ([1.0, 0.0], [0.0, 1.0])
)
_EXAMPLE = (_rng.normal(size=(5, 4)), _rng.normal(size=5), _rng.normal(size=4), _LABELS[0])
_BATCH = (*_EXAMPLE[:2], _rng.normal(size=(4, 4)), _LABELS)
LAYERS = (_EXAMPLE, _BATCH)
UNITS = ((_rng.normal(size=4), np.array([1.0, 0.0, 1.0, 0.25])),)

# -- the table ------------------------------------------------------------------------------------
# document, place, statement, function, what the engine is asked, formula by hand, points

FORMULAS = [
    Formula(
        JACKSON, "mean squared error", "d/dx ½(x - y)² = x - y",
        lambda x, y: (x - y) ** 2 / 2, tx.elementwise_grad,
        lambda x, y: x - y, NUMBERS,
    ),
    Formula(
        JACKSON, "alternative 1", "d/dx (x - y)⁴ = 4(x - y)³",
        lambda x, y: (x - y) ** 4, tx.elementwise_grad,
        lambda x, y: 4 * (x - y) ** 3, NUMBERS,
    ),
    Formula(
        JACKSON, "alternative 2",
        "d/dx [sin²(x - y) + sin²(π(x - y))] = sin 2(x - y) + π sin 2π(x - y)",
        lambda x, y: tx.sin(x - y) ** 2 + tx.sin(np.pi * (x - y)) ** 2, tx.elementwise_grad,
        hand.sine, NUMBERS,
    ),
    Formula(
        JACKSON, "alternative 3", "d/dx |x - y| = sgn(x - y), 0 at x = y",
        lambda x, y: tx.abs(x - y), tx.elementwise_grad,
        lambda x, y: np.sign(x - y), NUMBERS,
    ),
    Formula(
        JACKSON, "linear in p", "∂H/∂p = -log q",
        cross_entropy, tx.grad,
        lambda p, q: -np.log(q), DISTRIBUTIONS,
    ),
    Formula(
        JACKSON, "single sample", "E over i ~ p of ∇(-log qᵢ) = ∇H(p, q) = q - p",
        surprise, averaged_over_labels,
        lambda z, p: hand.softmax(z) - p, TARGETS,
    ),
    Formula(
        JACKSON, "H in terms of logits", "H(p, softmax(z)) = LogSumExp(z) - pᵀz",
        cross_entropy_of_logits, value,
        lambda z, p: np.log(np.exp(z).sum()) - p @ z, TARGETS,
    ),
    Formula(
        JACKSON, "LogSumExp", "∇ LogSumExp(z) = softmax(z)",
        log_sum_exp, tx.grad,
        hand.softmax, LOGITS,
    ),
    Formula(
        JACKSON, "the result", "∇H(p, softmax(z)) = q - p",
        cross_entropy_of_logits, tx.grad,
        lambda z, p: hand.softmax(z) - p, TARGETS,
    ),
    Formula(
        SQUARED, "example", "softmax(0.2, 5, 0.3) = (0.00809, 0.983, 0.00894)",
        softmax, value,
        lambda z: np.exp(z) / np.exp(z).sum(), LOGITS[:1],
    ),
    Formula(
        SQUARED, "softmax", "∂σᵢ/∂xⱼ = σᵢ(δᵢⱼ - σⱼ)",
        softmax, tx.jacobian,
        hand.jacobian, LOGITS,
    ),
    Formula(
        SQUARED, "squared error", "∂L/∂σ = σ - y for L = ½‖σ - y‖²",
        squared_error, by_second,
        lambda y, s: s - y, DISTRIBUTIONS,
    ),
    Formula(
        SQUARED, "squared error, two classes",
        "∂L/∂x₁ = (σ₁ - y₁)σ₁(1 - σ₁) - (σ₂ - y₂)σ₁σ₂, and ∂L/∂x₂ alike",
        squared_error_of_logits, tx.grad,
        hand.two_class_squared, PAIRS,
    ),
    Formula(
        SQUARED, "squared error, saturated", "∂L/∂x → 0 as σ₁ → 0 or 1, right or wrong",
        squared_error_of_logits, tx.grad,
        lambda z, y: np.zeros(2), SATURATED,
    ),
    Formula(
        SQUARED, "cross-entropy", "∂L/∂σᵢ = -yᵢ/σᵢ",
        cross_entropy, by_second,
        lambda y, s: -y / s, DISTRIBUTIONS,
    ),
    Formula(
        SQUARED, "cross-entropy, two classes",
        "∂L/∂x₁ = (-y₁/σ₁)σ₁(1 - σ₁) + (y₂/σ₂)σ₁σ₂ = σ₁ - y₁, and ∂L/∂x₂ alike",
        cross_entropy_of_logits, tx.grad,
        hand.two_class_entropy, PAIRS,
    ),
    Formula(
        SQUARED, "cross-entropy, saturated", "∂L/∂xⱼ → -yⱼ as σⱼ → 0, and 1 - yⱼ as σⱼ → 1",
        cross_entropy_of_logits, tx.grad,
        hand.saturated, SATURATED,
    ),
    Formula(
        WOCJAN, "(2)", "∂aₖ/∂zⱼ = aₖ(δⱼₖ - aⱼ)",
        softmax, tx.jacobian,
        lambda z: np.diag(hand.softmax(z)) - np.outer(hand.softmax(z), hand.softmax(z)), LOGITS,
    ),
    Formula(
        WOCJAN, "(5)", "∂L/∂aₖ = -yₖ/aₖ",
        cross_entropy, by_second,
        lambda y, a: -y / a, tuple((np.eye(len(a))[1], a) for _, a in DISTRIBUTIONS),
    ),
    Formula(
        WOCJAN, "(8)", "∂L/∂zⱼ = Σₖ yₖ(aⱼ - δₖⱼ)",
        cross_entropy_of_logits, tx.grad,
        hand.one_hot_sum, TARGETS,
    ),
    Formula(
        WOCJAN, "(8), as Σₖ yₖ = 1", "∂L/∂zⱼ = aⱼ - yⱼ",
        cross_entropy_of_logits, tx.grad,
        lambda z, y: hand.softmax(z) - y, TARGETS,
    ),
    Formula(
        WOCJAN, "section 5, weights", "∂L/∂wⱼᵢ = (aⱼ - yⱼ)xᵢ, summed over a batch",
        layer, tx.grad,
        hand.weights, LAYERS,
    ),
    Formula(
        WOCJAN, "section 5, biases", "∂L/∂bⱼ = aⱼ - yⱼ, summed over a batch",
        layer, by_second,
        hand.biases, LAYERS,
    ),
    Formula(
        WOCJAN, "section 1, sigmoid rows", "∂L/∂z = a - y for a = sigmoid(z)",
        lambda z, y: binary_cross_entropy(y, sigmoid(z)), tx.grad,
        lambda z, y: 1 / (1 + np.exp(-z)) - y, UNITS,
    ),
]  # fmt: skip
