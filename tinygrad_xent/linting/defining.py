"""What a document has said so far, and what its definitions give a meaning to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ..reading.latex_passages import Passage
from ..reading.latex_statements import Side
from ..reading.latex_text import latex
from ..reading.latex_tree import Tree, indices
from .assuming import Assumption
from .calculus import UnknownError
from .comparing import OutOfTimeError
from .document import Definition, Document
from .gathering import Line
from .judging import Finding, Judge
from .report import ASSUMING, DEFINES, FOLLOWS, ILL, UNREAD, Item
from .values import CannotReadError
from .wellformed import Problem, problems, range_text, widened
from .world import Facts


@dataclass
class Defining:
    """The state of a lint, with definitions; claims are judged in linter.py."""

    until: float
    assumed: list[Assumption]
    judge: Judge = field(init=False)
    document: Document = field(default_factory=Document)
    items: list[Item] = field(default_factory=list)
    anchors: list[Tree] = field(default_factory=list)
    head: Tree | None = None  # what the chain began with
    facts: Facts = field(default_factory=Facts)  # values given in this passage
    passage: Passage | None = None
    around: list[Assumption] = field(default_factory=list)  # said since the last display
    nearby: list[Assumption] = field(default_factory=list)  # said around this one
    lines: list[Line] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    sections: dict[str, tuple[int, int]] = field(default_factory=dict)  # where a name was defined

    def _is_new(self, line: Line, name: str, left: Tree, right: Tree) -> bool:
        """Whether `left = right` gives a name its meaning, rather than claiming something."""
        if name not in self.document.definitions:
            return True
        if not line.passage.display or self.sections[name] == (line.passage.section, line.number):
            return False
        old_section, _ = self.sections[name]
        if line.passage.section != old_section:
            return self._differs(left, right)
        cues = ("defin", "let ", "consider", "instead", "substitut", "suppose", "now use", "denote")
        said = line.passage.prose.lower()
        return bool(said.strip()) and any(c in said for c in cues) and self._differs(left, right)

    def _differs(self, left: Tree, right: Tree) -> bool:
        return self.judge.step([left], right, []).verdict not in (FOLLOWS, ASSUMING)

    def _define(
        self, line: Line, name: str, definition: Definition, left: Tree, right: Tree, both: Side
    ) -> None:
        if name in self.document.closure(right) and name not in self.document.definitions:
            self._item(line, both, Finding(UNREAD, f"Not judged: {name} is defined by itself."))
            return
        problem = "" if definition.kind == "function" else self._unreadable(right)
        if problem:
            self._item(line, both, Finding(UNREAD, f"Not judged: {problem}."))
            return
        outside = indices(left) | {*definition.params}
        right = widened(right, outside)
        found = self._problems(line, right, outside)
        again = self.sections.get(name)
        finding = Finding(DEFINES)
        if found:
            meant = next(iter(found[0].repairs), None)
            right = meant or right
            rest = self._problems(line, right, outside, ignoring=found[0].kind) if meant else []
            if rest and rest[0].repairs:
                right = meant = rest[0].repairs[0]
            finding = Finding(ILL, _sentences(found), found[0].kind, (), meant)
        elif again is not None:
            finding = Finding(DEFINES, f"{name} had another meaning before.")
        self.document.definitions[name] = replace(definition, body=right, line=line.number)
        self.document.others.pop(name, None)
        self.judge.comparer.worlds.clear()
        self.sections[name] = (line.passage.section, line.number)
        self.anchors = [right]
        self._item(line, both, finding, left)

    def _unreadable(self, right: Tree) -> str:
        """Why a formula has no value, if it has none; one that lacks a definition may have one."""
        try:
            self.judge.comparer.compare(right, right, self.facts, trials=1)
        except (UnknownError, OutOfTimeError) as error:
            return str(error)
        except CannotReadError as error:
            return str(error)
        except (RecursionError, OverflowError, MemoryError, ValueError):
            return "it is too large"
        return ""

    def _problems(
        self, line: Line, tree: Tree, outside: set[str], ignoring: str = ""
    ) -> list[Problem]:
        mine = [c for c in self.document.lengths.conflicts if c.line == line.number]
        sizes = self.document.sizes
        found = problems(tree, outside - sizes, mine, sizes)
        found = [p for p in found if p.kind != ignoring]
        if mine and not any(p.kind == "range" for p in found) and ignoring != "range":
            if not found:
                found.append(Problem("range", range_text(mine[0])))
        return found

    def _item(self, line: Line, side: Side, found: Finding, left: Tree | None = None) -> None:
        passage = line.passage
        start, end = (0, len(passage.text)) if passage.plain else (side.start, side.end)
        place = passage.place(side.problem_at if side.tree is None and side.problem else start)
        source = passage.text[start:end].strip().strip("&").strip() or passage.text.strip()[:200]
        repaired = ""
        if found.tree is not None:
            repaired = f"{latex(left) + ' ' if left is not None else ''}= {latex(found.tree)}"
        self.items.append(Item(*place, source, found.verdict, found.explanation, found.kind,
                               found.assumptions, repaired, found.counterexample))  # fmt: skip


def _sentences(found: Sequence[Problem]) -> str:
    text = "; ".join(p.text for p in found)
    return text[:1].upper() + text[1:] + "."
