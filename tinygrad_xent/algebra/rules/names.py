"""Formulas that have a name, and what the names stand for."""

from ...ops import exp, log, sqrt, tanh
from ..matching.kinds import Anything, Count, Number
from ..matching.rule import rule
from ..matching.sums import Along, AlongOne, AlongRows
from ..terms.calls import logsumexp, mean, norm, sigmoid, softmax


@rule
def mean_by_name(x: Anything, along: Along, n: Count):
    "A sum over as many as are summed is called the mean."
    return along(x) / n, mean(x, along)


@rule
def quotient_of_means(x: Anything, y: Anything, a: Number, along: Along, n: Count):
    "Above and below, a sum over as many as are summed is the mean."
    return along(x) / (a * n + along(y)), mean(x, along) / (a + mean(y, along))


@rule
def mean_spelled_out(x: Anything, along: Along):
    "The mean is the sum over as many as are summed."
    return mean(x, along), along(x) / along.count


@rule
def norm_spelled_out(x: Anything, along: Along):
    "The norm is the root of the sum of squares."
    return norm(x, along), sqrt(along(x * x))


@rule
def softmax_by_name(x: Anything, along: AlongRows):
    "This quotient is called softmax."
    return exp(x) / along(exp(x)), softmax(x, along)


@rule
def tanh_by_name(x: Anything):
    "This quotient is called the hyperbolic tangent of x, with a minus sign."
    return (1 - exp(2 * x)) / (exp(2 * x) + 1), -tanh(x)


@rule
def norm_by_name(x: Anything, along: Along):
    "The root of the sum of squares is called the norm."
    return sqrt(along(x * x)), norm(x, along)


@rule
def sigmoid_by_name(x: Anything):
    "One less this quotient is called the sigmoid."
    return 1 - 1 / (1 + exp(x)), sigmoid(x)


@rule
def sigmoid_of_minus_by_name(x: Anything):
    "This quotient is called the sigmoid of minus x."
    return 1 / (1 + exp(x)), sigmoid(-x)


@rule
def logsumexp_by_name(x: Anything, along: AlongOne):
    "This logarithm is called logsumexp."
    return log(along(exp(x))), logsumexp(x, along)


@rule
def mean_by_softmax(x: Anything, y: Anything, along: AlongOne):
    "A sum weighted by exponentials, over the sum of these, is weighted by softmax."
    return along(exp(x) * y) / along(exp(x)), along(softmax(x, along) * y)
