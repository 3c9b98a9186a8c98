"""Functions and losses composed of primitives. None has a derivative of its own."""

from .activations import log_softmax, logsumexp, relu, sigmoid, softmax, softplus
from .arithmetic import clip, diag, dot, logaddexp, outer, reciprocal, square, tan
from .losses import (
    absolute_error,
    binary_cross_entropy,
    cross_entropy,
    kl_divergence,
    one_hot,
    sigmoid_binary_cross_entropy,
    softmax_cross_entropy,
    squared_error,
)
from .statistics import mean, norm, std, var

__all__ = [
    "absolute_error",
    "binary_cross_entropy",
    "clip",
    "cross_entropy",
    "diag",
    "dot",
    "kl_divergence",
    "log_softmax",
    "logaddexp",
    "logsumexp",
    "mean",
    "norm",
    "one_hot",
    "outer",
    "reciprocal",
    "relu",
    "sigmoid",
    "sigmoid_binary_cross_entropy",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "square",
    "squared_error",
    "std",
    "tan",
    "var",
]
