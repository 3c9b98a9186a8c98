"""Differences in forms to compute by, which keep their digits.

What is shown is short: q - p. Where q rounds to 1 and p is 1, nothing is left of it. The equal form
q*(1 - p) - p*others(q) adds up what is left of q instead. That the second form is the better one to
compute by is what `computing/losing_digits.py` says.

    q, r     what sums to one            a, c, p, x, y   terms
"""

from ...ops import cos, exp, expm1, log, log1p, others, sin, sqrt, sum, tanh, where
from ..matching.kinds import (
    Anything,
    Maybe,
    Nonzero,
    Parts,
    Positive,
    Shares,
    Simplex,
    Square,
    Vector,
    Whole,
)
from ..matching.rule import rule
from ..matching.sums import AlongBack, AlongOf, AlongRows, AlongVector, Place
from ..terms.calls import (
    centred,
    deviation,
    diag,
    log_softmax,
    logsumexp,
    mean,
    off_diagonal,
    outer,
    sigmoid,
    softplus,
)


@rule
def difference_from_its_expectation(along: AlongRows, q: Parts, x: Whole):
    "What differs from its expectation is found from differences, so that little cancels."
    return x - along(q * x), deviation(x, q, along)


@rule
def what_sums_to_one(along: AlongOf, q: Parts, c: Maybe, p: Anything):
    "The parts sum to one: one less a part is the sum of the others, which keeps its digits."
    return q * c + p, q * (c + p) + p * along.others(q)


@rule
def other_side_of_sigmoid(x: Anything, c: Maybe, p: Anything):
    "One less the sigmoid of x is the sigmoid of minus x, which keeps its digits."
    return sigmoid(x) * c + p, sigmoid(x) * (c + p) + p * sigmoid(-x)


@rule
def others_of_a_sum(along: AlongRows, x: Anything):
    "A sum less one of its terms is the sum of the others."
    return along(x) - x, along.others(x)


@rule
def difference_from_the_mean(along: AlongBack, x: Anything):
    "What differs from the mean is centred, twice: the second time takes the rounding away."
    return x - mean(x, along), centred(x, along)


@rule
def mixture_less_an_entry(q: Square, x: Anything):
    "Its rows sum to one, so what stays of x are its differences from the others."
    rest = off_diagonal(q)
    return q @ x - x, rest @ x - sum(rest, axis=1, keepdims=True) * x


@rule
def covariance_of_shares(q: Shares):
    "On the diagonal a share less its square is the share times the sum of the others."
    return diag(q) - outer(q, q), diag(q * others(q)) - off_diagonal(outer(q, q))


@rule
def into_its_denominator(y: Nonzero, a: Anything, b: Maybe, c: Maybe, d: Maybe):
    "A factor is multiplied in where it is a denominator, so that it may be as small as it likes."
    return y * (a + c * (b + d / y)), a * y + c * (b * y + d)


@rule
def slope_of_tanh(x: Anything):
    "One less the square of tanh is a product of two sigmoids, which keeps its digits."
    return 1 - tanh(x) * tanh(x), 4 * sigmoid(2 * x) * sigmoid(-2 * x)


@rule
def tanh_less_one(x: Anything):
    "One less tanh is twice a sigmoid, which keeps its digits."
    return 1 - tanh(x), 2 * sigmoid(-2 * x)


@rule
def exponential_less_one(x: Anything):
    "The exponential less one has a function of its own."
    return exp(x) - 1, expm1(x)


@rule
def power_less_one(x: Positive, a: Anything):
    "A power is an exponential, which less one has a function of its own."
    return x**a - 1, expm1(a * log(x))


@rule
def root_less_one(x: Anything):
    "A root of one and a bit, less one, is the bit over their sum."
    return sqrt(x + 1) - 1, x / (sqrt(x + 1) + 1)


@rule
def one_less_cosine(x: Anything):
    "One less the cosine is twice the squared sine of the half."
    return 1 - cos(x), 2 * sin(x / 2) * sin(x / 2)


@rule
def softplus_by_cases(x: Anything):
    "Taken together these two are called softplus."
    small = where(x > 0, -x, x)
    return where(x > 0, x, 0) + log1p(exp(small)), softplus(x)


@rule
def softplus_less_a_part(x: Anything, y: Maybe):
    "Softplus of x less x is softplus of minus x."
    return softplus(x) - x * y, (1 - y) * softplus(x) + y * softplus(-x)


@rule
def logsumexp_less_an_expectation(along: AlongRows, p: Simplex, x: Anything):
    "The weights sum to one, so what is taken away is a weighted sum of log(softmax)."
    return logsumexp(x, along) - along(p * x), -along(p * log_softmax(x, along))


@rule
def scaled_logsumexp_less_an_expectation(along: AlongRows, p: Anything, x: Anything):
    "What is taken away is a weighted sum of log(softmax)."
    return along(p) * logsumexp(x, along) - along(p * x), -along(p * log_softmax(x, along))


@rule
def logsumexp_less_a_product(along: AlongVector, p: Shares, x: Vector):
    "The weights sum to one, so what is taken away is a weighted sum of log(softmax)."
    return logsumexp(x, along) - p @ x, -(p @ log_softmax(x, along))


@rule
def logsumexp_less_a_weighted_sum(along: AlongRows, p: Anything, x: Anything):
    "As far as the weights sum to one, what is taken away is a weighted sum of log(softmax)."
    rest = (1 - along(p)) * logsumexp(x, along)
    return logsumexp(x, along) - along(p * x), rest - along(p * log_softmax(x, along))


@rule
def logsumexp_less_any_product(along: AlongVector, p: Vector, x: Vector):
    "As far as the weights sum to one, what is taken away is a weighted sum of log(softmax)."
    rest = (1 - along.outside(sum(p))) * logsumexp(x, along)
    return logsumexp(x, along) - p @ x, rest - p @ log_softmax(x, along)


@rule
def logsumexp_less_an_entry(along: AlongVector, place: Place, x: Vector):
    "Logsumexp less an entry is minus the entry of log(softmax)."
    return logsumexp(x, along) - place(x), -place(log_softmax(x, along))
