"""The options of `rollout worker` and `rollout queue` that both have."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from rollout.cli import options
from rollout.cli.extras import needing
from rollout.cli.printing import say
from rollout.errors import UsageError

if TYPE_CHECKING:
    from rollout.store.address import Address
    from rollout.store.history import History

EXTRA: Final = "worker"
_AUTH: Final = "rollout.database_auth"
_NOISY: Final = ("procrastinate", "psycopg", "asyncio")

queue = options.option(
    "--queue",
    metavar="URL",
    help="postgresql://USER@HOST/DATABASE; better in the variable, where no list of processes shows its password.",
)
queue_name = options.option(
    "--queue-name", default="rollout", help="Which queue of that database: one for each repository and environment."
)
repository = options.option(
    "--repository",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path(),
    help="The folder that plans are named from; by default the present one.",
)
auth = options.option(
    "--database-auth",
    type=click.Choice(["password", "entra"]),
    default="password",
    expose_value=False,
    callback=lambda context, _, value: context.meta.__setitem__(_AUTH, value),
    help="How to sign in to Postgres: by the address's password, or as in Azure, by a Microsoft Entra token.",
)
history = options.option(
    "--history",
    metavar="URL",
    help="Where decisions are written down: sqlite:///PATH, or postgresql://USER@HOST/DATABASE.",
)


def history_at(url: str) -> History:
    """The history there, as it is. Raises UsageError, and RolloutError where the extra is missing."""
    with needing(EXTRA):
        from rollout.store.history import History
    return History(url, _token(url))


def opened_history(url: str | None) -> History | None:
    """The history there, to be used; None where none is wished for. Raises WrongSchema, QueueDown, SignInError."""
    if not url:
        return None
    found = history_at(url)
    from rollout.store.upgrade import ready

    return ready(found)


def address(url: str | None) -> Address:
    """Where the queue is. Raises UsageError, and RolloutError where the extra is missing."""
    with needing(EXTRA):
        import procrastinate  # noqa: F401 - says by its name what is missing

        from rollout.store.address import parse
    if not url:
        raise UsageError("no queue", hint="ROLLOUT_QUEUE=postgresql://USER@HOST/DATABASE, or --queue")
    found = parse(url, _token(url))
    given = click.get_current_context().get_parameter_source("queue")
    if found.password and given is click.core.ParameterSource.COMMANDLINE:
        say("warning: a password in --queue is seen in the list of processes; ROLLOUT_QUEUE is not", err=True)
    for name in _NOISY:  # their lines repeat ours, as tracebacks
        logging.getLogger(name).setLevel(logging.DEBUG if os.environ.get("ROLLOUT_DEBUG") else logging.CRITICAL)
    return found


def _token(url: str) -> Callable[[], str] | None:
    """What makes the password of each connection; None: the address has it. Raises SignInError."""
    context = click.get_current_context(silent=True)
    said = context.meta.get(_AUTH) if context else None
    if (said or os.environ.get("ROLLOUT_DATABASE_AUTH")) != "entra" or url.startswith("sqlite:"):
        return None
    from rollout.azure.database import database_token

    return database_token(ca_bundle=os.environ.get("ROLLOUT_CA_BUNDLE"))


def full_name(name: str) -> str:
    """The queue's name with the overlay's environment: workers of another environment have another queue."""
    environment = environment_name()
    return f"{name}.{environment}" if environment else name


def environment_name() -> str:
    """What `--environment` says; "" for nothing."""
    return str(click.get_current_context().meta.get("rollout.layers.environment") or "")
