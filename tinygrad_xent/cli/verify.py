"""`tinygrad-xent verify`."""

from __future__ import annotations

from typing import TextIO

import click


@click.command()
@click.argument("certificate", type=click.File(encoding="utf-8", errors="replace"), metavar="FILE")
def verify(certificate: TextIO) -> None:
    """Check a certificate, step by step; exits with 1 if a step does not hold.

    FILE is what `derive --certificate` printed, or - for standard input.
    """
    from ..algebra.presenting.certifying import statement
    from ..checking.verify import MOST_TEXT
    from ..checking.verify import verify as check

    page = certificate.read(MOST_TEXT + 1)  # one more is too much, whatever follows
    found = check(page)
    click.echo(f"{statement(page)}\n\n{found}")
    if not found:
        raise click.exceptions.Exit(1)
