"""The names in generated code."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ...writing.identifiers import identifier

_OURS = re.compile(r"(out|rows|w|t|v|c)\d*|np|run|crew|pool|memory|buffers|empty|others|i|j|n")
_OUR_KINDS = re.compile(r"(ones|rows|starts|columns|op|loop)_")


class Naming:
    """Names for the inputs, and others that do not collide with them.

    >>> Naming(["X", "", "t1", "X"]).inputs
    ['X', 'x2', 't1_', 'X_']
    """

    def __init__(self, inputs: Sequence[str]) -> None:
        self.inputs: list[str] = []
        self._taken: set[str] = set()
        self._numbers: Counter[str] = Counter()
        for i, name in enumerate(inputs):
            self.inputs.append(self.free(identifier(name) if name else f"x{i + 1}"))

    def free(self, name: str) -> str:
        """The name, changed as much as necessary."""
        if _OUR_KINDS.match(name):
            name = f"x_{name}"
        while name in self._taken or _OURS.fullmatch(name):
            name += "_"
        self._taken.add(name)
        return name

    def numbered(self, letter: str) -> str:
        """The next of a row of names: t1, t2 ..."""
        self._numbers[letter] += 1
        return f"{letter}{self._numbers[letter]}"
