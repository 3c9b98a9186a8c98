"""The kinds of things a rule speaks of: each guards a match and draws data for the rule's test.

A rule's arguments are annotated with kinds. `holds` decides whether a matched term is of the kind;
`draw` gives the numbers on which the rule has to be true.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph import Tensor, shape_of
from ..facts.known import Facts
from ..terms.views import Term, as_product, is_backwards, is_number, is_sum, unbroadcast

SHAPE = (2, 3)  # of what is drawn for a rule's test


class Anything:
    """Anything."""

    empty = False  # whether the kind may stand for no factor at all, that is for 1
    symbol = "any"
    claim = ""  # what it says of a term, where it says anything

    @staticmethod
    def holds(term: Term, facts: Facts, env: dict[str, Any]) -> bool:
        return True

    @staticmethod
    def draw(rng: np.random.Generator, env: dict[str, Any]) -> Any:
        return _mixed(rng, SHAPE)


def _mixed(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Numbers with zeros, negatives and ties among them."""
    return rng.choice([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0], size=shape)


class Whole(Anything):
    """Anything, which may be several factors wherever it occurs."""


class Maybe(Anything):
    """Anything, or nothing: the other factors of a product, if there are any."""

    empty = True


class Below(Anything):
    """Anything, of which a rule speaks that has values below zero only."""

    @staticmethod
    def draw(rng: np.random.Generator, env: dict[str, Any]) -> Any:
        return rng.choice([-2.0, -1.0, -0.5, -0.1], size=SHAPE)


class Number(Maybe):
    """A plain number, or nothing, which is 1."""

    symbol = "number"

    @staticmethod
    def holds(term: Term, facts: Facts, env: dict[str, Any]) -> bool:
        return is_number(term)

    @staticmethod
    def draw(rng: np.random.Generator, env: dict[str, Any]) -> Any:
        return float(rng.choice([-2.0, -1.0, 0.5, 3.0]))


class Scale(Number):
    """A plain number above zero."""

    empty = False

    @staticmethod
    def holds(term: Term, facts: Facts, env: dict[str, Any]) -> bool:
        return is_number(term) and bool(term > 0)

    @staticmethod
    def draw(rng: np.random.Generator, env: dict[str, Any]) -> Any:
        return float(rng.choice([0.5, 2.0, 3.0]))


class Left(Anything):
    """A matrix that what is drawn for anything can be multiplied by from the left."""

    symbol = "matrix on the left"

    @staticmethod
    def draw(rng: np.random.Generator, env: dict[str, Any]) -> Any:
        return _mixed(rng, (4, SHAPE[0]))


class Right(Anything):
    """A matrix that what is drawn for anything can be multiplied by from the right."""

    symbol = "matrix on the right"

    @staticmethod
    def draw(rng: np.random.Generator, env: dict[str, Any]) -> Any:
        return _mixed(rng, (SHAPE[1], 4))


class TurnedLeft(Anything):
    """A matrix whose transpose anything can be multiplied by from the left."""

    symbol = "matrix on the left when transposed"

    @staticmethod
    def draw(rng: np.random.Generator, env: dict[str, Any]) -> Any:
        return Left.draw(rng, env).T


class TurnedRight(Anything):
    """A matrix whose transpose anything can be multiplied by from the right."""

    symbol = "matrix on the right when transposed"

    @staticmethod
    def draw(rng: np.random.Generator, env: dict[str, Any]) -> Any:
        return Right.draw(rng, env).T


class Unsigned(Anything):
    """Anything that does not begin with a minus sign."""

    symbol = "unsigned"

    @staticmethod
    def holds(term: Term, facts: Facts, env: dict[str, Any]) -> bool:
        return not is_backwards(term) if is_sum(term) else as_product(term)[0] > 0


class Nonzero(Anything):
    """Known to differ from zero."""

    symbol = "nonzero"
    claim = "{} != 0"

    @staticmethod
    def holds(term: Term, facts: Facts, env: dict[str, Any]) -> bool:
        return facts.nonzero(term)

    @staticmethod
    def draw(rng: np.random.Generator, env: dict[str, Any]) -> Any:
        return rng.choice([-2.0, -1.0, 0.5, 1.0, 3.0], size=SHAPE)


class Positive(Nonzero):
    """Known to be greater than zero."""

    symbol = "positive"
    claim = "{} > 0"

    @staticmethod
    def holds(term: Term, facts: Facts, env: dict[str, Any]) -> bool:
        return facts.positive(term)

    @staticmethod
    def draw(rng: np.random.Generator, env: dict[str, Any]) -> Any:
        return rng.choice([0.25, 0.5, 1.0, 3.0], size=SHAPE)


