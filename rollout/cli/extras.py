"""Libraries that only some commands need, and that come with an extra."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rollout.errors import RolloutError


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """Raises RolloutError, with the way to get it, where a library is missing that is imported in the block."""
    try:
        yield
    except ImportError as error:
        raise RolloutError(
            f"{error.name or 'a library'} is not installed", hint=f"pip install 'azureml-rollout[{extra}]'"
        ) from error
