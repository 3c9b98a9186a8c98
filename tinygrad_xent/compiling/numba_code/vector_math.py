"""exp, log and their relatives in plain arithmetic, so that a compiler vectorises loops over them.

A library's scalar exp in a loop costs ten to thirty times what a vectorised polynomial does. Each
function here reduces its argument, evaluates a polynomial, and puts the powers of two back. None has
a branch, only choices between values that are there. Once for float64, and once, with `32` in the
name, for float32; for every argument, nan, infinities and subnormal numbers included; to 1.1 units in
the last place, tanh, expm1 and log1p to 2. The tests measure that against mpmath.

Generated code contains those that it needs as text, so each stands by itself. They are compiled with
fused multiply-add allowed and no other liberty: to add and subtract 1.5 * 2^52 (2^23 in float32) is
how a number is rounded to an integer, which reassociation would undo.

    n, k    the power of 2 that is taken out, as a number and as an integer
    r, f    what is left:  x = n log 2 + r,  or  x = 2^k (1 + f)
    s, z    f / (2 + f) and its square:  log(1 + f) = 2 s + s z R(z)
    h       half of f^2, the second term of log(1 + f)

The coefficients are minimax (Remez) for (e^r - 1 - r - r^2/2) / r^3 where |r| <= log(2)/2, and for R
where sqrt(1/2) <= 1 + f <= sqrt(2). The method: W. J. Cody and W. Waite, Software Manual for the
Elementary Functions, 1980; the arrangement of log: P. T. P. Tang, ACM TOMS 16, 1990.
"""
# mypy: ignore-errors
# ruff: noqa: E501

from __future__ import annotations

import numpy as np


def exp_tail(r):
    """(e^r - 1 - r) / r^2 for |r| <= log(2)/2."""
    p = 2.5112287762868507e-08
    p = p * r + 2.762229361531783e-07
    p = p * r + 2.7557235344227518e-06
    p = p * r + 2.4801516184138827e-05
    p = p * r + 0.0001984126989412823
    p = p * r + 0.001388888892063391
    p = p * r + 0.008333333333319034
    p = p * r + 0.041666666666619695
    p = p * r + 0.1666666666666668
    return p * r + 0.5


def exp_series(r):
    """e^r for |r| <= log(2)/2."""
    return (exp_tail(r) * (r * r) + r) + 1.0


def exp_tail_32(r):
    """(e^r - 1 - r) / r^2 for |r| <= log(2)/2."""
    p = np.float32(0.0013940485)
    p = p * r + np.float32(0.0083664305)
    p = p * r + np.float32(0.0416664052)
    p = p * r + np.float32(0.1666654463)
    return p * r + np.float32(0.5)


def exp_series_32(r):
    """e^r for |r| <= log(2)/2."""
    return (exp_tail_32(r) * (r * r) + r) + np.float32(1.0)


def exp(x):
    x = 710.0 if x > 710.0 else x
    x = -746.0 if x < -746.0 else x
    shifted = x * 1.4426950408889634 + 6755399441055744.0
    n = shifted - 6755399441055744.0
    r = (x - n * 0.6931471803691238) - n * 1.9082149292705877e-10
    p = exp_series(r)
    # 2^n as a product of two, so that neither overflows and a subnormal result is rounded once
    halved = n * 0.5 + 6755399441055744.0
    k = np.float64(halved).view(np.int64)
    rest = np.float64(shifted).view(np.int64) - k
    p = p * np.int64((k + 1023) << 52).view(np.float64)
    return p * np.int64((rest + 1023) << 52).view(np.float64)


def exp_32(x):
    x = np.float32(89.0) if x > np.float32(89.0) else x
    x = np.float32(-104.0) if x < np.float32(-104.0) else x
    shifted = x * np.float32(1.442695) + np.float32(12582912.0)
    n = shifted - np.float32(12582912.0)
    r = (x - n * np.float32(0.693359375)) - n * np.float32(-0.00021219444)
    p = exp_series_32(r)
    halved = n * np.float32(0.5) + np.float32(12582912.0)
    k = np.float32(halved).view(np.int32)
    rest = np.float32(shifted).view(np.int32) - k
    p = p * np.int32((k + 127) << 23).view(np.float32)
    return p * np.int32((rest + 127) << 23).view(np.float32)


