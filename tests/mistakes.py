"""Gradients as people write them: right ones in unusual forms, and mistakes of every family.

The mistakes are those that are reported again and again for hand-written layers: the diagonal of
the softmax Jacobian, the gradient passed through softmax as it is, a derivative applied on top of
one that contains it, a mean forgotten or divided by twice, a normalisation whose mean or variance
is taken for a constant, a scale that is left out, a bias that keeps the batch axis.
"""

from __future__ import annotations

from typing import Any

S = dict  # shapes

CE = "-sum(p*log(softmax(z)))"
BATCH = "mean(-sum(Y*log_softmax(Z), axis=1))"
LAYER = "mean(-sum(Y*log_softmax(X@W + b), axis=1))"
SQUARED = "sum((softmax(z) - y)**2)/2"
BCE = "sum(-(y*log(sigmoid(z)) + (1-y)*log(1-sigmoid(z))))"
BCE_LOGITS = "sum(sigmoid_binary_cross_entropy(z, y))"
NORM = "sum((x - mean(x))/sqrt(var(x) + 0.1)*g)"
BATCH_NORM = "sum((X - mean(X, axis=0))/sqrt(var(X, axis=0) + 0.1)*G)"
ATTENTION = "sum((softmax(Q@K.T/2)@V)*G)"
TANH = "sum((tanh(W@x + b) - y)**2)/2"
TWO = "sum((V@sigmoid(W@x) - y)**2)/2"
KL = "sum(p*(log(p) - log(softmax(z))))"

RMS = "sum(x/sqrt(mean(x**2) + 0.01)*g)"
RECURRENT = "sum(tanh(W@tanh(W@x))*g)"
RESIDUAL = "sum((x + tanh(W@x))*g)"
TRIPLET = "sum(relu(m + sum((A-P)**2, axis=1) - sum((A-N)**2, axis=1)))"
CONTRAST = "mean(logsumexp(X@Y.T, axis=1) - sum(X*Y, axis=1))"
DICE = "1 - 2*sum(sigmoid(z)*y)/(sum(sigmoid(z)) + sum(y))"
REVERSE_KL = "sum(softmax(z)*(log(softmax(z)) - log(p)))"
POLICY = "sum(softmax(X@W)*R)"

rows = S(Z="N,K", Y="N,K")
layer = S(X="N,D", W="D,K", b="K", Y="N,K")
attention = S(Q="N,D", K="M,D", V="M,H", G="N,H")
square_attention = S(Q="N,D", K="N,D", V="N,H", G="N,H")
tanh = S(W="K,D", x="D", b="K", y="K")
two = S(W="H,D", x="D", V="K,H", y="K")
linear = S(X="N,D", w="D", y="N")
matrix = S(W="K,D", x="D", y="K")
square = S(W="D,D", x="D", y="D")
steps = S(W="D,D", x="D", g="D")
triplet = S(A="B,D", P="B,D", N="B,D", m="")
pairs = S(X="N,D", Y="N,D")
policy = S(X="N,D", W="D,K", R="N,K")

xh = "((x - mean(x))/sqrt(var(x) + 0.1))"
sd = "sqrt(var(x) + 0.1)"
P = "softmax(Q@K.T/2)"
RM = "sqrt(mean(x**2) + 0.01)"
LAST = "g*(1 - tanh(W@tanh(W@x))**2)"
GATE = "(m + sum((A-P)**2, axis=1, keepdims=True) - sum((A-N)**2, axis=1, keepdims=True) > 0)"
UNION = "(sum(sigmoid(z)) + sum(y))"
XH = "(X - mean(X, axis=0))/sqrt(var(X, axis=0) + 0.1)"

