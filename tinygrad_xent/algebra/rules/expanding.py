"""Towards a sum of products, in which what can cancel does."""

from ...ops import abs, exp, log, sign, sqrt, transpose, where
from ..matching.kinds import (
    Anything,
    Constant,
    Maybe,
    NonNegative,
    Nonzero,
    Number,
    Positive,
    Simplex,
    Symmetric,
    Unsigned,
    Vector,
)
from ..matching.rule import rule
from ..matching.sums import Along


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
