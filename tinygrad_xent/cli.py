"""The command line: options in, one call of the library, errors as one message."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import click

from . import __version__
from .errors import ParseError, TinygradXentError


class _Commands(click.Group):
    """A group of commands that reports this package's errors without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except TinygradXentError as error:
            # Which line of Python raised it says nothing to someone who typed a command.
            kind = click.UsageError if isinstance(error, ParseError) else click.ClickException
            raise kind(str(error).split("\n  at:")[0]) from error


class _OfFormula(click.Command):
    """A command whose argument may begin with a minus sign, as `-sum(x)` does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        known = {name for option in self.get_params(ctx) for name in option.opts}
        signed = [a for a in args if a[:1] == "-" and a[:2] != "--" and a not in known]
        if "--" not in args and signed:
            args = [*(a for a in args if a not in signed), "--", *signed]
        return super().parse_args(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="tinygrad-xent")
def main() -> None:
    """Automatic differentiation that shows and derives its gradients."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # where a letter is missing, show ? and go on


@main.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default="out",
    show_default=True,
    help="Where to write the pictures and the page.",
)
@click.option("--quick", is_flag=True, help="Train for a shorter time.")
@click.option("--epochs", type=click.IntRange(min=1), help="Train for exactly this many epochs.")
def demo(out: Path, quick: bool, epochs: int | None) -> None:
    """Derive, compare, train on handwritten digits, write a page."""
    from .demo import run

    run(out, quick=quick, epochs=epochs)


@main.command(cls=_OfFormula)
@click.argument("loss", metavar="LOSS")
@click.option("--wrt", required=True, metavar="NAME", help="Differentiate with respect to this.")
@click.option(
    "--assume",
    multiple=True,
    metavar="FACT",
    help="Such as sum(p)=1, x>0, x!=0 or onehot(y). May be repeated, as --shape and --at may.",
)
@click.option("--shape", multiple=True, metavar="NAME=N,K", help="The lengths of a name's axes.")
@click.option("--at", multiple=True, metavar="NAME=1,2", help="Sample values of a name.")
@click.option("--latex", "form", flag_value="latex", help="Print LaTeX in place of text.")
@click.option("--markdown", "form", flag_value="markdown", help="Print Markdown.")
@click.option("--mathml", "form", flag_value="mathml", help="Print MathML.")
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@click.option(
    "--code",
    type=click.Choice(["numpy", "torch", "jax"]),
    help="Print a function that computes the loss and its gradient.",
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a page with the steps and their reasons.",
)
def derive(
    loss: str,
    wrt: str,
    assume: tuple[str, ...],
    shape: tuple[str, ...],
    at: tuple[str, ...],
    form: str | None,
    code: str | None,
    html: Path | None,
) -> None:
    """Derive the gradient of a loss in closed form.

    LOSS is one number, as text such as "-sum(p*log(softmax(z)))", or FILE.py:FUNCTION, which is
    called with one Tensor for each of its parameters. Names are vectors, or numbers where vectors
    do not give one number, unless --shape or --at says more.
    """
    from .reading.deriving import derive_text
    from .writing.page import save_page

    derivation, sizes = derive_text(loss, wrt, assume, shape, at)
    shown = getattr(derivation, form)() if form else str(derivation)
    click.echo(derivation.source(code) if code else shown)
    if sizes:
        click.echo(f"Sizes of the sample: {sizes}", err=True)
    if html:
        save_page(derivation, html)
        click.echo(f"Wrote {html}", err=True)
