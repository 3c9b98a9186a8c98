"""Losses and the closed forms that textbooks give for their gradients.

Each entry is a function that makes the loss on fresh Tensors and returns it with what to
differentiate with respect to and what to assume, and the expected formula.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_xent as tx

Case = tuple[Any, Any, list[Any]]
GALLERY: dict[str, tuple[Callable[[], Case], str]] = {}


def closed_form(expected: str) -> Callable[[Callable[[], Case]], Callable[[], Case]]:
    """Enter a loss in the gallery, under its function's name."""

    def enter(make: Callable[[], Case]) -> Callable[[], Case]:
        GALLERY[make.__name__] = make, expected
        return make

    return enter


def random(name: str, *shape: int, positive: bool = False) -> Any:
    rng = np.random.default_rng(sum(map(ord, name)))
    value = rng.normal(size=shape)
    return tx.tensor(np.exp(value) if positive else value, name=name)


def distribution(name: str, *shape: int) -> Any:
    rng = np.random.default_rng(len(shape))
    return tx.tensor(rng.dirichlet(np.ones(shape[-1]), size=shape[:-1]), name=name)


def naive_softmax(z: Any) -> Any:
    e = tx.exp(z)
    return e / e.sum(axis=-1, keepdims=True)


def logits() -> tuple[Any, Any]:
    return random("z", 4), distribution("p", 4)


# -- scalar losses --------------------------------------------------------------------------------


@closed_form("x - y")
def squared_error() -> Case:
    x, y = random("x"), random("y")
    return tx.squared_error(x, y), x, []


@closed_form("sign(x - y)")
def absolute_error() -> Case:
    x, y = random("x"), random("y")
    return tx.absolute_error(x, y), x, []


@closed_form("4*(x - y)**3")
def quartic() -> Case:
    x, y = random("x"), random("y")
    return (x - y) ** 4, x, []


@closed_form("2*pi*cos(pi*(x - y))*sin(pi*(x - y)) + 2*cos(x - y)*sin(x - y)")
def squared_sines() -> Case:
    x, y = random("x"), random("y")
    return tx.sin(x - y) ** 2 + tx.sin(np.pi * (x - y)) ** 2, x, []


@closed_form("(x - y)/s**2")
def gaussian_mean() -> Case:
    x, y, s = random("x"), random("y"), random("s", positive=True)
    return tx.log(s) + (x - y) ** 2 / (2 * s**2), x, []


# -- softmax --------------------------------------------------------------------------------------


@closed_form("softmax(z)")
def logsumexp_naive() -> Case:
    z, _ = logits()
    return tx.log(tx.exp(z).sum()), z, []


@closed_form("softmax(z)")
def logsumexp_stable() -> Case:
    z, _ = logits()
    return tx.logsumexp(z), z, []


@closed_form("q*(g - sum(g*q))")
def softmax_vjp() -> Case:
    z, g = random("z", 4), random("g", 4)
    return (g * naive_softmax(z).named("q")).sum(), z, []


@closed_form("q - p")
def cross_entropy_named() -> Case:
    z, p = logits()
    return -(p * tx.log(naive_softmax(z).named("q"))).sum(), z, [tx.Simplex(p)]


@closed_form("sum(p)*q - p")
def cross_entropy_assuming_nothing() -> Case:
    z, p = logits()
    return -(p * tx.log(naive_softmax(z).named("q"))).sum(), z, []


@closed_form("softmax(z) - p")
def cross_entropy_naive() -> Case:
    z, p = logits()
    return -(p * tx.log(naive_softmax(z))).sum(), z, [tx.Simplex(p)]


@closed_form("softmax(z) - p")
def cross_entropy_shifted() -> Case:
    z, p = logits()
    m = tx.max(z)
    return -(p * tx.log(tx.exp(z - m) / tx.exp(z - m).sum())).sum(), z, [tx.Simplex(p)]


@closed_form("softmax(z) - p")
def cross_entropy_from_log_softmax() -> Case:
    z, p = logits()
    return -(p * tx.log_softmax(z)).sum(), z, [p.sum() == 1]


@closed_form("softmax(z) - p")
def cross_entropy_from_logsumexp() -> Case:
    z, p = logits()
    return tx.logsumexp(z) - p @ z, z, []


@closed_form("softmax(z) - p")
def cross_entropy_of_the_library() -> Case:
    z, p = logits()
    return tx.softmax_cross_entropy(z, p), z, [tx.Simplex(p)]


