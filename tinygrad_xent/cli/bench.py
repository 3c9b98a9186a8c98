"""`tinygrad-xent bench`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("name", required=False)
@click.option("--only", metavar="TEXT", default="", help="Only the tasks whose name contains this.")
@click.option("--quick", is_flag=True, help="Two short turns each: shows that it works, no more.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the table to this file as well.",
)
def bench(name: str | None, only: str, quick: bool, output: Path | None) -> None:
    """Measure this package and its peers, and print one Markdown table.

    Without NAME, print the names of the benchmarks. Each system runs in a process of its own and is
    checked before it is timed; they take turns. Peers that are not installed are named and skipped.
    """
    from ..bench import names, report

    if name is None:
        return click.echo("\n".join(names()))
    text = report(name, only, quick, progress=lambda line: click.echo(line, err=True))
    click.echo(text)
    if output:
        output.write_text(text + "\n", encoding="utf-8")
