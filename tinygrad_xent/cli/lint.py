"""`tinygrad-xent lint`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("document", type=click.Path(path_type=Path, allow_dash=True), metavar="FILE")
@click.option(
    "--assume",
    multiple=True,
    metavar="FACT",
    help='What may be taken for granted, such as "sum(p)=1", "x>0", "n=2". May be repeated.',
)
@click.option("--markdown", "form", flag_value="markdown", help="Print Markdown.")
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="PAGE",
    help="Write a page with the verdicts.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="What is not judged by then is reported as not read.",
)
def lint(
    document: Path, assume: tuple[str, ...], form: str | None, html: Path | None, seconds: float
) -> None:
    """Judge a derivation line by line.

    FILE holds LaTeX, Markdown with formulas, or plain lines such as "dL/dz_i = q_i - p_i"; - is
    standard input. Exits with 0 if all that was read follows, perhaps under assumptions, which are
    named; with 1 if a line does not follow or is ill-formed; with 2 if the file cannot be read.
    """
    from rich.console import Console

    from ..drawing.files import save
    from ..linting import lint as judge
    from ..linting.files import read

    report = judge(read(document), assume, seconds)
    if form:
        click.echo(getattr(report, form)())
    elif report.items:
        Console(highlight=False, soft_wrap=True).print(report)
    else:
        click.echo(report.summary())
    if html:
        save(html, report.html())
        click.echo(f"Wrote {html}", err=True)
    if not report:
        raise click.exceptions.Exit(1)
