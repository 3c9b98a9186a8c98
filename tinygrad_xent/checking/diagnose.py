"""Which mistake explains a wrong gradient: every guess is computed and held against the user's.

A guess has to give the user's numbers at all points, but for a factor that means the same at each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from ..algebra.facts.assumptions import Assumption, SumsToOne
from ..graph import Tensor
from .counterexample import shown
from .factors import Factor, Probe, named, ratio
from .mistakes import Guess, combined, tiers
from .mistakes.paths import whole
from .points import Point
from .subject import Subject
from .titles import Titles
from .verdict import Diagnosis

_SECONDS, _MOST_SECONDS = 2.0, 8.0  # after which no more combinations, or guesses, are tried
_LARGEST = 300  # nodes of a graph in which single operations are looked at
_MOST = 3  # diagnoses that are told
_SIMPLE = 1.5  # the cost up to which a mistake may come with a factor other than -1
_MARGIN = 0.41  # by how much the others may be less simple than the first
_READABLE = 12  # entries of an array that is shown as evidence


def diagnose(
    subject: Subject, looks: Sequence[Look], titles: Titles, rtol: float = 1e-7
) -> list[Diagnosis]:
    """The mistakes that give the user's numbers, the simplest first.

    Args:
        subject: what was checked.
        looks: choices of points, with the user's gradient at each, and what is assumed for them.
        titles: what nodes are called.
        rtol: how closely a guess has to fit.
    """
    known = [look for look in looks if look.probes]
    if known and not any(np.any(p.hand) for p in known[0].probes):
        return [_nothing(subject)]
    started, singles = perf_counter(), list[Guess]()
    if len(subject.order) > _LARGEST:
        found = [f for look in known[:1] for f in _fitting(whole(subject), look.probes, rtol)]
        return _best(subject, found, known[0], titles) if found else []
    doubtful: list[tuple[list[Fit], Look]] = []
    for tier in tiers(subject):
        singles += tier
        for look in known:
            timely = (g for g in tier if perf_counter() - started < _MOST_SECONDS)
            found = _fitting(timely, look.probes, rtol)
            if found:
                doubtful.append((found, look))
            if found and not all(map(_is_twofold, found)):
                return _simplest(subject, doubtful, titles)
    if doubtful:
        return _simplest(subject, doubtful, titles)
    for look in known:
        late = (g for g in combined(singles) if perf_counter() - started < _SECONDS)
        found = _fitting(late, look.probes, rtol, enough=1)
        if found:
            return _best(subject, found, look, titles)
    return []


def _is_twofold(fit: Fit) -> bool:
    """Whether it is a mistake and a factor besides: a later one may explain it alone."""
    return bool(fit[1].sentence and fit[2].saying)


def _simplest(
    subject: Subject, several: list[tuple[list[Fit], Look]], titles: Titles
) -> list[Diagnosis]:
    found, look = min(several, key=lambda pair: min(cost for cost, _, _ in pair[0]))
    return _best(subject, found, look, titles)


def _nothing(subject: Subject) -> Diagnosis:
    return Diagnosis("missing path", f"yours is 0: the path to {subject.name(subject.wrt)} is cut")


class Look(NamedTuple):
    """Points, what the user's gradient is at each, and what is assumed for them, if anything."""

    probes: list[Probe]
    when: str = ""


Fit = tuple[float, Guess, Factor]


def _best(subject: Subject, found: list[Fit], look: Look, titles: Titles) -> list[Diagnosis]:
    """The simplest ones as they are told; of those that are much less simple, none."""
    least = min(cost for cost, _, _ in found)
    close = [f for f in found if f[0] <= least + _MARGIN]
    told = [(cost, _told(subject, guess, factor, look, titles)) for cost, guess, factor in close]
    told.sort(key=lambda pair: (pair[0], len(pair[1].sentence)))
    kinds: dict[str, Diagnosis] = {}
    for _, diagnosis in told:
        kinds.setdefault(diagnosis.kind, diagnosis)
    return list(kinds.values())[:_MOST]


