"""Functions and losses composed of primitives. None has a derivative of its own.

z, logits   raw scores                 q   a predicted distribution
p, y        a target distribution      a   a predicted probability
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from .errors import DtypeError, ShapeError, describe, explain
from .graph import Tensor, constant, dtype_of, implements, shape_of
from .ops import (
    abs,
    cos,
    exp,
    log,
    log1p,
    matmul,
    max,
    maximum,
    minimum,
    mul,
    power,
    reshape,
    sin,
    sqrt,
    stop_gradient,
    sum,
    where,
)
from .ops.reduction import size
from .ops.shaping import Axis, axes

__all__ = [
    "absolute_error",
    "binary_cross_entropy",
    "clip",
    "cross_entropy",
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


def accepts_lists(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a list of numbers stand for an array, as every NumPy function does."""

    def opened(x: Any) -> Any:
        return constant(x, function.__name__) if type(x) is list else x

    @wraps(function)
    def accepting(*args: Any, **kwargs: Any) -> Any:
        return function(*map(opened, args), **{k: opened(v) for k, v in kwargs.items()})

    return accepting


# -- statistics and norms -------------------------------------------------------------------------


@implements(numpy=np.mean, methods="mean")
def mean(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The arithmetic mean over axes.

    >>> import tinygrad_xent as tx
    >>> tx.grad(tx.mean)([1.0, 2.0, 3.0, 6.0])
    array([0.25, 0.25, 0.25, 0.25])
    """
    return sum(x, axis, keepdims=keepdims) / _count(x, axis)


def _count(x: Any, axis: Axis) -> Any:
    """How many entries are averaged: recorded, so that formulas say n and not the sample's 5."""
    if isinstance(x, Tensor):
        return size(x, axis=axes("mean", x, axis))
    shape = shape_of(x) or np.shape(x)
    return int(np.prod([shape[a] for a in axes("mean", x, axis)]))


@implements(numpy=np.var, methods="var")
@accepts_lists
def var(x: Any, axis: Axis = None, *, ddof: int = 0, keepdims: bool = False) -> Any:
    """The variance over axes: the mean squared deviation, with `ddof` taken off the count.

    >>> import tinygrad_xent as tx
    >>> float(tx.var([1.0, 2.0, 3.0]))
    0.6666666666666666
    """
    deviation = x - mean(x, axis, keepdims=True)
    count = _count(x, axis)
    return sum(deviation * deviation, axis, keepdims=keepdims) / (count - ddof if ddof else count)


@implements(numpy=np.std, methods="std")
def std(x: Any, axis: Axis = None, *, ddof: int = 0, keepdims: bool = False) -> Any:
    """The standard deviation over axes; where it is 0, so is its gradient."""
    return sqrt(var(x, axis, ddof=ddof, keepdims=keepdims))


@implements(numpy=np.linalg.norm, methods="norm")
@accepts_lists
def norm(x: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """A vector norm over axes: `ord` is 1, 2 (also None and "fro") or infinity.

    At 0 its gradient is the subgradient 0.

    >>> import tinygrad_xent as tx
    >>> tx.grad(tx.norm)([3.0, 4.0]), tx.grad(tx.norm)([0.0, 0.0])
    (array([0.6, 0.8]), array([0., 0.]))
    """
    if ord in (None, 2, "fro") and (ord is None or ord == "fro" or _is_vector(x, axis)):
        return sqrt(sum(x * x, axis, keepdims=keepdims))
    if ord == 1 and _is_vector(x, axis):
        return sum(abs(x), axis, keepdims=keepdims)
    if ord == np.inf and _is_vector(x, axis):
        return max(abs(x), axis, keepdims=keepdims)
    raise ShapeError(
        explain(
            f"norm: no rule for ord={ord!r}", describe(x), "vectors with ord 1, 2 or inf; 'fro'"
        )
    )


def _is_vector(x: Any, axis: Axis) -> bool:
    return isinstance(axis, int) or len(axes("norm", x, axis)) == 1


# -- what NumPy has under another name ------------------------------------------------------------


@implements(numpy=np.square)
@accepts_lists
def square(x: Any) -> Any:
    """x², entry by entry."""
    return power(x, 2)


@implements(numpy=np.reciprocal)
@accepts_lists
def reciprocal(x: Any) -> Any:
    """1/x, entry by entry."""
    return 1 / x


@implements(numpy=np.tan)
@accepts_lists
def tan(x: Any) -> Any:
    """The tangent, entry by entry."""
    return sin(x) / cos(x)


@implements(numpy=np.clip, methods="clip")
@accepts_lists
def clip(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """The entries, held between two bounds, under either of the names NumPy has for them."""
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    raised = x if low is None else maximum(x, low)
    return raised if high is None else minimum(raised, high)


@implements(numpy=np.logaddexp)
@accepts_lists
def logaddexp(x: Any, y: Any) -> Any:
    """log(eˣ + eʸ), entry by entry."""
    ahead = x - y
    return where(ahead > 0, x, y) + log1p(exp(_minus_abs(ahead)))


@implements(numpy=np.dot, methods="dot")
@accepts_lists
def dot(x: Any, y: Any) -> Any:
    """NumPy's `dot`, for scalars, vectors and matrices, and stacks of matrices on the left."""
    if not shape_of(x) or not shape_of(y):
        return mul(x, y)
    if len(shape_of(x)) > 1 and len(shape_of(y)) > 2:
        raise ShapeError(
            explain("dot: a stack of matrices on the right pairs every matrix with every other",
                    f"{describe(x)}, {describe(y)}", "x @ y, which pairs them one by one")
        )  # fmt: skip
    return matmul(x, y)


@implements(numpy=np.outer)
@accepts_lists
def outer(x: Any, y: Any) -> Any:
    """Every entry of x times every entry of y."""
    return reshape(x, (-1, 1)) * reshape(y, (1, -1))


# -- activations ----------------------------------------------------------------------------------


@accepts_lists
def relu(x: Any) -> Any:
    """max(x, 0); at 0 its derivative is 0.

    >>> relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    return where(x > 0, x, 0.0)


@accepts_lists
def sigmoid(x: Any) -> Any:
    """σ(x) = 1 / (1 + e⁻ˣ), in the form that overflows on neither side.

    >>> sigmoid(np.array([-1000.0, 0.0]))
    array([0. , 0.5])
    """
    e = exp(_minus_abs(x))
    return where(x > 0, 1.0, e) / (1 + e)


@accepts_lists
def softplus(x: Any) -> Any:
    """log(1 + eˣ), without overflow.

    >>> softplus(np.array([-1000.0, 1000.0]))
    array([   0., 1000.])
    """
    return relu(x) + log1p(exp(_minus_abs(x)))


def _minus_abs(x: Any) -> Any:
    """-|x|, whose slope at 0 is one-sided and not 0: what makes softplus smooth there."""
    return where(x > 0, -x, x)


@accepts_lists
def softmax(z: Any, axis: int = -1) -> Any:
    """e^z / Σ e^z along the axis, shifted by the largest logit so that it cannot overflow.

    Shifting changes neither the value nor any derivative, so none flows through the shift.

    >>> softmax(np.array([0.2, 5.0, 0.3])).round(5)
    array([0.00809, 0.98297, 0.00894])
    """
    e = exp(z - _shift("softmax", z, axis))
    return e / sum(e, axis, keepdims=True)


@accepts_lists
def logsumexp(z: Any, axis: int = -1, keepdims: bool = False) -> Any:
    """log Σ e^z along the axis, without overflow; its gradient is softmax(z).

    >>> float(logsumexp(np.array([1000.0, 1000.0])))
    1000.6931471805599
    """
    shift = _shift("logsumexp", z, axis)
    total = log(sum(exp(z - shift), axis, keepdims=True)) + shift
    return total if keepdims else sum(total, axis)


@accepts_lists
def log_softmax(z: Any, axis: int = -1) -> Any:
    """The logarithm of softmax, without overflow.

    >>> log_softmax(np.array([0.0, 1000.0]))
    array([-1000.,     0.])
    """
    shifted = z - _shift("log_softmax", z, axis)
    return shifted - log(sum(exp(shifted), axis, keepdims=True))


def _shift(name: str, z: Any, axis: int) -> Any:
    if not shape_of(z):
        raise ShapeError(
            explain(f"{name}: a scalar has no class axis", describe(z), "shape (classes,)")
        )
    return stop_gradient(max(z, axis, keepdims=True))


# -- losses ---------------------------------------------------------------------------------------


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


def _labels(name: str, labels: Any, classes: int) -> np.ndarray:
    array = np.asarray(labels.value if isinstance(labels, Tensor) else labels)
    if array.dtype.kind not in "iu" and array.size:
        raise DtypeError(
            explain(f"{name}: labels must be integers", describe(array), "labels.astype(int)")
        )
    if array.size and not (array.min() >= 0 and array.max() < classes):
        raise ShapeError(
            explain(
                f"{name}: labels must be from 0 to {classes - 1}",
                f"labels from {array.min()} to {array.max()}",
                f"{classes} classes; labels that count from 1 want labels - 1",
            )
        )
    return array.astype(np.intp)


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
    return -(y * _log_of_likely(y, a) + (1 - y) * _log_of_likely(1 - y, 1 - a))


@accepts_lists
def sigmoid_binary_cross_entropy(logits: Any, y: Any) -> Any:
    """Binary cross-entropy of σ(logits), entry by entry, without overflow.

    It is log(1 + e^z) - z y, and its derivative with respect to the logits is σ(z) - y.

    >>> float(sigmoid_binary_cross_entropy(0.0, 1.0))
    0.6931471805599453
    """
    return (relu(logits) - logits * y) + log1p(exp(_minus_abs(logits)))


def softmax_cross_entropy(logits: Any, targets: Any, axis: int = -1) -> Any:
    """Cross-entropy of softmax(logits) over the class axis: one value per example.

    Args:
        logits: raw scores; the class axis is the last unless `axis` says otherwise.
        targets: distributions of the shape of the logits; or labels: integers from 0 to
            classes - 1, of that shape without the class axis.

    Raises:
        ShapeError: labels out of range, or targets of another shape.

    >>> float(softmax_cross_entropy(np.array([0.0, 0.0]), 1))
    0.6931471805599453
    """
    log_q = log_softmax(logits, axis)
    shape = shape_of(log_q)
    (axis,) = axes("softmax_cross_entropy", log_q, axis)
    given = targets if isinstance(targets, Tensor) else np.asarray(targets)
    if given.shape == shape and given.dtype.kind in "fiub":
        p = given if given.dtype.kind == "f" else given.astype(dtype_of(log_q))
        return -sum(p * log_q, axis)
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
    places = list(np.ix_(*(np.arange(n) for n in labels.shape))) if labels.ndim else []
    return x[(*places[:axis], labels, *places[axis:])]


def _same_classes(name: str, p: Any, q: Any, axis: int) -> None:
    lengths = [shape_of(x)[axes(name, x, axis)[0]] for x in (p, q)]
    if lengths[0] != lengths[1]:
        raise ShapeError(
            explain(f"{name}: p and q need a class axis of one length",
                    f"p {describe(p)}, q {describe(q)}, axis {axis}", "arrays of one shape")
        )  # fmt: skip
