"""Comparisons and choices: what reaches the result depends on a condition.

In every rule table: g the arriving cotangent, out the result, c a condition, x and y the choices.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..graph import dtype_of, primitive
from . import samples

_MASK = np.array([[True, False, True, False]] * 3)
_BROADCAST = "shapes that broadcast: from the right, each axis equal or one of them 1"


def _comparison(name: str, array: Any, ufunc: Any, method: str, text: str, latex: str) -> Any:
    return primitive(
        name, array, scalar=array, numpy=ufunc, methods=method, elementwise=True,
        text=f"{{0}} {text} {{1}}",
        latex=f"{{0}} {latex} {{1}}", precedence=1, works=_BROADCAST,
        sample=(samples.distinct((3, 4), (3, 4)), samples.distinct((3, 1), (4,))),
    )  # fmt: skip


greater = _comparison("greater", operator.gt, np.greater, "__gt__", ">", ">")
greater_equal = _comparison("greater_equal", operator.ge, np.greater_equal, "__ge__", ">=", r"\geq")
less = _comparison("less", operator.lt, np.less, "__lt__", "<", "<")
less_equal = _comparison("less_equal", operator.le, np.less_equal, "__le__", "<=", r"\leq")
equal = _comparison("equal", operator.eq, np.equal, "__eq__", "==", "=")
not_equal = _comparison("not_equal", operator.ne, np.not_equal, "__ne__", "!=", r"\neq")


def _of_masks(array: Any) -> Any:
    """An operation on masks only: & and | of whole numbers would be bits."""

    def checked(*masks: Any) -> Any:
        if any(dtype_of(mask).kind != "b" for mask in masks):
            raise TypeError("masks are wanted")
        return array(*masks)

    return checked


def _on_masks(name: str, array: Any, ufuncs: Any, methods: Any, *sample: Any) -> Any:
    return primitive(
        name, _of_masks(array), numpy=ufuncs, methods=methods, elementwise=True, sample=sample,
        works="comparisons in brackets, such as (x > 0) & (x < 1), or arrays of booleans",
    )  # fmt: skip


_TWO_MASKS = (samples.data(_MASK, ~_MASK), samples.data(_MASK, _MASK[:, :1]))

logical_and = _on_masks(
    "logical_and", operator.and_, (np.logical_and, np.bitwise_and), ("__and__", "__rand__"),
    *_TWO_MASKS,
)  # fmt: skip
logical_or = _on_masks(
    "logical_or", operator.or_, (np.logical_or, np.bitwise_or), ("__or__", "__ror__"), *_TWO_MASKS
)  # fmt: skip
logical_not = _on_masks(
    "logical_not", lambda mask: mask ^ True, (np.logical_not, np.invert), "__invert__",
    samples.data(_MASK),
)  # fmt: skip


def _where(c: Any, x: Any, y: Any) -> Any:
    """np.where, which neither leaves Python floats nor lets a plain number widen float32."""
    if type(c) is bool and not isinstance(x, np.ndarray) and not isinstance(y, np.ndarray):
        return x if c else y
    return np.where(c, x, y)


where = primitive(
    "where", _where, numpy=np.where, elementwise=True, selects=True, works=_BROADCAST,
    vjp=(None, lambda g, _, c, x, y: where(c, g, 0.0), lambda g, _, c, x, y: where(c, 0.0, g)),
    latex=r"\begin{{cases}} {1} & {0} \\ {2} & \text{{otherwise}} \end{{cases}}",
    sample=(
        samples.data(_MASK, then=((3, 4), (3, 4))),
        samples.data(_MASK, then=((3, 1), (4,))),
        samples.data(np.array([True, False, True]), then=((), (2, 3))),
    ),
)  # fmt: skip


def _share(g: Any, x: Any, y: Any) -> Any:
    """What x receives: all where it won, half at a tie, nothing where it lost."""
    return where(x > y, g, where(x == y, g / 2, 0.0))


def _larger(x: float, y: float) -> float:
    return x if x > y or x != x else y


def _smaller(x: float, y: float) -> float:
    return x if x < y or x != x else y


maximum = primitive(
    "maximum", np.maximum, scalar=_larger, numpy=np.maximum, elementwise=True, selects=True,
    vjp=(lambda g, _, x, y: _share(g, x, y), lambda g, _, x, y: _share(g, y, x)),
    latex=r"\max({0}, {1})", works=_BROADCAST,
    sample=(samples.distinct((3, 4), (3, 4)), samples.distinct((3, 1), (4,))),
)  # fmt: skip

minimum = primitive(
    "minimum", np.minimum, scalar=_smaller, numpy=np.minimum, elementwise=True, selects=True,
    vjp=(lambda g, _, x, y: _share(g, y, x), lambda g, _, x, y: _share(g, x, y)),
    latex=r"\min({0}, {1})", works=_BROADCAST,
    sample=(samples.distinct((3, 4), (3, 4)), samples.distinct((3, 1), (4,))),
)  # fmt: skip
