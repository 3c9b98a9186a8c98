"""Logarithms in forms to compute by, which keep their digits and do not overflow."""

from ...ops import exp, log, log1p
from ..matching.kinds import Anything, Below, Positive, Scale
from ..matching.rule import rule
from ..matching.sums import Along, AlongRows
from ..terms.calls import (
    log1mexp,
    log_others_softmax,
    log_softmax,
    logaddexp,
    logcosh,
    logsumexp,
    sigmoid,
    softmax,
    softplus,
)


@rule
def log_of_softmax(x: Anything, along: Along):
    "The logarithm of softmax has a form that is never infinite and keeps its digits near 0."
    return log(softmax(x, along)), log_softmax(x, along)


@rule
def less_logsumexp(x: Anything, along: AlongRows):
    "This difference is the logarithm of softmax, which keeps its digits near 0."
    return x - logsumexp(x, along), log_softmax(x, along)


@rule
def log_of_other_shares(x: Anything, along: AlongRows):
    "The logarithm of what is left of softmax has a form that is never infinite."
    return log(along.others(softmax(x, along))), log_others_softmax(x, along)


@rule
def log_of_sigmoid(x: Anything):
    "The logarithm of the sigmoid is minus the softplus of minus x, which is never infinite."
    return log(sigmoid(x)), -softplus(-x)


@rule
def log_of_one_and_exponential(x: Anything):
    "This logarithm is called softplus of x."
    return log(exp(x) + 1), softplus(x)


@rule
def log_of_one_over_exponential(x: Anything):
    "This logarithm is called softplus of minus x."
    return log(1 / exp(x) + 1), softplus(-x)


@rule
def log_of_one_and_exponentials(along: Along, x: Anything):
    "With one more exponential, that of zero, the logarithm is softplus of logsumexp."
    return log(along(exp(x)) + 1), softplus(log(along(exp(x))))


@rule
def log_of_exponential_less_one(x: Below):
    "This logarithm has a form for x near 0 and one for x far from it."
    return log(1 - exp(x)), log1mexp(x)


@rule
def log_of_two_exponentials(x: Anything, y: Anything):
    "The logarithm of two exponentials begins with the larger exponent, so nothing overflows."
    return log(exp(x) + exp(y)), logaddexp(x, y)


@rule
def log_of_exponential_and_its_reciprocal(x: Anything):
    "The logarithm of two exponentials begins with the larger exponent, so nothing overflows."
    return log(exp(x) + 1 / exp(x)), logaddexp(x, -x)


@rule
def log_of_quotient(x: Positive, y: Anything):
    "The logarithm of a quotient is the difference of the logarithms."
    return log(x / y), log(x) - log(y)


@rule
def log_of_quotient_by(x: Anything, y: Positive):
    "The logarithm of a quotient is the difference of the logarithms."
    return log(x / y), log(x) - log(y)


@rule
def log_of_hyperbolic_cosine(x: Anything):
    "The logarithm of the hyperbolic cosine has a form for x near 0 and one for x far from it."
    return log((exp(x) + 1 / exp(x)) / 2), logcosh(x)


@rule
def log_of_multiple(x: Anything, n: Scale):
    "The logarithm of a positive multiple is the sum of the logarithms."
    return log(n * x), log(n) + log(x)


@rule
def log_of_one_and_a_bit(x: Anything):
    "The logarithm of one and a bit has a function of its own."
    return log(x + 1), log1p(x)
