"""Python identifiers for names that may be any text."""

from __future__ import annotations

import keyword
import re
import unicodedata


class Names:
    """Identifiers for the names of the user: legal, and each once.

    Args:
        taken: what else the code uses.
    """

    def __init__(self, taken: set[str]) -> None:
        self._taken, self._made = set(taken), dict[str, str]()

    def __getitem__(self, name: str) -> str:
        return self._made[name]

    def get(self, name: str) -> str:
        """The identifier, or nothing if there is no such name."""
        return self._made.get(name, "")

    def copy(self) -> Names:
        """The same names, for a function with fresh ones of its own."""
        other = Names(self._taken)
        other._made = self._made
        return other

    def add(self, name: str) -> None:
        """Choose the identifier of a name."""
        if name not in self._made:
            self._made[name] = self._free(identifier(name))

    def fresh(self) -> str:
        """A name for what is computed once and used twice: t1, t2 ..."""
        i = 1
        while f"t{i}" in self._taken:
            i += 1
        self._taken.add(f"t{i}")
        return f"t{i}"

    def _free(self, wanted: str) -> str:
        name, i = wanted, 1
        while name in self._taken:
            name, i = f"{wanted}_{i}", i + 1
        self._taken.add(name)
        return name


def identifier(name: str) -> str:
    """The nearest Python identifier, spelled as Python itself would read it.

    >>> identifier("lambda"), identifier("x 1"), identifier("2"), identifier("σ")
    ('lambda_', 'x_1', 'x2', 'σ')
    """
    plain = unicodedata.normalize("NFKC", name)
    if not plain.isidentifier():
        plain = re.sub(r"\W+", "_", plain).strip("_")
        plain = plain if plain.isidentifier() else f"x{plain}"
        plain = plain if plain.isidentifier() else re.sub(r"[^A-Za-z0-9_]+", "_", plain)
    return f"{plain}_" if keyword.iskeyword(plain) else plain
