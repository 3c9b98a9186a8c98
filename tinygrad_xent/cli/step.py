"""`tinygrad-xent step`."""

from __future__ import annotations

from pathlib import Path

import click

from .kinds import OfFormula, describes_a_graph, may_name_a_gradient


@click.command(cls=OfFormula)
@describes_a_graph
@may_name_a_gradient
@click.option(
    "--hand",
    multiple=True,
    metavar="NAME=FORMULA",
    help="A gradient by hand, to stand beside the engine's. May be repeated.",
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write one page that can be stepped through, and needs nothing else.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the walkthrough as JSON.")
@click.option("--ascii", "plain_letters", is_flag=True, help="Use no letters beyond ASCII.")
def step(
    loss: str,
    shape: tuple[str, ...],
    at: tuple[str, ...],
    wrt: str | None,
    assume: tuple[str, ...],
    hand: tuple[str, ...],
    html: Path | None,
    as_json: bool,
    plain_letters: bool,
) -> None:
    """Step through backpropagation: what arrives, the derivative, what leaves.

    LOSS is text such as "-sum(p*log(softmax(z)))", or FILE.py:FUNCTION. A function that takes no
    arguments may also return several losses, to be walked through side by side. Without a terminal
    every step is printed.
    """
    from ..stepping.asked import walk_text

    found = walk_text(loss, wrt, assume, shape, at, hand)
    if html:
        found.save(html)
        click.echo(f"Wrote {html}", err=True)
    elif as_json:
        click.echo(found.json())
    else:
        found.show(ascii=plain_letters)
