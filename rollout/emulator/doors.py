"""A client of the emulator's own doors (`/_emulator/NAME`), by the standard library alone."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from rollout.errors import UsageError


def use(url: str, ca_bundle: Path, method: str, name: str, body: Any = None) -> dict[str, Any]:
    """Ask one; its answer. Raises `UsageError` for what it refuses, `OSError` if nobody answers."""
    context = ssl.create_default_context(cafile=str(ca_bundle))
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}/_emulator/{name}", data, method=method)  # noqa: S310 - our own loopback
    try:
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:  # noqa: S310 - our own loopback
            told: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        raise UsageError(f"The emulator refuses that: {json.load(error)['error']['message']}") from error
    return told
