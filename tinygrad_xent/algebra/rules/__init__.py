"""The rewrite rules, by what they are for, and the order in which they are tried.

A rule is one function that returns what it rewrites and what it becomes. Called with wildcards, the
first result is the pattern; called with what matched, the second is the replacement; called with
random numbers, the two must be equal, which is the rule's own test. The annotations are its side
conditions. The name and the docstring are the line in the derivation. No rule knows a loss.

Read `expanding.py`, `tidying.py` and `names.py`, in the order of the phases; `differences.py` and
`logarithms.py` are for forms to compute by.

    a, b, c, x, y   terms              along    a sum along whichever axes it meets
"""

from __future__ import annotations

from ..matching.rule import Rule
from . import differences, expanding, logarithms, names, tidying

# What cancels goes first. Exponentials are brought into one form before definitions are looked for.
# Multiplying out, which may hide what could have cancelled, comes last. A loss may be small where
# its parts are not, so among the rules for values is none that splits a sum.
FORMS: tuple[Rule, ...] = (
    expanding.cancel,
    expanding.base_of_choice,
    expanding.transpose_of_symmetric,
    expanding.symmetric_from_the_left,
    expanding.log_of_exp,
    expanding.exp_of_log,
    expanding.exp_of_added_log,
    expanding.exp_of_subtracted_log,
    expanding.sum_of_shifted,
    expanding.shift_undone,
    expanding.shift_cancels,
    expanding.exp_of_minus,
    expanding.inner_fraction,
    expanding.part_of_the_whole,
)
SHRINKING: tuple[Rule, ...] = (
    expanding.never_zero,
    expanding.false_branch,
    expanding.true_branch,
    expanding.same_branches,
    expanding.root_times_root,
    expanding.size_times_sign,
    expanding.sums_to_one,
    expanding.sum_of_constant,
    expanding.sum_of_sum,
    expanding.pull_out,
    expanding.log_of_reciprocal,
    expanding.log_of_product,
    expanding.meets_its_denominator,
)
VALUES: tuple[Rule, ...] = tuple(r for r in SHRINKING if r is not expanding.sum_of_sum)
ALGEBRA: tuple[Rule, ...] = (*SHRINKING, expanding.distribute, expanding.weighted_sum_of_shifted)

# What is left is written in fewer operations, and then by names.
MEANS: tuple[Rule, ...] = (names.mean_by_name, names.quotient_of_means, tidying.one_mean)
SPELLED_OUT: tuple[Rule, ...] = (names.mean_spelled_out, names.norm_spelled_out)
TIDYING: tuple[Rule, ...] = (
    expanding.cancel,
    expanding.same_branches,
    tidying.over_its_root,
    tidying.square_of_sine_and_cosine,
    tidying.one_more_power,
    tidying.one_less_power,
    tidying.one_power,
    tidying.other_side,
    tidying.into_the_first_branch,
    tidying.into_the_other_branch,
    tidying.one_choice,
    tidying.transposed_product_from_the_left,
    tidying.transposed_product_from_the_right,
    tidying.logarithm_of_quotient,
    tidying.logarithm_of_quotient_turned,
    tidying.one_sum,
    tidying.one_mean,
    names.mean_by_name,
    names.quotient_of_means,
    tidying.common_factor,
    tidying.one_product_from_the_left,
    tidying.one_product_from_the_right,
    expanding.pull_out,
    tidying.product_of_exp,
    names.softmax_by_name,
)
NAMING: tuple[Rule, ...] = (
    names.tanh_by_name,
    names.norm_by_name,
    names.softmax_by_name,
    names.mean_by_softmax,
    names.logsumexp_by_name,
    names.sigmoid_by_name,
    names.sigmoid_of_minus_by_name,
)

# Towards forms to compute by. A rule for a whole goes before those for its parts.
COMPUTING: tuple[Rule, ...] = (
    expanding.meets_its_denominator,
    differences.into_its_denominator,
    differences.difference_from_its_expectation,
    differences.covariance_of_shares,
    differences.mixture_less_an_entry,
    differences.what_sums_to_one,
    differences.other_side_of_sigmoid,
    differences.others_of_a_sum,
    differences.difference_from_the_mean,
    differences.slope_of_tanh,
    differences.tanh_less_one,
    logarithms.log_of_softmax,
    logarithms.less_logsumexp,
    logarithms.log_of_other_shares,
    logarithms.log_of_sigmoid,
    logarithms.log_of_one_and_exponential,
    logarithms.log_of_one_over_exponential,
    logarithms.log_of_one_and_exponentials,
    logarithms.log_of_exponential_less_one,
    logarithms.log_of_hyperbolic_cosine,
    logarithms.log_of_two_exponentials,
    logarithms.log_of_exponential_and_its_reciprocal,
    differences.logsumexp_less_an_expectation,
    differences.scaled_logsumexp_less_an_expectation,
    differences.logsumexp_less_a_product,
    differences.logsumexp_less_an_entry,
    differences.logsumexp_less_a_weighted_sum,
    differences.logsumexp_less_any_product,
    differences.softplus_by_cases,
    differences.softplus_less_a_part,
    differences.power_less_one,
    differences.exponential_less_one,
    differences.root_less_one,
    differences.one_less_cosine,
    logarithms.log_of_quotient,
    logarithms.log_of_quotient_by,
    logarithms.log_of_multiple,
    logarithms.log_of_one_and_a_bit,
)
