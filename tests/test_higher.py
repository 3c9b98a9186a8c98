"""Hessians, Jacobians and products with a vector, in closed form: against the engine's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gallery import distribution, random

import tinygrad_xent as tx

Losses = dict[str, tuple[Callable[[Any], Any], str]]

P = distribution("p", 4)
A, B = random("A", 5, 4), random("b", 5)
S = random("S", 4, 4)

LOSSES: Losses = {
    "cross_entropy": (
        lambda z: -(P * tx.log(tx.softmax(z))).sum(),
        "sum(p)*(diag(softmax(z)) - outer(softmax(z), softmax(z)))",
    ),
    "logsumexp": (tx.logsumexp, "diag(softmax(z)) - outer(softmax(z), softmax(z))"),
    "least_squares": (lambda z: ((A @ z - B) ** 2).sum(), "2*(A.T @ A)"),
    "quadratic_form": (lambda z: z @ S @ z, "S + S.T"),
    "half_square": (lambda z: (z * z).sum() / 2, "eye(n)"),
    "cube": (lambda z: (z**3).sum(), "6*diag(z)"),
    "variance": (lambda z: tx.mean((z - tx.mean(z)) ** 2), "2*(eye(n) - 1/n)/n"),
    "norm": (tx.norm, "(eye(n) - outer(z, z)/norm(z)**2)/norm(z)"),
    "logistic": (
        lambda z: tx.softplus(A @ z).sum(),
        "A.T @ ((sigmoid(A @ z)*(1 - sigmoid(A @ z)))[:, None]*A)",
    ),
    "linear": (lambda z: (P * z).sum(), "0"),
}

MAPS: Losses = {
    "softmax": (tx.softmax, "diag(softmax(z)) - outer(softmax(z), softmax(z))"),
    "log_softmax": (tx.log_softmax, "eye(n) - softmax(z)"),
    "matrix": (lambda z: A @ z + B, "A"),
    "tanh_layer": (lambda z: tx.tanh(A @ z), "(1 - tanh(A @ z)**2)[:, None]*A"),
    "sigmoid": (tx.sigmoid, "diag(sigmoid(z)*(1 - sigmoid(z)))"),
    "centred": (lambda z: z - tx.mean(z), "eye(n) - 1/n"),
    "unit": (lambda z: z / tx.norm(z), "(eye(n) - outer(z, z)/sum(z**2))/norm(z)"),
}


@pytest.mark.parametrize("name", LOSSES)
def test_hessians(name: str) -> None:
    loss, expected = LOSSES[name]
    z = random("z", 4)
    derivation = tx.derive(loss(z), z, of="hessian")
    assert str(derivation.result) == expected
    engine = tx.hessian(loss)(z.value)
    np.testing.assert_allclose(np.broadcast_to(derivation.result.value, (4, 4)), engine, atol=1e-10)


@pytest.mark.parametrize("name", LOSSES)
def test_products_with_a_vector(name: str) -> None:
    loss, _ = LOSSES[name]
    z = random("z", 4)
    derivation = tx.derive(loss(z), z, of="hvp")
    v = np.random.default_rng(0).normal(size=4)  # what the derivation's v is
    engine = tx.hvp(loss)(z.value, v)
    np.testing.assert_allclose(np.broadcast_to(derivation.result.value, 4), engine, atol=1e-10)


@pytest.mark.parametrize("name", MAPS)
def test_jacobians(name: str) -> None:
    function, expected = MAPS[name]
    z = random("z", 4)
    derivation = tx.derive(function(z), z, of="jacobian")
    assert str(derivation.result) == expected
    np.testing.assert_allclose(derivation.result.value, tx.jacobian(function)(z.value), atol=1e-10)


@pytest.mark.parametrize("name", [n for n in LOSSES if n != "linear"])
def test_certificates_of_hessians(name: str) -> None:
    z = random("z", 4)
    assert tx.verify(tx.derive(LOSSES[name][0](z), z, of="hessian").certificate())


@pytest.mark.parametrize("name", ["softmax", "tanh_layer", "log_softmax"])
def test_certificates_of_jacobians(name: str) -> None:
    z = random("z", 4)
    assert tx.verify(tx.derive(MAPS[name][0](z), z, of="jacobian").certificate())


def test_the_hessian_of_cross_entropy_is_free_of_the_target() -> None:
    z, p = random("z", 4), distribution("p", 4)
    derivation = tx.derive(tx.softmax_cross_entropy(z, p), z, tx.Simplex(p), of="hessian")
    assert str(derivation.result) == "diag(softmax(z)) - outer(softmax(z), softmax(z))"
    assert derivation.title == "d² loss / d z²"


def test_the_product_of_cross_entropys_hessian() -> None:
    z, p = random("z", 4), distribution("p", 4)
    q = (tx.exp(z) / tx.exp(z).sum()).named("q")
    derivation = tx.derive(-(p * tx.log(q)).sum(), z, tx.Simplex(p), of="hvp")
    assert str(derivation.result) == "q*(v - sum(q*v))"


def test_a_name_that_is_taken_is_not_given_to_the_vector() -> None:
    v = random("v", 3)
    assert str(tx.derive((v**3).sum(), v, of="hvp").result) == "6*v*v_1"


def test_second_derivatives_of_one_number() -> None:
    x = random("x")
    assert str(tx.derive(tx.sin(x), x, of="hessian").result) == "-sin(x)"
    assert str(tx.derive(tx.softplus(x), x, of="hessian").result) == "sigmoid(x)*(1 - sigmoid(x))"


def test_rows_have_products_but_no_matrix() -> None:
    w = random("W", 2, 3)
    loss = (w**4).sum()
    assert str(tx.derive(loss, w, of="hvp").result) == "12*W**2*v"
    with pytest.raises(tx.DeriveError, match="has to be a vector"):
        tx.derive(loss, w, of="hessian")


def test_what_no_matrix_is_found_for() -> None:
    x = random("x", 4)
    with pytest.raises(tx.DeriveError, match="no matrix was found"):
        tx.derive((x[1:] * x[:-1]).sum(), x, of="hessian")


def test_there_is_no_such_derivative() -> None:
    x = random("x", 4)
    with pytest.raises(tx.DeriveError, match="'hessian'"):
        tx.derive((x * x).sum(), x, of="hesian")


@pytest.mark.parametrize("language", ["numpy"])
def test_hessians_as_source(language: str) -> None:
    z = random("z", 4)
    space: dict[str, Any] = {}
    exec(tx.derive(tx.logsumexp(z), z, of="hessian").source(language), space)
    np.testing.assert_allclose(space["hessian"](z.value), tx.hessian(tx.logsumexp)(z.value))


def test_matrices_in_every_format() -> None:
    z, a = random("z", 4), random("a", 4)
    d = tx.derive(tx.softmax(z), z, of="jacobian")
    softmax = r"\operatorname{softmax}(z)"
    assert d.result.latex() == rf"\operatorname{{diag}}({softmax}) - {softmax} {softmax}^{{\top}}"
    centred = tx.derive(z - tx.mean(z), z, of="jacobian")
    assert centred.result.latex() == r"I_{n} - \frac{1}{n}"
    sums = tx.derive(tx.exp((a * z).sum()), z, of="hessian")
    assert r" a^{\top}" in sums.result.latex()
    for each in (d, centred, sums):
        again = tx.Derivation.from_json(each.json())
        for write in (str, tx.Derivation.latex, tx.Derivation.mathml, tx.Derivation.markdown):
            assert write(again) == write(each)


def test_the_identity_of_a_length_that_is_a_number() -> None:
    z = random("z", 4)
    d = tx.derive((z * z).sum() ** 2, z, of="hessian")
    assert d.result == "8*outer(z, z) + 4*sum(z**2)*eye(4)"
    assert tx.verify(d.certificate())
    space: dict[str, Any] = {}
    exec(d.source("numpy"), space)
    np.testing.assert_allclose(space["hessian"](z.value), d.result.value)
