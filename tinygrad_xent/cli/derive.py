"""`tinygrad-xent derive`."""

from __future__ import annotations

from pathlib import Path

import click

from .kinds import OfFormula, describes_a_loss


@click.command(cls=OfFormula)
@describes_a_loss
@click.option(
    "--of",
    type=click.Choice(["gradient", "hvp", "hessian", "jacobian"]),
    default="gradient",
    show_default=True,
    help="Which derivative; hvp is the Hessian times a vector.",
)
@click.option("--brief", "form", flag_value="brief", help="Leave the reasons out.")
@click.option("--latex", "form", flag_value="latex", help="Print LaTeX in place of text.")
@click.option("--markdown", "form", flag_value="markdown", help="Print Markdown.")
@click.option("--mathml", "form", flag_value="mathml", help="Print MathML.")
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@click.option(
    "--certificate", "form", flag_value="certificate", help="Print what `verify` can check."
)
@click.option(
    "--code",
    type=click.Choice(["numpy", "torch", "jax"]),
    help="Print a function that computes the loss and its gradient.",
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a page that steps through formulas and graphs.",
)
def derive(
    loss: str,
    wrt: str,
    assume: tuple[str, ...],
    shape: tuple[str, ...],
    at: tuple[str, ...],
    of: str,
    form: str | None,
    code: str | None,
    html: Path | None,
) -> None:
    """Derive the gradient of a loss in closed form, or its Hessian, or a vector's Jacobian.

    LOSS is one number, as text such as "-sum(p*log(softmax(z)))", or FILE.py:FUNCTION, which is
    called with one Tensor for each of its parameters. Names are vectors, or numbers where vectors
    do not give one number, unless --shape or --at says more.
    """
    from ..drawing.page import save_page
    from ..reading.deriving import derive_text

    derivation, sizes = derive_text(loss, wrt, assume, shape, at, of)
    write = derivation.__str__ if form == "brief" else getattr(derivation, form or "explained")
    click.echo(derivation.source(code) if code else write())
    if sizes:
        click.echo(f"Sizes of the sample: {sizes}", err=True)
    if html:
        save_page(derivation, html)
        click.echo(f"Wrote {html}", err=True)
