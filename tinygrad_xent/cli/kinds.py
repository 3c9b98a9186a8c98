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
        wanting = {n for o in self.get_params(ctx) if _takes_a_value(o) for n in o.opts}
        pairs = list(zip(["", *args], args, strict=False))
        signed = [a for before, a in pairs if _is_formula(a, known) and before not in wanting]
        if "--" not in args and signed:
            rest = [a for before, a in pairs if a not in signed or before in wanting]
            args = [*rest, "--", *signed]
        return super().parse_args(ctx, args)


def _is_formula(arg: str, known: set[str]) -> bool:
    return arg[:1] == "-" and arg[:2] != "--" and arg not in known


def _takes_a_value(parameter: click.Parameter) -> bool:
    """Whether what follows an option is its value, whatever it begins with."""
    return isinstance(parameter, click.Option) and not parameter.is_flag


_ASSUME = "Such as sum(p)=1, x>0, x!=0 or onehot(y). May be repeated, as --shape and --at may."
_LOSS = click.argument("loss", metavar="LOSS")
_WRT = "Differentiate with respect to this."
_FACTS = click.option("--assume", multiple=True, metavar="FACT", help=_ASSUME)
_SAMPLE = [
    click.option(
        "--shape", multiple=True, metavar="NAME=N,K", help="The lengths of a name's axes."
    ),
    click.option("--at", multiple=True, metavar="NAME=1,2", help="Sample values of a name."),
]


def _with(*options: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def add(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


describes_a_graph = _with(_LOSS, *_SAMPLE)
"""The argument LOSS, and the options `--shape` and `--at`."""

describes_a_loss = _with(
    _LOSS, click.option("--wrt", required=True, metavar="NAME", help=_WRT), _FACTS, *_SAMPLE
)
"""The argument LOSS, and the options `--wrt`, `--assume`, `--shape` and `--at`."""

may_name_a_gradient = _with(click.option("--wrt", metavar="NAME", help=_WRT), _FACTS)
"""The options `--wrt` and `--assume`, neither of which has to be there."""
