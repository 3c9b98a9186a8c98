"""Backpropagation, step by step, in marimo: `marimo edit examples/walkthrough_marimo.py`."""

import marimo

app = marimo.App(width="full")


@app.cell
def _():
    import tinygrad_xent as tx

    z = tx.tensor([4.0, -1.0, -3.0], name="z")
    p = tx.tensor([0.0, 0.0, 1.0], name="p")
    q = (tx.exp(z) / tx.exp(z).sum()).named("q")
    q
    return p, q, tx, z


@app.cell
def _(p, q, tx):
    loss = -(p * tx.log(q)).sum()
    walk = tx.steps(loss, name="ce", assume=[tx.Simplex(p)], hand={"z": q - p})
    walk
    return loss, walk


@app.cell
def _(loss, walk, z):
    loss.backward()
    print(walk.why(z.grad, 2))
    return


@app.cell
def _(loss, p, q, tx):
    squared = ((q - p) ** 2).sum() / 2
    tx.compare(loss, squared, names=("ce", "se"))
    return


@app.cell
def _(loss, p, tx, z):
    tx.derive(loss, wrt=z, assume=[tx.Simplex(p)])
    return


if __name__ == "__main__":
    app.run()