@closed_form("softmax(z) - [0., 0., 1., 0.]")
def cross_entropy_with_a_label() -> Case:
    z, _ = logits()
    return tx.softmax_cross_entropy(z, 2), z, []


@closed_form("-p/q")
def cross_entropy_in_q() -> Case:
    q, p = random("q", 4, positive=True), distribution("p", 4)
    return tx.cross_entropy(p, q), q, [q > 0]


@closed_form("q*(q - sum(q*(q - y)) - y)")
def squared_error_of_softmax() -> Case:
    z, y = random("z", 4), random("y", 4)
    return ((naive_softmax(z).named("q") - y) ** 2).sum() / 2, z, []


@closed_form("q*(sign(q - y) - sum(q*sign(q - y)))")
def absolute_error_of_softmax() -> Case:
    z, y = random("z", 4), random("y", 4)
    return tx.abs(naive_softmax(z).named("q") - y).sum(), z, []


@closed_form("softmax(z) - p")
def kl_divergence() -> Case:
    z, p = logits()
    return tx.kl_divergence(p, tx.softmax(z)), z, [tx.Simplex(p)]


@closed_form("(softmax(z/T) - p)/T")
def temperature() -> Case:
    (z, p), t = logits(), random("T", positive=True)
    return -(p * tx.log(naive_softmax(z / t))).sum(), z, [tx.Simplex(p)]


@closed_form("sum(p*w)*softmax(z) - p*w")
def class_weights() -> Case:
    (z, p), w = logits(), random("w", 4)
    return -(w * p * tx.log(naive_softmax(z))).sum(), z, []


# -- sigmoid --------------------------------------------------------------------------------------


@closed_form("sigmoid(z) - y")
def binary_cross_entropy_naive() -> Case:
    z, y = random("z"), random("y")
    a = 1 / (1 + tx.exp(-z))
    return -(y * tx.log(a) + (1 - y) * tx.log(1 - a)), z, []


@closed_form("sigmoid(z) - y")
def binary_cross_entropy_softplus() -> Case:
    z, y = random("z"), random("y")
    return tx.log(1 + tx.exp(z)) - z * y, z, []


@closed_form("sigmoid(z) - y")
def binary_cross_entropy_of_the_library() -> Case:
    z, y = random("z"), random("y")
    return tx.sigmoid_binary_cross_entropy(z, y), z, []


@closed_form("(sigmoid(z) - y)/n")
def multi_label() -> Case:
    z, y = random("z", 4), random("y", 4)
    return (tx.log(1 + tx.exp(z)) - z * y).mean(), z, []


# -- linear layers --------------------------------------------------------------------------------


def _linear() -> tuple[Any, ...]:
    x, w, b = random("X", 6, 4), random("W", 4, 3), random("b", 3)
    y = distribution("Y", 6, 3)
    q = naive_softmax(x @ w + b).named("Q")
    return -(y * tx.log(q)).sum(axis=1).mean(), w, b, y


@closed_form("X.T @ (Q - Y)/n")
def linear_layer_weights() -> Case:
    loss, w, _, y = _linear()
    return loss, w, [tx.Simplex(y)]


@closed_form("mean(Q - Y, axis=0)")
def linear_layer_bias() -> Case:
    loss, _, b, y = _linear()
    return loss, b, [tx.Simplex(y)]


@closed_form("X.T @ ((Q - Y) @ V.T*(1 - H**2))/6")
def two_layers() -> Case:
    x, w, v = random("X", 6, 4), random("W", 4, 5), random("V", 5, 3)
    y = distribution("Y", 6, 3)
    q = naive_softmax(tx.tanh(x @ w).named("H") @ v).named("Q")
    return -(y * tx.log(q)).sum() / 6, w, [tx.Simplex(y)]


@closed_form("A @ x + x @ A")
def quadratic_form() -> Case:
    a, x = random("A", 3, 3), random("x", 3)
    return x @ a @ x, x, []


@closed_form("2*(A.T @ (A @ x - b))")
def least_squares() -> Case:
    a, x, b = random("A", 5, 3), random("x", 3), random("b", 5)
    return ((a @ x - b) ** 2).sum(), x, []


@closed_form("1.02*x - y")
def weight_decay() -> Case:
    x, y = random("x", 3), random("y", 3)
    return ((x - y) ** 2).sum() / 2 + 0.01 * (x**2).sum(), x, []


@closed_form("x/norm(x)")
def norm() -> Case:
    x = random("x", 3)
    return tx.norm(x), x, []


# -- normalisation, attention, ranking, second derivatives ----------------------------------------