EQUAL: list[tuple[str, str, str, dict[str, Any]]] = [
    (CE, "z", "exp(z)/sum(exp(z))*sum(p) - p", {}),
    (CE, "z", "sum(p)/sum(exp(z - max(z)))*exp(z - max(z)) - p", {}),
    ("-sum(p*log_softmax(z))", "z", "exp(log_softmax(z))*sum(p) - p", {}),
    (SQUARED, "z", "softmax(z)*((softmax(z)-y) - sum(softmax(z)*(softmax(z)-y)))", {}),
    (SQUARED, "z", "(softmax(z)-y)*softmax(z) - softmax(z)*((softmax(z)-y) @ softmax(z))", {}),
    ("logsumexp(z)", "z", "1/sum(exp(z))*exp(z)", {}),
    ("logsumexp(z)", "z", "exp(z - logsumexp(z))", {}),
    ("sum(log(1+exp(z)) - y*z)", "z", "exp(z)/(1+exp(z)) - y", {}),
    (BCE_LOGITS, "z", "1 - 1/(1+exp(z)) - y", {}),
    (BCE_LOGITS, "z", "(1-y)*sigmoid(z) - y*sigmoid(-z)", {}),
    (BCE_LOGITS, "z", "(tanh(z/2) + 1)/2 - y", {}),
    (LAYER, "b", "mean(softmax(X@W+b)*sum(Y, axis=1, keepdims=True) - Y, axis=0)", layer),
    ("sum((X@w - y)**2)", "w", "2*X.T@X@w - 2*X.T@y", linear),
    ("sum((W@x - y)**2)/2", "W", "outer(W@x - y, x)", matrix),
    ("sum((W@x - y)**2)/2", "x", "(W@x - y)@W", matrix),
    ("x@A@x", "x", "(A + A.T)@x", S(A="N,N", x="N")),
    ("sum(relu(x)*y)", "x", "y*(1 + sign(x))/2", {}),
    ("sum(relu(x)*y)", "x", "where(x >= 0, y, 0)", {}),
    ("sum(maximum(x, y))", "x", "where(x >= y, 1, 0)", {}),
    ("max(x)", "x", "where(x == max(x), 1, 0)", {}),
    ("sum(abs(x))", "x", "x/abs(x)", {}),
    ("norm(x)", "x", "x/norm(x)", {}),
    ("sum(tanh(x))", "x", "4*sigmoid(2*x)*(1 - sigmoid(2*x))", {}),
    ("sum(tanh(x))", "x", "1/((exp(x) + exp(-x))/2)**2", {}),
    ("sum(x**a)", "x", "a*x**(a-1)", {}),
    ("sum(x*y)/sum(y)", "y", "(x - sum(x*y)/sum(y))/sum(y)", {}),
    (KL, "z", "softmax(z)*sum(p) - p", {}),
    (ATTENTION, "V", f"{P}.T@G", attention),
    (ATTENTION, "Q", f"({P}*(G@V.T - sum({P}*(G@V.T), axis=1, keepdims=True)))@K/2", attention),
    (NORM, "x", f"(g - mean(g) - {xh}*mean(g*{xh}))/{sd}", {}),
    ("sum(x)", "x", "1", {}),
    (TRIPLET, "A", f"2*(N-P)*{GATE}", triplet),
    ("sum(relu(1 - y*x))", "x", "-(1 - y*x > 0)*y", {}),
    ("sum(relu(1 - x) + relu(-x))", "x", "-(x < 1) - (x < 0)", {}),
    ("sum(relu(x - 1) + relu(x))", "x", "(x > 1) + (x > 0)", {}),
    (RMS, "x", f"(g - x*mean(g*x)/{RM}**2)/{RM}", {}),
    (RESIDUAL, "x", "g + W.T@(g*(1 - tanh(W@x)**2))", steps),
    (RECURRENT, "W", f"outer({LAST}, tanh(W@x)) + outer((W.T@({LAST}))*(1-tanh(W@x)**2), x)",
     steps),
    (REVERSE_KL, "z", "softmax(z)*(log(softmax(z)) - log(p) - sum(softmax(z)*log(softmax(z)/p)))",
     {}),
    (DICE, "z", f"-(2*y*{UNION} - 2*sum(sigmoid(z)*y))/{UNION}**2*sigmoid(z)*(1-sigmoid(z))", {}),
    ("sum(x*y)/(norm(x)*norm(y))", "x",
     "(y/norm(y) - (x/norm(x))*((x/norm(x))@(y/norm(y))))/norm(x)", {}),
]  # fmt: skip

