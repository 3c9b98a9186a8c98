"""`tinygrad-xent check`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from .kinds import OfFormula, describes_a_loss

Command = Callable[..., None]


def _file(option: str, what: str) -> Callable[[Command], Command]:
    kind = click.Path(dir_okay=False, path_type=Path, allow_dash=True)
    return click.option(option, type=kind, metavar="FILE", help=f"Write {what} to a file, or -.")


@click.command(cls=OfFormula)
@describes_a_loss
@click.option("--hand", required=True, metavar="FORMULA", help="Your gradient, in the same names.")
@_file("--json", "the verdict as JSON")
@_file("--markdown", "it as Markdown")
@_file("--html", "it as a page")
def check(
    loss: str,
    wrt: str,
    hand: str,
    assume: tuple[str, ...],
    shape: tuple[str, ...],
    at: tuple[str, ...],
    **files: Path | None,
) -> None:
    """Check a gradient that you derived by hand; exits with 1 if it is different.

    LOSS is one number, as text such as "-sum(p*log(softmax(z)))", or FILE.py:FUNCTION, and so is
    the gradient: a formula, or FILE.py:FUNCTION, a NumPy function of the same names.
    """
    from ..checking.from_text import check_text
    from ..drawing.files import save

    verdict = check_text(loss, wrt, hand, assume, shape, at)
    for kind, path in files.items():
        if path is not None:
            written = getattr(verdict, kind)()
            if str(path) == "-":
                click.echo(written)
                continue
            save(path, written)
            click.echo(f"Wrote {path}", err=True)
    if not any(str(path) == "-" for path in files.values()):
        click.echo(str(verdict))
    if not verdict:
        raise click.exceptions.Exit(1)
