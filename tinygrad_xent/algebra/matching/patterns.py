"""A formula in which some names are wildcards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...graph import Tensor, toposort
from ..terms.views import Term, outermost
from .kinds import Whole
from .sums import Along, AlongAny, Place, PlaceAny


class Pattern:
    """A formula, and what may stand for each of its wildcards.

    Args:
        before: the formula.
        wildcards: what stands in it, by name.
        kinds: what each may stand for.

    Attributes:
        names, sums, places: the names of the wildcards for terms, for sums along axes and for
            places of entries, by `id`.
        single: the names of those that stand for one factor each, because they occur repeatedly.
        outermost: what the formula is in the first place.
    """

    def __init__(
        self, before: Term, wildcards: Mapping[str, Any], kinds: Mapping[str, Any]
    ) -> None:
        self.before, self.kinds, self.outermost = before, kinds, outermost(before)
        self.names = {id(w): k for k, w in wildcards.items() if isinstance(w, Tensor)}
        self.sums = {id(w): k for k, w in wildcards.items() if isinstance(w, AlongAny)}
        self.places = {id(w): k for k, w in wildcards.items() if isinstance(w, Place)}
        whole = {name for name, kind in kinds.items() if kind is Whole}
        self.single = _repeated(before, self.names) - whole


def wildcard(name: str, kind: Any) -> Any:
    """What stands in a pattern for anything of a kind."""
    if issubclass(kind, Along):
        return AlongAny()
    if kind is Place:
        return PlaceAny()
    example = kind.draw(np.random.default_rng(0), {"along": AlongAny()})
    return Tensor(np.ones(np.shape(example)), name)


def _repeated(pattern: Term, names: dict[int, str]) -> set[str]:
    """The wildcards that occur more than once, which therefore stand for one factor each."""
    nodes = toposort(pattern) if isinstance(pattern, Tensor) else []
    seen = [id(a) for node in nodes for a in node.args if id(a) in names]
    return {names[i] for i in seen if seen.count(i) > 1}