@closed_form("(g - mean(g) - mean(g*h)*h)/s")
def layer_norm_vjp() -> Case:
    x, g = random("x", 4), random("g", 4)
    mu = x.mean().named("mu")
    s = tx.sqrt(((x - mu) ** 2).mean() + 1e-5).named("s")
    return (g * ((x - mu) / s).named("h")).sum(), x, []


@closed_form("A.T @ G")
def attention_values() -> Case:
    a, v, g = _attention()
    return (g * (a @ v)).sum(), v, []


@closed_form("A*(G @ V.T - sum(A*(G @ V.T), axis=1, keepdims=True)) @ K")
def attention_queries() -> Case:
    a, v, g = _attention()
    return (g * (a @ v)).sum(), a.args[0].args[0].args[0].args[0], []


def _attention() -> tuple[Any, Any, Any]:
    q, k, v, g = random("Q", 3, 4), random("K", 5, 4), random("V", 5, 2), random("G", 3, 2)
    return tx.softmax(q @ k.T).named("A"), v, g


@closed_form("V.T @ (softmax(V @ u) - [1., 0., 0., 0., 0.])")
def info_nce() -> Case:
    u, v = random("u", 3), random("V", 5, 3)
    return tx.logsumexp(v @ u) - (v @ u)[0], u, []


@closed_form("sigmoid(x - y) - 1")
def pairwise_ranking() -> Case:
    x, y = random("x"), random("y")
    return -tx.log(tx.sigmoid(x - y)), x, []


@closed_form("softmax(z)*(sum(softmax(z)*z) - z)")
def entropy_of_softmax() -> Case:
    z, _ = logits()
    return -(tx.softmax(z) * tx.log_softmax(z)).sum(), z, []


@closed_form("softmax(z)*(v - sum(softmax(z)*v))")
def hessian_vector_product_of_cross_entropy() -> Case:
    (z, p), v = logits(), random("v", 4)
    slope = tx.gradient_graph(tx.softmax_cross_entropy(z, p), z)
    return (slope * v).sum(), z, [tx.Simplex(p)]


# -- kinks, choices and powers --------------------------------------------------------------------


@closed_form("where(s*t < 1, -t, 0)")
def hinge() -> Case:
    s, t = random("s", 4), random("t", 4)
    return tx.maximum(0, 1 - s * t).sum(), s, []


@closed_form("where(abs(x) < 1, x, sign(x))")
def huber() -> Case:
    x = random("x", 4)
    return tx.where(abs(x) < 1, 0.5 * x**2, abs(x) - 0.5).sum(), x, []


@closed_form("where(q > y, 1 - tau, -tau)")
def pinball() -> Case:
    y, q, tau = random("y"), random("q"), random("tau")
    return tx.maximum(tau * (y - q), (tau - 1) * (y - q)), q, []


@closed_form("sum(softmax(z)**0.7*y)*softmax(z) - softmax(z)**0.7*y")
def generalised_cross_entropy() -> Case:
    z, y = random("z", 4), distribution("y", 4)
    return (y * (1 - tx.softmax(z) ** 0.7) / 0.7).sum(), z, []


@closed_form("(1 - sigmoid(z))**2*(sigmoid(z)*(2*log(sigmoid(z)) + 1) - 1)")
def binary_focal() -> Case:
    z = random("z")
    s = tx.sigmoid(z)
    return -((1 - s) ** 2) * tx.log(s), z, []


@closed_form("softmax(z)*(log(softmax(z)/p) - sum(log(softmax(z)/p)*softmax(z)))")
def reverse_kl() -> Case:
    z, p = logits()
    q = tx.softmax(z)
    return (q * tx.log(q / p)).sum(), z, []


@closed_form("(softmax(A @ B.T) @ B - B)/n")
def contrastive() -> Case:
    a, b = random("A", 4, 3), random("B", 4, 3)
    alike = tx.exp((a * b).sum(axis=1)) / tx.exp(a @ b.T).sum(axis=1)
    return -tx.mean(tx.log(alike)), a, []


@closed_form("(x - y)/(n*sqrt(mean((x - y)**2)))")
def root_mean_square() -> Case:
    x, y = random("x", 4), random("y", 4)
    return tx.sqrt(tx.mean((x - y) ** 2)), x, []


@closed_form("(softmax(X @ W.T + b) - Y).T @ X/n")
def linear_layer_of_rows() -> Case:
    x, w, b, y = random("X", 5, 3), random("W", 4, 3), random("b", 4), distribution("Y", 5, 4)
    return tx.mean(tx.softmax_cross_entropy(x @ w.T + b, y)), w, [tx.Simplex(y)]
