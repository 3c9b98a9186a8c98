"""The commands and words that are known: functions, letters, relations, and what is only looks."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FUNCTIONS = {
    "exp": "exp", "log": "log", "ln": "log", "sin": "sin", "cos": "cos", "tan": "tan",
    "tanh": "tanh", "sinh": "sinh", "cosh": "cosh", "sqrt": "sqrt", "softmax": "softmax",
    "Softmax": "softmax", "logsoftmax": "log_softmax", "sigmoid": "sigmoid", "logistic": "sigmoid",
    "sigm": "sigmoid", "relu": "relu", "ReLU": "relu", "LogSumExp": "logsumexp",
    "logsumexp": "logsumexp", "LSE": "logsumexp", "lse": "logsumexp", "sgn": "sign", "sign": "sign",
    "softplus": "softplus", "abs": "abs", "max": "max", "min": "min", "diag": "diag", "tr": "tr",
    "arctan": "arctan",
}  # fmt: skip
GREEK = _words(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi "
    "pi rho varrho sigma varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi "
    "Pi Sigma Upsilon Phi Psi Omega ell hbar"
)
RELATIONS = {
    "=": "=", "equiv": "=", "coloneqq": "=", "triangleq": "=", "approx": "≈", "simeq": "≈",
    "≈": "≈", "<": "<", ">": ">", "lt": "<", "gt": ">", "le": "≤", "leq": "≤", "leqslant": "≤",
    "ge": "≥",
    "geq": "≥", "geqslant": "≥", "ne": "≠", "neq": "≠", "in": "∈", "sim": "~", "propto": "∝",
    "implies": "⟹", "Rightarrow": "⟹", "Longrightarrow": "⟹", "iff": "⟺", "to": "→", "mapsto": "→",
    "rightarrow": "→", "gg": ">", "ll": "<", "notin": "∉", "≤": "≤", "≥": "≥", "≠": "≠", "∈": "∈",
    "Leftrightarrow": "⟺", "leftarrow": "←", "gets": "←",
    "overset": "=", "stackrel": "=", "longrightarrow": "→",
}  # fmt: skip
DROPPED = _words(
    "left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr displaystyle limits "
    "nolimits textstyle nonumber notag middle mathstrut strut scriptstyle hfill noindent "
    "centering quad- relax protect !"
)
SPACES = frozenset(["quad", "qquad", " ", ";"])
NARROW = frozenset([",", ":", "!", "enspace", "thinspace", "hspace", "vspace"])
BOLD = _words("boldsymbol bm mathbf vec symbf pmb mathbfit bold")
FONTS = _words("mathit mathsf mathnormal mathtt")
NAMED = _words("text mathrm operatorname textrm textbf mbox textit textsf rm textnormal")
ACCENTS = _words("hat bar tilde dot widehat widetilde overline underline check breve ddot")
DOTS = _words("dots ldots cdots vdots ddots dotsc dotsb")
PROSE = _words(
    "if for where and or otherwise else when with all then such that function the is so as let "
    "since because by from we get have given assuming using any every each"
)
