"""Signatures as Standard Webhooks defines them: https://www.standardwebhooks.com, "webhook-signature", scheme v1."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Final

from rollout.notify.letter import Undelivered

_PREFIX: Final = "whsec_"
_LEAST: Final = 24
"""Bytes of a secret; the standard asks for 24 to 64."""


def secret(text: str, variable: str) -> bytes:
    """The bytes of `whsec_<base64>`. Raises Undelivered, which never says them."""
    try:
        found = base64.b64decode(text.strip().removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) < _LEAST:
        raise Undelivered(
            f"${variable} holds no secret for signing",
            hint="whsec_ and at least 24 bytes in base64: echo whsec_$(openssl rand -base64 32)",
        )
    return found


def headers(key: bytes, id_: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers for that body, sent at `timestamp` (seconds since 1970)."""
    signed = b".".join((id_.encode(), str(timestamp).encode(), body))
    mark = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {"webhook-id": id_, "webhook-timestamp": str(timestamp), "webhook-signature": f"v1,{mark}"}
