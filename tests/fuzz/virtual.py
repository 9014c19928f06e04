"""An event loop whose time passes at once when nothing is on its way: an hour of polling takes a moment.

Client and server share the loop and its loopback sockets, so when neither has anything to do, only timers can.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any

_GRACE = 0.0005
"""Seconds in which bytes on loopback have certainly arrived."""


class _Impatient(selectors.DefaultSelector):
    """Does not wait for timers: it tells the loop to skip to the next one."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0) or ([] if timeout == 0 else super().select(_GRACE))
        if not found and timeout is not None:
            self.skipped += timeout
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` is the real time and all that was skipped."""

    def __init__(self) -> None:
        self._impatient = _Impatient()
        super().__init__(self._impatient)

    def time(self) -> float:
        """Seconds, of which most never passed."""
        return super().time() + self._impatient.skipped


class Wire:
    """The raw answers of one trial, and what was asked. The last answer is given again and again."""

    def __init__(self) -> None:
        self.answers: list[Mapping[str, Any]] = []
        self.asked = 0
        self.address = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Every request of one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await reader.readexactly(_length(head))
                answer = self.answers[min(self.asked, len(self.answers) - 1)]
                self.asked += 1
                raw = self.raw(answer)
                writer.write(raw[: len(raw) // 2] if answer.get("cut") is True else raw)
                if answer.get("cut") is True or answer.get("close") is True:
                    break
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass
        finally:
            writer.close()

    def raw(self, answer: Mapping[str, Any]) -> bytes:
        """The bytes of an answer. `BASE` in a header or a body is the server's own address."""
        body = answer.get("body")
        content = body if isinstance(body, str) else _json(body)
        content = content.replace("BASE", self.address)
        given = answer.get("headers")
        headers = {"Date": "Thu, 01 Jan 2026 12:00:00 GMT", **(given if isinstance(given, Mapping) else {})}
        status = answer.get("status")
        lines = [f"HTTP/1.1 {status if isinstance(status, int) else 200} X"]
        lines += [
            f"{name}: {value}".replace("BASE", self.address) for name, value in headers.items() if value is not None
        ]
        data = content.encode("utf-8", "replace")
        if not any(name.lower() == "content-length" for name in headers):
            lines.append(f"Content-Length: {len(data)}")
        return "\r\n".join(lines).encode("utf-8", "replace") + b"\r\n\r\n" + data


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def _json(value: Any) -> str:
    import msgspec

    return "" if value is None else msgspec.json.encode(value).decode()
