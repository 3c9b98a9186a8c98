"""What commands have in common: how errors are reported, and the options that describe a loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from ..errors import ParseError, TinygradXentError


class Commands(click.Group):
    """A group of commands that reports this package's errors without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except TinygradXentError as error:
            # Which line of Python raised it says nothing to someone who typed a command.
            kind = click.UsageError if isinstance(error, ParseError) else click.ClickException
            raise kind(str(error).split("\n  at:")[0]) from error


class OfFormula(click.Command):
    """A command whose argument may begin with a minus sign, as `-sum(x)` does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        known = {name for option in self.get_params(ctx) for name in option.opts}
        signed = [a for a in args if a[:1] == "-" and a[:2] != "--" and a not in known]
        if "--" not in args and signed:
            args = [*(a for a in args if a not in signed), "--", *signed]
        return super().parse_args(ctx, args)


_ASSUME = "Such as sum(p)=1, x>0, x!=0 or onehot(y). May be repeated, as --shape and --at may."
_DESCRIPTION = [
    click.argument("loss", metavar="LOSS"),
    click.option(
        "--wrt", required=True, metavar="NAME", help="Differentiate with respect to this."
    ),
    click.option("--assume", multiple=True, metavar="FACT", help=_ASSUME),
    click.option(
        "--shape", multiple=True, metavar="NAME=N,K", help="The lengths of a name's axes."
    ),
    click.option("--at", multiple=True, metavar="NAME=1,2", help="Sample values of a name."),
]


def describes_a_loss(command: Callable[..., None]) -> Callable[..., None]:
    """The argument LOSS, and the options `--wrt`, `--assume`, `--shape` and `--at`."""
    for option in reversed(_DESCRIPTION):
        command = option(command)
    return command
