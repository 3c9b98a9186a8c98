"""The command line: options in, one call of the library, errors as one message."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import click

from . import __version__
from .errors import TinygradXentError


class _Commands(click.Group):
    """A group of commands that reports this package's errors without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except TinygradXentError as error:
            # Which line of Python raised it says nothing to someone who typed a command.
            raise click.ClickException(str(error).split("\n  at:")[0]) from error


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
