"""Towards fewer operations."""

from ...ops import cos, exp, log, sin, sqrt, transpose, where
from ..matching.kinds import (
    Anything,
    Left,
    Maybe,
    Nonzero,
    Number,
    Positive,
    Right,
    TurnedLeft,
    TurnedRight,
)
from ..matching.rule import rule
from ..matching.sums import Along
from ..terms.calls import mean


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
