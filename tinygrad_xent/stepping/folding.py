"""Which boxes a large drawing shows as one: composite functions, named blocks, then stretches.

Every block lies between its arguments and its result in some order of computation, so that showing
it as one box never makes a circle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..algebra.loss.compositions import Found
from ..graph import Tensor
from .recording import Walked
from .records import Block
from .symbols import Symbols

MANY = 150  # boxes in one drawing
_STRETCH = 30  # boxes in a stretch


@dataclass
class _Unit:
    """Boxes that are shown as one, until something larger is made of it."""

    nodes: list[Tensor]  # the last is its result
    blocks: list[str]  # that it lies in, the innermost first


class Folding:
    """The blocks of a graph, and which box lies in which."""

    def __init__(self, walked: Walked, symbols: Symbols, found: Sequence[Found]) -> None:
        self._symbols, self._ids = symbols, walked.ids
        self.blocks: dict[str, Block] = {}
        self._inside: dict[str, tuple[str, ...]] = {}
        if len(walked.shown) <= MANY:
            return
        units = [_Unit([n], []) for n in _beside_users(walked.shown)]
        users = _users(walked.shown)
        for groups in (_composites(found, users), _named(walked.shown, users)):
            if len(units) > MANY:
                units = self._joined(units, groups)
        if len(units) > MANY:
            units = self._stretches(units)

    def of(self, box: str) -> tuple[str, ...]:
        """The blocks that a box lies in, the outermost first; a constant lies with its user."""
        return self._inside.get(box.split("c")[0], ())

    def _joined(self, units: list[_Unit], groups: dict[int, int]) -> list[_Unit]:
        """Units whose results have the same group become one, at the place of the last."""
        members: dict[int, list[_Unit]] = {}
        for unit in units:
            members.setdefault(groups.get(id(unit.nodes[-1]), id(unit.nodes[-1])), []).append(unit)
        joined = {id(part[-1]): self._block(part) for part in members.values()}
        return [joined[id(unit)] for unit in units if id(unit) in joined]

    def _stretches(self, units: list[_Unit]) -> list[_Unit]:
        size = max(_STRETCH, -(-len(units) // MANY))
        return [self._block(units[i : i + size]) for i in range(0, len(units), size)]

    def _block(self, parts: list[_Unit]) -> _Unit:
        """One unit of several, which lies in a new block."""
        whole = _Unit([n for part in parts for n in part.nodes], [])
        if len(parts) == 1:
            return parts[0]
        name = f"b{len(self.blocks)}"
        count = sum(n.op is not None for n in whole.nodes)
        title = self._symbols.of(whole.nodes[-1]).name
        self.blocks[name] = Block(name, title, count)
        for node in whole.nodes:
            box = self._ids[id(node)]
            self._inside[box] = (name, *self._inside.get(box, ()))
        for inner in {b for part in parts for b in part.blocks}:
            held = self.blocks[inner]
            self.blocks[inner] = Block(inner, held.title, held.count, name)
        whole.blocks = [name]
        return whole


def _beside_users(shown: list[Tensor]) -> list[Tensor]:
    """Another order of computation: each leaf directly before its first user."""
    placed: dict[int, Tensor] = {}
    for node in shown:
        if node.op is not None:
            leaves = (a for a in node.args if type(a) is Tensor and a.op is None)
            placed |= {id(a): a for a in leaves if id(a) not in placed}
            placed[id(node)] = node
    return list(placed.values())


def _users(shown: list[Tensor]) -> dict[int, list[Tensor]]:
    users: dict[int, list[Tensor]] = {}
    for node in shown:
        for a in node.args:
            if type(a) is Tensor:
                users.setdefault(id(a), []).append(node)
    return users


def _composites(found: Sequence[Found], users: dict[int, list[Tensor]]) -> dict[int, int]:
    """Each inner node of a composition to its last; only where nobody else uses the inner ones."""
    groups: dict[int, int] = {}
    for f in found:
        members = {id(f.root), *map(id, f.inner)}
        if all(id(u) in members for n in f.inner for u in users[id(n)]):
            groups |= dict.fromkeys(members, id(f.root))
    return groups


def _named(shown: list[Tensor], users: dict[int, list[Tensor]]) -> dict[int, int]:
    """Each node to the named one that alone uses it, directly or through others that do."""
    owner: dict[int, int] = {}
    for node in reversed(shown):
        owners = {owner[id(u)] for u in users.get(id(node), [])}
        own = (node.name and node.op is not None) or len(owners) != 1
        owner[id(node)] = id(node) if own else owners.pop()
    sizes = Counter(owner.values())
    named = {id(n) for n in shown if n.name}
    return {key: o for key, o in owner.items() if o in named and sizes[o] <= MANY}
