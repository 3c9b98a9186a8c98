"""What the checker found, as data and as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Verification:
    """What the checker found: true if every claim holds.

    Attributes:
        claims: each claim, such as the name of a step, with what is wrong with it, or "".
        shapes: the variables, with their shapes.
        lengths: the letters in these shapes, with the lengths that were tried.
    """

    claims: tuple[tuple[str, str], ...]
    shapes: tuple[tuple[str, tuple[int | str, ...]], ...]
    lengths: tuple[tuple[str, tuple[int, ...]], ...]

    @classmethod
    def of(cls, claims: Any, variables: Any, lengths: dict[str, int]) -> Verification:
        """From the nodes of variables, and letters for lengths that were also tried one longer."""
        letters = {n: letter for letter, n in lengths.items()}
        shapes = [(v["name"], tuple(letters.get(n, n) for n in v["shape"])) for v in variables]
        tried = [(letter, (n, n + 1)) for letter, n in lengths.items()]
        return cls(tuple(claims), tuple(shapes), tuple(tried))

    def __bool__(self) -> bool:
        return not any(problem for _, problem in self.claims)

    def __str__(self) -> str:
        lines = [f"  {claim}: {problem or 'holds'}" for claim, problem in self.claims]
        at = [f"{name} ({', '.join(map(str, shape))})" for name, shape in self.shapes]
        tried = [f"{name} = {n} and {m}" for name, (n, m) in self.lengths]
        lines.append(f"{'verified' if self else 'NOT verified'} at the shapes {', '.join(at)}")
        lines[-1] += " with " * bool(tried) + ", ".join(tried)
        return "\n".join("".join(c if c.isprintable() else "?" for c in line) for line in lines)
