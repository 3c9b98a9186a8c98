"""The rewrite rules. Each is one function that returns what it rewrites and what it becomes.

Called with wildcards, the first result is the pattern; called with what matched, the second is the
replacement; called with random numbers, the two must be equal, which is the rule's own test. The
name and the docstring are the line in the derivation. No rule knows a loss.

    a, b, c, x, y   terms              along    a sum along whichever axes it meets
"""

from ..ops import abs, cos, exp, log, sign, sin, sqrt, tanh, transpose, where
from .along import Along, AlongOne, AlongRows
from .kinds import (
    Anything,
    Constant,
    Count,
    Left,
    Maybe,
    NonNegative,
    Nonzero,
    Number,
    Positive,
    Right,
    Simplex,
    Symmetric,
    TurnedLeft,
    TurnedRight,
    Unsigned,
    Vector,
)
from .naming import logsumexp, mean, norm, sigmoid, softmax
from .rule import Rule, rule

# -- algebra: towards a sum of products -----------------------------------------------------------


@rule
def cancel(x: Nonzero):
    "A nonzero factor cancels."
    return x / x, 1


@rule
def never_zero(x: Nonzero):
    "What is never zero does not equal zero."
    return x == 0, 0


@rule
def false_branch(x: Anything, y: Anything):
    "A condition that is false selects the other branch."
    return where(0, x, y), y


@rule
def true_branch(x: Anything, y: Anything):
    "A condition that is true selects the first branch."
    return where(1, x, y), x


@rule
def same_branches(c: Anything, x: Anything):
    "Either way it is the same."
    return where(c, x, x), x


@rule
def log_of_exp(x: Anything):
    "The logarithm undoes the exponential."
    return log(exp(x)), x


@rule
def exp_of_log(x: Positive):
    "The exponential undoes the logarithm of a positive number."
    return exp(log(x)), x


@rule
def exp_of_added_log(x: Anything, y: Positive):
    "A logarithm added in an exponent is a factor."
    return exp(x + log(y)), y * exp(x)


@rule
def exp_of_subtracted_log(x: Anything, y: Positive):
    "A logarithm subtracted in an exponent is a denominator."
    return exp(x - log(y)), exp(x) / y


@rule
def log_of_product(x: Positive, y: Anything):
    "The logarithm of a product with a positive factor is the sum of the logarithms."
    return log(x * y), log(x) + log(y)


@rule
def log_of_reciprocal(x: Anything):
    "The logarithm of one over a number is minus its logarithm."
    return log(1 / x), -log(x)


@rule
def root_times_root(x: NonNegative):
    "A square root times itself is what it is the root of."
    return sqrt(x) * sqrt(x), x


@rule
def size_times_sign(x: Anything):
    "A number's size times its sign is the number."
    return abs(x) * sign(x), x


@rule
def exp_of_minus(x: Unsigned):
    "The exponential of minus x is one over that of x."
    return exp(-x), 1 / exp(x)


@rule
def inner_fraction(x: Nonzero, a: Anything, b: Maybe):
    "A fraction inside a denominator is multiplied away."
    return 1 / (a + b / x), x / (a * x + b)


@rule
def part_of_the_whole(x: Anything, n: Number):
    "A part over the whole is one less the other part over the whole."
    return x / (x + n), 1 - n / (x + n)


@rule
def sum_of_shifted(along: Along, c: Constant, x: Anything):
    "A shift that is the same for all leaves a sum of exponentials as a factor."
    return along(exp(c + x)), exp(along.outside(c)) * along(exp(x))


@rule
def weighted_sum_of_shifted(along: Along, c: Constant, x: Anything, y: Anything):
    "A shift that is the same for all leaves a weighted sum of exponentials as a factor."
    return along(exp(c + x) * y), exp(along.outside(c)) * along(exp(x) * y)


@rule
def shift_undone(c: Anything, x: Anything):
    "A shift and its opposite cancel."
    return exp(c) * exp(x - c), exp(x)


@rule
def shift_cancels(c: Anything, x: Anything):
    "A shift above and below cancels."
    return exp(x + c) / exp(c), exp(x)


@rule
def sums_to_one(along: Along, p: Simplex):
    "It sums to one."
    return along(p), along.outside(1)


@rule
def sum_of_sum(along: Along, x: Anything, y: Anything):
    "The sum of a sum is the sum of the sums."
    return along(x + y), along(x) + along(y)


@rule
def sum_of_constant(along: Along, c: Constant):
    "A constant summed n times is n times the constant."
    return along(c), along.count * along.outside(c)


@rule
def pull_out(along: Along, c: Constant, x: Anything):
    "What does not change along the axis leaves the sum."
    return along(c * x), along.outside(c) * along(x)


@rule
def distribute(x: Anything, a: Anything, b: Anything):
    "A factor multiplies each term of a sum."
    return x * (a + b), x * a + x * b


@rule
def meets_its_denominator(y: Nonzero, a: Anything, b: Maybe):
    "A factor is multiplied into a sum in which it is a denominator."
    return y * (a + b / y), a * y + b


@rule
def transpose_of_symmetric(m: Symmetric):
    "A symmetric matrix is its own transpose."
    return transpose(m), m


@rule
def symmetric_from_the_left(x: Vector, m: Symmetric):
    "A vector and a symmetric matrix may change places."
    return x @ m, m @ x


@rule
def base_of_choice(x: Positive, y: Anything):
    "Where the factor is zero, what it multiplies does not matter."
    return y * where(y == 0, 1, x) ** (y - 1), y * x ** (y - 1)


