"""A loss copied onto random numbers for which the assumptions hold.

A derivation checks each of its steps on numbers. The user's own may be special (a one-hot target, a
zero), so that wrong steps would pass; random ones are not.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph import Tensor, is_float, toposort
from ..writing.text import leaf_names
from .assumptions import Assumption

_ATTEMPTS = 6


class Copy:
    """The loss on other numbers.

    Args:
        loss: what is copied.
        wrt: becomes a leaf of the copy, even if the user computed it.
        facts: assumptions about nodes of the loss.

    Attributes:
        loss: the copy.
        facts: pairs of a copied node and the assumption about its original.
        original: the original of each copied node, by its `id`.
        recognised: the names of the definitions that are not the user's.
        wrt: the name of what the copy is differentiated with respect to.
    """

    def __init__(self, loss: Tensor, wrt: Tensor | None, facts: list[Assumption]) -> None:
        self._wrt, self._facts = wrt, facts
        names = leaf_names(loss) | {id(n): n.name for n in toposort(loss) if n.name}
        if wrt is not None:
            names.setdefault(id(wrt), wrt.name or "x")
        for attempt in range(_ATTEMPTS):
            self._made: dict[int, Any] = {}
            self._names, self._rng = names, np.random.default_rng(attempt)
            self._spread = (1.0, 0.5, 0.1)[attempt % 3]
            self.loss = self.of(loss)
            if np.isfinite(self.loss._value).all():
                break
        self.facts = [(self.of(a.of), a) for a in facts]
        self.wrt = "" if wrt is None else self.of(wrt).name or ""
        self._order = [n for n in toposort(loss) if id(n) in self._made]
        self.original = {id(self._made[id(n)]): n for n in self._order}
        self.recognised: set[str] = set()

    @property
    def inner(self) -> list[Tensor]:
        """The copied nodes between the leaves and the loss, arguments first."""
        copies = [self._made[id(n)] for n in self._order]
        return [c for c in copies if c.op is not None and c is not self.loss]

    @property
    def definitions(self) -> list[Tensor]:
        """The named inner nodes of the copy, arguments first."""
        return [c for c in self.inner if c.name]

    def recognise(self, node: Tensor, name: str) -> None:
        """Make a definition of a node that turned out to have a usual name."""
        node.name = name
        self.recognised.add(name)

    def of(self, node: Tensor) -> Tensor:
        """The copy of a node."""
        for n in toposort(node):
            if id(n) not in self._made:
                self._made[id(n)] = self._copied(n)
        return self._made[id(node)]  # type: ignore[no-any-return]

    def _copied(self, n: Tensor) -> Tensor:
        name = self._names.get(id(n)) or n.name
        if n.op is None or n is self._wrt:
            return Tensor(self._drawn(n), name)
        args = tuple(self._made[id(a)] if isinstance(a, Tensor) else a for a in n.args)
        made: Tensor = n.op(*args, **n.params)
        return made.named(name) if name else made

    def _drawn(self, n: Tensor) -> Any:
        if not is_float(n._value):
            return n._value
        stated = [a for a in self._facts if a.of is n]
        if stated:
            value = stated[0].draw(self._rng, n.shape)
        elif self._spread == 1.0:
            value = self._rng.normal(size=n.shape)
        else:
            value = self._rng.uniform(self._spread / 2, self._spread, size=n.shape)
        return np.asarray(value, dtype=float)[()]
