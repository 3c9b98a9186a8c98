# ruff: noqa: E501
"""Derivations as people write them, all correct, and slips to plant in them."""

from __future__ import annotations

# Names with their LaTeX, Markdown or plain lines.
GOOD = {
    "softmax CE": r"""
\begin{align}
q_i &= \frac{e^{z_i}}{\sum_{j=1}^n e^{z_j}} \\
L &= -\sum_{i=1}^n p_i \log q_i \\
  &= -\sum_{i=1}^n p_i \left( z_i - \log \sum_{j=1}^n e^{z_j} \right) \\
\frac{\partial q_i}{\partial z_k} &= q_i (\delta_{ik} - q_k) \\
\frac{\partial L}{\partial q_i} &= -\frac{p_i}{q_i} \\
\frac{\partial L}{\partial z_k} &= \sum_{i=1}^n \frac{\partial L}{\partial q_i} \frac{\partial q_i}{\partial z_k} \\
 &= -\sum_{i=1}^n \frac{p_i}{q_i} q_i (\delta_{ik} - q_k) \\
 &= -\sum_{i=1}^n p_i (\delta_{ik} - q_k) \\
 &= q_k \sum_{i=1}^n p_i - p_k \\
 &= q_k - p_k
\end{align}
""",
    "BCE": r"""
Let $z$ be a logit and $y \in \{0, 1\}$.
$$a = \sigma(z) = \frac{1}{1 + e^{-z}}$$
$$L = -\left[ y \log a + (1 - y) \log(1 - a) \right]$$
$$\frac{\partial L}{\partial a} = -\frac{y}{a} + \frac{1-y}{1-a} = \frac{a - y}{a(1-a)}$$
$$\frac{d a}{d z} = a(1-a)$$
$$\frac{\partial L}{\partial z} = \frac{\partial L}{\partial a}\frac{\partial a}{\partial z} = \frac{a-y}{a(1-a)} a(1-a) = a - y$$
""",
    "BCE logits": r"""
$$\sigma(x) = \frac{1}{1+e^{-x}}, \qquad \sigma'(x) = \sigma(x)(1-\sigma(x))$$
\begin{align*}
L(z) &= -y\log\sigma(z) - (1-y)\log(1-\sigma(z)) \\
&= y \log(1 + e^{-z}) + (1-y) \log(1+e^{z}) \\
&= \log(1+e^z) - y z\\
L'(z) &= \sigma(z) - y
\end{align*}
""",
    "MSE": r"""
$$L = \frac{1}{2n} \sum_{i=1}^n (y_i - \hat{y}_i)^2$$
$$\frac{\partial L}{\partial \hat{y}_i} = \frac{1}{n}(\hat y_i - y_i) = -\frac{1}{n}(y_i - \hat y_i)$$
""",
    "linear regression": r"""
$$\hat{y}_i = \sum_{j=1}^d w_j x_{ij} + b$$
$$J(w, b) = \frac{1}{2N}\sum_{i=1}^N (\hat{y}_i - y_i)^2$$
$$\frac{\partial J}{\partial w_j} = \frac{1}{N} \sum_{i=1}^N (\hat y_i - y_i) x_{ij}, \qquad \frac{\partial J}{\partial b} = \frac{1}{N}\sum_{i=1}^N (\hat{y}_i - y_i)$$
""",
    "linear layer": r"""
\[ z_j = \sum_{i=1}^n W_{ji} x_i + b_j \]
\[ a_j = \frac{\exp(z_j)}{\sum_{k=1}^m \exp(z_k)} \]
\[ L = -\sum_{k=1}^m y_k \ln a_k \]
\[ \frac{\partial L}{\partial z_j} = a_j \sum_{k=1}^m y_k - y_j = a_j - y_j \]
\begin{align}
\frac{\partial L}{\partial W_{ji}} &= \sum_{k=1}^m \frac{\partial L}{\partial z_k}\frac{\partial z_k}{\partial W_{ji}} \\
&= \frac{\partial L}{\partial z_j} x_i \\
&= (a_j - y_j) x_i
\end{align}
\[ \frac{\partial L}{\partial b_j} = a_j - y_j, \quad \frac{\partial L}{\partial x_i} = \sum_{j=1}^m W_{ji} (a_j - y_j)\]
""",
    "two layers": r"""
$$a_j = \sum_{i=1}^n W_{ji} x_i + b_j, \quad h_j = \tanh(a_j), \quad o_k = \sum_{j=1}^m V_{kj} h_j + c_k$$
$$L = \frac{1}{2} \sum_{k=1}^r (o_k - y_k)^2$$
$$\delta_k = \frac{\partial L}{\partial o_k} = o_k - y_k$$
$$\frac{\partial L}{\partial V_{kj}} = \delta_k h_j$$
$$\frac{\partial L}{\partial h_j} = \sum_{k=1}^r \delta_k V_{kj}$$
$$\frac{\partial L}{\partial a_j} = \frac{\partial L}{\partial h_j} (1 - h_j^2) = (1 - h_j^2) \sum_{k=1}^r V_{kj} \delta_k$$
$$\frac{\partial L}{\partial W_{ji}} = \frac{\partial L}{\partial a_j} x_i$$
""",
    "cases": r"""
$S_i = \frac{e^{z_i}}{\sum_k e^{z_k}}$.
$$\frac{\partial S_i}{\partial z_j} = \begin{cases} S_i(1 - S_i) & \text{if } i = j \\ -S_i S_j & \text{otherwise}\end{cases} = S_i(\delta_{ij} - S_j)$$
Also $\frac{\partial \log S_i}{\partial z_j} = \delta_{ij} - S_j$ and $\frac{\partial S_i}{\partial z_i} = S_i (1 - S_i)$.
""",
    "quotient": r"""
\begin{align}
\Sigma &= \sum_{j=1}^n e^{z_j}\\
s_i &= \frac{e^{z_i}}{\Sigma}\\
\frac{\partial s_i}{\partial z_k} &= \frac{\delta_{ik} e^{z_i} \Sigma - e^{z_i} e^{z_k}}{\Sigma^2}\\
&= \frac{e^{z_i}}{\Sigma}\frac{\delta_{ik}\Sigma - e^{z_k}}{\Sigma}\\
&= s_i(\delta_{ik} - s_k)
\end{align}
""",
    "logsumexp": r"""
$$f(z) = \log \sum_{i=1}^n \exp(z_i)$$
$$\frac{\partial f}{\partial z_k} = \frac{\exp(z_k)}{\sum_{i=1}^n \exp(z_i)} = \text{softmax}(z)_k$$
$$\frac{\partial^2 f}{\partial z_k \partial z_l} = \text{softmax}(z)_k \left(\delta_{kl} - \text{softmax}(z)_l\right)$$
$$f(z) = m + \log\sum_{i=1}^n e^{z_i - m}$$
""",
    "KL": r"""
\begin{align}
D_{KL}(p \| q) &= \sum_{i=1}^n p_i \log \frac{p_i}{q_i}\\
&= \sum_{i=1}^n p_i \log p_i - \sum_{i=1}^n p_i \log q_i
\end{align}
$$H(p) = -\sum_{i=1}^n p_i \log p_i$$
$$\frac{\partial}{\partial q_k} D_{KL}(p\|q) = -\frac{p_k}{q_k}$$
""",
    "one-hot": r"""
$$q_i = \frac{e^{z_i}}{\sum_{j=1}^C e^{z_j}}$$
$$L = -\sum_{i=1}^C y_i \log q_i = -\log q_c$$
where $c$ is the true class.
$$\frac{\partial L}{\partial z_i} = q_i - y_i = q_i - \mathbb{1}[i = c]$$
""",
    "label": r"""
$$L = -\log \frac{e^{z_y}}{\sum_j e^{z_j}} = -z_y + \log \sum_j e^{z_j}$$
$$\frac{\partial L}{\partial z_k} = \frac{e^{z_k}}{\sum_j e^{z_j}} - \delta_{ky}$$
""",
    "vector": r"""
Let $\mathbf{x} \in \mathbb{R}^n$ and $\mathbf{W} \in \mathbb{R}^{m \times n}$.
\begin{align}
\mathbf{z} &= \mathbf{W}\mathbf{x} + \mathbf{b}\\
\mathbf{q} &= \text{softmax}(\mathbf{z})\\
L &= -\mathbf{p}^\top \log \mathbf{q}\\
\nabla_{\mathbf{z}} L &= (\mathbf{p}^\top \mathbf{1}) \mathbf{q} - \mathbf{p}\\
\end{align}
""",
    "vector2": r"""
$$z = Wx + b, \quad L = \frac12 \lVert z - y \rVert^2$$
$$\frac{\partial L}{\partial z} = z - y$$
$$\frac{\partial L}{\partial W} = (z - y) x^\top, \quad \frac{\partial L}{\partial x} = W^\top (z-y)$$
""",
    "logistic": r"""
$$h_\theta(x) = \frac{1}{1 + e^{-\theta^T x}}$$
$$J(\theta) = -\frac{1}{m}\sum_{i=1}^m \left[ y^{(i)} \log h_\theta(x^{(i)}) + (1 - y^{(i)}) \log (1 - h_\theta(x^{(i)})) \right]$$
$$\frac{\partial J}{\partial \theta_j} = \frac{1}{m} \sum_{i=1}^m \left( h_\theta(x^{(i)}) - y^{(i)} \right) x_j^{(i)}$$
""",
    "plain": "q_i = exp(z_i)/sum_j exp(z_j)\nL = -sum_i p_i*log(q_i)\ndL/dz_k = q_k*sum_i p_i - p_k\ndL/dz_k = q_k - p_k\n",
    "plain vec": "q = softmax(z)\nL = -sum(p*log(q))\ndL/dz = sum(p)*q - p\ndL/dz = q - p\n",
    "a sum over examples": r"""
$$C = -\frac{1}{n} \sum_x \left[y \ln a + (1-y) \ln (1-a)\right]$$
$$C = \frac{(y-a)^2}{2}, \quad a = \sigma(z), \quad z = wx+b$$
$$\frac{\partial C}{\partial w} = (a-y)\sigma'(z) x$$
$$\frac{\partial C}{\partial b} = (a-y)\sigma'(z)$$
""",
    "one case": r"""
$$S_j = \frac{e^{a_j}}{\sum_{k=1}^N e^{a_k}} \quad \forall j \in 1 \ldots N$$
$$D_j S_i = \frac{\partial S_i}{\partial a_j}$$
\begin{align*}
\frac{\partial}{\partial a_j} \frac{e^{a_i}}{\sum_{k=1}^N e^{a_k}} &= \frac{e^{a_i}\sum_{k=1}^N e^{a_k} - e^{a_j}e^{a_i}}{\left(\sum_{k=1}^N e^{a_k}\right)^2} \\
\end{align*}
for $i = j$.
""",
    "case i=j": r"""
$p_i = \frac{e^{a_i}}{\sum_{k=1}^N e^{a_k}}$
If $i \neq j$:
\begin{align}
\frac{\partial p_i}{\partial a_j} &= \frac{0 - e^{a_j}e^{a_i}}{\left( \sum_{k=1}^N e^{a_k}\right)^2} = -p_j p_i
\end{align}
If $i = j$:
\begin{align}
\frac{\partial p_i}{\partial a_j} &= p_i(1 - p_j)
\end{align}
""",
    "relu": r"""
$$h_i = \max(0, a_i), \quad a_i = \sum_j w_{ij} x_j$$
$$\frac{\partial h_i}{\partial a_i} = \begin{cases} 1 & a_i > 0 \\ 0 & \text{otherwise} \end{cases} = \mathbb{1}[a_i > 0]$$
$$\frac{\partial h_i}{\partial w_{ik}} = \mathbb{1}[a_i > 0] x_k$$
""",
    "sum split": r"""
\begin{align}
\frac{\partial L}{\partial o_i} &= -\sum_k y_k \frac{\partial \log p_k}{\partial o_i} \\
&= -\sum_k y_k \frac{1}{p_k} \frac{\partial p_k}{\partial o_i}
\end{align}
$$L = -\sum_k y_k \log p_k, \quad p_j = \frac{e^{o_j}}{\sum_k e^{o_k}}$$
\begin{align}
\frac{\partial L}{\partial o_i} &= -\sum_k y_k \frac{\partial \log p_k}{\partial o_i} \\
&= -\sum_k y_k \frac{1}{p_k} \frac{\partial p_k}{\partial o_i}\\
&= -y_i (1 - p_i) - \sum_{k \neq i} y_k \frac{1}{p_k} (-p_k p_i) \\
&= -y_i (1 - p_i) + \sum_{k \neq i} y_k p_i \\
&= -y_i + y_i p_i + \sum_{k \neq i} y_k p_i \\
&= p_i \left( y_i + \sum_{k \neq i} y_k \right) - y_i \\
&= p_i \left( \sum_{k} y_k \right) - y_i \\
&= p_i - y_i
\end{align}
""",
    "chain": r"""
$$\frac{\partial L}{\partial z_j} = \sum_{k=1}^m \frac{\partial L}{\partial a_k} \frac{\partial a_k}{\partial z_j}$$
$$\frac{\partial L}{\partial w} = \frac{\partial L}{\partial a} \frac{\partial a}{\partial z} \frac{\partial z}{\partial w}$$
""",
    "temperature": r"""
$$q_i = \frac{e^{z_i/T}}{\sum_{j=1}^n e^{z_j/T}}, \quad C = -\sum_{i=1}^n p_i \log q_i$$
$$\frac{\partial C}{\partial z_i} = \frac{1}{T}(q_i \sum_{j=1}^n p_j - p_i) = \frac{1}{T}\left(\frac{e^{z_i/T}}{\sum_j e^{z_j/T}} - p_i\right)$$
""",
    "hessian": r"""
$$L = -\sum_i p_i \log q_i, \quad q_i = \frac{e^{z_i}}{\sum_j e^{z_j}}, \quad \sum_i p_i = 1$$
$$\frac{\partial L}{\partial z_i} = q_i - p_i$$
$$\frac{\partial^2 L}{\partial z_i \partial z_j} = q_i \delta_{ij} - q_i q_j = q_i(\delta_{ij} - q_j)$$
""",
    "batch": r"""
$$q_{ni} = \frac{e^{z_{ni}}}{\sum_{j=1}^K e^{z_{nj}}}$$
$$L = -\frac{1}{N} \sum_{n=1}^N \sum_{i=1}^K y_{ni} \log q_{ni}$$
$$\frac{\partial L}{\partial z_{ni}} = \frac{1}{N} (q_{ni} - y_{ni})$$
$$z_{ni} = \sum_{d=1}^D x_{nd} w_{di}$$
$$\frac{\partial L}{\partial w_{di}} = \frac{1}{N} \sum_{n=1}^N x_{nd} (q_{ni} - y_{ni})$$
""",
    "layers": r"""
\begin{eqnarray}
  C = \frac{1}{2} \sum_j (y_j-a^L_j)^2, \qquad a^L_j = \sigma(z^L_j)
\end{eqnarray}
\begin{eqnarray}
  \delta^L_j = \frac{\partial C}{\partial z^L_j} = \frac{\partial C}{\partial a^L_j} \sigma'(z^L_j) = (a^L_j-y_j) \sigma'(z^L_j)
\end{eqnarray}
""",
    "same letter": r"""
\begin{eqnarray} 
  C = -\frac{1}{n} \sum_{x=1}^n \left[y_x \ln a_x + (1-y_x ) \ln (1-a_x) \right],
\end{eqnarray}
\begin{eqnarray}
a_x = \sigma(z_x), \quad z_x = \sum_j w_j x_{xj}
\end{eqnarray}
""",
    "logsoftmax": r"""
\begin{align*}
\log q_i &= z_i - \log\sum_j e^{z_j} \\
\frac{\partial}{\partial z_k} \log q_i &= \delta_{ik} - \frac{e^{z_k}}{\sum_j e^{z_j}}
\end{align*}
""",
    "logsoftmax2": r"""
$$q_i = \frac{e^{z_i}}{\sum_j e^{z_j}}$$
\begin{align*}
\log q_i &= z_i - \log\sum_j e^{z_j} \\
\frac{\partial \log q_i}{\partial z_k} &= \delta_{ik} - q_k \\
\frac{\partial q_i}{\partial z_k} &= q_i \frac{\partial \log q_i}{\partial z_k} = q_i(\delta_{ik}-q_k)
\end{align*}
""",
    "jacobian matrix": r"""
$$s = \text{softmax}(z)$$
$$\frac{\partial s}{\partial z} = \text{diag}(s) - s s^\top$$
""",
    "an index of an index": r"""
$$L_i = -\log\left(\frac{e^{f_{y_i}}}{ \sum_j e^{f_j} }\right)$$
$$p_k = \frac{e^{f_k}}{ \sum_j e^{f_j} } \hspace{1in} L_i =-\log\left(p_{y_i}\right)$$
$$\frac{\partial L_i }{ \partial f_k } = p_k - \mathbb{1}(y_i = k)$$
""",
    "a function of vectors": r"""
\begin{aligned}
l(\mathbf{y}, \hat{\mathbf{y}}) &=  - \sum_{j=1}^q y_j \log \frac{\exp(o_j)}{\sum_{k=1}^q \exp(o_k)} \\
&= \sum_{j=1}^q y_j \log \sum_{k=1}^q \exp(o_k) - \sum_{j=1}^q y_j o_j \\
&= \log \sum_{k=1}^q \exp(o_k) - \sum_{j=1}^q y_j o_j.
\end{aligned}
$$
\partial_{o_j} l(\mathbf{y}, \hat{\mathbf{y}}) = \frac{\exp(o_j)}{\sum_{k=1}^q \exp(o_k)} - y_j = \mathrm{softmax}(\mathbf{o})_j - y_j.
$$
""",
    "ridge": r"""
$$J(w) = \frac{1}{2} \lVert Xw - y \rVert^2 + \frac{\lambda}{2} \lVert w \rVert^2$$
$$\nabla_w J(w) = X^\top (Xw - y) + \lambda w$$
""",
    "identity matrix": r"""
\begin{align}
y_k &= \frac{\exp(a_k)}{\sum_{j} \exp(a_j)} \\
E &= -\sum_{k} t_k \ln y_k \\
\frac{\partial y_k}{\partial a_j} &= y_k (I_{kj} - y_j) \\
\frac{\partial E}{\partial a_j} &= -\sum_k \frac{t_k}{y_k} y_k(I_{kj} - y_j) \\
&= y_j - t_j
\end{align}
where $I_{kj}$ are the elements of the identity matrix.
""",
    "named afterwards": r"""
$$L = \frac12 (a - y)^2, \quad a = w x + b$$
$$\frac{\partial L}{\partial a} = a - y =: \delta$$
$$\frac{\partial L}{\partial w} = \delta x$$
$$\frac{e^{z_i}}{\sum_j e^{z_j}} =: q_i$$
$$\frac{\partial q_i}{\partial z_k} = q_i (\mathbf{1}_{\{i = k\}} - q_k)$$
""",
    "Frobenius": r"""
Let $X \in \mathbb{R}^{n \times d}$, $W \in \mathbb{R}^{d \times k}$, $B \in \mathbb{R}^{n \times k}$.
$$L = \frac12 \|X W - B\|_F^2$$
$$\frac{\partial L}{\partial W} = X^\top (X W - B)$$
$$L = \frac12 \sum_{ij} (X W - B)_{ij}^2$$
""",
    "gauss": r"""
$$p(x) = \frac{1}{\sqrt{2\pi\sigma^2}} \exp\left(-\frac{(x-\mu)^2}{2\sigma^2}\right)$$
$$-\log p(x) = \frac{(x-\mu)^2}{2\sigma^2} + \frac{1}{2}\log(2\pi\sigma^2)$$
$$\frac{\partial}{\partial \mu}\left[-\log p(x)\right] = \frac{\mu - x}{\sigma^2}$$
""",
    "tanh": r"""
$$\tanh(x) = \frac{e^x - e^{-x}}{e^x + e^{-x}}, \quad \tanh'(x) = 1 - \tanh^2(x)$$
$$\tanh x = 2\sigma(2x) - 1$$
$$\sigma(-x) = 1 - \sigma(x)$$
""",
    "softplus": r"""
$$\zeta(x) = \log(1 + e^x)$$ $$\zeta'(x) = \frac{1}{1+e^{-x}}$$ $$\zeta(x) - \zeta(-x) = x$$
""",
    "hinge": r"""$$L = \max(0, 1 - t y)$$ $$\frac{\partial L}{\partial y} = \begin{cases} -t & \text{if } t y < 1 \\ 0 & \text{otherwise} \end{cases}$$""",
    "focal": r"""$$L = -(1-p)^\gamma \log p$$ $$\frac{dL}{dp} = \gamma (1-p)^{\gamma-1}\log p - \frac{(1-p)^\gamma}{p}$$""",
    "label smoothing": r"""
$$p_i = (1-\epsilon) y_i + \frac{\epsilon}{K}$$ $$\sum_{i=1}^K y_i = 1$$ $$\sum_{i=1}^K p_i = 1$$
$$q_i = \frac{e^{z_i}}{\sum_{j=1}^K e^{z_j}}$$
$$L = -\sum_{i=1}^K p_i \log q_i$$
$$\frac{\partial L}{\partial z_i} = q_i - p_i = q_i - (1-\epsilon) y_i - \frac{\epsilon}{K}$$
""",
    "attention": r"""
$$a_{ij} = \frac{\exp(s_{ij})}{\sum_{k=1}^n \exp(s_{ik})}, \quad o_{id} = \sum_{j=1}^n a_{ij} v_{jd}$$
$$\frac{\partial o_{id}}{\partial v_{jd}} = a_{ij}$$
$$\frac{\partial a_{ij}}{\partial s_{il}} = a_{ij}(\delta_{jl} - a_{il})$$
$$\frac{\partial o_{id}}{\partial s_{il}} = a_{il}(v_{ld} - o_{id})$$
""",
    "entropy": r"""
$$H = -\sum_i p_i \log p_i$$ $$\frac{\partial H}{\partial p_k} = -\log p_k - 1 = -(1+\log p_k)$$
""",
    "product rule": r"""
$$\frac{d}{dx}\left(u(x) v(x)\right) = u'(x) v(x) + u(x) v'(x)$$
""",
    "greek idx": r"""
$$E = \frac12\sum_{\mu}(y_\mu - \hat y_\mu)^2$$
$$\frac{\partial E}{\partial \hat y_\mu} = -(y_\mu - \hat y_\mu)$$
""",
    "sgd": r"""$$w \leftarrow w - \eta \frac{\partial L}{\partial w}$$ $$w_{t+1} = w_t - \eta g_t$$""",
    "theta": r"""
\begin{align}
h_\theta(x) &= g(\theta^T x), \qquad g(z) = \frac{1}{1+e^{-z}} \\
g'(z) &= \frac{d}{dz}\frac{1}{1+e^{-z}} \\
&= \frac{1}{(1+e^{-z})^2}\left(e^{-z}\right) \\
&= \frac{1}{1+e^{-z}}\cdot\left(1 - \frac{1}{1+e^{-z}}\right) \\
&= g(z)(1-g(z))
\end{align}
\begin{align}
\ell(\theta) &= \sum_{i=1}^m y^{(i)} \log h(x^{(i)}) + (1-y^{(i)})\log(1-h(x^{(i)}))
\end{align}
""",
    "plain2": """
x = W @ h + b
y = sigmoid(x)
L = -(t*log(y) + (1-t)*log(1-y))
dL/dy = (y - t)/(y*(1-y))
dL/dx = y - t
""",
    "plain3": """
L = 0.5*sum((y - t)**2)
dL/dy = y - t
""",
    "plain4": """
z_j = sum_i W_ji x_i + b_j
L = 1/2 sum_j (z_j - t_j)^2
dL/dz_j = z_j - t_j
dL/dW_ji = (z_j - t_j) x_i
dL/dx_i = sum_j W_ji (z_j - t_j)
""",
    "w W": r"""
$$z = Wx + b$$
$$z_i = \sum_j w_{ij} x_j + b_i$$
""",
    "numerator": r"""
Here $z \in \mathbb{R}^m$.
$$\frac{\partial}{\partial z_k}\sum_{j=1}^m z_j^2 = 2 z_k$$
$$\sum_{i=1}^m \sum_{j=1}^m z_i z_j = \left(\sum_{i=1}^m z_i\right)^2$$
$$\prod_{i=1}^m e^{z_i} = e^{\sum_{i=1}^m z_i}$$
""",
    "mean": r"""
$$\mu = \frac{1}{n}\sum_{i=1}^n x_i, \quad v = \frac{1}{n}\sum_{i=1}^n (x_i - \mu)^2$$
$$\frac{\partial \mu}{\partial x_k} = \frac1n$$
$$\frac{\partial v}{\partial x_k} = \frac{2}{n}(x_k - \mu)$$
$$v = \frac{1}{n}\sum_{i=1}^n x_i^2 - \mu^2$$
""",
    "layernorm": r"""
$$y_i = \frac{x_i - \mu}{s}, \quad \mu = \frac1n \sum_{j=1}^n x_j, \quad s = \sqrt{\frac1n\sum_{j=1}^n (x_j-\mu)^2}$$
$$\frac{\partial y_i}{\partial x_k} = \frac{1}{s}\left(\delta_{ik} - \frac1n - \frac{y_i y_k}{n}\right)$$
""",
    "binary": r"""
Let $p \in \{0,1\}$ and $q = \sigma(z)$ where $\sigma(z) = 1/(1+e^{-z})$.
\[ \mathcal L = -p\log q - (1-p) \log (1-q) \]
\[ \frac{\mathrm d \mathcal L}{\mathrm d z} = q - p \]
""",
    "split": r"""
\begin{equation}
\begin{split}
L &= \sum_i (a_i - b_i)^2 \\
&= \sum_i a_i^2 - 2 \sum_i a_i b_i \\
&\quad + \sum_i b_i^2
\end{split}
\end{equation}
""",
    "multiclass": r"""
$\hat{y}_k = \mathrm{softmax}(\mathbf{z})_k$ and $E = -\sum_k y_k \log \hat{y}_k$ so that
\begin{align}
\frac{\partial E}{\partial z_j} &= -\sum_k y_k \frac{\partial \log \hat{y}_k}{\partial z_j} = -\sum_k \frac{y_k}{\hat{y}_k} \frac{\partial \hat{y}_k}{\partial z_j}\\
&= -\frac{y_j}{\hat{y}_j} \hat{y}_j (1-\hat{y}_j) - \sum_{k\neq j} \frac{y_k}{\hat{y}_k}(-\hat{y}_k\hat{y}_j)\\
&= -y_j + y_j\hat{y}_j + \sum_{k\ne j} y_k \hat{y}_j\\
&= -y_j + \hat{y}_j \sum_k y_k\\
&= \hat{y}_j - y_j
\end{align}
""",
}

