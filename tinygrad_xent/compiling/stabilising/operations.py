"""What each operation makes of monomials, and how its result is then written.

`FORMS` has the monomial of an operation's result, where it has one. `PLAIN` has the graph to
compute it by, where that is not the operation itself: here is where large numbers would meet.

    s   the forms that are known      f, g   the monomials of the arguments
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ...graph import Tensor, op_name
from ...ops import expm1, log, log1p
from .knowing import MOVES, equals, is_positive
from .monomials import Monomial, combined, linear, scaled

if TYPE_CHECKING:
    from .stable import Stable


def _form_of_exp(s: Stable, node: Tensor) -> Monomial:
    return Monomial(node.shape, exponents=linear(s.plain(node.args[0])))


def _form_of_product(s: Stable, node: Tensor) -> Monomial:
    if any(map(s.is_waiting, node.args)):
        x, y = node.args
        s.wait(node, lambda: s.unfolded(x).times(s.unfolded(y), node.shape))
    return s.form(node.args[0]).times(s.form(node.args[1]), node.shape)


def _form_of_quotient(s: Stable, node: Tensor) -> Monomial:
    if s.is_waiting(node.args[0]):
        x, y = node.args
        s.wait(node, lambda: s.unfolded(x).times(s.unfolded(y).inverse(), node.shape))
    return s.form(node.args[0]).times(s.unfolded(node.args[1]).inverse(), node.shape)


def _form_of_minus(s: Stable, node: Tensor) -> Monomial:
    return s.form(node.args[0]).times(Monomial((), -1.0), node.shape)


def _form_of_power(s: Stable, node: Tensor) -> Monomial | None:
    f, c = s.form(node.args[0]), node.args[1] if len(node.args) > 1 else 0.5
    if not f.exponents or isinstance(c, Tensor) or np.ndim(c) or f.number <= 0:
        return None
    above, below = (tuple(s.intern(x**c) for x in part) for part in (f.above, f.below))
    return Monomial(node.shape, f.number**c, above, below, scaled(f.exponents, float(c)))


def _form_of_sum(s: Stable, node: Tensor) -> Monomial | None:
    f = s.form(node.args[0])
    if not f.exponents or not node.args[0].size:
        return None
    if s.is_tame(f) and not s.is_shifted(f, node.params["axis"]):
        s.wait(node, lambda: s.total(f, **node.params, shape=node.shape))
        return None
    return s.total(f, **node.params, shape=node.shape)


def _form_of_move(s: Stable, node: Tensor) -> Monomial | None:
    (x, *_), f = node.args, s.form(node.args[0])
    if s.is_waiting(x):
        s.wait(node, lambda: s.moved(node, s.unfolded(x)))
    known = f.exponents or any(map(s.is_whole, (*f.above, *f.below)))
    return s.moved(node, f) if known else None


def _form_of_spread(s: Stable, node: Tensor) -> Monomial:
    return s.form(node.args[0]).at(node.shape)


def _form_of_addition(s: Stable, node: Tensor) -> Monomial | None:
    (f, g), sign = map(s.form, node.args), _sign(node)
    for one, part, front in ((f, g, sign), (g, f, 1.0)):
        rest = _less(s, one.number * (1.0 if one is f else sign), one, part, front, node.shape)
        if rest is not None:
            return rest
    if not (f.exponents or g.exponents):
        return None
    if s.is_tame(f) and s.is_tame(g) and not (f.exponents and g.exponents):
        return None
    return s.sum_of_two(f, g, sign, node.shape)


def _sign(node: Tensor) -> float:
    """That of the second argument of a sum or difference."""
    return -1.0 if op_name(node) == "sub" else 1.0


def _less(
    s: Stable, number: float, one: Monomial, part: Monomial, front: float, shape: Any
) -> Monomial | None:
    """1 - part or part - 1, from the other parts."""
    if one.above or one.below or one.exponents or abs(number) != 1:
        return None
    minus = front * part.number
    if minus != -number:
        return None
    positive = Monomial(part.shape, 1.0, part.above, part.below, part.exponents)
    rest = s.complement(positive)
    return None if rest is None else rest.times(Monomial((), number), shape)


def _log(s: Stable, node: Tensor, form: Any) -> Any:
    """The logarithm of a product is a sum; that of an exponential is what stood in it."""
    f, pieces = s.unfolded(node.args[0]), []
    share = s.rest_of(f)
    if share is not None:
        whole, total, f = share
        pieces.append(whole.log_share_of_rest(total))
    known, unknown = f.parted(is_positive)
    if not pieces and not f.exponents and known.is_one:
        return _log_of(unknown.ordinary())
    pieces += [_log_of(x) for x in known.above]
    found: Any = s.exponent(f.exponents) if f.exponents else None
    if not unknown.is_one:
        pieces.append(_log_of(unknown.ordinary()))
    for piece in pieces:
        found = piece if found is None else found + piece
    for x in known.below:
        found = -_log_of(x) if found is None else found - _log_of(x)
    return 0.0 if found is None else found


def _log_of(x: Any) -> Any:
    """log, or log1p of one and something."""
    name = op_name(x)
    if name in ("add", "sub") and equals(x.args[0], 1.0):
        return log1p(x.args[1] if name == "add" else -x.args[1])
    if name in ("add", "sub") and equals(x.args[1], 1.0 if name == "add" else -1.0):
        return log1p(x.args[0])
    return log(x)


def _product(s: Stable, node: Tensor, form: Monomial) -> Any:
    """Two exponentials are multiplied as one."""
    f, g = map(s.form, node.args)
    if not (f.exponents and g.exponents) or (s.is_tame(f) and s.is_tame(g)):
        return None
    return s.written(form)


def _quotient(s: Stable, node: Tensor, form: Monomial) -> Any:
    """What is large above and below cancels first. With a number, as in a mean, nothing does."""
    f, g = s.form(node.args[0]), s.unfolded(node.args[1])
    if g.is_number or (s.is_tame(f) and not g.exponents):
        return None
    return s.written(form)


def _addition(s: Stable, node: Tensor, form: Monomial | None) -> Any:
    """One less a part is written as the other parts; e^x - 1 by its own function."""
    f, g = map(s.form, node.args)
    if form is not None and not (f.exponents and g.exponents) and form.below:
        return s.written(form)
    sign = _sign(node)
    for one, part, sides in ((f, g, (1.0, sign)), (g, f, (sign, 1.0))):
        signs = one.number * sides[0], part.number * sides[1]
        alone = not (one.above or one.below or one.exponents or part.above or part.below)
        if alone and part.exponents and signs in ((-1.0, 1.0), (1.0, -1.0)):
            return signs[1] * expm1(combined(part.exponents))
    return None


FORMS: dict[str, Callable[[Stable, Tensor], Monomial | None]] = {
    "exp": _form_of_exp, "mul": _form_of_product, "div": _form_of_quotient, "neg": _form_of_minus,
    "power": _form_of_power, "sqrt": _form_of_power, "sum": _form_of_sum,
    "broadcast_to": _form_of_spread, "add": _form_of_addition, "sub": _form_of_addition,
    **dict.fromkeys(MOVES, _form_of_move),
}  # fmt: skip

PLAIN: dict[str, Callable[[Stable, Tensor, Any], Any]] = {
    "log": _log, "mul": _product, "div": _quotient, "add": _addition, "sub": _addition,
}  # fmt: skip
