"""Every rewrite rule, tested from its own declaration: it is true, and each guard is needed."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_xent import ShapeError, log, sqrt
from tinygrad_xent.algebra.matching import kinds
from tinygrad_xent.algebra.matching.kinds import (
    Anything,
    Constant,
    NonNegative,
    Nonzero,
    Number,
    Parts,
    Positive,
    Simplex,
)
from tinygrad_xent.algebra.matching.rule import Rule, rule
from tinygrad_xent.algebra.matching.sums import Along, AlongOne, AlongRows
from tinygrad_xent.algebra.rules import ALGEBRA, COMPUTING, FORMS, NAMING, TIDYING
from tinygrad_xent.graph import Tensor, toposort

RULES = tuple(dict.fromkeys((*FORMS, *ALGEBRA, *TIDYING, *NAMING, *COMPUTING)))
GUARDS = (AlongOne, AlongRows, Constant, NonNegative, Nonzero, Parts, Positive, Simplex)
DRAWS = 300


def drawn(kind_of: dict[str, type], seed: int) -> dict[str, object]:
    """Random arguments for a rule; the sum comes first, because others are drawn to fit it."""
    rng, env = np.random.default_rng(seed), {}
    for name, kind in sorted(kind_of.items(), key=lambda item: item[0] != "along"):
        env[name] = kind.draw(rng, env)
    return env


def both_sides(r: Rule, env: dict[str, object]) -> list[tuple[np.ndarray, bool]]:
    """The two sides of a rule: value, and whether all that it is computed from is finite."""
    env = {k: Tensor(v) if isinstance(v, np.ndarray) else v for k, v in env.items()}
    with np.errstate(all="ignore"):
        sides = r.function(**env)
    return [_evaluated(side) for side in sides]


def _evaluated(side: object) -> tuple[np.ndarray, bool]:
    if not isinstance(side, Tensor):
        return np.asarray(side, float), True
    values = [np.asarray(n.value, float) for n in toposort(side)]
    return values[-1], all(np.isfinite(v).all() for v in values)


def is_true(r: Rule, kind_of: dict[str, type], seed: int) -> bool:
    """Whether, on one draw, both sides are defined and equal, or both are undefined."""
    try:
        (before, known), (after, known_after) = both_sides(r, drawn(kind_of, seed))
    except ShapeError:
        return False
    if not (known and known_after):
        return known == known_after or not known
    try:
        np.testing.assert_allclose(*np.broadcast_arrays(before, after), rtol=1e-9, atol=1e-9)
    except (AssertionError, ValueError):
        return False
    return True


def extends_the_domain(r: Rule, kind_of: dict[str, type], seed: int) -> bool:
    """Whether the right side is defined where the left is not."""
    try:
        (_, known), (_, known_after) = both_sides(r, drawn(kind_of, seed))
    except ShapeError:
        return False
    return known_after and not known


def is_sound(r: Rule) -> bool:
    return all(is_true(r, r.kinds, seed) for seed in range(DRAWS))


@pytest.mark.parametrize("r", RULES, ids=lambda r: r.name)
def test_rule_is_true(r: Rule) -> None:
    assert is_sound(r)
    assert not any(extends_the_domain(r, r.kinds, seed) for seed in range(DRAWS))


@pytest.mark.parametrize("r", RULES, ids=lambda r: r.name)
def test_rule_is_tested_where_it_is_defined(r: Rule) -> None:
    assert any(both_sides(r, drawn(r.kinds, seed))[0][1] for seed in range(DRAWS))


def _guards() -> list[tuple[Rule, str]]:
    return [(r, name) for r in RULES for name, kind in r.kinds.items() if kind in GUARDS]


@pytest.mark.parametrize(("r", "name"), _guards(), ids=lambda x: getattr(x, "name", x))
def test_each_guard_is_needed(r: Rule, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "SHAPE", (2, 2))
    monkeypatch.setattr(Anything, "draw", staticmethod(_few))
    free = Along if issubclass(r.kinds[name], Along) else Anything
    unguarded = {**r.kinds, name: free}
    assert any(
        not is_true(r, unguarded, seed) or extends_the_domain(r, unguarded, seed)
        for seed in range(3000)
    )


def _few(rng: np.random.Generator, env: dict[str, object]) -> np.ndarray:
    return rng.choice([-1.0, 0.0, 2.0], size=kinds.SHAPE)


@pytest.mark.parametrize("r", RULES, ids=lambda r: r.name)
def test_rule_explains_itself(r: Rule) -> None:
    assert r.reason.endswith(".")
    assert len(r.reason.split()) >= 3
    assert r.reason[0].isupper()


def test_names_are_unique() -> None:
    assert len({r.name for r in RULES}) == len(RULES)


# Planted faults: rules as a careless person would write them.


def _wrong_rules() -> list[Rule]:
    @rule
    def cancel_anything(x: Anything):
        "A factor cancels."
        return x / x, 1

    @rule
    def root_of_square(x: Anything):
        "The root of a square."
        return sqrt(x * x), x

    @rule
    def log_of_square(x: Anything):
        "The logarithm of a square."
        return log(x * x), 2 * log(x)

    @rule
    def sign_lost(x: Anything, a: Anything, b: Anything):
        "A difference multiplied out."
        return x * (a - b), x * a + x * b

    @rule
    def pulled_out_too_much(along: Along, c: Anything, x: Anything):
        "A factor leaves the sum."
        return along(c * x), c * along(x)

    @rule
    def sum_of_product(along: Along, x: Anything, y: Anything):
        "A sum of products."
        return along(x * y), along(x) * along(y)

    @rule
    def constant_counted_once(along: Along, c: Constant):
        "A constant summed."
        return along(c), along.outside(c)

    @rule
    def zero_numbers_forgotten(x: Anything, n: Number):
        "A quotient of sums."
        return (x + n) / n, x / n

    return [
        cancel_anything, root_of_square, log_of_square, sign_lost, pulled_out_too_much,
        sum_of_product, constant_counted_once, zero_numbers_forgotten,
    ]  # fmt: skip


@pytest.mark.parametrize("r", _wrong_rules(), ids=lambda r: r.name)
def test_a_wrong_rule_is_caught(r: Rule) -> None:
    extended = any(extends_the_domain(r, r.kinds, seed) for seed in range(DRAWS))
    assert extended or not is_sound(r)
