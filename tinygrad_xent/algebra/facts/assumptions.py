"""What a derivation may take for granted of a Tensor, and values for which it is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DeriveError, describe, explain
from ...graph import Tensor, shape_of
from ...ops.shaping import axes
from ...writing.text import text


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
