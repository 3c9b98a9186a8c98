"""`tinygrad-xent draw`."""

from __future__ import annotations

from pathlib import Path

import click

from .kinds import OfFormula, describes_a_graph


@click.command(cls=OfFormula)
@describes_a_graph
@click.option("--backward", is_flag=True, help="Draw the walk back, with the rule of each arrow.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default="graph.svg",
    show_default=True,
    help="Where to write it; the ending says how: .svg, .png, .dot.",
)
def draw(loss: str, shape: tuple[str, ...], at: tuple[str, ...], backward: bool, out: Path) -> None:
    """Draw the graph of a loss.

    LOSS is text such as "-sum(p*log(softmax(z)))", or FILE.py:FUNCTION.
    """
    from ..drawing import draw as drawn
    from ..reading.deriving import loss_text

    drawn(loss_text(loss, shape, at)[0], backward).save(out)
    click.echo(f"Wrote {out}", err=True)