def exp_shifted(x):
    """exp for x up to 350; what is larger counts as that. Most are negative, and none has 2^n > 2^511."""
    x = 350.0 if x > 350.0 else x
    x = -746.0 if x < -746.0 else x
    shifted = x * 1.4426950408889634 + 6755399441055744.0
    n = shifted - 6755399441055744.0
    r = (x - n * 0.6931471803691238) - n * 1.9082149292705877e-10
    k = np.float64(shifted).view(np.int64)
    p = exp_series(r) * np.int64((k + 1535) << 52).view(np.float64)  # by 2^(n+512), a normal number
    return p * 7.458340731200207e-155  # 2^-512


def exp_shifted_32(x):
    """The same for x up to 43."""
    x = np.float32(43.0) if x > np.float32(43.0) else x
    x = np.float32(-104.0) if x < np.float32(-104.0) else x
    shifted = x * np.float32(1.442695) + np.float32(12582912.0)
    n = shifted - np.float32(12582912.0)
    r = (x - n * np.float32(0.693359375)) - n * np.float32(-0.00021219444)
    k = np.float32(shifted).view(np.int32)
    p = exp_series_32(r) * np.int32((k + 191) << 23).view(np.float32)
    return p * np.float32(5.421010862427522e-20)  # 2^-64


def expm1(x):
    y = 710.0 if x > 710.0 else x
    y = -50.0 if y < -50.0 else y
    shifted = y * 1.4426950408889634 + 6755399441055744.0
    n = shifted - 6755399441055744.0
    high = y - n * 0.6931471803691238
    r = high - n * 1.9082149292705877e-10
    lost = (high - r) - n * 1.9082149292705877e-10
    p = exp_tail(r)
    k = np.float64(shifted).view(np.int64)
    half = np.int64((k + 1022) << 52).view(np.float64)  # 2^(n-1), which is finite for every n
    p = 2.0 * (half * (p * (r * r) + lost) + (half * r + (half - 0.5)))
    return x if np.abs(x) < 1e-17 else p


def expm1_32(x):
    y = np.float32(89.0) if x > np.float32(89.0) else x
    y = np.float32(-25.0) if y < np.float32(-25.0) else y
    shifted = y * np.float32(1.442695) + np.float32(12582912.0)
    n = shifted - np.float32(12582912.0)
    high = y - n * np.float32(0.693359375)
    r = high - n * np.float32(-0.00021219444)
    lost = (high - r) - n * np.float32(-0.00021219444)
    p = exp_tail_32(r)
    k = np.float32(shifted).view(np.int32)
    half = np.int32((k + 126) << 23).view(np.float32)
    p = half * (p * (r * r) + lost) + (half * r + (half - np.float32(0.5)))
    p = np.float32(2.0) * p
    return x if np.abs(x) < np.float32(1e-8) else p


def tanh(x):
    e = expm1(2.0 * np.abs(x))
    small = e < 1.5
    part = (e if small else -2.0) / (e + 2.0)
    return np.copysign(part if small else 1.0 + part, x)


def tanh_32(x):
    e = expm1_32(np.float32(2.0) * np.abs(x))
    small = e < np.float32(1.5)
    part = (e if small else np.float32(-2.0)) / (e + np.float32(2.0))
    return np.copysign(part if small else np.float32(1.0) + part, x)


def log_sum(u, c):
    """log(u + c) for normal u > 0 and a correction c that is below its last digit."""
    bits = np.float64(u).view(np.int64) - 4604544271217802189  # of sqrt(1/2)
    k = bits >> 52
    n = np.int64(k + 4843621399236968448).view(np.float64) - 6755399441055744.0
    f = np.int64((bits - (k << 52)) + 4604544271217802189).view(np.float64) - 1.0
    s = f / (2.0 + f)
    z = s * s
    p = 0.14797502273656277
    p = p * z + 0.15313903714222465
    p = p * z + 0.18183569724920345
    p = p * z + 0.22222198476201738
    p = p * z + 0.28571428743261246
    p = p * z + 0.39999999999411096
    p = p * z + 0.6666666666666735
    h = 0.5 * f * f
    low = s * (h + z * p) + (n * 1.9082149292705877e-10 + c / u)
    return n * 0.6931471803691238 - ((h - low) - f)