# How many formulas of a derivation cannot be judged: a quantity is used before it is defined, or
# the notation is not known.
UNREAD = {
    "one case": 1, "a sum over examples": 1, "sum split": 1, "chain": 2, "same letter": 1,
    "logsoftmax": 2, "an index of an index": 3, "sgd": 2,
}  # fmt: skip

# Nothing here is wrong, though much of it cannot be judged.
UNUSUAL = {
    "layers in brackets": r"""
$$Z^{[1]} = W^{[1]} X + b^{[1]}$$ $$A^{[1]} = \tanh(Z^{[1]})$$ $$dZ^{[2]} = A^{[2]} - Y$$ $$dW^{[2]} = \frac{1}{m} dZ^{[2]} A^{[1]T}$$
$$J = -\frac{1}{m}\sum_{i=1}^m \left(y^{(i)}\log\left(a^{[2](i)}\right) + (1-y^{(i)})\log\left(1-a^{[2](i)}\right)\right)$$
""",
    "arguments that are not used": r"""
$$y_k(\mathbf{x}, \mathbf{w}) = \sigma\left(\sum_{j=1}^M w_{kj} h_j\right)$$
$$E(\mathbf{w}) = \frac12 \sum_{n=1}^N \sum_{k=1}^K (y_{nk} - t_{nk})^2$$
$$a_k = \sum_j w_{kj} z_j$$
$$\frac{\partial a_k}{\partial w_{kj}} = z_j$$
""",
    "hadamard": r"""
$$\mathbf{a} = \sigma(\mathbf{z}), \quad L = \frac12\|\mathbf{a} - \mathbf{y}\|^2$$
$$\nabla_{\mathbf{z}} L = (\mathbf{a} - \mathbf{y}) \odot \sigma'(\mathbf{z})$$
""",
    "two names for one": r"""
$e = (a+b) * (b+1)$ $$c=a+b,\quad d=b+1, \quad e=c*d$$ $$\frac{\partial e}{\partial b} = \frac{\partial e}{\partial c}\frac{\partial c}{\partial b} + \frac{\partial e}{\partial d}\frac{\partial d}{\partial b} = d + c$$
""",
    "gelu etc": r"""
$$f(x) = x \sigma(x)$$ $$f'(x) = \sigma(x) + x\sigma'(x)$$ $$\sigma(x)=\frac{1}{1+e^{-x}}$$ $$f'(x) = \sigma(x) + x\sigma(x)(1-\sigma(x)) = f(x) + \sigma(x)(1-f(x))$$
""",
    "second derivative": r"""
$$f(x) = \log(1+e^x), \quad f''(x) = \frac{e^x}{(1+e^x)^2}$$ $$\frac{d^2 f}{dx^2} = f'(x)(1-f'(x))$$
""",
    "jensen": r"""$$KL(p\|q) = \sum_i p_i \log\frac{p_i}{q_i} \ge 0$$ $$H(p,q) = H(p) + KL(p\|q)$$""",
    "sum index shift": r"""$x = (x_1, \ldots, x_n)$ $$\sum_{i=1}^n x_i = x_1 + \sum_{i=2}^n x_i$$ $$\sum_{i=1}^{n-1} (x_{i+1} - x_i) = x_n - x_1$$""",
    "text": r"""
\begin{align}
\text{CE}(p, q) &= -\sum_i p_i \log q_i && \text{(definition)} \\
&= -\sum_i p_i \log p_i + \sum_i p_i \log \frac{p_i}{q_i} && \text{by adding and subtracting}
\end{align}
""",
    "underbrace": r"""$$L = \underbrace{\sum_i x_i^2}_{\text{squares}}$$""",
    "bracketed": r"""$$\left. \frac{\partial L}{\partial x} \right|_{x=0} = 1$$ $$\Big[ x^2 \Big]_0^1 = 1$$""",
    "numbered": r"""
\begin{align}
q_i &= \frac{e^{z_i}}{\sum_j e^{z_j}} \tag{1}\label{eq:a}\\
\frac{\partial q_i}{\partial z_j} &= q_i(\delta_{ij} - q_j). \quad (2) \nonumber
\end{align}""",
    "substitution": r"""
$$L = -\log\sigma(z)$$ with $\sigma(z) = \frac{1}{1+e^{-z}}$. $$\frac{dL}{dz} = -\frac{\sigma'(z)}{\sigma(z)} = -(1-\sigma(z)) = \sigma(z) - 1$$
""",
    "softmax shift": r"""$$\frac{e^{z_i}}{\sum_j e^{z_j}} = \frac{C e^{z_i}}{\sum_j C e^{z_j}} = \frac{e^{z_i + \log C}}{\sum_j e^{z_j + \log C}}$$""",
    "two class": r"""$$\frac{e^{z_1}}{e^{z_1} + e^{z_2}} = \frac{1}{1 + e^{-(z_1 - z_2)}} = \sigma(z_1 - z_2)$$""",
    "quad": r"""$A \in \mathbb{R}^{n \times n}$, $x, b \in \mathbb{R}^n$ $$f(x) = \frac12 x^\top A x - b^\top x$$ $$\nabla f(x) = A x - b$$""",
    "quad2": r"""$$f = x^\top A x$$ $$\frac{\partial f}{\partial x} = (A + A^\top) x$$ $$\frac{\partial f}{\partial x} = 2 A x$$ since $A = A^\top$.""",
    "dots": r"""$$L = L_1 + L_2 + \cdots + L_n$$ $$q_1 + q_2 + \ldots + q_n = 1$$""",
    "words": r"""$$\text{loss} = \text{mean}\left((y - \hat y)^2\right)$$ $$\text{accuracy} = \frac{\text{correct}}{\text{total}}$$""",
    "iff": r"""$$\frac{\partial L}{\partial q_i} = 0 \iff q_i = p_i$$ $$a = b \implies a^2 = b^2$$ $$x > 0 \Rightarrow |x| = x$$""",
    "mult eq": r"""$$q = \sigma(z), \qquad \frac{\partial q}{\partial z} = q(1-q), \qquad \sigma(z)=\frac1{1+e^{-z}}$$""",
    "prob": r"""$$p(y=k|x) = \frac{e^{w_k^T x}}{\sum_j e^{w_j^T x}}$$ $$P(A \cap B) = P(A) P(B)$$ $$\mathbb{E}[X] = \mu$$ $$\text{Var}(X) = \mathbb{E}[X^2] - \mathbb{E}[X]^2$$""",
    "vec softmax grad": r"""
Let $\mathbf{z} = W\mathbf{x}$, $\hat{\mathbf{y}} = \mathrm{softmax}(\mathbf{z})$, $J = -\sum_i y_i \log \hat{y}_i$ where $\sum_i y_i = 1$.
$$\frac{\partial J}{\partial \mathbf{z}} = \hat{\mathbf{y}} - \mathbf{y}$$ $$\frac{\partial J}{\partial W} = (\hat{\mathbf{y}} - \mathbf{y}) \mathbf{x}^\top$$ $$\frac{\partial J}{\partial \mathbf{x}} = W^\top(\hat{\mathbf{y}} - \mathbf{y})$$
""",
    "rnn": r"""$$h_t = \tanh(W_h h_{t-1} + W_x x_t)$$ $$\hat y_t = \text{softmax}(W_o h_t)$$""",
    "temperature limit": r"""$$\lim_{T \to 0} q_i = \delta_{ik}$$""",
    "primes": r"""$$z' = z + c$$ $$q'_i = \frac{e^{z'_i}}{\sum_j e^{z'_j}}$$""",
    "alt delta": r"""$$\frac{\partial z_i}{\partial z_j} = \delta_{ij} = \begin{cases}1 & i=j\\0&i\ne j\end{cases}$$ $$\sum_j \delta_{ij} x_j = x_i$$""",
    "abs": r"""$$\frac{d}{dx}|x| = \text{sgn}(x) = \frac{x}{|x|}$$ $$\frac{d}{dx} \ln x = \frac1x$$ $$\frac{d}{dx} x^n = n x^{n-1}$$ $$\frac{d}{dx}a^x = a^x \ln a$$ $$\frac{d}{dx}\sqrt{x} = \frac{1}{2\sqrt{x}}$$""",
    "sin": r"""$$\frac{d}{dx}\sin^2 x = 2\sin x\cos x = \sin 2x$$ $$\sin^2 x + \cos^2 x = 1$$ $$e^{a+b} = e^a e^b$$ $$\log ab = \log a + \log b$$""",
}

