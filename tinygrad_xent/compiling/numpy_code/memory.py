"""Which values share memory: a value is put where one that nobody reads any more was.

The steps are gone through from the last to the first. So the place of a result is known before
those of its arguments, and an argument that is read for the last time can be put into the very
place of the result, which is then computed in place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    """What one step means for memory.

    Attributes:
        makes: the values that are there from then on.
        reads: those that it reads.
        over: of these, the ones whose place may be the result's own.
        scratch: kinds of memory that it needs for itself.
    """

    makes: tuple[Any, ...] = ()
    reads: tuple[Any, ...] = ()
    over: tuple[Any, ...] = ()
    scratch: tuple[Any, ...] = ()


class Places:
    """The places of values in memory.

    Args:
        kinds: for each value that needs a place the kind of memory, such as its shape and dtype.
        given: places that are there already, for some values.
        until: given places that hold something else until that step has been done.

    >>> places = Places({"x": 8, "y": 8, "z": 8}, {})
    >>> places.assign([Event(("x",)), Event(("y",), ("x",), ("x",)), Event(("z",), ("y",))])
    >>> places.of
    {'z': 0, 'y': 1, 'x': 1}
    """

    def __init__(
        self,
        kinds: Mapping[Any, Any],
        given: Mapping[Any, Any],
        until: Mapping[Any, int] | None = None,
    ) -> None:
        self._kinds, self._until = kinds, until or {}
        self.of: dict[Any, Any] = dict(given)
        self.scratch: dict[int, tuple[Any, ...]] = {}
        self.made: list[Any] = []
        self._free: dict[Any, list[Any]] = defaultdict(list)
        self._when: dict[Any, int] = {}

    def assign(self, events: list[Event]) -> None:
        """Find a place for each value that is made or read."""
        self._when = {value: i for i, event in enumerate(events) for value in event.makes}
        for i in range(len(events) - 1, -1, -1):
            event = events[i]
            self._find(event.makes)
            self._find(v for v in event.reads if v not in event.over)
            held = tuple(self._take(kind, i) for kind in event.scratch)
            for value in event.makes:
                if value in self._kinds:
                    self._free[self._kinds[value]].append(self.of[value])
            self._find(event.over)
            if held:
                self.scratch[i] = held
                for kind, place in zip(event.scratch, held, strict=True):
                    self._free[kind].append(place)

    def _find(self, values: Iterable[Any]) -> None:
        for value in values:
            if value in self._kinds and value not in self.of:
                self.of[value] = self._take(self._kinds[value], self._when[value])

    def _take(self, kind: Any, when: int) -> Any:
        """A free place for a value made in that step; the one that was freed last, if possible."""
        free = self._free[kind]
        for k in range(len(free) - 1, -1, -1):
            if self._until.get(free[k], -1) < when:
                return free.pop(k)
        self.made.append(kind)
        return len(self.made) - 1
