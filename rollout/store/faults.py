"""What Postgres says, as ours: by what the reader can do about it, and without a password."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from procrastinate.exceptions import ConnectorException
from psycopg import Error
from psycopg.errors import InsufficientPrivilege
from psycopg_pool import PoolTimeout, TooManyRequests

from rollout.errors import Retryable, RolloutError, SignInError
from rollout.store.address import Address

FAILURES: Final = (ConnectorException, Error, OSError)
"""What a statement can raise; psycopg's pool raises errors of psycopg."""
_SIGN_IN: Final = re.compile(
    r"authentication failed|no password supplied|no pg_hba.conf entry|role .* does not exist|28P01|28000"
)


class QueueDown(Retryable):
    """The database does not answer; it may later."""


@contextmanager
def told(address: Address) -> Iterator[None]:
    """Raises ours for what the block raises of the database's."""
    try:
        yield
    except FAILURES as error:
        raise ours(error, address) from None


def ours(error: BaseException, address: Address) -> RolloutError:
    """The fault of one failed connection or statement."""
    cause = _deepest(error)
    said = address.scrubbed(_sentence(cause))
    where = address.shown
    if isinstance(cause, InsufficientPrivilege):
        return SignInError(f"{where}: {said}", hint="the role needs rights on the queue's tables and functions")
    if _SIGN_IN.search(said):
        return SignInError(f"{where}: sign-in refused: {said}", hint="check PGPASSWORD, or what ROLLOUT_QUEUE holds")
    if isinstance(cause, Error) and not _gone(cause):
        return RolloutError(f"{where}: {said}", hint="`rollout queue status` looks at the queue as a whole")
    return QueueDown(f"{where} cannot be reached: {said}", hint="no job is lost; work goes on when it is back")


def _gone(error: Error) -> bool:
    """Whether the connection is to blame: no SQLSTATE, or one of class 08, 53 or 57 (shutdown, too many clients)."""
    state = error.sqlstate or ""
    return isinstance(error, (PoolTimeout, TooManyRequests)) or not state or state[:2] in ("08", "53", "57")


def _deepest(error: BaseException) -> BaseException:
    while isinstance(error, ConnectorException) and error.__cause__ is not None:
        error = error.__cause__
    return error


def _sentence(error: BaseException) -> str:
    """On one line: libpq tells each address that it tried on a line of its own."""
    return " ".join(str(error).split()) or type(error).__name__
