"""Gradients as assertions, for pytest or any other test runner.

from tinygrad_xent.testing import assert_gradient

def test_my_gradient():
    assert_gradient("-sum(p*log(softmax(z)))", "z", my_gradient, assume="sum(p)=1")
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .checking import Gradcheck, Verdict, check, gradcheck


def assert_gradient(
    loss: Any, wrt: Any, hand: Any, assume: Any = (), *, only_if: bool = True, **options: Any
) -> Verdict:
    """Fail, with the verdict as the message, unless a hand-written gradient is right.

    Args:
        loss, wrt, hand, assume, options: as for `tx.check`.
        only_if: whether a gradient that is right under a condition passes; the condition is in the
            verdict's `needs`. With False only one that is right without conditions does.

    Raises:
        AssertionError: it is wrong.

    >>> assert_gradient("sum(x**3)", "x", lambda x: 3 * x**2).equal
    True
    >>> assert_gradient("sum(x**3)", "x", lambda x: x**2)
    Traceback (most recent call last):
      ...
    AssertionError: different: a factor of 1/3: yours = 1/3 x the gradient
    ...
    """
    __tracebackhide__ = True
    verdict = check(loss, wrt, hand, assume, **options)
    if not verdict or (verdict.needs and not only_if):
        raise AssertionError(str(verdict))
    return verdict


def assert_derivatives(f: Callable[..., Any], *args: Any, **options: Any) -> Gradcheck:
    """Fail, naming the entries, unless all derivatives of a function are right to second order.

    Args:
        f, args, options: as for `tx.gradcheck`.

    Raises:
        AssertionError: a derivative is wrong.

    >>> import tinygrad_xent as tx
    >>> bool(assert_derivatives(tx.softplus, [-1.0, 0.5]))
    True
    """
    __tracebackhide__ = True
    found = gradcheck(f, *args, **options)
    if not found:
        raise AssertionError(str(found))
    return found
