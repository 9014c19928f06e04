"""What forges' APIs have in common, and in what they differ: how a token is shown, limits told, refusals worded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from rollout.errors import RolloutError, SignInError

BUSY: Final = frozenset({500, 502, 503, 504})
_LONGEST: Final = 500


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request, for messages: what it does in words, and the permission that it needs."""

    method: str
    path: str
    what: str
    needs: str


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is not a success. The names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def message(self) -> str:
        """The forge's own sentence, with the details of a failed validation; bounded."""
        if not isinstance(self.body, Mapping):
            return ""
        found = self.body.get("errors")
        details = [_detail(entry) for entry in found if entry] if isinstance(found, list) else []
        text = str(self.body.get("message") or self.body.get("error") or "")
        return (f"{text} ({'; '.join(details)})" if details else text)[:_LONGEST]


def _detail(entry: Any) -> str:
    if not isinstance(entry, Mapping):
        return str(entry)
    return str(entry.get("message") or f"{entry.get('field', '?')}: {entry.get('code', '?')}")


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """One forge's own.

    `headers`: those that every request has, with the token. `wait`: seconds after which a refused request may be sent
    again because a limit was met (attempt, epoch seconds), None where no limit was. `fault`: what to raise.
    `sign_in`: answers that look like a success, and are a page to sign in.
    """

    name: str
    headers: Callable[[str], Mapping[str, str]]
    wait: Callable[[Refusal, int, float], float | None]
    fault: Callable[[Call, Refusal], RolloutError]
    sign_in: frozenset[int] = frozenset()


class Remedies(msgspec.Struct, frozen=True):
    """What a forge's refusals are told with: its name, the way to sign in, and who needs which permission."""

    name: str
    sign_in: str
    permission: Callable[[Call], str]

    def fault(self, call: Call, refusal: Refusal) -> RolloutError:
        """The fault to raise, by the answer's status."""
        told = f": {refusal.message}" if refusal.message else ""
        match refusal.status:
            case 203 | 302 | 401:
                return SignInError(f"{self.name} does not accept the token{told}", hint=self.sign_in)
            case 403:
                return SignInError(f"the token may not {call.what}{told}", hint=self.permission(call))
            case 404:
                return SignInError(
                    f"{self.name} does not find what is needed to {call.what} ({call.method} {call.path}){told}",
                    hint=f"check the name and the number; a missing permission looks the same: {self.permission(call)}",
                )
            case _:
                return RolloutError(f"{self.name} refused to {call.what} (HTTP {refusal.status}){told}")
