"""Rules towards forms to compute by, which keep their digits and do not overflow.

What is shown is short: q - p. Where q rounds to 1 and p is 1, nothing is left of it. The equal form
q*(1 - p) - p*others(q) adds up what is left of q instead. Such rules are like those in `rules.py`,
and are tested alike: they state equalities of real numbers. That the second form is the better one
to compute by is what `exposure.py` says.

    q, r     what sums to one            a, c, p, x, y   terms
"""

from ..ops import cos, exp, expm1, log, log1p, others, sin, sqrt, sum, tanh, where
from .along import Along, AlongBack, AlongOf, AlongRows, AlongVector, Place
from .kinds import (
    Anything,
    Below,
    Maybe,
    Nonzero,
    Parts,
    Positive,
    Scale,
    Shares,
    Simplex,
    Square,
    Vector,
    Whole,
)
from .naming import (
    centred,
    deviation,
    diag,
    log1mexp,
    log_others_softmax,
    log_softmax,
    logaddexp,
    logcosh,
    logsumexp,
    mean,
    off_diagonal,
    outer,
    sigmoid,
    softmax,
    softplus,
)
from .rule import Rule, rule
from .rules import meets_its_denominator

# -- differences ----------------------------------------------------------------------------------


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


# -- logarithms -----------------------------------------------------------------------------------


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


# A rule for a whole goes before those for its parts.
COMPUTING: tuple[Rule, ...] = (
    meets_its_denominator,
    into_its_denominator,
    difference_from_its_expectation,
    covariance_of_shares,
    mixture_less_an_entry,
    what_sums_to_one,
    other_side_of_sigmoid,
    others_of_a_sum,
    difference_from_the_mean,
    slope_of_tanh,
    tanh_less_one,
    log_of_softmax,
    less_logsumexp,
    log_of_other_shares,
    log_of_sigmoid,
    log_of_one_and_exponential,
    log_of_one_over_exponential,
    log_of_one_and_exponentials,
    log_of_exponential_less_one,
    log_of_hyperbolic_cosine,
    log_of_two_exponentials,
    log_of_exponential_and_its_reciprocal,
    logsumexp_less_an_expectation,
    scaled_logsumexp_less_an_expectation,
    logsumexp_less_a_product,
    logsumexp_less_an_entry,
    logsumexp_less_a_weighted_sum,
    logsumexp_less_any_product,
    softplus_by_cases,
    softplus_less_a_part,
    power_less_one,
    exponential_less_one,
    root_less_one,
    one_less_cosine,
    log_of_quotient,
    log_of_quotient_by,
    log_of_multiple,
    log_of_one_and_a_bit,
)
