"""What a derivation may take for granted, and what follows from it.

An assumption is stated by the user (`Simplex(p)`, `Positive(x)`, `x > 0`, `p.sum() == 1`), or comes
with the loss: where log x occurs, x is positive, or there would be no loss to differentiate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DeriveError, describe, explain
from ..graph import Tensor, op_name, shape_of, toposort
from ..ops.shaping import axes
from ..writing.text import text
from .views import is_number


@dataclass(frozen=True, eq=False)
class Assumption:
    """Something taken as true of a Tensor."""

    of: Any

    def __post_init__(self) -> None:
        if not isinstance(self.of, Tensor):
            raise DeriveError(
                explain("assume: a fact is about a Tensor", describe(self.of), "tx.Positive(x)")
            )

    @property
    def kind(self) -> str:
        """Its name, as a certificate says it."""
        return type(self).__name__

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """A value of this shape for which it is true."""
        return self.adjusted(rng.normal(size=shape))

    def adjusted(self, value: Any) -> Any:
        """A value near this one for which it is true, where that is easy to find."""
        return value

    def holds(self, value: Any) -> bool:
        """Whether it is true of a value."""
        return True

    def about(self, shown: str) -> str:
        """The fact in words, of what is shown as this."""
        return shown

    def __str__(self) -> str:
        return self.about(text(self.of))


@dataclass(frozen=True, eq=False)
class Nonzero(Assumption):
    """No entry is zero.

    >>> import tinygrad_xent as tx
    >>> str(Nonzero(tx.tensor([1.0, -2.0], name="x")))
    'x != 0'
    """

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        return rng.uniform(0.5, 2.0, size=shape) * rng.choice([-1.0, 1.0], size=shape)

    def holds(self, value: Any) -> bool:
        return bool(np.all(np.asarray(value) != 0))

    def about(self, shown: str) -> str:
        return f"{shown} != 0"


@dataclass(frozen=True, eq=False)
class Positive(Nonzero):
    """Every entry is greater than zero.

    >>> import tinygrad_xent as tx
    >>> str(Positive(tx.tensor([1.0, 2.0], name="x")))
    'x > 0'
    """

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        return rng.uniform(0.1, 0.9, size=shape)

    def adjusted(self, value: Any) -> Any:
        return np.abs(value)

    def holds(self, value: Any) -> bool:
        return bool(np.all(np.asarray(value) > 0))

    def about(self, shown: str) -> str:
        return f"{shown} > 0"


@dataclass(frozen=True, eq=False)
class Factor(Nonzero):
    """A factor of what is not zero, and so not zero either."""

    factor: str = ""

    @property
    def kind(self) -> str:
        return Nonzero.__name__

    def about(self, shown: str) -> str:
        return f"{self.factor} != 0"


@dataclass(frozen=True, eq=False)
class PositiveFactor(Positive):
    """A factor of what is positive, all other factors being so."""

    factor: str = ""

    @property
    def kind(self) -> str:
        return Positive.__name__

    def about(self, shown: str) -> str:
        return f"{self.factor} > 0"


@dataclass(frozen=True, eq=False)
class Kink(Nonzero):
    """A difference that is not zero, because where it is there is no derivative."""

    @property
    def kind(self) -> str:
        return Nonzero.__name__

    def about(self, shown: str) -> str:
        return f"{shown} != 0 (a kink)"


@dataclass(frozen=True, eq=False)
class SumsToOne(Assumption):
    """The entries along `axis` sum to one."""

    axis: int = -1

    def __post_init__(self) -> None:
        super().__post_init__()
        axes("assume", self.of, self.axis)  # an error if there is none such

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        return self.adjusted(rng.uniform(0.0, 1.0, size=shape))

    def adjusted(self, value: Any) -> Any:
        return value / value.sum(self.axis, keepdims=True)

    def holds(self, value: Any) -> bool:
        return bool(np.allclose(np.sum(value, self.axis), 1.0))

    def about(self, shown: str) -> str:
        along = "" if len(shape_of(self.of)) <= 1 else f", axis={self.axis}"
        return f"sum({shown}{along}) = 1"


@dataclass(frozen=True, eq=False)
class Simplex(SumsToOne):
    """The entries along `axis` are not negative and sum to one.

    >>> import tinygrad_xent as tx
    >>> str(Simplex(tx.tensor([0.0, 1.0], name="p")))
    'sum(p) = 1'
    """


@dataclass(frozen=True, eq=False)
class OneHot(Simplex):
    """Along `axis` one entry is 1 and the others are 0.

    >>> import tinygrad_xent as tx
    >>> str(OneHot(tx.tensor([0.0, 1.0], name="y")))
    'y is one-hot'
    """

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        return self.adjusted(rng.uniform(size=shape))

    def adjusted(self, value: Any) -> Any:
        return (value == value.max(self.axis, keepdims=True)) * 1.0

    def holds(self, value: Any) -> bool:
        return super().holds(value) and bool(np.isin(value, (0.0, 1.0)).all())

    def about(self, shown: str) -> str:
        return f"{shown} is one-hot"


@dataclass(frozen=True, eq=False)
class NonNegative(Assumption):
    """No entry is less than zero.

    >>> import tinygrad_xent as tx
    >>> str(NonNegative(tx.tensor([0.0, 2.0], name="x")))
    'x >= 0'
    """

    def adjusted(self, value: Any) -> Any:
        return np.abs(value)

    def holds(self, value: Any) -> bool:
        return bool(np.all(np.asarray(value) >= 0))

    def about(self, shown: str) -> str:
        return f"{shown} >= 0"


@dataclass(frozen=True, eq=False)
class Symmetric(Assumption):
    """A matrix that equals its transpose.

    >>> import tinygrad_xent as tx
    >>> x, A = tx.tensor([1.0, 2.0], name="x"), tx.tensor([[2.0, 1.0], [1.0, 3.0]], name="A")
    >>> tx.derive(x @ A @ x, x, tx.Symmetric(A)).result
    2*(A @ x)
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        shape = shape_of(self.of)
        if len(shape) != 2 or shape[0] != shape[1]:
            problem = "assume: only a square matrix can be symmetric"
            raise DeriveError(explain(problem, describe(self.of), "shape (n, n)"))

    def adjusted(self, value: Any) -> Any:
        return (value + value.T) / 2

    def holds(self, value: Any) -> bool:
        return bool(np.allclose(value, np.transpose(value)))

    def about(self, shown: str) -> str:
        return f"{shown} = {shown}.T"