# The derivation, what is replaced by what in its first occurrence, and what kinds of slip that may
# be called ("" for any).
SLIPS = [
    ("identity matrix", r"y_k (I_{kj} - y_j) \\", r"y_j (I_{kj} - y_j) \\", ""),
    ("identity matrix", r"&= y_j - t_j", r"&= t_j - y_j", ""),
    ("named afterwards", r"= \delta x", r"= -\delta x", "sign"),
    ("named afterwards", r"- q_k)$$", r"- q_i)$$", "index"),
    ("Frobenius", r"X^\top (X W - B)", r"2 X^\top (X W - B)", "factor"),
    ("softmax CE", r"q_i (\delta_{ik} - q_k) \\", r"q_i (\delta_{ik} - q_i) \\", "index"),
    ("softmax CE", r"q_i (\delta_{ik} - q_k) \\", r"q_i (1 - q_k) \\", "delta"),
    ("softmax CE", r"= q_i (\delta_{ik} - q_k) \\", r"= q_i (\delta_{ik} + q_k) \\", "sign"),
    ("softmax CE", r"= q_i (\delta_{ik} - q_k) \\", r"= p_i (\delta_{ik} - q_k) \\", "symbol"),
    ("softmax CE", r"= q_i (\delta_{ik} - q_k) \\", r"= \delta_{ik} - q_k \\", "factor"),
    ("softmax CE", r"&= -\frac{p_i}{q_i} \\", r"&= \frac{p_i}{q_i} \\", "sign"),
    ("softmax CE", r"&= -\frac{p_i}{q_i} \\", r"&= -\frac{q_i}{p_i} \\", "factor symbol"),
    ("softmax CE", r"&= -\frac{p_i}{q_i} \\", r"&= -\frac{p_k}{q_i} \\", "index"),
    (
        "softmax CE",
        r"\sum_{i=1}^n \frac{\partial L}{\partial q_i} \frac{\partial q_i}{\partial z_k}",
        r"\frac{\partial L}{\partial q_i} \frac{\partial q_i}{\partial z_k}",
        "sum",
    ),
    (
        "softmax CE",
        r"\sum_{i=1}^n \frac{\partial L}{\partial q_i} \frac{\partial q_i}{\partial z_k}",
        r"\sum_{k=1}^n \frac{\partial L}{\partial q_i} \frac{\partial q_i}{\partial z_k}",
        "captured",
    ),
    (
        "softmax CE",
        r"\sum_{i=1}^n \frac{\partial L}{\partial q_i} \frac{\partial q_i}{\partial z_k}",
        r"\sum_{j=1}^n \frac{\partial L}{\partial q_i} \frac{\partial q_i}{\partial z_k}",
        "unused",
    ),
    (
        "softmax CE",
        r"-\sum_{i=1}^n p_i (\delta_{ik} - q_k)",
        r"-\sum_{i=1}^m p_i (\delta_{ik} - q_k)",
        "range",
    ),
    (
        "softmax CE",
        r"-\sum_{i=1}^n p_i (\delta_{ik} - q_k)",
        r"-\sum_{i=1}^n p_k (\delta_{ik} - q_k)",
        "index",
    ),
    ("softmax CE", r"&= q_k - p_k", r"&= p_k - q_k", "sign"),
    ("softmax CE", r"&= q_k - p_k", r"&= q_i - p_i", "index unbound"),
    ("softmax CE", r"&= q_k - p_k", r"&= q_k + p_k", "sign"),
    ("softmax CE", r"&= q_k - p_k", r"&= q_k", "term"),
    ("softmax CE", r"&= q_k - p_k", r"&= z_k - p_k", "symbol"),
    (
        "softmax CE",
        r"&= q_k \sum_{i=1}^n p_i - p_k",
        r"&= q_k \sum_{i=1}^n p_i - p_i",
        "index unbound captured",
    ),
    (
        "softmax CE",
        r"\left( z_i - \log \sum_{j=1}^n e^{z_j} \right)",
        r"\left( z_i + \log \sum_{j=1}^n e^{z_j} \right)",
        "sign",
    ),
    (
        "softmax CE",
        r"\left( z_i - \log \sum_{j=1}^n e^{z_j} \right)",
        r"\left( z_i - \log \sum_{i=1}^n e^{z_i} \right)",
        "captured",
    ),
    (
        "softmax CE",
        r"\left( z_i - \log \sum_{j=1}^n e^{z_j} \right)",
        r"\left( z_i - \log \sum_{j=1}^n z_j \right)",
        "",
    ),
    (
        "softmax CE",
        r"q_i &= \frac{e^{z_i}}{\sum_{j=1}^n e^{z_j}}",
        r"q_i &= \frac{e^{z_i}}{\sum_{i=1}^n e^{z_i}}",
        "captured",
    ),
    (
        "softmax CE",
        r"q_i &= \frac{e^{z_i}}{\sum_{j=1}^n e^{z_j}}",
        r"q_i &= \frac{e^{z_i}}{\sum_{j=1}^n e^{z_i}}",
        "index captured unused",
    ),
    (
        "BCE",
        r"\frac{\partial L}{\partial a} = -\frac{y}{a} + \frac{1-y}{1-a}",
        r"\frac{\partial L}{\partial a} = -\frac{y}{a} - \frac{1-y}{1-a}",
        "sign",
    ),
    ("BCE", r"= \frac{a - y}{a(1-a)}$$", r"= \frac{a - y}{a}$$", "factor"),
    ("BCE", r"= a(1-a)$$", r"= a(1+a)$$", "sign"),
    ("BCE", r"= a - y$$", r"= y - a$$", "sign"),
    ("BCE", r"\frac{d a}{d z} = a(1-a)", r"\frac{d a}{d z} = 1-a", "factor"),
    ("BCE", r"\frac{d a}{d z} = a(1-a)", r"\frac{d a}{d z} = z(1-z)", ""),
    ("BCE logits", r"&= \log(1+e^z) - y z", r"&= \log(1+e^z) + y z", "sign"),
    ("BCE logits", r"&= \log(1+e^z) - y z", r"&= \log(1+e^{-z}) - y z", "sign"),
    ("BCE logits", r"L'(z) &= \sigma(z) - y", r"L'(z) &= \sigma(z) + y", "sign"),
    ("MSE", r"\frac{1}{n}(\hat y_i - y_i) =", r"\frac{2}{n}(\hat y_i - y_i) =", "factor"),
    ("MSE", r"\frac{1}{n}(\hat y_i - y_i) =", r"(\hat y_i - y_i) =", "factor"),
    ("MSE", r"\frac{1}{n}(\hat y_i - y_i) =", r"\frac{1}{n}(\hat y_i + y_i) =", "sign"),
    (
        "MSE",
        r"\frac{1}{n}(\hat y_i - y_i) =",
        r"\frac{1}{n}\sum_{i=1}^n(\hat y_i - y_i) =",
        "captured sum",
    ),
    (
        "linear regression",
        r"\sum_{i=1}^N (\hat y_i - y_i) x_{ij},",
        r"\sum_{i=1}^N (\hat y_i - y_i) x_{ji},",
        "subscripts",
    ),
    (
        "linear regression",
        r"\sum_{i=1}^N (\hat y_i - y_i) x_{ij},",
        r"\sum_{j=1}^d (\hat y_i - y_i) x_{ij},",
        "captured",
    ),
    (
        "linear regression",
        r"\frac{1}{N} \sum_{i=1}^N (\hat y_i - y_i) x_{ij},",
        r"\frac{1}{2N} \sum_{i=1}^N (\hat y_i - y_i) x_{ij},",
        "factor",
    ),
    (
        "linear regression",
        r"\frac{1}{N} \sum_{i=1}^N (\hat y_i - y_i) x_{ij},",
        r"\sum_{i=1}^N (\hat y_i - y_i) x_{ij},",
        "factor",
    ),
    (
        "linear regression",
        r"\frac{1}{N} \sum_{i=1}^N (\hat y_i - y_i) x_{ij},",
        r"\frac{1}{N} \sum_{i=1}^N (\hat y_i - y_i),",
        "factor",
    ),
    (
        "linear regression",
        r"\sum_{i=1}^N (\hat y_i - y_i) x_{ij},",
        r"\sum_{i=1}^d (\hat y_i - y_i) x_{ij},",
        "range",
    ),
    (
        "linear layer",
        r"= \sum_{j=1}^m W_{ji} (a_j - y_j)",
        r"= \sum_{j=1}^m W_{ij} (a_j - y_j)",
        "subscripts",
    ),
    (
        "linear layer",
        r"= \sum_{j=1}^m W_{ji} (a_j - y_j)",
        r"= \sum_{j=1}^m W_{ji} (y_j - a_j)",
        "sign",
    ),
    (
        "linear layer",
        r"= \sum_{j=1}^m W_{ji} (a_j - y_j)",
        r"= \sum_{j=1}^n W_{ji} (a_j - y_j)",
        "range",
    ),
    ("linear layer", r"= \sum_{j=1}^m W_{ji} (a_j - y_j)", r"= \sum_{j=1}^m (a_j - y_j)", "factor"),
    ("linear layer", r"&= (a_j - y_j) x_i", r"&= (a_i - y_i) x_j", ""),
    ("linear layer", r"&= (a_j - y_j) x_i", r"&= (a_j - y_j) x_j", "index"),
    (
        "linear layer",
        r"&= \frac{\partial L}{\partial z_j} x_i",
        r"&= \frac{\partial L}{\partial z_j} W_{ji}",
        "symbol",
    ),
    (
        "linear layer",
        r"&= \sum_{k=1}^m \frac{\partial L}{\partial z_k}\frac{\partial z_k}{\partial W_{ji}}",
        r"&= \sum_{k=1}^m \frac{\partial L}{\partial z_k}\frac{\partial z_k}{\partial W_{ij}}",
        "subscripts",
    ),
    (
        "linear layer",
        r"z_j = \sum_{i=1}^n W_{ji} x_i + b_j",
        r"z_j = \sum_{k=1}^n W_{ji} x_i + b_j",
        "unused",
    ),
    (
        "two layers",
        r"\frac{\partial L}{\partial V_{kj}} = \delta_k h_j",
        r"\frac{\partial L}{\partial V_{kj}} = \delta_j h_k",
        "",
    ),
    ("two layers", r"= \delta_k h_j", r"= \delta_k a_j", "symbol"),
    (
        "two layers",
        r"= \sum_{k=1}^r \delta_k V_{kj}",
        r"= \sum_{k=1}^r \delta_k V_{jk}",
        "subscripts",
    ),
    ("two layers", r"= \sum_{k=1}^r \delta_k V_{kj}", r"= \delta_k V_{kj}", "sum"),
    (
        "two layers",
        r"= \frac{\partial L}{\partial h_j} (1 - h_j^2) =",
        r"= \frac{\partial L}{\partial h_j} (1 - h_j) =",
        "",
    ),
    (
        "two layers",
        r"= \frac{\partial L}{\partial h_j} (1 - h_j^2) =",
        r"= \frac{\partial L}{\partial h_j} h_j (1 - h_j) =",
        "",
    ),
    (
        "two layers",
        r"= \frac{\partial L}{\partial a_j} x_i",
        r"= \frac{\partial L}{\partial h_j} x_i",
        "",
    ),
    (
        "two layers",
        r"= \frac{\partial L}{\partial a_j} x_i",
        r"= \frac{\partial L}{\partial a_i} x_j",
        "",
    ),
    ("cases", r"-S_i S_j &", r"S_i S_j &", "sign"),
    ("cases", r"= S_i(\delta_{ij} - S_j)$$", r"= S_i(1 - S_j)$$", "delta"),
    ("cases", r"= \delta_{ij} - S_j$", r"= \delta_{ij} - S_i$", "index"),
    ("cases", r"= S_i (1 - S_i)$", r"= S_i (S_i - 1)$", "sign"),
    (
        "quotient",
        r"\frac{\delta_{ik} e^{z_i} \Sigma - e^{z_i} e^{z_k}}{\Sigma^2}",
        r"\frac{\delta_{ik} e^{z_i} \Sigma - e^{z_i} e^{z_k}}{\Sigma}",
        "",
    ),
    (
        "quotient",
        r"\frac{\delta_{ik} e^{z_i} \Sigma - e^{z_i} e^{z_k}}{\Sigma^2}",
        r"\frac{\delta_{ik} e^{z_i} \Sigma + e^{z_i} e^{z_k}}{\Sigma^2}",
        "sign",
    ),
    (
        "quotient",
        r"\frac{\delta_{ik} e^{z_i} \Sigma - e^{z_i} e^{z_k}}{\Sigma^2}",
        r"\frac{e^{z_i} \Sigma - e^{z_i} e^{z_k}}{\Sigma^2}",
        "delta",
    ),
    (
        "logsumexp",
        r"= \frac{\exp(z_k)}{\sum_{i=1}^n \exp(z_i)} =",
        r"= \frac{1}{\sum_{i=1}^n \exp(z_i)} =",
        "factor",
    ),
    (
        "logsumexp",
        r"\left(\delta_{kl} - \text{softmax}(z)_l\right)",
        r"\left(\delta_{kl} - \text{softmax}(z)_k\right)",
        "index",
    ),
    (
        "logsumexp",
        r"f(z) = m + \log\sum_{i=1}^n e^{z_i - m}",
        r"f(z) = \log\sum_{i=1}^n e^{z_i - m}",
        "term",
    ),
    ("KL", r"= -\frac{p_k}{q_k}", r"= -\frac{q_k}{p_k}", ""),
    ("KL", r"- \sum_{i=1}^n p_i \log q_i", r"+ \sum_{i=1}^n p_i \log q_i", "sign"),
    ("KL", r"- \sum_{i=1}^n p_i \log q_i", r"- \sum_{i=1}^n q_i \log q_i", "symbol"),
    ("vector2", r"= W^\top (z-y)", r"= W (z-y)", ""),
    ("vector2", r"{\partial z} = z - y", r"{\partial z} = y - z", "sign"),
    (
        "logistic",
        r"\left( h_\theta(x^{(i)}) - y^{(i)} \right) x_j^{(i)}",
        r"\left( y^{(i)} - h_\theta(x^{(i)}) \right) x_j^{(i)}",
        "sign",
    ),
    (
        "logistic",
        r"\left( h_\theta(x^{(i)}) - y^{(i)} \right) x_j^{(i)}",
        r"\left( h_\theta(x^{(i)}) - y^{(i)} \right)",
        "factor",
    ),
    (
        "logistic",
        r"\frac{1}{m} \sum_{i=1}^m \left( h_\theta",
        r"\sum_{i=1}^m \left( h_\theta",
        "factor",
    ),
    ("plain", "dL/dz_k = q_k - p_k", "dL/dz_k = p_k - q_k", "sign"),
    ("plain", "dL/dz_k = q_k - p_k", "dL/dz_k = q_k - p_i", "index unbound"),
    ("plain vec", "dL/dz = q - p", "dL/dz = p - q", "sign"),
    (
        "sum split",
        r"&= -y_i (1 - p_i) - \sum_{k \neq i} y_k \frac{1}{p_k} (-p_k p_i)",
        r"&= -y_i (1 - p_i) - \sum_{k \neq i} y_k \frac{1}{p_k} (p_k p_i)",
        "sign",
    ),
    (
        "sum split",
        r"&= -y_i + y_i p_i + \sum_{k \neq i} y_k p_i",
        r"&= -y_i + y_i p_i + \sum_{k} y_k p_i",
        "",
    ),
    (
        "temperature",
        r"= \frac{1}{T}(q_i \sum_{j=1}^n p_j - p_i)",
        r"= q_i \sum_{j=1}^n p_j - p_i",
        "factor",
    ),
    ("hessian", r"= q_i \delta_{ij} - q_i q_j", r"= q_i \delta_{ij} - q_i", "factor"),
    ("batch", r"= \frac{1}{N} (q_{ni} - y_{ni})", r"= q_{ni} - y_{ni}", "factor"),
    ("batch", r"\sum_{n=1}^N x_{nd} (q_{ni}", r"\sum_{n=1}^N x_{dn} (q_{ni}", "subscripts"),
    (
        "batch",
        r"\sum_{n=1}^N x_{nd} (q_{ni} - y_{ni})",
        r"\sum_{n=1}^N x_{nd} (q_{ni} - y_{nd})",
        "index",
    ),
    ("jacobian matrix", r"\text{diag}(s) - s s^\top", r"\text{diag}(s) + s s^\top", "sign"),
    ("a function of vectors", r"- y_j = \mathrm{softmax}", r"+ y_j = \mathrm{softmax}", "sign"),
    ("ridge", r"+ \lambda w$$", r"- \lambda w$$", "sign"),
    ("ridge", r"+ \lambda w$$", r"+ 2 \lambda w$$", "factor"),
    ("gauss", r"= \frac{\mu - x}{\sigma^2}", r"= \frac{x - \mu}{\sigma^2}", "sign"),
    ("gauss", r"= \frac{\mu - x}{\sigma^2}", r"= \frac{\mu - x}{2\sigma^2}", "factor"),
    ("softplus", r"\frac{1}{1+e^{-x}}", r"\frac{1}{1+e^{x}}", "sign"),
    ("hinge", r"-t & \text", r"t & \text", "sign"),
    ("label smoothing", r"- \frac{\epsilon}{K}$$", r"+ \frac{\epsilon}{K}$$", "sign"),
    ("attention", r"= a_{il}(v_{ld} - o_{id})", r"= a_{il}(v_{jd} - o_{id})", "index"),
    ("attention", r"= a_{il}(v_{ld} - o_{id})", r"= a_{il}v_{ld}", ""),
    ("attention", r"(\delta_{jl} - a_{il})", r"(\delta_{jl} - a_{li})", "subscripts"),
    ("entropy", r"= -(1+\log p_k)", r"= -(1-\log p_k)", "sign"),
    ("greek idx", r"= -(y_\mu - \hat y_\mu)", r"= (y_\mu - \hat y_\mu)", "sign"),
    ("theta", r"&= g(z)(1-g(z))", r"&= g(z)(1+g(z))", "sign"),
    (
        "theta",
        r"&= \frac{1}{(1+e^{-z})^2}\left(e^{-z}\right)",
        r"&= \frac{1}{(1+e^{-z})^2}\left(-e^{-z}\right)",
        "sign",
    ),
    ("plain4", "dL/dW_ji = (z_j - t_j) x_i", "dL/dW_ji = (z_j - t_j) x_j", "index"),
    ("plain4", "sum_j W_ji (z_j", "sum_j W_ij (z_j", "subscripts"),
    ("plain2", "dL/dx = y - t", "dL/dx = t - y", "sign"),
    ("mean", r"= \frac{2}{n}(x_k - \mu)", r"= \frac{1}{n}(x_k - \mu)", "factor"),
    ("mean", r"= \frac1n$$", r"= 1$$", "factor"),
    ("layernorm", r"- \frac1n - \frac{y_i y_k}{n}", r"- \frac{y_i y_k}{n}", ""),
    ("split", r"- 2 \sum_i a_i b_i", r"- \sum_i a_i b_i", ""),
    ("multiclass", r"&= -y_j + \hat{y}_j \sum_k y_k", r"&= -y_j + \hat{y}_k \sum_k y_k", ""),
    ("numerator", r"= 2 z_k", r"= 2 z_j", "index unbound"),
]
