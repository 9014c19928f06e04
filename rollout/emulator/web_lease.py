"""`PUT {blob}?comp=lease`: leases over HTTP."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping

from starlette.responses import Response

from rollout.emulator.leases import LeaseRefusedError, Leases


def answer(leases: Leases, blob: tuple[str, str], headers: Mapping[str, str], known: dict[str, str]) -> Response:
    """One lease operation; `known` are the headers that every answer about this blob has. Raises LeaseRefusedError."""
    now, lease_id = time.monotonic(), headers.get("x-ms-lease-id", "").lower()
    match headers.get("x-ms-lease-action", "").lower():
        case "acquire":
            wanted = headers.get("x-ms-proposed-lease-id", "").lower() or str(uuid.uuid4())
            lease = leases.acquire(blob, wanted, int(headers.get("x-ms-lease-duration", "-1")), now)
            return Response(status_code=201, headers=known | {"x-ms-lease-id": lease.id})
        case "renew":
            lease = leases.renew(blob, lease_id, now)
            return Response(status_code=200, headers=known | {"x-ms-lease-id": lease.id})
        case "release":
            leases.release(blob, lease_id)
            return Response(status_code=200, headers=known)
        case "break":
            period = headers.get("x-ms-lease-break-period")
            left = leases.take_away(blob, None if period is None else int(period), now)
            return Response(status_code=202, headers=known | {"x-ms-lease-time": str(left)})
        case _:
            raise LeaseRefusedError(400, "InvalidHeaderValue", "The value for one of the HTTP headers is not valid.")
