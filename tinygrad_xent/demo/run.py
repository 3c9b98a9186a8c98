"""The story in the terminal, in order; the same results then become pictures and a page."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from . import formulas, report, training
from .comparison import TOLERANCE, Comparison, compare
from .saturation import Saturation, saturations
from .story import Story, compose, composition
from .training import Run

EPOCHS, QUICK_EPOCHS = 400, 60


def run(
    out: str | Path = "out",
    quick: bool = False,
    epochs: int | None = None,
    console: Console | None = None,
) -> Path:
    """Tell the whole story: derive, compare, train, and write pictures and a page.

    Args:
        out: the folder to write into; made if it is not there.
        quick: train for a shorter time.
        epochs: train for exactly as long.
        console: where to print.

    Returns:
        The page, `index.html` in that folder.

    Raises:
        RenderError: the folder cannot be written into.
        MissingExtraError: scikit-learn or matplotlib is not installed.
    """
    console = console or Console(highlight=False)
    folder = report.prepare(Path(out))
    story = compose()
    show_derivation(console, story)
    compared = [compare(f) for f in formulas.FORMULAS]
    show_formulas(console, compared)
    duel, last_layers = _train(console, epochs or (QUICK_EPOCHS if quick else EPOCHS))
    show_duel(console, duel)
    limits = saturations()
    show_limits(console, limits)
    show_last_layers(console, last_layers)
    page = report.write(folder, story, compared, duel, limits, last_layers)
    show_files(console, folder)
    return page


def show_derivation(console: Console, story: Story) -> None:
    _title(console, "1  From the composition to q - p")
    _verbatim(console, f"{composition()}\n")
    _verbatim(console, str(story.derivation))
    console.print("\nAnd when nothing is assumed of p:\n")
    _verbatim(console, str(story.general))


def _verbatim(console: Console, text: str) -> None:
    console.print(escape(text), soft_wrap=True)


def show_formulas(console: Console, compared: list[Comparison]) -> None:
    _title(console, "2  The documents' formulas, by hand and by the engine")
    table = _numbers("", "formula", "by hand", "by engine", "error")
    for row, previous in zip(compared, [None, *compared], strict=False):
        if previous is None or previous.formula.document != row.formula.document:
            table.add_row("", f"[bold]{escape(row.formula.document)}[/]")
        table.add_row(mark(row), escape(row.formula.statement), f"{row.hand:.4g}",
                      f"{row.auto:.4g}", f"{row.error:.0e}" if row.error else "0")  # fmt: skip
    console.print(table)
    console.print(
        "\nShown is the entry with the largest relative error (absolute where it is exactly 0); "
        f"[green]ok[/] where that is at most {TOLERANCE:g}."
    )


def mark(row: Comparison) -> str:
    return "[green]ok[/]" if row.agrees else "[bold red]DIFFERS[/]"


def _train(console: Console, epochs: int) -> tuple[list[Run], list[Run]]:
    _title(console, "3  Training on handwritten digits")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("epochs", total=training.RUNS * (epochs + 1))

        def tick() -> None:
            progress.advance(task)

        return training.comparison(epochs, tick), training.last_layers(epochs, tick)


def show_duel(console: Console, runs: list[Run]) -> None:
    table = _numbers("loss", "start", "accuracy", "gradient at the logits: start", "end")
    for run in runs:
        table.add_row(run.problem.title, run.start, f"{run.accuracy[-1]:.1%}",
                      f"{run.gradient[0]:.2g}", f"{run.gradient[-1]:.2g}")  # fmt: skip
    console.print(table)
    console.print("From a saturated start cross-entropy recovers; squared error stays stuck.\n")


def show_limits(console: Console, limits: list[Saturation]) -> None:
    console.print("What reaches a logit that goes to infinity, whatever the data are:\n")
    table = _numbers("loss", "to +infinity", "to -infinity", after=3)
    for row in limits:
        table.add_row(escape(row.loss), escape(row.rising), escape(row.falling))
    console.print(table)
    console.print("Where both are 0, nothing comes back from certainty, right or wrong.\n")


def show_last_layers(console: Console, runs: list[Run]) -> None:
    table = _numbers("problem", "last layer", "loss", "accuracy", "chance", after=3)
    for run in runs:
        table.add_row(run.problem.title, run.problem.activation_name, run.problem.loss_name,
                      f"{run.accuracy[-1]:.1%}", f"{run.chance:.1%}")  # fmt: skip
    console.print(table)


def _numbers(*columns: str, after: int = 2) -> Table:
    """A table whose columns are numbers after the first few."""
    table = Table(*columns, box=None, padding=(0, 1))
    for column in table.columns[after:]:
        column.justify = "right"
    return table


def show_files(console: Console, folder: Path) -> None:
    _title(console, "4  Pictures and a page")
    for path in sorted(folder.iterdir()):
        if path.name in report.FILES:
            _verbatim(console, f"  {path}")
    _verbatim(console, f"\nOpen {(folder / 'index.html').resolve()}")


def _title(console: Console, text: str) -> None:
    console.print(f"\n[bold]{text}[/]\n")
