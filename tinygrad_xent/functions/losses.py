"""Losses: one value for each entry, or for each example.

z, logits   raw scores                 q   a predicted distribution
p, y        a target distribution      a   a predicted probability
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError, describe, explain
from ..graph import Tensor, dtype_of, known, numbers, shape_of
from ..ops import abs, checked_labels, exp, log, log1p, sub, sum, where
from ..ops.labels import check_labels
from ..ops.shaping import axes
from .activations import log_softmax, relu
from .arguments import accepts_lists
from .arithmetic import minus_abs
from .care import any_of, log_of_complement, weighed


def one_hot(labels: Any, classes: int, dtype: Any = np.float64) -> Any:
    """A row for each label: 1 at the label's place and 0 elsewhere.

    Args:
        labels: whole numbers from 0 to `classes` - 1, of any shape.
        classes: the length of the new last axis.

    >>> one_hot([2, 0], 3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    found = _labels("one_hot", labels, classes)
    return (found[..., None] == np.arange(classes)).astype(dtype)


def _labels(name: str, labels: Any, classes: int) -> Any:
    """Labels as whole numbers; those of a function that is being traced are checked as it runs."""
    if not known(numbers(labels)):
        return checked_labels(labels, classes=classes, asked=name)
    array = np.asarray(labels.value if isinstance(labels, Tensor) else labels)
    return check_labels(array, classes, name)


@accepts_lists
def squared_error(x: Any, y: Any) -> Any:
    """½ (x - y)², entry by entry; its derivative with respect to x is x - y.

    >>> float(squared_error(3.0, 1.0))
    2.0
    """
    return (x - y) ** 2 / 2


@accepts_lists
def absolute_error(x: Any, y: Any) -> Any:
    """|x - y|, entry by entry; its derivative with respect to x is sgn(x - y), and 0 at x = y.

    >>> float(absolute_error(1.0, 3.0))
    2.0
    """
    return abs(x - y)


def _log_of_likely(p: Any, q: Any) -> Any:
    """log q, but 0 where p and q are both 0, so that 0 log 0 = 0."""
    return log(where((p == 0) * (q == 0), 1.0, q))


@accepts_lists
def cross_entropy(p: Any, q: Any, axis: int = -1) -> Any:
    """H(p, q) = -Σ p log q over the class axis: one value per example, with 0 log 0 = 0.

    Args:
        p: target distributions.
        q: predicted distributions, of the same shape.

    >>> float(cross_entropy(np.array([0.0, 1.0]), np.array([0.5, 0.5])))
    0.6931471805599453
    """
    _same_classes("cross_entropy", p, q, axis)
    return -sum(p * _log_of_likely(p, q), axis)


@accepts_lists
def kl_divergence(p: Any, q: Any, axis: int = -1) -> Any:
    """D(p ‖ q) = Σ p (log p - log q) over the class axis: one value per example.

    >>> float(kl_divergence(np.array([0.0, 1.0]), np.array([0.5, 0.5])))
    0.6931471805599453
    """
    _same_classes("kl_divergence", p, q, axis)
    return sum(p * (_log_of_likely(p, p) - _log_of_likely(p, q)), axis)


@accepts_lists
def binary_cross_entropy(y: Any, a: Any) -> Any:
    """-(y log a + (1 - y) log(1 - a)), entry by entry, with 0 log 0 = 0.

    Args:
        y: targets from 0 to 1.
        a: predicted probabilities, of the same shape.

    >>> float(binary_cross_entropy(np.array(1.0), np.array(0.5)))
    0.6931471805599453
    """
    no, other = 1 - y, 1 - a
    ruled_out = (no == 0) * (other == 0)
    log_other = log_of_complement(a, where(ruled_out, 1.0, other), ruled_out)
    return -(y * _log_of_likely(y, a) + no * log_other)


@accepts_lists
def sigmoid_binary_cross_entropy(logits: Any, y: Any) -> Any:
    """Binary cross-entropy of σ(logits), entry by entry, without overflow.

    It is log(1 + e^z) - z y, and its derivative with respect to the logits is σ(z) - y.

    >>> float(sigmoid_binary_cross_entropy(0.0, 1.0))
    0.6931471805599453
    """
    # In this order what goes back to the logits is 1 - y first, and then the little that is added.
    return log1p(exp(minus_abs(logits))) + _straight_part(logits, y)


def _straight_part(z: Any, y: Any) -> Any:
    """max(z, 0) - z y: what is left at an infinite z depends on whether its share is 0."""
    with np.errstate(invalid="ignore"):
        part, of_target = relu(z), z * y
        rest = part - of_target
    a, b, value = numbers(z), numbers(y), numbers(rest)
    if not known(value) or not any_of(np.isnan(value)):
        return rest
    weight = np.where(a > 0, 1 - b, b)
    return sub.giving(numbers(weighed(weight, np.abs(a))), part, of_target)


def softmax_cross_entropy(logits: Any, targets: Any, axis: int = -1) -> Any:
    """Cross-entropy of softmax(logits) over the class axis: one value per example.

    Args:
        logits: raw scores; the class axis is the last unless `axis` says otherwise.
        targets: distributions of the shape of the logits, or any weights, in which the loss is
            linear; or labels: integers from 0 to classes - 1, of that shape without the class axis.

    Every component of value and gradient keeps its digits, also where q is nearly 0 or 1. A class
    of logit -inf is ruled out: it costs nothing where its target is 0. Rows of several equal
    infinities are what they are for equal large numbers. NaN stays NaN.

    Raises:
        ShapeError: labels out of range, targets of another shape, or no classes.

    >>> float(softmax_cross_entropy(np.array([0.0, 0.0]), 1))
    0.6931471805599453
    >>> float(softmax_cross_entropy(np.array([40.0, 0.0, 0.0]), 0))
    8.496708510583178e-18
    """
    log_q = log_softmax(logits, axis)
    shape = shape_of(log_q)
    (axis,) = axes("softmax_cross_entropy", log_q, axis)
    given = targets if isinstance(targets, Tensor) else np.asarray(targets)
    if given.shape == shape and given.dtype.kind in "fiub":
        p = given if given.dtype.kind == "f" else given.astype(dtype_of(log_q))
        return -sum(weighed(p, log_q), axis)
    if given.shape != shape[:axis] + shape[axis + 1 :] or given.dtype.kind not in "iu":
        raise ShapeError(
            explain(
                "softmax_cross_entropy: targets do not fit the logits",
                f"targets {describe(given)}, logits {describe(logits)}, class axis {axis}",
                f"floats of shape {shape}, or integers of shape {shape[:axis] + shape[axis + 1 :]}",
            )
        )
    return -_pick(log_q, _labels("softmax_cross_entropy", given, shape[axis]), axis)


def _pick(x: Any, labels: np.ndarray, axis: int) -> Any:
    """The entry of each row that its label names."""
    ndim = labels.ndim
    places = [np.arange(n).reshape(-1, *(1,) * (ndim - i - 1)) for i, n in enumerate(labels.shape)]
    return x[(*places[:axis], labels, *places[axis:])]


def _same_classes(name: str, p: Any, q: Any, axis: int) -> None:
    lengths = [shape_of(x)[axes(name, x, axis)[0]] for x in (p, q)]
    if lengths[0] != lengths[1]:
        raise ShapeError(
            explain(f"{name}: p and q need a class axis of one length",
                    f"p {describe(p)}, q {describe(q)}, axis {axis}", "arrays of one shape")
        )  # fmt: skip
