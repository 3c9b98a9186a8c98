"""`tinygrad-xent demo`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
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
    from ..demo import run

    run(out, quick=quick, epochs=epochs)
