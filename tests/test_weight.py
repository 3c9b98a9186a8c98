"""Every derivation ends: each rule lowers a weight, and no step is made that does not."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from gallery import GALLERY
from test_rules import drawn

import tinygrad_xent as tx
from tinygrad_xent.algebra.attempts import run
from tinygrad_xent.algebra.deriving import gradients
from tinygrad_xent.algebra.facts.known import Facts
from tinygrad_xent.algebra.matching.kinds import Anything
from tinygrad_xent.algebra.matching.rule import Rule, rule
from tinygrad_xent.algebra.rewriting.rewrite import rewrite
from tinygrad_xent.algebra.rewriting.weight import Measure, algebraic, calls, tidiness
from tinygrad_xent.algebra.rules import ALGEBRA, FORMS, NAMING, SPELLED_OUT, TIDYING
from tinygrad_xent.algebra.terms.standard import Terms
from tinygrad_xent.graph import Tensor

PHASES = (((*FORMS, *ALGEBRA), algebraic), ((*TIDYING, *NAMING), tidiness), (SPELLED_OUT, calls))
CASES = [(r, weight) for rules, weight in PHASES for r in dict.fromkeys(rules)]


def sides(r: Rule, seed: int, expanded: bool) -> tuple[object, object]:
    """A rule's two sides in standard form, with a letter for each argument."""
    env = {
        name: Tensor(value, name) if isinstance(value, np.ndarray) else value
        for name, value in drawn(r.kinds, seed).items()
    }
    terms = Terms(expanded)
    with np.errstate(all="ignore"):
        before, after = r.function(**env)
        return terms.standard(before), terms.standard(after)


@pytest.mark.parametrize(("r", "weight"), CASES, ids=lambda x: getattr(x, "name", ""))
def test_every_rule_lowers_the_weight(r: Rule, weight: Measure) -> None:
    for seed in range(10):
        before, after = sides(r, seed, expanded=weight is algebraic)
        assert weight(after) < weight(before), (r.name, seed, weight(before), weight(after))
        assert all(n >= 0 for n in weight(after))


@pytest.mark.parametrize("weight", [algebraic, tidiness])
def test_a_rule_that_goes_round_in_circles_is_not_applied(weight: Measure) -> None:
    @rule
    def there(x: Anything, y: Anything):  # type: ignore[no-untyped-def]
        "There."
        return tx.sin(x) * tx.cos(y), tx.cos(x) * tx.sin(y)

    @rule
    def grows(x: Anything):  # type: ignore[no-untyped-def]
        "It grows."
        return tx.tanh(x), tx.tanh(x) * tx.exp(x) / tx.exp(x)

    x, y = tx.tensor(0.3, name="x"), tx.tensor(0.3, name="y")
    start = Terms().standard(tx.sin(x) * tx.cos(y) + tx.tanh(x))
    end, steps = rewrite(start, (there, grows), Terms(), Facts([]), weight)
    assert len(steps) <= 1
    assert "exp" not in str(tx.simplify(end)) or not steps


@pytest.mark.parametrize("name", ["cross_entropy_named", "layer_norm_vjp", "hinge", "two_layers"])
def test_each_step_of_a_derivation_lowers_the_weight(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured from outside, before and after every rewrite."""
    made: list[tuple[object, Measure]] = []

    def recorded(root: object, rules: object, terms: Terms, facts: Facts, *how: Measure) -> object:
        end, steps = rewrite(root, rules, terms, facts, *how)
        made.extend((b, how[0]) for b in (terms.standard(root), *(s.root for s in steps)))
        falls = [how[0](b) for b in (terms.standard(root), *(s.root for s in steps))]
        assert all(y < x for x, y in itertools.pairwise(falls))
        return end, steps

    monkeypatch.setattr(run, "rewrite", recorded)
    make, expected = GALLERY[name]
    assert str(gradients.gradient(*make()).result) == expected
    assert len(made) > 5


def test_without_a_weight_that_falls_nothing_is_done() -> None:
    x = tx.tensor([1.0, 2.0], name="x")
    terms = Terms()
    start = terms.standard(tx.log(tx.exp(x)))
    end, steps = rewrite(start, FORMS, terms, Facts([]), lambda _: (1,))
    assert end is start
    assert not steps