def _fitting(
    tried: Iterable[Guess], probes: list[Probe], rtol: float, enough: int = 10**6
) -> list[Fit]:
    found: list[Fit] = []
    for guess in tried:
        factor = _factor(guess, probes, rtol)
        if factor is not None and guess.cost + factor.cost > 0:
            found.append((guess.cost + factor.cost, guess, factor))
            if len(found) >= enough:
                break
    return found


def _factor(guess: Guess, probes: list[Probe], rtol: float) -> Factor | None:
    """The factor by which a guess fits at all points, or None."""
    ratios = []
    for probe in probes:
        found = _computed(guess, probe.point)
        if found is None:
            return None
        r = ratio(probe.hand, found, rtol)
        if r is None:
            return None
        ratios.append(r)
    known = [r for r in ratios if not np.isnan(r)]
    if known and all(np.isclose(r, 1.0, rtol=max(rtol, 1e-7)) for r in known):
        return Factor(0.0, "", "")
    factor = named(ratios, probes)
    return factor if factor is not None and _is_plain(factor, guess) else None


def _is_plain(factor: Factor, guess: Guess) -> bool:
    """Whether a factor is plain enough beside a mistake: else anything fits something."""
    most = 9.0 if not guess.sentence else 2.0 if guess.cost <= _SIMPLE else 0.0
    return factor.name == "-1" or factor.cost <= most


def _computed(guess: Guess, point: Point) -> Any:
    try:
        with np.errstate(all="ignore"):
            found = guess.make(point)
    except Exception:  # a guess that makes no sense for these shapes
        return None
    if found is None:
        return None
    found = np.asarray(found)
    if found.shape == point.wrt.shape:
        return found
    try:
        return np.broadcast_to(found, point.wrt.shape)
    except ValueError:
        return None


def _told(subject: Subject, guess: Guess, factor: Factor, look: Look, titles: Titles) -> Diagnosis:
    both = "; and " if guess.sentence and factor.saying else ""
    names = [titles(n) for n in guess.nodes]
    sentence = _filled(guess.sentence, names) + both + factor.saying
    kind = guess.kind if guess.sentence else ("sign" if factor.name == "-1" else "factor")
    node = next((n for n in guess.nodes if isinstance(n, Tensor)), None)
    evidence = _evidence(guess, factor, look.probes[0])
    return Diagnosis(kind, sentence, evidence, names[0] if names else "", look.when, node)


def _filled(sentence: str, names: list[str]) -> str:
    """A sentence with the names put in: in brackets where a name is a sum or product after `d`."""

    def name(found: re.Match[str]) -> str:
        written = names[int(found[2])]
        return (
            f"d ({written})" if found[1] and _is_compound(written) else (found[1] or "") + written
        )

    return re.sub(r"(\bd )?\{(\d+)\}", name, sentence)


def _is_compound(written: str) -> bool:
    """Whether a formula has an operator outside of all brackets."""
    inside = re.compile(r"[(\[][^()\[\]]*[)\]]")
    while inside.search(written):
        written = inside.sub("", written)
    return bool(re.search(r"[-+*/@ ]", written))


def _evidence(guess: Guess, factor: Factor, probe: Probe) -> str:
    """The three arrays, where they are short enough to read."""
    if probe.hand.size > _READABLE:
        return ""
    found = _computed(guess, probe.point)
    times = f"{factor.name} x " if factor.name else ""
    with_it = f", with this mistake {times}{shown(found)}" if guess.sentence else ""
    at = "at your values" if probe.point.values == {} else "at random values"
    return f"{at} the gradient is {shown(probe.point.gradient)}, yours {shown(probe.hand)}{with_it}"


def usual_facts(subject: Subject) -> list[Assumption]:
    """What may have been taken for granted together with a mistake: that something sums to one."""
    known = {id(a.of) for a in subject.facts}
    return [
        SumsToOne(n, axis)
        for n in subject.leaves
        for axis in reversed(range(n.ndim))
        if n.name and n is not subject.wrt and id(n) not in known
    ]