CONDITIONAL: list[tuple[str, str, str, dict[str, Any], str]] = [
    (CE, "z", "softmax(z) - p", {}, "if and only if sum(p) = 1"),
    ("sum(p*logsumexp(z) - p*z)", "z", "softmax(z) - p", {}, "if and only if sum(p) = 1"),
    (KL, "z", "softmax(z) - p", {}, "if and only if sum(p) = 1"),
    ("-sum(Y*log_softmax(Z))", "Z", "softmax(Z) - Y", rows, "if and only if sum(Y, axis=1) = 1"),
    ("-sum(w*p*log(softmax(z)))", "z", "softmax(z) - w*p", {}, "if and only if sum(p*w) = 1"),
    ("x@A@x", "x", "2*A@x", S(A="N,N", x="N"), "if A = A.T"),
    ("sum(abs(x))", "x", "1", {}, "if x > 0"),
    ("sum(sqrt(x**2))", "x", "1", {}, "if x > 0"),
    ("sum(x**3)", "x", "3*x**4/x**2", {}, "if x != 0"),
    ("-sum(p*log(softmax(z)))", "z", "softmax(z)*sum(p*p) - p", {}, "if p is one-hot"),
]  # fmt: skip

# the words that the headline has to contain
WRONG: list[tuple[str, str, str, dict[str, Any], str]] = [
    # signs and constant factors
    (CE, "z", "p - softmax(z)", {}, "sign is flipped"),
    (BCE_LOGITS, "z", "y - sigmoid(z)", {}, "sign is flipped"),
    ("sum(Y*log_softmax(Z))", "Z", "softmax(Z)*sum(Y, axis=1, keepdims=True) - Y", rows, "sign"),
    ("sum((softmax(z) - y)**2)", "z", EQUAL[3][2], {}, "factor of 1/2"),
    ("sum((x - y)**2)/2", "x", "2*(x - y)", {}, "factor of 2"),
    ("sum((W@x - y)**2)", "x", "W.T@(y - W@x)", matrix, "-1/2"),
    ("sum(x**3)", "x", "x**2", {}, "1/3"),
    (BATCH, "Z", "softmax(Z) - Y", rows, "sum for mean"),
    (LAYER, "W", "X.T@(softmax(X@W+b) - Y)", layer, "sum for mean"),
    ("sum((X@w - y)**2)", "w", "2*X.T@(X@w - y)/sum(y/y)", linear, "mean for sum"),
    ("mean((X@w - y)**2)", "w", "2*X.T@(X@w - y)/sum(y/y)**2", linear, "1/n"),
    ("var(x)", "x", "2*(x - mean(x))/(sum(x/x) - 1)", {}, "n/(n - 1)"),
    (ATTENTION, "Q", f"({P}*(G@V.T - sum({P}*(G@V.T), axis=1, keepdims=True)))@K", attention, "2"),
    # softmax
    ("sum(g*softmax(z))", "z", "g*softmax(z)*(1 - softmax(z))", {}, "diagonal"),
    (SQUARED, "z", "(softmax(z)-y)*softmax(z)*(1-softmax(z))", {}, "diagonal"),
    (ATTENTION, "Q", f"({P}*(1-{P})*(G@V.T))@K/2", attention, "diagonal"),
    ("sum(g*softmax(z))", "z", "g", {}, "with respect to softmax(z), not z"),
    (SQUARED, "z", "softmax(z) - y", {}, "with respect to softmax(z), not z"),
    (ATTENTION, "Q", "(G@V.T)@K/2", attention, "missing from the chain rule"),
    ("sum(g*softmax(z))", "z", "g*softmax(z)", {}, "the path through sum(exp(z)) is missing"),
    ("sum(g*softmax(z))", "z", "softmax(z)*(g + sum(g*softmax(z)))", {}, "wrong sign"),
    (CE, "z", "(softmax(z)-p)*softmax(z)*(1-softmax(z))", {}, "multiplied in once more"),
    (BCE_LOGITS, "z", "(sigmoid(z)-y)*sigmoid(z)*(1-sigmoid(z))", {}, "where none belongs"),
    (CE, "z", "-p/softmax(z)", {}, "with respect to softmax(z), not z"),
    (BCE, "z", "-(y/sigmoid(z) - (1-y)/(1-sigmoid(z)))", {}, "with respect to sigmoid(z), not z"),
    # axes, labels, terms
    (BATCH, "Z", "softmax(Z, axis=0) - Y", rows, "axis"),
    (ATTENTION, "Q", f"({P}*(G@V.T - sum({P}*(G@V.T), axis=0, keepdims=True)))@K/2", attention,
     "along axis 0"),
    (BATCH_NORM, "X", "(G - mean(G, axis=1, keepdims=True))/sqrt(var(X, axis=0) + 0.1)",
     S(X="N,D", G="N,D"), "no usual mistake fits"),
    ("-log(softmax(z)[2])", "z", "softmax(z) - [0, 1, 0, 0]", {}, "one too low"),
    ("-log_softmax(z)[1]", "z", "softmax(z) - [0, 0, 1, 0]", {}, "one too high"),
    ("logsumexp(z) - z[2]", "z", "softmax(z)", {}, "z[2] is missing"),
    (BCE, "z", "-y*(1-sigmoid(z))", {}, "1 - sigmoid(z) is missing"),
    (BCE, "z", "-y*(1-sigmoid(z)) - (1-y)*sigmoid(z)", {}, "wrong sign"),
    ("sum(p*(log(p) - log(q)))", "p", "log(p) - log(q)", {}, "log(p) is missing"),
    ("-sum(p*log(softmax(z/T)))", "z", "softmax(z/T) - p", {}, "with respect to z/T, not z"),
    ("-sum(p*log(softmax(z/T)))", "z", "(softmax(z) - p)/T", {}, "denominator T is missing"),
    # transposes and broadcasting
    ("sum((W@x - y)**2)/2", "W", "outer(x, W@x - y)", square, "transpose"),
    ("sum((W@x - y)**2)/2", "W", "outer(x, W@x - y)", matrix, "has the shape (4, 3), W has (3, 4)"),
    ("sum((W@x - y)**2)/2", "x", "W@(W@x - y)", square, "transpose"),
    ("sum((X@W - Y)**2)/2", "W", "X@(X@W - Y)", S(X="D,D", W="D,K", Y="D,K"), "transpose"),
    (ATTENTION, "V", f"{P}@G", square_attention, "transpose"),
    (ATTENTION, "K", f"({P}*(G@V.T - sum({P}*(G@V.T), axis=1, keepdims=True)))@Q/2",
     square_attention, "transpose"),
    (LAYER, "b", "softmax(X@W+b) - Y", layer, "not summed back"),
    ("sum((X@W + b - Y)**2)/2", "b", "(X@W + b - Y)[0]", layer, "not summed back"),
    ("sum((X@W + b - Y)**2)/2", "b", "mean(X@W + b - Y, axis=0)", layer, "mean"),
    # normalisation
    (NORM, "x", f"(g - {xh}*mean(g*{xh}))/{sd}", {}, "sum(x) is missing"),
    (NORM, "x", f"(g - mean(g))/{sd}", {}, "var(x) is missing"),
    (NORM, "x", f"g/{sd}", {}, "with respect to x - mean(x)"),
    (NORM, "x", f"(g - 2*mean(g) - {xh}*mean(g*{xh}))/{sd}", {}, "counted twice"),
    (NORM, "x", f"(g - mean(g) + {xh}*mean(g*{xh}))/{sd}", {}, "wrong sign"),
    ("sum((x - mean(x))/sqrt(var(x) + 0.1)*c*g)", "x",
     f"(g - mean(g) - {xh}*mean(g*{xh}))/{sd}", {}, "missing from the chain rule"),
    (BATCH_NORM, "X", f"(G - {XH}*mean(G*{XH}, axis=0))/sqrt(var(X, axis=0) + 0.1)",
     S(X="N,D", G="N,D"), "X, axis=0) is missing"),
    (RMS, "x", f"g/{RM}", {}, "x**2 is treated as a constant"),
    (RMS, "x", f"(g - x*sum(g*x)/{RM}**2)/{RM}", {}, "d mean(x**2) / d sum(x**2) is missing"),
    ("-sum(Y*log_softmax(Z))", "Z",
     "sum(Y, axis=1, keepdims=True)*exp(Z)/sum(exp(Z)) - Y", rows, "along all axes"),
    (POLICY, "W", "X.T@(softmax(X@W)*(R - sum(R*softmax(X@W))))", policy, "along all axes"),
    # several steps, several terms
    (RECURRENT, "W", f"outer({LAST}, tanh(W@x))", steps, "the path through W @ x is missing"),
    (RECURRENT, "W", f"outer((W.T@({LAST}))*(1-tanh(W@x)**2), x)", steps,
     "W is treated as a constant in W @ tanh(W @ x)"),
    (RESIDUAL, "x", "W.T@(g*(1 - tanh(W@x)**2))", steps, "the term through x is missing"),
    (RESIDUAL, "x", "g + W@(g*(1 - tanh(W@x)**2))", steps, "transpose"),
    (TRIPLET, "A", "2*(N-P)", triplet, "d relu"),
    (TRIPLET, "A", f"2*(P-N)*{GATE}", triplet, "sign is flipped"),
    (TRIPLET, "A", f"2*(A-P)*{GATE}", triplet, "A - N is missing"),
    (CONTRAST, "X", "softmax(X@Y.T)@Y - Y", pairs, "sum for mean"),
    (CONTRAST, "Y", "(softmax(X@Y.T)@X - X)/sum(X[:, 0]/X[:, 0])", pairs, "transpose"),
    (DICE, "z", f"-2*y/{UNION}*sigmoid(z)*(1-sigmoid(z))", {}, "sum(sigmoid(z)) is missing"),
    (REVERSE_KL, "z", "log(softmax(z)) - log(p) + 1", {}, "with respect to softmax(z), not z"),
    # activations and the chain rule
    (TANH, "x", "W.T@((tanh(W@x+b)-y)*tanh(W@x+b)*(1-tanh(W@x+b)))", tanh, "that of sigmoid"),
    (TANH, "x", "W.T@((tanh(W@x+b)-y)*(1-(W@x+b)**2))", tanh, "put in for the output"),
    (TANH, "x", "W.T@(tanh(W@x+b)-y)", tanh, "missing"),
    (TANH, "W", "outer(tanh(W@x+b)-y, x)", tanh, "missing"),
    (TANH, "x", "W.T@(y-tanh(W@x+b))", tanh, "sign is flipped"),
    (TWO, "W", "outer((V.T@(V@sigmoid(W@x)-y))*(W@x > 0), x)", two, "that of relu"),
    (TWO, "W", "outer((V.T@(V@sigmoid(W@x)-y))*(1-sigmoid(W@x)**2), x)", two, "that of tanh"),
    (TWO, "W", "outer((V.T@(V@sigmoid(W@x)-y))*(W@x)*(1-W@x), x)", two, "put in for the output"),
    ("sum(relu(x)*y)", "x", "y", {}, "with respect to relu(x), not x"),
    ("sum(relu(x)*y)", "x", "y*(x < 0)", {}, "wrong way round"),
    ("max(x)", "x", "1", {}, "sent to every entry"),
    ("sum(exp(x*x))", "x", "exp(x*x)", {}, "with respect to x*x, not x"),
    ("sum(sin(a*x))", "x", "cos(a*x)", {}, "with respect to a*x, not x"),
    ("sum(x*exp(x))", "x", "exp(x)", {}, "exp(x) is missing"),
    ("sum(x*exp(x))", "x", "x*exp(x)", {}, "x is missing"),
    ("sum(x*y)/norm(x)", "x", "y/norm(x)", {}, "is missing"),
]  # fmt: skip
