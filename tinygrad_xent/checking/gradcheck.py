"""`gradcheck`: the derivatives of any function, of the user's own primitives too, to second order.

What the rules say is held against differences of values, entry by entry and in relative terms: all
of the Jacobian where it is small, else in groups of entries that are weighted so that each counts
the same, which together cover every entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DtypeError, ShapeError, describe, explain
from ..graph import Tensor, is_float, numbers, recording
from ..ops import mul, sum
from .differences import Slopes, slopes
from .walk import Walk

_RTOL = 2e-4  # of an entry: errors of 0.1 % are found
_SMALL = 512  # entries of an argument up to which every one is varied by itself
_GROUPS = 64  # of entries of a large argument
_MOST_WEIGHT = 1e3  # of an entry in its group
_MOST_SEEDS = 64  # entries of a result up to which every one is pulled back by itself


@dataclass(frozen=True)
class Mismatch:
    """One derivative that the rules get wrong.

    Attributes:
        order: 1 for a derivative, 2 for a derivative of a gradient.
        argument: which argument is varied.
        output, input: which entry of the result, and of the argument (or a group of them).
        rule, difference: what the rules and what differences of values say.
    """

    order: int
    argument: str
    output: str
    input: str
    rule: float
    difference: float

    @property
    def error(self) -> float:
        """The difference of the two, relative to the larger."""
        return abs(self.rule - self.difference) / max(abs(self.rule), abs(self.difference), 1e-300)

    def __str__(self) -> str:
        what = ("d result", "d gradient")[self.order - 1] + self.output
        numbers = f"the rules give {self.rule:.6g}, differences {self.difference:.6g}"
        return f"{what} / d {self.argument}{self.input}: {numbers} (off by {self.error:.2g})"


@dataclass(frozen=True)
class Gradcheck:
    """What `gradcheck` found: true if every derivative is right.

    Attributes:
        mismatches: the derivatives that are wrong, the worst first.
        compared: how many were compared.
        kinks: how many are at kinks, where any slope between two is right.
        unsure: how many differences of values are too rough to say.
    """

    mismatches: tuple[Mismatch, ...]
    compared: int
    kinks: int = 0
    unsure: int = 0

    def __bool__(self) -> bool:
        return not self.mismatches

    def __str__(self) -> str:
        if self:
            rough = f", {self.unsure} too rough to compare" if self.unsure else ""
            kinks = f", {self.kinks} at kinks" if self.kinks else ""
            return f"right: {self.compared} derivatives to second order{kinks}{rough}"
        head = f"wrong: {len(self.mismatches)} of {self.compared} derivatives"
        shown = [f"  {m}" for m in self.mismatches[:6]]
        more = len(self.mismatches) - len(shown)
        return "\n".join([head, *shown, *([f"  ... and {more} more"] if more else [])])


def gradcheck(
    f: Callable[..., Any],
    *args: Any,
    gradient: Any = None,
    order: int = 2,
    rtol: float = _RTOL,
    seed: int = 0,
) -> Gradcheck:
    """Compare the derivatives of a function with differences of its values, entry by entry.

    Args:
        f: a function of arrays, composed of `tx` operations (the user's own primitives among them);
            or, with `gradient`, any function of arrays that returns one number.
        args: where: numbers and arrays; those of floating point are varied.
        gradient: a function of the same arguments that returns the gradient with respect to the
            first, or that gradient as an array, in place of the engine's.
        order: 1 for first derivatives only.
        rtol: how far an entry may be off, relative to itself.
        seed: of the directions in which large arguments and results are tried.

    Raises:
        DtypeError: no argument is of floating point.
        ShapeError: `gradient` does not have the shape of the first argument.

    >>> import tinygrad_xent as tx
    >>> print(gradcheck(lambda x: tx.softmax(x), [0.2, 5.0, 0.3]))
    right: 18 derivatives to second order
    >>> bool(gradcheck(lambda x: (x**3).sum(), [1.0, 2.0], gradient=lambda x: 3 * x))
    False
    """
    values = [_argument(a) for a in args]
    if not any(is_float(v) for v in values):
        given = ", ".join(map(describe, values)) or "no arguments"
        works = "at least one number or array of floating point"
        raise DtypeError(explain("gradcheck: there is nothing to vary", given, works))
    run = _Run(f, values, rtol, np.random.default_rng(seed))
    with np.errstate(all="ignore"):
        if gradient is not None:
            run.of_hand(gradient)
        else:
            run.of_rules(order)
    worst = sorted(run.mismatches, key=lambda m: -m.error)
    return Gradcheck(tuple(worst), run.compared, run.kinks, run.unsure)


def _argument(a: Any) -> Any:
    array = np.asarray(numbers(a))
    return array.astype(np.float64) if array.dtype.kind == "f" else array


class _Run:
    """One call: what was compared, and what was wrong."""

    def __init__(self, f: Callable[..., Any], values: list[Any], rtol: float, rng: Any) -> None:
        self.f, self.values, self.rtol, self.rng = f, values, rtol, rng
        self.long = [v.astype(np.longdouble) if is_float(v) else v for v in values]
        self.mismatches: list[Mismatch] = []
        self.compared = self.kinks = self.unsure = 0
        self.places = [i for i, v in enumerate(values) if is_float(v)]

    # -- what is compared -------------------------------------------------------------------------

    def of_rules(self, order: int) -> None:
        for i in self.places:
            self._first(i)
            for k in self.places if order > 1 else ():
                self._second(k, i)

    def _first(self, i: int) -> None:
        """The rows of the Jacobian that the rules give, against columns of differences."""
        leaves, out = self._recorded()
        for label, weights in self._seeds(out.shape):
            rule = np.asarray(Walk(_weighed(out, weights), leaves[i]).gradient)

            def value(x: Any, i: int = i, weights: Any = weights) -> Any:
                return np.sum(weights * self._evaluated(i, x))

            self._against(1, i, label, rule, value)

    def _second(self, k: int, i: int) -> None:
        """The derivative by argument i of the gradient by argument k, of a random combination."""
        leaves, out = self._recorded()
        weights = self.rng.uniform(0.5, 1.5, size=out.shape)
        with recording():
            gradient = Walk(_weighed(out, weights), leaves[k], record=True).gradient
        if not isinstance(gradient, Tensor):
            return
        for label, direction in self._seeds(gradient.shape):
            rule = np.asarray(Walk(_weighed(gradient, direction), leaves[i]).gradient)

            def value(x: Any, i: int = i, direction: Any = direction) -> Any:
                inner, result = self._recorded(i, x)
                if not np.isfinite(result._value).all():
                    return np.nan  # beyond a pole the rules may go on, but there is no function
                return np.sum(direction * Walk(_weighed(result, weights), inner[k]).gradient)

            self._against(2, i, label, rule, value)

    def of_hand(self, gradient: Any) -> None:
        i = self.places[0]
        x = self.values[i]
        hand = np.asarray(gradient(*map(np.array, self.values)) if callable(gradient) else gradient)
        if hand.shape != x.shape:
            problem = "gradcheck: the gradient has another shape than the argument"
            raise ShapeError(explain(problem, f"shape {hand.shape}", f"shape {x.shape}"))

        def value(x: Any) -> Any:
            given = [x if k == i else v for k, v in enumerate(self.values)]
            found = self.f(*given)
            return np.asarray(numbers(found)).sum()

        self._against(1, i, "", hand, value)

    # -- comparing --------------------------------------------------------------------------------

    def _against(self, order: int, i: int, label: str, rule: Any, value: Any) -> None:
        """One row of derivatives against differences along directions that cover all entries."""
        x = self.values[i].astype(np.longdouble)
        for where, along in self._directions(rule):
            found = slopes(value, x, along.astype(np.longdouble))
            expected = float(np.sum(rule * along))
            self._judge(
                order, i, (label, where), expected, found, float(np.abs(rule * along).max())
            )

    def _judge(
        self, order: int, i: int, place: tuple[str, str], rule: float, found: Slopes, scale: float
    ) -> None:
        self.compared += 1
        slack = self.rtol * scale + 4 * found.error
        self.kinks += found.high > found.low
        if found.low - slack <= rule <= found.high + slack or not np.isfinite(found.value):
            least = self.rtol * max(scale, abs(found.value), 1e-9)
            self.unsure += not found.error <= least and found.high == found.low
            return
        argument = f"argument {i}"
        self.mismatches.append(Mismatch(order, argument, *place, rule, found.value))

    def _directions(self, rule: Any) -> Iterator[tuple[str, Any]]:
        """Single entries; or groups of similar ones, weighted so that each counts the same."""
        size = rule.size
        if size <= _SMALL:
            for k, index in enumerate(np.ndindex(rule.shape)):
                along = np.zeros(size)
                along[k] = 1.0
                yield _place(index), along.reshape(rule.shape)
            return
        flat = np.ravel(rule)
        order = np.argsort(np.abs(flat), kind="stable")
        for g, group in enumerate(np.array_split(order, _GROUPS)):
            along, sizes = np.zeros(size), np.abs(flat[group])
            weights = sizes.max() / np.maximum(sizes, sizes.max() / _MOST_WEIGHT or 1.0)
            along[group] = np.where(flat[group] < 0, -1, 1) * weights / weights.max()
            yield f"[group {g} of {_GROUPS}]", along.reshape(rule.shape)

    def _seeds(self, shape: tuple[int, ...]) -> Iterator[tuple[str, Any]]:
        size = int(np.prod(shape, dtype=int))
        if size <= _MOST_SEEDS:
            for k, index in enumerate(np.ndindex(shape)):
                weights = np.zeros(size)
                weights[k] = 1.0
                yield _place(index), weights.reshape(shape)
            return
        for number in range(3):
            yield f"[random combination {number}]", self.rng.uniform(0.5, 1.5, size=shape)

    # -- the function -----------------------------------------------------------------------------

    def _recorded(self, i: int = -1, x: Any = None) -> tuple[list[Any], Tensor]:
        """The function on fresh variables, one of which may have another value."""
        values = [x if k == i else v for k, v in enumerate(self.long)]
        leaves = [Tensor(v) if is_float(v) else v for v in values]
        with recording():
            out = self.f(*leaves)
        return leaves, out if isinstance(out, Tensor) else Tensor(np.asarray(out, float))

    def _evaluated(self, i: int, x: Any) -> Any:
        return self._recorded(i, x)[1]._value


def _weighed(out: Tensor, weights: Any) -> Tensor:
    with recording():
        total: Tensor = sum(mul(out, weights))
    return total


def _place(index: Sequence[int]) -> str:
    return f"[{', '.join(map(str, index))}]" if index else ""
