"""One step at a time: does the right side follow from the left?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ..reading.latex_tree import Tree, indices
from .assuming import Assumption, candidates, together
from .calculus import UnknownError
from .comparing import Comparer, Difference, OutOfTimeError
from .document import Document
from .examples import counterexample
from .letters import letters_of
from .repairing import edits
from .report import ASSUMING, FOLLOWS, ILL, UNREAD, WRONG
from .values import CannotReadError
from .wellformed import Problem
from .world import Facts

_SECONDS = 4.0  # for the repair of one line


@dataclass
class Finding:
    """A verdict with what a report says about it; `tree` is the repaired side, if any."""

    verdict: str
    explanation: str = ""
    kind: str = ""
    assumptions: tuple[str, ...] = ()
    tree: Tree | None = None
    counterexample: str = ""


@dataclass
class Judge:
    """Judges steps of one document."""

    document: Document
    comparer: Comparer
    stated: list[Assumption] = field(default_factory=list)
    said: list[Assumption] = field(default_factory=list)  # around this formula
    given: Facts = field(default_factory=Facts)

    def step(self, anchors: Sequence[Tree], right: Tree, problems: Sequence[Problem]) -> Finding:
        """The verdict on `right`, which has to equal one of the anchors, best the first."""
        try:
            return self._step(anchors, right, problems)
        except OutOfTimeError as error:
            return Finding(UNREAD, f"{error}")
        except CannotReadError as error:
            return Finding(UNREAD, f"Not judged: {error}.")
        except (RecursionError, OverflowError, MemoryError):
            return Finding(UNREAD, "Not judged: it is too large.")

    def _step(self, anchors: Sequence[Tree], right: Tree, problems: Sequence[Problem]) -> Finding:
        differences: list[tuple[Tree, Difference | None]] = []
        unread: CannotReadError | None = None
        for place, left in enumerate(anchors):
            try:
                found = self._related(left, right, differences)
            except OutOfTimeError:
                raise
            except UnknownError as error:
                found = self._implicit(left, right, error, differences)
                unread = unread or error
            except CannotReadError as error:
                unread = unread or error
                continue
            if found:
                return self._with_problems(self._placed(found, place), left, right, problems)
        if not differences:
            raise unread or CannotReadError("nothing to compare it with")
        return self._wrong(*differences[0], right, problems)

    def _placed(self, found: Finding, place: int) -> Finding:
        note = "It follows from an earlier line, not from the one just above."
        if place == 0:
            return found
        return replace(found, explanation=f"{found.explanation} {note}".strip())

    def _related(
        self, left: Tree, right: Tree, differences: list[tuple[Tree, Difference | None]]
    ) -> Finding | None:
        """Follows, perhaps under an assumption; else the difference is added."""
        plain = self.comparer.compare(left, right, self.given)
        if plain.same:
            return Finding(FOLLOWS)
        if plain.difference is None:
            raise CannotReadError(
                "the difference is too small to tell from rounding"
                if plain.undecided
                else "too few points were found at which the line above is defined"
            )
        for assumption in self._assumed(left, right):
            facts = together(self.given, *(a.facts for a in assumption))
            if self._holds(left, right, facts):
                return Finding(ASSUMING, assumptions=tuple(a.text for a in assumption))
        differences.append((left, plain.difference))
        return None

    def _assumed(self, left: Tree, right: Tree) -> list[tuple[Assumption, ...]]:
        said = [(a,) for a in (*self.said, *self.stated)]
        everything = [tuple(a for (a,) in said)] if len(said) > 1 else []
        mixed = [(*s, *c) for s in said for c in candidates(self.document, left, right)]
        return [*said, *everything, *candidates(self.document, left, right), *mixed[:60]]

    def _holds(self, left: Tree, right: Tree, facts: Facts) -> bool:
        try:
            return self.comparer.compare(left, right, facts).same
        except OutOfTimeError:
            raise
        except (CannotReadError, ValueError, KeyError):
            return False

    # -- what is not said -------------------------------------------------------------------------

    def _implicit(
        self, left: Tree, right: Tree, error: UnknownError,
        differences: list[tuple[Tree, Difference | None]],
    ) -> Finding | None:  # fmt: skip
        """A derivative by something that the quantity is not said to depend on, in any way."""
        base = error.by.split("_")[0] if "_" in error.by else error.by
        if base in self.document.definitions:
            return None
        used = self.document.closure(left) | self.document.closure(right)
        inner = {x for x in used if self.document.rank(x) and x != base
                 and x not in self.document.definitions}  # fmt: skip
        choices = [inner, *({x} for x in sorted(inner) if len(inner) > 1)]
        for chosen in choices:
            facts = together(self.given, Facts(depends={x: frozenset([base]) for x in chosen}))
            if chosen and self._holds(left, right, facts):
                still = sorted(inner - chosen)
                if not still:
                    names = " and ".join(sorted(chosen))
                    depend = "depend" if len(chosen) > 1 else "depends"
                    return Finding(FOLLOWS, f"In whatever way {names} {depend} on {base}.")
                return Finding(ASSUMING, assumptions=tuple(
                    f"{x} does not depend on {base}" for x in still))  # fmt: skip
        return None

    # -- what is wrong ----------------------------------------------------------------------------

    def _with_problems(
        self, found: Finding, left: Tree, right: Tree, problems: Sequence[Problem]
    ) -> Finding:
        """An equation that holds as it stands, but binds a letter that is in use."""
        captured = [p for p in problems if p.kind == "captured"]
        if not captured:
            return found
        meant = next((t for t in captured[0].repairs if self._follows(left, t)), None)
        return replace(found, verdict=ILL, kind="captured", tree=meant,
                       explanation=_sentence(captured[0].text))  # fmt: skip

    def _wrong(
        self, left: Tree, difference: Difference | None, right: Tree, problems: Sequence[Problem]
    ) -> Finding:
        example = counterexample(self, left, right, difference)
        for problem in problems:
            for meant in problem.repairs:
                needed = self._under(left, meant)
                if needed is not None:
                    said = _sentence(problem.text)
                    return Finding(ILL, said, problem.kind, needed, meant, example)
        edit = self._repair(left, right)
        if problems and edit is None:
            text = _sentence("; ".join(p.text for p in problems))
            return Finding(ILL, text, problems[0].kind, (), None, example)
        if edit is not None:
            tree, kind, text = edit
            verdict, said = WRONG, _sentence(text)
            if kind in ("index", "sum", "range") and any(p.repairs for p in problems):
                verdict, kind = ILL, problems[0].kind
                said = _sentence(problems[0].text)
            return Finding(verdict, said, kind, self._under(left, tree) or (), tree, example)
        stray = sorted(indices(right) - indices(left) - self.document.sizes)
        if stray and not self._fixed(stray):
            text = f"The index {stray[0]} is free on the right side only."
            return Finding(ILL, text, "unbound", (), None, example)
        return Finding(WRONG, self._if_equal(left, right), "", (), None, example)

    def _fixed(self, letters: Sequence[str]) -> bool:
        """Whether a definition leaves these letters open, as L = -log q_k does."""
        bodies = self.document.definitions.values()
        return all(any(x in indices(d.body) and x not in d.params for d in bodies) for x in letters)

    def _if_equal(self, left: Tree, right: Tree) -> str:
        """Where two indices are equal, it may hold."""
        both = sorted((indices(left) & indices(right)) - self.document.sizes)
        for i in both:
            for j in both:
                facts = together(self.given, Facts(equal=frozenset([(i, j)])))
                if i < j and self._holds(left, right, facts):
                    return f"It holds only where {i} = {j}."
        return ""

    def _follows(self, left: Tree, right: Tree) -> bool:
        return self._under(left, right) is not None

    def _under(self, left: Tree, right: Tree) -> tuple[str, ...] | None:
        """The assumptions under which a repaired line follows; None if it does not."""
        try:
            related = self._related(left, right, [])
        except CannotReadError:
            return None
        return related.assumptions if related else None

    def _repair(self, left: Tree, right: Tree) -> tuple[Tree, str, str] | None:
        """The first edit that makes the line follow; without assumptions, if possible."""
        letters = letters_of(self.document, left, right)
        until = time.monotonic() + _SECONDS
        simplex = [a for a in candidates(self.document, left, right) if _is_usual(a)][:4]
        usual = [together(self.given, *(s.facts for s in a)) for a in simplex]
        later: tuple[Tree, str, str] | None = None
        for edit in edits(right, letters):
            if time.monotonic() > min(until, self.comparer.until):
                break
            for facts in (self.given, *(usual if later is None else ())):
                if self._passes(left, edit.tree, facts):
                    if facts is self.given:
                        return edit.tree, edit.kind, edit.text
                    later = edit.tree, edit.kind, edit.text
                    break
        return later

    def _passes(self, left: Tree, right: Tree, facts: Facts) -> bool:
        """One trial first: most edits fail it."""
        try:
            first = self.comparer.compare(left, right, facts, trials=1)
        except OutOfTimeError:
            raise
        except (CannotReadError, ValueError, KeyError, RecursionError):
            return False
        return first.difference is None and self._holds(left, right, facts)


def _is_usual(assumption: tuple[Assumption, ...]) -> bool:
    return all(a.facts.simplex or a.facts.sizes for a in assumption)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
