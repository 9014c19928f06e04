"""The options that all of `rollout publish` have in common, handed on as one value."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from rollout.cli import options
from rollout.cli.publishing import Shared


def shared_options(function: Callable[..., int]) -> Callable[..., int]:
    """Documents, repository, environment, address of the run: as the first argument of the command."""

    @wraps(function)
    def command(
        documents: tuple[Path, ...], repository: str, environment: str, run_url: str, *args: Any, **kwargs: Any
    ) -> int:
        shared = Shared(documents=documents, repository=repository, environment=environment, run_url=run_url)
        return function(shared, *args, **kwargs)

    paths = click.Path(path_type=Path, exists=True)
    decorated: Callable[..., int] = command
    for decorate in (
        options.option("--run-url", default="", metavar="URL", help="The log to link; by default the job's."),
        options.option("--environment", default="", metavar="NAME", help="Which environment it is about."),
        options.option(
            "--repository",
            default="",
            metavar="OWNER/NAME",
            help="By default the job's (in Azure DevOps PROJECT/NAME).",
        ),
        click.argument("documents", nargs=-1, required=True, type=paths),
    ):
        decorated = decorate(decorated)
    return decorated
