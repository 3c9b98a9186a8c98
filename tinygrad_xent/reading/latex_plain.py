"""Plain lines such as `dL/dz_i = q_i - p_i` as LaTeX."""

from __future__ import annotations

import re

_GREEK = ("alpha|beta|gamma|delta|epsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|phi"
          "|chi|psi|omega|ell|Delta|Sigma|Omega|Phi|Psi|Theta")  # fmt: skip
_QUANTITY = r"(?:[A-Za-zα-ω](?:_(?:\{[^{}]*\}|\w+))?)"


def as_latex(line: str) -> str:
    """The LaTeX of a plain line.

    >>> as_latex("dL/dz_i = q_i - p_i")
    '\\\\frac{\\\\partial L}{\\\\partial z_{i}} = q_{i} - p_{i}'
    >>> as_latex("L = -sum_i p_i*log(q_i)")
    'L = -\\\\sum_{i} p_{i}*\\\\log(q_{i})'
    """
    line = line.split("#")[0].strip()
    line = line.replace("**", "^").replace("==", "=").replace("@", " ").replace("Σ", " sum ")
    line = line.replace("∂", "d").replace("−", "-").replace("·", "*")
    line = re.sub(rf"\bd({_QUANTITY})\s*/\s*d({_QUANTITY})(?![A-Za-z(])",
                  r"\\frac{\\partial \1}{\\partial \2}", line)  # fmt: skip
    line = re.sub(r"\^\s*(-?[A-Za-z0-9.]+)", r"^{\1}", line)
    line = re.sub(r"\b(sum|prod)_(?:\{([^{}]*)\}|([A-Za-z])(?:\s*=\s*(\d+)\^(\w+|\{\w+\}))?)(?=\W)",
                  _big, line)  # fmt: skip
    line = re.sub(r"_(\w+)", lambda m: f"_{{{m[1]}}}", line)
    line = re.sub(r"\b(exp|log|ln|max|min|sin|cos|tanh)\b", r"\\\1", line)
    line = re.sub(r"\b(sum|mean|dot)\(", r"\\text{\1}(", line)
    return re.sub(rf"(?<![\\A-Za-z{{])({_GREEK})(?![A-Za-z])", r"\\\1", line)


def _big(match: re.Match[str]) -> str:
    kind, group, letter, low, high = match.groups()
    if low:
        return rf"\{kind}_{{{letter}={low}}}^{{{high.strip('{}')}}} "
    return rf"\{kind}_{{{group or letter}}}"
