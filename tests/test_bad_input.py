"""Each kind of bad input: the operation, what was given, what would work, and the user's line."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_xent as tx

A = tx.tensor(np.ones((2, 3)))
B = tx.tensor(np.ones((4, 3)))
INTEGERS = np.array([1, 2, 3])
TWO = np.ones(2)
Z = tx.tensor(np.zeros((5, 3)))


def assign() -> None:
    A[0] = 1.0


# name: (call, error, words that the message has to contain)
BAD: dict[str, tuple[Callable[[], Any], type[Exception], list[str]]] = {
    # shapes that do not broadcast: at once, not in backward
    "add": (lambda: A + B, tx.ShapeError, ["add", "(2, 3)", "(4, 3)", "broadcast"]),
    "sub with an array": (lambda: A - np.ones(2), tx.ShapeError, ["sub", "(2, 3)", "(2,)"]),
    "array first": (lambda: np.ones(2) * A, tx.ShapeError, ["mul", "(2, 3)", "(2,)"]),
    "numpy's function": (lambda: np.maximum(A, B), tx.ShapeError, ["maximum", "(4, 3)"]),
    "where": (lambda: tx.where(A > 0, A, B), tx.ShapeError, ["where", "(2, 3)", "(4, 3)"]),
    "power": (lambda: A**B, tx.ShapeError, ["power", "(2, 3)", "(4, 3)"]),
    "comparison": (lambda: A > B, tx.ShapeError, ["greater", "(2, 3)", "(4, 3)"]),
    "matmul": (lambda: A @ B, tx.ShapeError, ["matmul", "(2, 3)", "(4, 3)", "last axis"]),
    "matmul of a scalar": (lambda: A @ 2.0, tx.ShapeError, ["matmul", "2.0", "not scalars"]),
    "dot of stacks": (lambda: np.dot(A, np.ones((2, 3, 2))), tx.ShapeError, ["dot", "x @ y"]),
    "reshape": (lambda: A.reshape(4, 2), tx.ShapeError, ["reshape", "(2, 3)", "(4, 2)"]),
    "broadcast_to": (lambda: np.broadcast_to(A, (2, 2)), tx.ShapeError, ["broadcast_to", "(2, 2)"]),
    "concatenate": (lambda: tx.concatenate([A, np.ones((2, 2))]), tx.ShapeError, ["concatenate"]),
    "concatenate nothing": (lambda: tx.concatenate([]), tx.ShapeError, ["concatenate", "0 arrays"]),
    "a ragged list": (lambda: tx.tensor([[1.0], [1.0, 2.0]]), tx.ShapeError, ["rectangular"]),
    "grad of another shape": (lambda: setattr(A, "grad", np.ones(2)), tx.ShapeError, ["(2, 3)"]),
    "formulas of two shapes": (lambda: tx.same(A, B), tx.ShapeError, ["same", "(2, 3)", "(4, 3)"]),
    # axes and indices
    "axis": (lambda: A.sum(axis=2), tx.ShapeError, ["sum", "axis 2", "(2, 3)", "from -2 to 1"]),
    "mean's axis": (lambda: np.mean(A, axis=-3), tx.ShapeError, ["mean", "axis -3", "(2, 3)"]),
    "the same axis twice": (lambda: tx.max(A, axis=(0, -2)), tx.ShapeError, ["max", "distinct"]),
    "axis of a scalar": (lambda: tx.sum(tx.tensor(1.0), axis=0), tx.ShapeError, ["no axes"]),
    "softmax's axis": (lambda: tx.softmax(A, axis=2), tx.ShapeError, ["axis 2", "(2, 3)"]),
    "softmax of a scalar": (lambda: tx.softmax(tx.tensor(1.0)), tx.ShapeError, ["softmax"]),
    "concatenate's axis": (lambda: tx.concatenate([A, A], 2), tx.ShapeError, ["concatenate", "2"]),
    "transpose": (lambda: A.transpose(0, 2), tx.ShapeError, ["transpose", "(0, 2)"]),
    "swapaxes": (lambda: A.swapaxes(0, 2), tx.ShapeError, ["swapaxes", "axis 2", "(2, 3)"]),
    "squeeze": (lambda: A.squeeze(0), tx.ShapeError, ["squeeze", "length 1"]),
    "expand_dims": (lambda: tx.expand_dims(A, 5), tx.ShapeError, ["expand_dims", "5"]),
    "index": (lambda: A[2], tx.ShapeError, ["getitem", "(2, 3)", "out of bounds"]),
    "too many indices": (lambda: A[0, 0, 0], tx.ShapeError, ["getitem", "too many"]),
    "a float index": (lambda: A[[0.5]], tx.NotSupportedError, ["getitem", "float64", "astype"]),
    "norm": (lambda: tx.norm(A, 3), tx.ShapeError, ["norm", "ord=3"]),
    "an axis that is no whole number": (lambda: A.sum(axis=0.5), tx.ShapeError, ["axis 0.5"]),
    "an axis that is text": (lambda: A.mean(axis="rows"), tx.ShapeError, ["mean", "axis 'rows'"]),
    "max of nothing": (lambda: tx.max(tx.tensor([])), tx.ShapeError, ["max", "at least one entry"]),
    # cotangents
    "backward of a non-scalar": (lambda: A.backward(), tx.GradientError, ["(2, 3)", "sum"]),
    "grad of a non-scalar": (lambda: tx.grad(tx.exp)(np.ones(2)), tx.GradientError,
                             ["grad", "one number", "(2,)", "tx.jacobian"]),
    "a cotangent's shape": (lambda: A.backward(np.ones(3)), tx.ShapeError, ["(3,)", "(2, 3)"]),
    "vjp's cotangent": (lambda: tx.vjp(tx.exp, 1.0)[1](TWO), tx.ShapeError, ["vjp", "(2,)"]),
    "jvp's tangent": (lambda: tx.jvp(tx.exp, (1.0,), (TWO,)), tx.ShapeError, ["jvp", "(2,)"]),
    "hvp's vector": (lambda: tx.hvp(tx.sum)(TWO, np.ones(3)), tx.ShapeError, ["hvp", "(3,)"]),
    "argnums": (lambda: tx.grad(tx.sum, 3)(1.0), tx.GradientError, ["grad", "=3", "1 positional"]),
    "by name": (
        lambda: tx.grad(lambda x: tx.sum(x))(x=1.0),
        tx.GradientError,
        ["grad", "0 positional", "not by name"],
    ),
    "a number to simplify": (lambda: tx.simplify(2.0), tx.NotSupportedError, ["simplify", "2.0"]),
    "no number returned": (lambda: tx.grad(lambda x: "text")(1.0), tx.NotSupportedError, ["grad"]),
    "a tuple returned": (lambda: tx.jvp(lambda x: (x, x), (1.0,), (1.0,)), tx.NotSupportedError,
                         ["jvp", "tuple"]),
    # integers, complex numbers, text
    "grad of integers": (lambda: tx.grad(tx.sum)(INTEGERS), tx.DtypeError, ["grad", "(3,) int"]),
    "hessian of integers": (lambda: tx.hessian(tx.sum)(INTEGERS), tx.DtypeError, ["astype(float)"]),
    "backward of integers": (lambda: tx.tensor(INTEGERS).sum().backward(), tx.DtypeError, ["int"]),
    "complex leaf": (lambda: tx.tensor(1j), tx.DtypeError, ["tensor", "complex128", "real"]),
    "complex array": (lambda: tx.tensor(np.ones(2) * 1j), tx.DtypeError, ["complex128"]),
    "complex operand": (lambda: A * 1j, tx.DtypeError, ["mul", "complex128", "real"]),
    "complex array operand": (lambda: A * (1j * np.ones(3)), tx.DtypeError, ["mul", "complex128"]),
    "complex to grad": (lambda: tx.grad(tx.sum)(np.ones(2) * 1j), tx.DtypeError, ["complex128"]),
    "text": (lambda: tx.tensor("text"), tx.DtypeError, ["tensor", "str"]),
    "text operand": (lambda: A + "text", tx.DtypeError, ["add", "str"]),
    "an object": (lambda: A * None, tx.DtypeError, ["mul", "NoneType"]),
    "masked entries": (lambda: A * np.ma.array(np.ones(3), mask=[1, 0, 0]), tx.NotSupportedError,
                       ["mul", "masked", "filled"]),
    # masks
    "and of numbers": (lambda: (A > 0) & A, tx.DtypeError, ["logical_and", "(2, 3) float64"]),
    "forgotten brackets": (lambda: 1 & A, tx.DtypeError, ["logical_and", "in brackets"]),
    "not of numbers": (lambda: ~A, tx.DtypeError, ["logical_not", "float64"]),
    # more arguments than there are: NumPy would write into the last one
    "a base": (lambda: tx.log(tx.tensor(8.0), 2.0), tx.DtypeError, ["log", "takes 1, not 2"]),
    "three to compare": (lambda: tx.maximum(A, A, np.ones((2, 3))), tx.DtypeError, ["not 3"]),
    # what has no rule
    "a ufunc without a rule": (lambda: np.arctan(A), tx.NotSupportedError,
                               ["arctan", "numpy.arctan", "tx.primitive", "CONTRIBUTING"]),
    "a function without a rule": (lambda: np.cumsum(A), tx.NotSupportedError, ["numpy.cumsum"]),
    "a method of a ufunc": (lambda: np.add.accumulate(A), tx.NotSupportedError, ["add.accumulate"]),
    "an argument without a rule": (lambda: np.sum(A, dtype=float), tx.NotSupportedError, ["dtype"]),
    "a positional one": (lambda: np.sum(A, 0, float), tx.NotSupportedError, ["numpy.sum"]),
    "where=": (lambda: np.exp(A, where=True), tx.NotSupportedError, ["numpy.exp", "where"]),
    "out=": (lambda: np.exp(A, out=np.ones((2, 3))), tx.NotSupportedError, ["exp", "out="]),
    "assigning": (assign, tx.NotSupportedError, ["setitem", "tx.where", "t[0]"]),
    "an array of Tensors": (lambda: np.array([A, A]), tx.NotSupportedError, ["tx.stack"]),
    "asarray": (lambda: np.asarray(A), tx.NotSupportedError, ["t.value", "(2, 3)"]),
    "a Tensor of Tensors": (lambda: tx.tensor([tx.tensor(1.0)]), tx.NotSupportedError, ["stack"]),
    "a Tensor of a Tensor": (lambda: tx.tensor(A), tx.NotSupportedError, ["tensor", "already"]),
    # targets
    "labels too large": (lambda: tx.softmax_cross_entropy(Z, [0, 1, 2, 3, 0]), tx.ShapeError,
                         ["softmax_cross_entropy", "from 0 to 2", "labels from 0 to 3"]),
    "labels below 0": (lambda: tx.softmax_cross_entropy(Z, [0, -1, 2, 0, 0]), tx.ShapeError,
                       ["softmax_cross_entropy", "from 0 to 2", "labels from -1"]),
    "too few labels": (lambda: tx.softmax_cross_entropy(Z, [0, 1]), tx.ShapeError,
                       ["softmax_cross_entropy", "(2,) int", "(5, 3)", "integers of shape (5,)"]),
    "a column of labels": (lambda: tx.softmax_cross_entropy(Z, np.zeros((5, 1), int)),
                           tx.ShapeError, ["(5, 1) int"]),
    "labels that are floats": (lambda: tx.softmax_cross_entropy(Z, np.zeros(5)), tx.ShapeError,
                               ["(5,) float64", "integers of shape (5,)"]),
    "targets of another shape": (lambda: tx.softmax_cross_entropy(Z, np.ones((5, 4))),
                                 tx.ShapeError, ["(5, 4) float64", "floats of shape (5, 3)"]),
    "one_hot": (lambda: tx.one_hot([3], 3), tx.ShapeError, ["one_hot", "from 0 to 2"]),
    "one_hot of floats": (lambda: tx.one_hot([0.5], 3), tx.DtypeError, ["one_hot", "integers"]),
    "classes of two lengths": (lambda: tx.cross_entropy(np.ones(3), np.ones(4)), tx.ShapeError,
                               ["cross_entropy", "(3,)", "(4,)"]),
    "no classes": (lambda: tx.kl_divergence(1.0, 1.0), tx.ShapeError, ["kl_divergence", "1.0"]),
    "a class axis too far": (lambda: tx.cross_entropy(Z, Z, axis=2), tx.ShapeError,
                             ["cross_entropy", "axis 2"]),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_the_message_says_all(name: str) -> None:
    call, kind, words = BAD[name]
    with pytest.raises(kind) as caught:
        call()
    message = str(caught.value)
    for word in words:
        assert word in message, message
    assert re.search(r"^  given: .*\S", message, re.M), message
    assert re.search(r"^  works: .*\S", message, re.M), message
    line = re.search(r"^  at:    (.+?):(\d+)", message, re.M)
    assert line is not None, message
    assert line[1] == __file__
    assert int(line[2]) >= call.__code__.co_firstlineno  # this very call, not the loop that made it
    assert int(line[2]) <= call.__code__.co_firstlineno + 2


@pytest.mark.parametrize("name", BAD)
def test_nothing_below_is_shown_as_the_cause(name: str) -> None:
    call, _, _ = BAD[name]
    with pytest.raises(tx.TinygradXentError) as caught:
        call()
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_errors_are_also_the_built_in_ones() -> None:
    """`except ValueError` and `except IndexError` keep working, as for NumPy's own."""
    with pytest.raises(ValueError, match="add"):
        A + B
    with pytest.raises(IndexError, match="getitem"):
        A[7]
    with pytest.raises(TypeError, match="complex"):
        tx.tensor(1j)


def test_a_wrong_keyword_is_pythons_own_error() -> None:
    with pytest.raises(TypeError, match="nonsense"):
        tx.sum(A, nonsense=1)


def test_arithmetic_with_unknown_types_leaves_them_the_word() -> None:
    with pytest.raises(TypeError):
        A // 2


def test_a_formatted_tensor() -> None:
    assert f"{tx.tensor(2.0):.3f}" == "2.000"
    assert f"{tx.tensor([1.0])}" == "Tensor([1.])"
    assert repr(tx.tensor(2.0, name="x") * 3) == "Tensor(6., op=mul)"
    with pytest.raises(ValueError, match="size 1"):
        f"{A:.3f}"
    assert (float(tx.tensor(2.0)), int(tx.tensor([3.0])), bool(tx.tensor(0.0))) == (2.0, 3, False)