# What cancels goes first. Exponentials are brought into one form before definitions are looked for.
# Multiplying out, which may hide what could have cancelled, comes last.
FORMS: tuple[Rule, ...] = (
    cancel,
    base_of_choice,
    transpose_of_symmetric,
    symmetric_from_the_left,
    log_of_exp,
    exp_of_log,
    exp_of_added_log,
    exp_of_subtracted_log,
    sum_of_shifted,
    shift_undone,
    shift_cancels,
    exp_of_minus,
    inner_fraction,
    part_of_the_whole,
)
SHRINKING: tuple[Rule, ...] = (
    never_zero,
    false_branch,
    true_branch,
    same_branches,
    root_times_root,
    size_times_sign,
    sums_to_one,
    sum_of_constant,
    sum_of_sum,
    pull_out,
    log_of_reciprocal,
    log_of_product,
    meets_its_denominator,
)
VALUES: tuple[Rule, ...] = tuple(r for r in SHRINKING if r is not sum_of_sum)  # may be small
ALGEBRA: tuple[Rule, ...] = (*SHRINKING, distribute, weighted_sum_of_shifted)

# -- tidying: towards fewer operations ------------------------------------------------------------


@rule
def product_of_exp(x: Anything, y: Anything):
    "A product of exponentials is the exponential of the sum."
    return exp(x) * exp(y), exp(x + y)


@rule
def common_factor(x: Anything, a: Maybe, b: Maybe):
    "A common factor is taken out."
    return a * x + b * x, x * (a + b)


@rule
def one_sum(along: Along, x: Anything, y: Anything, a: Number, b: Number):
    "Two sums along the same axes are one."
    return a * along(x) + b * along(y), along(a * x + b * y)


@rule
def one_mean(along: Along, x: Anything, y: Anything, a: Number, b: Number):
    "Two means along the same axes are one."
    return a * mean(x, along) + b * mean(y, along), mean(a * x + b * y, along)


@rule
def one_product_from_the_left(m: Left, x: Anything, y: Anything, a: Number, b: Number):
    "Two products with the same matrix on the left are one."
    return a * (m @ x) + b * (m @ y), m @ (a * x + b * y)


@rule
def one_product_from_the_right(m: Right, x: Anything, y: Anything, a: Number, b: Number):
    "Two products with the same matrix on the right are one."
    return a * (x @ m) + b * (y @ m), (a * x + b * y) @ m


@rule
def transposed_product_from_the_left(m: TurnedLeft, x: Anything):
    "Transposing a product transposes both factors and turns them round."
    return transpose(transpose(m) @ x), transpose(x) @ m


@rule
def transposed_product_from_the_right(m: TurnedRight, x: Anything):
    "Transposing a product transposes both factors and turns them round."
    return transpose(x @ transpose(m)), m @ transpose(x)


@rule
def logarithm_of_quotient(x: Positive, y: Anything):
    "The difference of two logarithms is the logarithm of the quotient."
    return log(x) - log(y), log(x / y)


@rule
def logarithm_of_quotient_turned(x: Positive, y: Anything):
    "The difference of two logarithms is minus the logarithm of the other quotient."
    return log(y) - log(x), -log(x / y)


@rule
def one_power(x: Positive, a: Anything, b: Anything):
    "Powers of one positive number multiply by adding the exponents."
    return x**a * x**b, x ** (a + b)


@rule
def one_more_power(x: Positive, a: Anything):
    "A power times its base is the next power."
    return x**a * x, x ** (a + 1)


@rule
def one_less_power(x: Positive, a: Anything):
    "A power over its base is the power that is one less."
    return x**a / x, x ** (a - 1)


@rule
def over_its_root(x: Positive):
    "A number over its square root is the square root."
    return x / sqrt(x), sqrt(x)


@rule
def other_side(x: Nonzero, a: Anything, b: Anything):
    "What is not zero and not less than zero is greater."
    return where(x < 0, a, b), where(x > 0, b, a)


@rule
def into_the_first_branch(c: Anything, x: Anything):
    "A factor of nothing but one branch stands in it."
    return x * where(c, 1, 0), where(c, x, 0)


@rule
def into_the_other_branch(c: Anything, x: Anything):
    "A factor of nothing but the other branch stands in it."
    return x * where(c, 0, 1), where(c, 0, x)


@rule
def one_choice(
    c: Anything, x: Anything, y: Anything, u: Anything, v: Anything, a: Number, b: Number
):
    "Two choices by one condition are one."
    return a * where(c, x, y) + b * where(c, u, v), where(c, a * x + b * u, a * y + b * v)


@rule
def square_of_sine_and_cosine(x: Anything):
    "The squares of sine and cosine sum to one."
    return sin(x) * sin(x) + cos(x) * cos(x), 1


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


MEANS: tuple[Rule, ...] = (mean_by_name, quotient_of_means, one_mean)
SPELLED_OUT: tuple[Rule, ...] = (mean_spelled_out, norm_spelled_out)
TIDYING: tuple[Rule, ...] = (
    cancel,
    same_branches,
    over_its_root,
    square_of_sine_and_cosine,
    one_more_power,
    one_less_power,
    one_power,
    other_side,
    into_the_first_branch,
    into_the_other_branch,
    one_choice,
    transposed_product_from_the_left,
    transposed_product_from_the_right,
    logarithm_of_quotient,
    logarithm_of_quotient_turned,
    one_sum,
    one_mean,
    mean_by_name,
    quotient_of_means,
    common_factor,
    one_product_from_the_left,
    one_product_from_the_right,
    pull_out,
    product_of_exp,
    softmax_by_name,
)

# -- naming: formulas that have a name ------------------------------------------------------------


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


NAMING: tuple[Rule, ...] = (
    tanh_by_name,
    norm_by_name,
    softmax_by_name,
    mean_by_softmax,
    logsumexp_by_name,
    sigmoid_by_name,
    sigmoid_of_minus_by_name,
)