def log_sum_32(u, c):
    """log(u + c) for normal u > 0 and a correction c that is below its last digit."""
    bits = np.int32(np.float32(u).view(np.int32) - 1060439283)  # of sqrt(1/2)
    k = np.int32(bits >> 23)
    n = np.float32(k)
    f = np.int32(bits - (k << 23) + 1060439283).view(np.float32) - np.float32(1.0)
    s = f / (np.float32(2.0) + f)
    z = s * s
    p = np.float32(0.2987307)
    p = p * z + np.float32(0.39977496)
    p = p * z + np.float32(0.66666777)
    h = np.float32(0.5) * f * f
    low = s * (h + z * p) + (n * np.float32(-0.00021219444) + c / u)
    return n * np.float32(0.693359375) - ((h - low) - f)


def log(x):
    small = x < 2.2250738585072014e-308
    y = log_sum(x * 18014398509481984.0 if small else x, 0.0)
    y = y - 37.429947750237048 if small else y  # log(2^54)
    y = x if x == np.inf else y
    y = -np.inf if x == 0.0 else y
    return y if x >= 0.0 else np.nan


def log_32(x):
    small = x < np.float32(1.1754944e-38)
    y = log_sum_32(x * np.float32(33554432.0) if small else x, np.float32(0.0))
    y = y - np.float32(17.32868) if small else y  # log(2^25)
    y = x if x == np.float32(np.inf) else y
    y = np.float32(-np.inf) if x == np.float32(0.0) else y
    return y if x >= np.float32(0.0) else np.float32(np.nan)


def log1p(x):
    u = 1.0 + x
    back = u - 1.0
    y = log_sum(u, (1.0 - (u - back)) + (x - back))
    y = x if (np.abs(x) < 1e-17) | (x == np.inf) else y
    y = -np.inf if x == -1.0 else y
    return y if x >= -1.0 else np.nan


def log1p_32(x):
    u = np.float32(1.0) + x
    back = u - np.float32(1.0)
    y = log_sum_32(u, (np.float32(1.0) - (u - back)) + (x - back))
    y = x if (np.abs(x) < np.float32(1e-9)) | (x == np.float32(np.inf)) else y
    y = np.float32(-np.inf) if x == np.float32(-1.0) else y
    return y if x >= np.float32(-1.0) else np.float32(np.nan)


def order(x):
    """An integer that is larger for larger x, and largest for nan: for the largest of a row."""
    k = np.float64(x).view(np.int64)
    k = np.int64(k ^ ((k >> 63) & 9223372036854775807))
    return k if x == x else 9223372036854775807


def order_32(x):
    """An integer that is larger for larger x, and largest for nan: for the largest of a row."""
    k = np.float32(x).view(np.int32)
    k = np.int32(k ^ ((k >> 31) & 2147483647))
    return k if x == x else np.int32(2147483647)


def order_from_below(x):
    """The same, but smallest for nan: for the smallest of a row."""
    return order(x) if x == x else -9223372036854775808


def order_from_below_32(x):
    """The same, but smallest for nan: for the smallest of a row."""
    return order_32(x) if x == x else np.int32(-2147483648)


def ordered(k):
    """The number whose order is k."""
    return np.int64(k ^ ((k >> 63) & 9223372036854775807)).view(np.float64)


def ordered_32(k):
    """The number whose order is k."""
    return np.int32(k ^ ((np.int32(k) >> 31) & 2147483647)).view(np.float32)


def scale(s):
    """A power of 2 with which 1 / (scale(s) * s) is a normal number: x / s without a division."""
    a = np.abs(s)
    c = 1152921504606846976.0 if a < 9.332636185032189e-302 else 1.0
    return 8.673617379884035e-19 if a > 1.0715086071862673e301 else c


def scale_32(s):
    """A power of 2 with which 1 / (scale(s) * s) is a normal number: x / s without a division."""
    a = np.abs(s)
    c = np.float32(1073741824.0) if a < np.float32(7.888609e-31) else np.float32(1.0)
    return np.float32(9.313226e-10) if a > np.float32(1.2676506e30) else c


def plus(x, y):
    """A sum in which the terms may come in any order, so that several can be added at once."""
    return x + y


def larger(x, y):
    """The larger of two; nan if either is."""
    return x if (x >= y) | (x != x) else y


def smaller(x, y):
    """The smaller of two; nan if either is."""
    return x if (x <= y) | (x != x) else y


def place(index, length):
    """An index from 0 on, for one that may count from the end."""
    k = np.int64(index)
    k = k + length if k < 0 else k
    if k < 0 or k >= length:
        raise IndexError("an index is out of range")
    return k
