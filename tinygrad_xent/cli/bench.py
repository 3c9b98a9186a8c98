"""`tinygrad-xent bench`."""

from __future__ import annotations

from pathlib import Path

import click

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("name", required=False)
@click.option("--only", metavar="TEXT", default="", help="Only the tasks whose name contains this.")
@click.option("--quick", is_flag=True, help="Two short turns each: shows that it works, no more.")
@click.option("--output", type=_FILE, metavar="FILE", help="Write the table to this file as well.")
@click.option("--write", type=_FILE, metavar="FILE",
              help="Put the table where this document says <!-- bench NAME -->.")  # fmt: skip
@click.option("--plot", type=_FILE, metavar="FILE", help="Draw the curves, as SVG.")
@click.option("--json", type=_FILE, metavar="FILE", help="All figures, in pyperf's format.")
def bench(
    name: str | None,
    only: str,
    quick: bool,
    output: Path | None,
    write: Path | None,
    plot: Path | None,
    json: Path | None,
) -> None:
    """Measure this package and its peers, and print one Markdown table.

    Without NAME, print the names of the benchmarks. Each system runs in a process of its own and is
    checked before it is timed; they take turns. Peers that are not installed are named and skipped.
    """
    from ..bench import insert, names, report

    if name is None:
        return click.echo("\n".join(names()))
    found = report(name, only, quick, progress=lambda line: click.echo(line, err=True))
    click.echo(found.text)
    if output:
        output.write_text(found.text + "\n", encoding="utf-8")
    if write:
        insert(write, name, found.text)
    if plot:
        found.plot(plot)
    if json:
        found.save(json)
