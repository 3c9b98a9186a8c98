"""The command line: options in, one call of the library, errors as one message.

A file for each command, named as the command is. No command has logic of its own.
"""

from __future__ import annotations

import sys
from io import TextIOWrapper

import click

from .. import __version__
from .bench import bench
from .check import check
from .demo import demo
from .derive import derive
from .draw import draw
from .kinds import Commands
from .lint import lint
from .step import step
from .verify import verify


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="tinygrad-xent")
def main() -> None:
    """Automatic differentiation that shows and derives its gradients."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # where a letter is missing, show ? and go on


for command in (bench, check, demo, derive, draw, lint, step, verify):
    main.add_command(command)
