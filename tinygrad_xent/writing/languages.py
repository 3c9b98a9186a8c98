"""NumPy, PyTorch and JAX as languages to write a formula in.

Every primitive has its NumPy code in the table of primitives. Listed here is what another library
calls differently, and the few functions that are printed along with a formula that calls them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_SOFTMAX = """\
def softmax(z, axis=-1):
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)
"""

_EXCESS = """\
def excess(d, axis=-1):  # log(sum(exp(d))) where the largest entry is 0
    return np.log1p(np.min(others(np.exp(d), axis), axis=axis, keepdims=True))
"""

_LOGSUMEXP = """\
def logsumexp(z, axis=-1, keepdims=False):
    m = np.max(z, axis=axis, keepdims=True)
    s = m + excess(z - m, axis)
    return s if keepdims else np.squeeze(s, axis=axis)
"""

_LOG_SOFTMAX = """\
def log_softmax(z, axis=-1):
    d = z - np.max(z, axis=axis, keepdims=True)
    return d - excess(d, axis)
"""

_LOG_OTHERS_SOFTMAX = """\
def log_others_softmax(z, axis=-1):
    d = z - np.max(z, axis=axis, keepdims=True)
    first = (d == 0) & (np.cumsum(d == 0, axis=axis) == 1)
    rest = np.where(first, -np.inf, d)
    m = np.max(rest, axis=axis, keepdims=True)
    least = m + np.log(np.sum(np.exp(rest - m), axis=axis, keepdims=True)) - excess(d, axis)
    return np.where(first, least, np.log1p(-np.exp(rest - excess(d, axis))))
"""

_CENTRED = """\
def centred(x, axis=-1):
    x = x - np.mean(x, axis=axis, keepdims=True)
    return x - np.mean(x, axis=axis, keepdims=True)  # what rounding left of the mean
"""

_DEVIATION = """\
def deviation(x, q, axis=-1):  # x - sum(q*x), from differences with the most likely entry
    first = (q == np.max(q, axis=axis, keepdims=True))
    first = first & (np.cumsum(first, axis=axis) == 1)
    d = x - np.sum(np.where(first, x, 0.0), axis=axis, keepdims=True)
    return d*others(q, axis) - others(q*d, axis)
"""

_LOGCOSH = """\
def logcosh(x):
    a = np.abs(x)
    b = np.where(a < 1, a, 1.0)
    far = a + np.log1p(np.expm1(-2*a)/2)
    return np.where(a < 1, np.log1p(-np.expm1(b)*np.expm1(-b)/2), far)
"""

_LOG1MEXP = """\
def log1mexp(x):
    return np.where(x > -0.7, np.log(-np.expm1(x)), np.log1p(-np.exp(x)))
"""

_OFF_DIAGONAL = """\
def off_diagonal(m):
    return m*(1 - np.eye(m.shape[0]))
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

    def helpers_of(self, names: Iterable[str]) -> list[str]:
        """The code of the helpers that are called, after that of those which they call."""
        needed = (h for name in names for h in (*_NEEDS.get(name, ()), name))
        return [self.helpers[h] for h in dict.fromkeys(needed) if h in self.helpers]

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
    "log_softmax": "log_softmax({0}{axis})",
    "log_others_softmax": "log_others_softmax({0}{axis})",
    "centred": "centred({0}{axis})",
    "logaddexp": "np.logaddexp({0}, {1})",
    "log1mexp": "log1mexp({0})",
    "off_diagonal": "off_diagonal({0})",
    "deviation": "deviation({0}, {1}{axis})",
    "logcosh": "logcosh({0})",
}
_NEEDS = {  # the helpers that helpers call
    "log_softmax": ("others", "excess"), "logsumexp": ("others", "excess"),
    "log_others_softmax": ("others", "excess"), "deviation": ("others",),
}  # fmt: skip
_HELPERS = {
    "softmax": _SOFTMAX, "logsumexp": _LOGSUMEXP, "sigmoid": _SIGMOID, "scatter": _SCATTER,
    "put": _PUT, "others": _OTHERS, "excess": _EXCESS, "log_softmax": _LOG_SOFTMAX,
    "log_others_softmax": _LOG_OTHERS_SOFTMAX, "centred": _CENTRED, "log1mexp": _LOG1MEXP,
    "off_diagonal": _OFF_DIAGONAL, "deviation": _DEVIATION, "logcosh": _LOGCOSH,
}  # fmt: skip

NUMPY = Language("np", "numpy", _HELPERS, _CALLS)

JAX = Language(
    "jnp",
    "jax.numpy",
    {k: v.replace("np.", "jnp.") for k, v in _HELPERS.items()}
    | {"scatter": _JAX_SCATTER, "put": _JAX_PUT},
    {k: v.replace("np.", "jnp.") for k, v in _CALLS.items()},
)

_IN_TORCH = {
    "keepdims": "keepdim", "axis": "dim", "np.max": "torch.amax", "np.min": "torch.amin",
    "np.": "torch.",
}  # fmt: skip


def _in_torch(numpy: str) -> str:
    for name, other in _IN_TORCH.items():
        numpy = numpy.replace(name, other)
    return numpy


_OF_TORCH = ("softmax", "sigmoid")  # which need no helper

TORCH = Language(
    "torch",
    "torch",
    {k: _in_torch(v) for k, v in _HELPERS.items() if k not in _OF_TORCH}
    | {"scatter": _TORCH_SCATTER, "put": _TORCH_PUT, "others": _TORCH_OTHERS},
    {k: _CALLS[k] for k in _CALLS.keys() & _HELPERS.keys()}
    | {
        "softmax": "torch.softmax({0}, {axis})",
        "logaddexp": "torch.logaddexp({0}, {1})",
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
