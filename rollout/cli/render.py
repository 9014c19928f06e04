"""`rollout render`: a saved document in any other form, without a plan and without Azure."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from rollout.cli import exits, options
from rollout.cli.options import Output
from rollout.cli.printing import publish
from rollout.errors import UsageError


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@options.output
def render(file: Path, outputs: tuple[Output, ...]) -> int:
    """Show FILE, saved by `--output json=FILE` or `diff --out FILE` (- for stdin), in any other form.

    Offline, and always exit 0: the document's own exit code is in it.
    """
    from rollout.render.saved import decode

    publish(decode(_read(file), str(file)), outputs)
    return exits.OK


def _read(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
