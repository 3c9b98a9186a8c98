"""NumPy, PyTorch and JAX as languages to write a formula in.

Every primitive has its NumPy code in the table of primitives. Listed here is what another library
calls differently, and the few functions that are printed along with a formula that calls them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_SOFTMAX = """\
def softmax(z, axis=-1):
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)
"""

_LOGSUMEXP = """\
def logsumexp(z, axis=-1, keepdims=False):
    m = np.max(z, axis=axis, keepdims=True)
    s = m + np.log(np.sum(np.exp(z - m), axis=axis, keepdims=True))
    return s if keepdims else np.squeeze(s, axis=axis)
"""

_SIGMOID = """\
def sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)
"""

_SCATTER = """\
def scatter(values, index, shape):
    out = np.zeros(shape, np.asarray(values).dtype)
    np.add.at(out, index, values)
    return out
"""

_PUT = """\
def put(x, values, index):
    out = np.array(x)
    out[index] = values
    return out
"""

_JAX_PUT = """\
def put(x, values, index):
    return jnp.asarray(x).at[index].set(values)
"""

_TORCH_PUT = """\
def put(x, values, index):
    out = x.clone()
    out[index] = values
    return out
"""

_OTHERS = """\
def others(x, axis=-1):
    x = np.moveaxis(x, axis, -1)
    zero = np.zeros_like(x[..., :1])
    before = np.cumsum(np.concatenate([zero, x[..., :-1]], -1), -1)
    after = np.cumsum(np.concatenate([zero, x[..., :0:-1]], -1), -1)
    return np.moveaxis(before + after[..., ::-1], -1, axis)
"""

_TORCH_OTHERS = """\
def others(x, dim=-1):
    x = x.movedim(dim, -1)
    zero = torch.zeros_like(x[..., :1])
    before = torch.cat([zero, x[..., :-1]], -1).cumsum(-1)
    after = torch.cat([zero, x[..., 1:].flip(-1)], -1).cumsum(-1)
    return (before + after.flip(-1)).movedim(-1, dim)
"""

_JAX_SCATTER = """\
def scatter(values, index, shape):
    return jnp.zeros(shape, jnp.asarray(values).dtype).at[index].add(values)
"""

_TORCH_SCATTER = """\
def scatter(values, index, shape):
    out = torch.zeros(shape, dtype=values.dtype)
    places = torch.arange(out.numel()).reshape(shape)[index]
    flat = values.expand(places.shape).reshape(-1)
    return out.reshape(-1).index_add(0, places.reshape(-1), flat).reshape(shape)
"""


@dataclass(frozen=True)
class Language:
    """How formulas are written in one library.

    Attributes:
        module: the name it goes by in the code.
        package: what is imported.
        templates: the code of primitives and calls where it differs from NumPy's.
        helpers: the functions that are printed where they are called.
        axis, keepdims, permute: what the library calls these.
        strict: whether its functions take no plain numbers.
    """

    module: str
    package: str
    helpers: Mapping[str, str]
    templates: Mapping[str, str] = field(default_factory=dict)
    axis: str = "axis"
    keepdims: str = "keepdims"
    permute: str = "transpose"
    strict: bool = False

    @property
    def header(self) -> str:
        """The import at the top of the code."""
        renamed = "" if self.package == self.module else f" as {self.module}"
        return f"import {self.package}{renamed}\n"

    def code(self, name: str, numpy: str) -> str:
        """The template of an operation, given NumPy's."""
        own = self.templates.get(name)
        return numpy.replace("np.", f"{self.module}.") if own is None else own


_CALLS = {
    "softmax": "softmax({0}{axis})",
    "logsumexp": "logsumexp({0}{axis}{keepdims})",
    "sigmoid": "sigmoid({0})",
    "mean": "np.mean({0}{axis}{keepdims})",
    "norm": "np.linalg.norm({0}{axis}{keepdims})",
    "softplus": "np.logaddexp(0.0, {0})",
    "diag": "np.diag({0})",
    "outer": "np.outer({0}, {1})",
    "eye": "np.eye({0})",
}
_HELPERS = {
    "softmax": _SOFTMAX, "logsumexp": _LOGSUMEXP, "sigmoid": _SIGMOID, "scatter": _SCATTER,
    "put": _PUT, "others": _OTHERS,
}  # fmt: skip

NUMPY = Language("np", "numpy", _HELPERS, _CALLS)

JAX = Language(
    "jnp",
    "jax.numpy",
    {k: v.replace("np.", "jnp.") for k, v in _HELPERS.items()}
    | {"scatter": _JAX_SCATTER, "put": _JAX_PUT},
    {k: v.replace("np.", "jnp.") for k, v in _CALLS.items()},
)

TORCH = Language(
    "torch",
    "torch",
    {"scatter": _TORCH_SCATTER, "put": _TORCH_PUT, "others": _TORCH_OTHERS},
    {
        "softmax": "torch.softmax({0}, {axis})",
        "logsumexp": "torch.logsumexp({0}, {axis}{keepdims})",
        "sigmoid": "torch.sigmoid({0})",
        "mean": "torch.mean({0}{axis}{keepdims})",
        "norm": "torch.linalg.vector_norm({0}{axis}{keepdims})",
        "softplus": "-torch.nn.functional.logsigmoid(-{0})",
        "diag": "torch.diag({0})",
        "outer": "torch.outer({0}, {1})",
        "eye": "torch.eye({0})",
        "max": "torch.amax({0}{axis}{keepdims})",
        "min": "torch.amin({0}{axis}{keepdims})",
        "concatenate": "torch.cat([{*}]{axis})",
        "astype": "{0}.to(torch.{dtype})",
    },
    axis="dim",
    keepdims="keepdim",
    permute="permute",
    strict=True,
)

LANGUAGES = {"numpy": NUMPY, "torch": TORCH, "jax": JAX}