@dataclass(frozen=True, eq=False)
class Constant(Assumption):
    """It does not change with what is differentiated by, though it was computed from it.

    >>> import tinygrad_xent as tx
    >>> z = tx.tensor([0.2, 5.0], name="z")
    >>> target = tx.softmax(2 * z).named("t")
    >>> loss = tx.softmax_cross_entropy(z, target)
    >>> tx.derive(loss, z, [tx.Constant(target), tx.Simplex(target)]).result
    softmax(z) - t
    """

    def about(self, shown: str) -> str:
        return f"{shown} is constant"


def stated(assume: Any) -> list[Assumption]:
    """The assumptions of a caller, who may write them as comparisons."""
    facts = assume if isinstance(assume, (list, tuple)) else (assume,)
    return [fact if isinstance(fact, Assumption) else _from_comparison(fact) for fact in facts]


def _from_comparison(fact: Any) -> Assumption:
    name = op_name(fact)
    args: tuple[Any, ...] = fact.args if name else ()
    if name in _SIGNS and is_number(args[1]) and args[1] == 0:
        return _SIGNS[name](args[0])
    if name in _MIRRORED and is_number(args[1]) and args[1] == 0:
        return _MIRRORED[name](-args[0])
    if name == "equal" and op_name(args[0]) == "sum" and is_number(args[1]) and args[1] == 1:
        if len(args[0].params["axis"]) == 1:
            return SumsToOne(args[0].args[0], args[0].params["axis"][0])
    if name == "equal" and any(_is_transpose(x, y) for x, y in (args, args[::-1])):
        return Symmetric(args[0] if op_name(args[1]) == "transpose" else args[1])
    raise DeriveError(
        explain(
            "derive: not an assumption it knows",
            text(fact) if isinstance(fact, Tensor) else describe(fact),
            "tx.Simplex(p), tx.OneHot(y), tx.Positive(x), tx.NonNegative(x), tx.Nonzero(x), "
            "tx.Symmetric(A), tx.Constant(t), p.sum() == 1, x > 0, x >= 0, x != 0",
        )
    )


def _is_transpose(x: Any, y: Any) -> bool:
    return op_name(y) == "transpose" and y.args[0] is x


_SIGNS = {"greater": Positive, "greater_equal": NonNegative, "not_equal": Nonzero}
_MIRRORED = {"less": Positive, "less_equal": NonNegative}


def of_the_loss(loss: Tensor) -> list[Assumption]:
    """What must hold for the loss to have a value and a slope."""
    return [fact for node in toposort(loss) for fact in _needed_by(node)]


def _needed_by(node: Tensor) -> Iterator[Assumption]:
    name, args = op_name(node), node.args
    if name in ("log", "sqrt") or (name == "power" and not _is_integer(args[1])):
        if isinstance(args[0], Tensor):
            yield Positive(args[0])
    elif name == "div" and isinstance(args[1], Tensor):
        yield Nonzero(args[1])
    elif name in ("maximum", "minimum"):
        yield Kink(args[0] - args[1])


def _is_integer(exponent: Any) -> bool:
    return is_number(exponent) and float(exponent).is_integer()