class NonNegative(Anything):
    """Known not to be less than zero."""

    symbol = "nonnegative"
    claim = "{} >= 0"

    @staticmethod
    def holds(term: Term, facts: Facts, env: dict[str, Any]) -> bool:
        return facts.nonnegative(term)

    @staticmethod
    def draw(rng: np.random.Generator, env: dict[str, Any]) -> Any:
        return rng.choice([0.0, 0.5, 1.0, 3.0], size=SHAPE)


class Simplex(Anything):
    """Known to sum to one along the one axis of the reduction."""

    symbol = "simplex"
    claim = "sum({}) = 1"

    @staticmethod
    def holds(term: Term, facts: Facts, env: dict[str, Any]) -> bool:
        axis = facts.simplex_axis(term) if isinstance(term, Tensor) else None
        return axis is not None and env["along"].axis == (axis,)

    @staticmethod
    def draw(rng: np.random.Generator, env: dict[str, Any]) -> Any:
        return _shares(rng, SHAPE, env["along"].axis)


def _shares(rng: np.random.Generator, shape: tuple[int, ...], axis: Any = -1) -> Any:
    value = rng.choice([0.0, 0.5, 1.0, 3.0], size=shape) + 0.25
    return value / value.sum(axis, keepdims=True)


class Parts(Simplex):
    """Computed, and known to sum to one. One less what was given is exact anyway."""

    @staticmethod
    def holds(term: Term, facts: Facts, env: dict[str, Any]) -> bool:
        return facts.computed(term) and Simplex.holds(term, facts, env)


class Shares(Simplex):
    """One vector known to sum to one."""

    symbol = "simplex of one row"

    @staticmethod
    def holds(term: Term, facts: Facts, env: dict[str, Any]) -> bool:
        return len(shape_of(term)) == 1 and facts.simplex_axis(term) == 0

    @staticmethod
    def draw(rng: np.random.Generator, env: dict[str, Any]) -> Any:
        return _shares(rng, SHAPE[1:])


class Square(Simplex):
    """A square matrix whose rows are known to sum to one."""

    symbol = "simplex of rows"

    @staticmethod
    def holds(term: Term, facts: Facts, env: dict[str, Any]) -> bool:
        shape = shape_of(term)
        return len(shape) == 2 and shape[0] == shape[1] and facts.simplex_axis(term) == 1

    @staticmethod
    def draw(rng: np.random.Generator, env: dict[str, Any]) -> Any:
        return _shares(rng, (SHAPE[0], SHAPE[0]))


class Vector(Anything):
    """One vector."""

    symbol = "vector"

    @staticmethod
    def holds(term: Term, facts: Facts, env: dict[str, Any]) -> bool:
        return len(shape_of(term)) == 1

    @staticmethod
    def draw(rng: np.random.Generator, env: dict[str, Any]) -> Any:
        return Anything.draw(rng, env)[0]


class Symmetric(Anything):
    """A matrix known to equal its transpose."""

    symbol = "symmetric"
    claim = "{0} = {0}.T"

    @staticmethod
    def holds(term: Term, facts: Facts, env: dict[str, Any]) -> bool:
        return facts.symmetric(term)

    @staticmethod
    def draw(rng: np.random.Generator, env: dict[str, Any]) -> Any:
        value = _mixed(rng, (SHAPE[1], SHAPE[1]))
        return value + value.T


class Constant(Anything):
    """The same all along the axes of the reduction."""

    symbol = "constant along the axis"

    @staticmethod
    def holds(term: Term, facts: Facts, env: dict[str, Any]) -> bool:
        shape = shape_of(unbroadcast(term))
        places = [a - env["along"].ndim + len(shape) for a in env["along"].axis]
        return all(i < 0 or shape[i] == 1 for i in places)

    @staticmethod
    def draw(rng: np.random.Generator, env: dict[str, Any]) -> Any:
        shape = tuple(1 if i in env["along"].axis else n for i, n in enumerate(SHAPE))
        return _mixed(rng, shape)


class Count(Anything):
    """How many entries are summed into one."""

    symbol = "count"

    @staticmethod
    def holds(term: Term, facts: Facts, env: dict[str, Any]) -> bool:
        return term is env["along"].count

    @staticmethod
    def draw(rng: np.random.Generator, env: dict[str, Any]) -> Any:
        return np.asarray(float(env["along"].count))
