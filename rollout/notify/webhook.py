"""CloudEvents 1.0 over HTTP, signed."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from typing import Final, Literal
from urllib.parse import urlsplit

import aiohttp

from rollout.bounded import BoundedResponse
from rollout.notify import signing
from rollout.notify.letter import SECONDS, Letter, Undelivered
from rollout.proxies import Proxies

TYPE: Final = "rollout.transition."
"""In front of the event, as the event's type."""


class Webhook:
    """One address that takes events. HTTPS, except on this machine; no redirect is followed with the signature."""

    def __init__(
        self,
        url: str,
        key: bytes,
        variable: str,
        mode: Literal["structured", "binary"] = "structured",
        now: Callable[[], float] = time.time,
    ) -> None:
        _must_be_safe(url, variable)
        self._url = url
        self._key = key
        self._variable = variable
        self._mode = mode
        self._now = now

    async def send(self, letter: Letter) -> str:
        """See `Sender`: any 2xx is a yes. The answer's body is never read."""
        head, body = message(letter, self._mode)
        head |= signing.headers(self._key, letter.id, int(self._now()), body)
        limit = aiohttp.ClientTimeout(total=SECONDS)
        try:
            async with (
                aiohttp.ClientSession(
                    timeout=limit, response_class=BoundedResponse, middlewares=(Proxies(),)
                ) as session,
                session.post(self._url, data=body, headers=head, allow_redirects=False) as answer,
            ):
                status = answer.status
        except TimeoutError:
            raise Undelivered(f"the receiver of ${self._variable} did not answer in {SECONDS:.0f} s") from None
        except (aiohttp.ClientError, ValueError, OSError) as error:  # their texts may hold the address
            kind = type(error).__name__
            raise Undelivered(f"the receiver of ${self._variable} could not be reached ({kind})") from None
        if not 200 <= status < 300:
            raise Undelivered(f"the receiver of ${self._variable} answered {status}")
        return f"answered {status}"


def message(letter: Letter, mode: str) -> tuple[dict[str, str], bytes]:
    """Headers and body of the event, in that content mode."""
    from cloudevents.core.bindings.http import to_binary, to_structured
    from cloudevents.core.formats.json import JSONFormat
    from cloudevents.core.v1.event import CloudEvent

    event = CloudEvent(
        {
            "specversion": "1.0",
            "id": letter.id,
            "source": letter.source,
            "type": TYPE + letter.event,
            "subject": letter.plan,
            "time": letter.at,
            "datacontenttype": "application/json",
        },
        dict(letter.data),
    )
    made = (to_binary if mode == "binary" else to_structured)(event, JSONFormat())
    return dict(made.headers), bytes(made.body)


def _must_be_safe(url: str, variable: str) -> None:
    try:
        parts = urlsplit(url)
        host, scheme = parts.hostname or "", parts.scheme
        _ = parts.port
    except ValueError:
        host = scheme = ""
    if not host or scheme not in ("http", "https"):
        raise Undelivered(f"${variable} holds no address of a web server")
    if scheme != "https" and not _here(host):
        raise Undelivered(f"the address in ${variable} must be https", hint="http is for this machine only")


def _here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
