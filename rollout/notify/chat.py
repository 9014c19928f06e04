"""Receivers that apprise knows: Slack, Teams, mail, PagerDuty and a hundred more."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from rollout.notify.letter import SECONDS, Letter, Undelivered

if TYPE_CHECKING:
    from apprise import Apprise

_DOCUMENTED: Final = "the forms of addresses: https://github.com/caronc/apprise/wiki"


class Chat:
    """One address of apprise; its value is a secret, and neither logged nor told."""

    def __init__(self, url: str, variable: str) -> None:
        self._variable = variable
        self._way = _opened(url, variable)

    async def send(self, letter: Letter) -> str:
        """See `Sender`. apprise's own limits of time hold for each request."""
        try:
            async with asyncio.timeout(SECONDS):
                sent = await self._way.async_notify(
                    title=letter.subject, body=letter.body, notify_type="failure" if letter.bad else "info"
                )
        except TimeoutError:
            raise Undelivered(f"the receiver of ${self._variable} did not answer in {SECONDS:.0f} s") from None
        except Exception:  # whatever a plugin of apprise raises may hold the address
            raise Undelivered(f"the receiver of ${self._variable} could not be told") from None
        if not sent:
            raise Undelivered(f"the receiver of ${self._variable} did not take the message")
        return "taken"


def _opened(url: str, variable: str) -> Apprise:
    import apprise

    _silenced()
    asset = apprise.AppriseAsset(
        app_id="rollout",
        app_desc="rollouts of Azure ML online endpoints",
        async_mode=True,
        secure_logging=True,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        service_timeout=SECONDS,
    )
    way = apprise.Apprise(asset=asset)
    if not way.add(url):
        raise Undelivered(f"${variable} holds no address that apprise knows", hint=_DOCUMENTED)
    return way


def _silenced() -> None:
    """apprise's messages hold parts of addresses: they are nobody's business but ours."""
    log = logging.getLogger("apprise")
    log.propagate = False
    log.handlers = [logging.NullHandler()]
