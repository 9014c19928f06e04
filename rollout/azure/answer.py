"""An answer of Resource Manager, whoever fetched it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal

import msgspec

from rollout.azure.errors import NETWORK_HINT
from rollout.errors import AzureError

Kind = Literal["reads", "writes", "polls"]
"""How a request is counted."""
_NUMBER: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_AFTER: Final = {"retry-after-ms": 0.001, "x-ms-retry-after-ms": 0.001, "retry-after": 1.0}


class Answer(msgspec.Struct, frozen=True):
    """What came back: status, decoded JSON (None if there was no body), headers with lower-case names."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def date(self) -> datetime:
        """The service's own time of the answer. Raises AzureError where it does not say it."""
        try:
            return parsedate_to_datetime(self.headers.get("date", "")).astimezone(UTC)
        except (ValueError, TypeError, OverflowError):
            sentence = "the answer does not say when it was given, as if a proxy had taken its Date out"
            raise AzureError(sentence, code="UnreadableAnswer", hint=NETWORK_HINT) from None

    @property
    def after(self) -> float | None:
        """How many seconds the service asks us to wait, if it says so (Azure has a header in milliseconds too)."""
        return wished_pause(self.headers)


def wished_pause(headers: Mapping[str, str]) -> float | None:
    """Seconds of `Retry-After` and its sisters, if one of them is a number."""
    for name, unit in _AFTER.items():
        if _NUMBER.fullmatch(value := headers.get(name, "")):
            return float(value) * unit
    return None


def decoded(content: bytes) -> Any:
    """A body's JSON; None where there is none, text where it is no JSON."""
    if not content or not content.strip():
        return None
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return content.decode(errors="replace")
