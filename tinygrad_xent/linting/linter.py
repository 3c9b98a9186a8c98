"""A document, formula by formula: what is defined, what is claimed, and whether it follows."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..errors import ParseError, explain
from ..reading.latex_passages import MOST_CHARACTERS
from ..reading.latex_statements import Side, Statement
from ..reading.latex_tree import At, Call, Name, Num, Partial, Rel, Rows, Tree, indices, names, walk
from ..reading.latex_words import FUNCTIONS
from .assuming import conditions_of, given, symmetric, together
from .comparing import Comparer
from .defining import Defining
from .document import is_number
from .evaluate import ONES
from .excusing import assumption, excuse
from .gathering import Line, gather
from .judging import Finding, Judge
from .limits import decimal, limit, rounded
from .report import DEFINES, FOLLOWS, ILL, NOTHING, UNREAD, WRONG, Report
from .wellformed import widened
from .world import Facts


def judged(text: str, assume: Iterable[str], seconds: float) -> Report:
    """What `lint` returns."""
    if len(text) > MOST_CHARACTERS:
        raise ParseError(explain("lint: the document is too long", f"{len(text)} characters",
                                 f"up to {MOST_CHARACTERS}"))  # fmt: skip
    return _Linter(time.monotonic() + seconds, [given(a) for a in assume]).run(text)


@dataclass
class _Linter(Defining):
    """Goes through the lines; what each is, and whether it follows."""

    def run(self, text: str) -> Report:
        self.document, self.lines, unread = gather(text, self.until)
        self.items += unread
        self.judge = Judge(self.document, Comparer(self.document, self.until), self.assumed)
        for line in self.lines:
            self._line(line)
        ordered = sorted(self.items, key=lambda item: (item.line, item.column))
        return Report(tuple(ordered))

    def _line(self, line: Line) -> None:
        self._judged(line)
        for side in line.statement.sides:
            if side.tree is not None:
                self.seen |= {n.text for n in walk(side.tree) if isinstance(n, Name)}

    def _judged(self, line: Line) -> None:
        if line.passage is not self.passage:
            self._turn_to(line)
        self.judge.given = self.facts
        self.judge.said = [*self.nearby, *conditions_of(self.document, line.statement.conditions)]
        if "symmetric" in line.passage.prose:
            self.judge.said += symmetric(self.document)
        sides, ops = list(line.statement.sides), list(line.statement.ops)
        if ops and self._under_unknown_conditions(line):
            both = replace(sides[-1], start=sides[0].start)
            self._item(line, both, Finding(UNREAD, "Not judged: the condition it holds under."))
            return
        if line.statement.continues:
            self._continued(line)
            start = 0
        else:
            if not ops:
                self._alone(line, sides[0])
                return
            self._first(line, sides[0], ops[0], sides[1])
            start = 1
        for op, before, side in zip(ops[start:], sides[start:], sides[start + 1 :], strict=False):
            self._step(line, op, side, before=before.end)

    def _under_unknown_conditions(self, line: Line) -> bool:
        """An equation that is said to hold where something holds that cannot be arranged."""
        conditions = line.statement.conditions
        known = conditions_of(self.document, conditions)
        ranges = [c for c in conditions if isinstance(c, Rel) and c.op == "∈"]
        return "=" in line.statement.ops and len(known) + len(ranges) < len(conditions)

    def _turn_to(self, line: Line) -> None:
        """A new formula: what was given in the one before ends; what is said around it counts."""
        self.passage, self.facts = line.passage, Facts()
        if not line.passage.display:
            self.around += conditions_of(self.document, _relations(line.statement))
            return
        self.nearby, self.around = self.around, []
        after = next((x for x in self.lines[line.number :] if x.passage is not line.passage), None)
        if after is not None and not after.passage.display and _FOR.match(after.passage.prose):
            self.nearby += conditions_of(self.document, _relations(after.statement))

    def _continued(self, line: Line) -> None:
        loose = line.statement.continues != "=" and not line.passage.display
        if loose or (not self.anchors and self.head is None):
            self._item(line, line.statement.sides[0], Finding(NOTHING))
            return
        self._step(line, line.statement.continues, line.statement.sides[0])

    def _alone(self, line: Line, side: Side) -> None:
        self._start(side.tree)
        if side.tree is None:
            self._item(line, side, Finding(UNREAD, f"Not read: {side.problem}."))
        else:
            self._item(line, side, Finding(NOTHING))

    def _start(self, tree: Tree | None) -> None:
        self.head, self.anchors = tree, [] if tree is None else [tree]

    def _first(self, line: Line, left: Side, op: str, right: Side) -> None:
        """The first relation of a chain: a definition, a declaration, or a claim."""
        self._start(left.tree)
        both = replace(right, start=left.start)
        unread = next((s for s in (left, right) if s.tree is None), None)
        if unread is not None:
            self._start(right.tree or left.tree)
            self._item(line, both, Finding(UNREAD, f"Not read: {unread.problem}."))
            return
        assert left.tree is not None
        assert right.tree is not None
        if op != "=":
            self._other(line, op, left.tree, right.tree, both)
        elif self._says_nothing(line, left.tree, right.tree):
            self._item(line, both, self._declared(line, left.tree))
        elif not self._given(line, left.tree, right.tree, both):
            self._equation(line, left.tree, right.tree, both)

    def _equation(self, line: Line, left: Tree, right: Tree, both: Side) -> None:
        new = self._never_seen(left, right)
        found = self.document.defines(left)
        derivative = any(isinstance(n, Partial) for n in walk(left))
        if found is None and new and not derivative:
            self._item(line, both, Finding(UNREAD, f"Not judged: nothing says what {new} is."))
            self._start(right)
        elif (
            found
            and found[0] not in self.document.sizes
            and self._is_new(line, found[0], left, right)
        ):
            self._define(line, *found, left, right, both)
        else:
            self._step(line, "=", replace(both, tree=right), both)

    def _never_seen(self, left: Tree, right: Tree) -> str:
        """A name on the left that occurs nowhere before, nor on the right."""
        known = self.seen | self.document.closure(right) | self.document.functions
        known |= indices(left) | {*FUNCTIONS.values()}
        new = names(left) - known
        return min(new - self.document.sizes - {"\\pi", ONES}, default="")

    def _says_nothing(self, line: Line, left: Tree, right: Tree) -> bool:
        """`m = 3` and `x = y` within a sentence; `z = (z_1, ..., z_m)`."""
        atoms = all(_is_atom(t) for t in (left, right))
        value = isinstance(left, At) and is_number(right) and not _is_entry(left)
        entries = isinstance(right, Rows) or (
            isinstance(right, Tree) and any(isinstance(n, Rows) for n in walk(right))
        )
        listed = isinstance(left, Name) and entries and all(
            n.text in (left.text, "T") or n.text in self.document.sizes
            for n in walk(right) if isinstance(n, Name)
        )  # fmt: skip
        indices_only = all(isinstance(t, Name | Num) for t in (left, right)) and (
            isinstance(left, Name) and left.text in self.document.letters
        )
        return listed or indices_only or value or (atoms and not line.passage.display)

    def _declared(self, line: Line, left: Tree, member: bool = False) -> Finding:
        """A declaration is ill-formed where two lengths do not fit."""
        clashes = [c for c in self.document.lengths.conflicts if c.line == line.number]
        if clashes and (member or "∈" not in line.statement.ops):
            clash = clashes[0]
            text = f"The vector {clash.symbol} has {clash.had} entries, and here {clash.found}."
            return Finding(ILL, text, "range")
        bold = "\\mathbf" in line.passage.text or "\\boldsymbol" in line.passage.text
        if isinstance(left, Name) and left.text in self.document.lengths.declared and not bold:
            return Finding(ILL, f"The letter {left.text} already stands for an index.", "letter")
        return Finding(NOTHING)

    def _given(self, line: Line, left: Tree, right: Tree, both: Side) -> bool:
        """x_1 = 0.2: a value, for this passage."""
        if not (isinstance(left, At) and isinstance(left.base, Name) and is_number(right)):
            return False
        name = left.base.text
        if not all(isinstance(i, Num) for i in left.at) or name in self.document.definitions:
            return False
        at = tuple(i.value.numerator for i in left.at if isinstance(i, Num))
        value = float(Comparer(self.document).world(0, Facts(), {}, 1).value(right).scalar)
        label = self.document.lengths.label(("axis", left.base.text, 0)) or f"|{left.base.text}|"
        most = max(at[0], self.facts.sizes.get(label, 1))
        more = Facts(given={(left.base.text, at): value}, sizes={label: most})
        self.facts = self.judge.given = together(self.facts, more)
        self._item(line, both, Finding(DEFINES))
        return True

    def _other(self, line: Line, op: str, left: Tree, right: Tree, both: Side) -> None:
        if op == "≈" and line.passage.display:
            found = limit(self.judge, line.statement.conditions, left, right)
            self._item(line, both, found)
        elif op in ("∈", "~", "≠", "<", ">", "≤", "≥", "→", "≈", "∀", "∉"):
            clash = self._declared(line, Name(""), member=True) if op == "∈" else Finding(NOTHING)
            self._item(line, both, clash)
        else:
            self._item(line, both, Finding(UNREAD, f"Not judged: the relation {op}."))

    def _step(
        self, line: Line, op: str, side: Side, shown: Side | None = None, before: int | None = None
    ) -> None:
        """One more side of a chain; it is shown with its relation."""
        first = shown is not None
        shown = shown or replace(side, start=self._relation_before(line, side, before))
        right = side.tree
        if right is None:
            self._item(line, shown, Finding(UNREAD, f"Not read: {side.problem}."))
        elif op == "∈":
            self._item(line, shown, self._declared(line, Name(""), member=True))
        elif op not in "=≈" or not self.anchors or (op == "≈" and decimal(right) is None):
            self._item(line, shown, Finding(UNREAD, f"Not judged: the relation {op}."))
        elif op == "≈":
            self._item(line, shown, rounded(self.judge, self.anchors[0], right))
        elif not self._opens(line, right, shown):
            self._claim(line, right, shown, first)

    def _claim(self, line: Line, right: Tree, shown: Side, first: bool) -> None:
        """`right` is said to equal what is to its left, or above."""
        outside = indices(self.head) if self.head is not None else set()
        right = widened(right, outside)
        if decimal(right) is not None and self.facts.given:
            finding = rounded(self.judge, self.anchors[0], right)
        else:
            finding = self.judge.step(self.anchors, right, self._problems(line, right, outside))
        if finding.verdict in (WRONG, ILL) and self.head is not None:
            finding = self._excused(finding, self.head, right, first)
        if finding.verdict == FOLLOWS and isinstance(self.head, Name):
            self.document.others.setdefault(self.head.text, []).append(right)
        self._go_on_from(finding, right)
        self._item(line, shown, finding, self.head if first else None)

    def _go_on_from(self, finding: Finding, right: Tree) -> None:
        """What the next side may follow from: this one as it is, as repaired, or one before it."""
        better = [finding.tree] if finding.tree is not None else []
        if finding.verdict in (WRONG, ILL):
            self.anchors = [*better, right, *self.anchors][:4]
        elif finding.verdict == UNREAD:
            self.anchors = [*self.anchors[:2], right]
        else:
            self.anchors = [right, *self.anchors[:1]]

    def _excused(self, finding: Finding, head: Tree, right: Tree, first: bool) -> Finding:
        """What is not meant as a claim is not called wrong."""
        assumed = assumption(head, right) if first else None
        if assumed is not None:
            self.judge.stated.append(assumed)
            return Finding(NOTHING, "Taken as an assumption from here on.")
        return excuse(self.judge, head, right, first) or finding

    def _opens(self, line: Line, right: Tree, shown: Side) -> bool:
        """`a = \\sigma(z) = ...`, where nothing has said what sigma is."""
        left = self.anchors[0] if self.anchors else None
        if not isinstance(left, Call) or left.name in self.document.definitions:
            return False
        found = self.document.defines(left)
        if found is None or left.name not in self.document.functions:
            return False
        self._define(line, *found, left, right, shown)
        return True

    def _relation_before(self, line: Line, side: Side, before: int | None) -> int:
        """Where the relation in front of a side begins."""
        text = line.passage.text[: side.start]
        if before is not None:
            return before + len(text[before:]) - len(text[before:].lstrip(" &\n\t{}"))
        match = re.search(r"(?:=|\\[A-Za-z]+|[<>≈≤≥])[\s&]*$", text)
        return match.start() if match else side.start


def _is_atom(tree: Tree) -> bool:
    """A number, a name or an entry of one."""
    entry = isinstance(tree, At) and isinstance(tree.base, Name)
    return entry or isinstance(tree, Name) or is_number(tree)


def _is_entry(tree: At) -> bool:
    """x_1: one entry, whose value may be given."""
    return all(isinstance(i, Num) for i in tree.at)


_FOR = re.compile(r"\s*,?\s*(?:for|when|where|if|with|since|as|because|in the case)\b[\w\s]{0,20}$")


def _relations(statement: Statement) -> list[Tree]:
    """The relations of a statement, one by one."""
    both = zip(statement.ops, statement.sides, statement.sides[1:], strict=False)
    return [Rel(op, a.tree, b.tree) for op, a, b in both if a.tree and b.tree]
