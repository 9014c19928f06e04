"""GitHub's refusals, each as one sentence with its remedy, and how long it wants us to wait. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from rollout.errors import RolloutError, SignInError

BUSY: Final = frozenset({500, 502, 503, 504})
LIMITED: Final = frozenset({403, 429})
SECONDARY_SECONDS: Final = 60.0
"""What GitHub asks for where a secondary limit names no time."""
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
        """GitHub's own sentence, with the details of a failed validation; bounded."""
        if not isinstance(self.body, Mapping):
            return ""
        details = [_detail(entry) for entry in self.body.get("errors") or () if entry]
        text = str(self.body.get("message", ""))
        return (f"{text} ({'; '.join(details)})" if details else text)[:_LONGEST]


def _detail(entry: Any) -> str:
    if not isinstance(entry, Mapping):
        return str(entry)
    return str(entry.get("message") or f"{entry.get('field', '?')}: {entry.get('code', '?')}")


def wait_for(refusal: Refusal, attempt: int, now: float) -> float | None:
    """Seconds after which the request may be sent again because a limit was met; None where no limit was.

    `now`: epoch seconds. https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    if refusal.status not in LIMITED:
        return None
    asked = refusal.headers.get("retry-after", "")
    if asked.isdigit():
        return float(asked)
    if refusal.headers.get("x-ratelimit-remaining") == "0":
        reset = refusal.headers.get("x-ratelimit-reset", "")
        return max(1.0, float(reset) - now + 1.0) if reset.isdigit() else SECONDARY_SECONDS
    if refusal.status == 429 or "secondary rate limit" in refusal.message.lower():
        return SECONDARY_SECONDS * float(2**attempt)
    return None


def fault_of(call: Call, refusal: Refusal) -> RolloutError:
    """The fault to raise."""
    told = f": {refusal.message}" if refusal.message else ""
    match refusal.status:
        case 401:
            return SignInError(f"GitHub does not accept the token{told}", hint=_SIGN_IN)
        case 403:
            return SignInError(f"the token may not {call.what}{told}", hint=_permission(call, refusal))
        case 404:
            return SignInError(
                f"GitHub does not find what is needed to {call.what} ({call.method} {call.path})",
                hint=f"check the repository and the number; a token without `{call.needs}` gets the same answer",
            )
        case 410:
            return RolloutError(f"GitHub cannot {call.what}{told}", hint="issues are disabled in this repository")
        case _:
            return RolloutError(f"GitHub refused to {call.what} (HTTP {refusal.status}){told}")


_SIGN_IN: Final = "set GITHUB_TOKEN (in a workflow: `env: {GITHUB_TOKEN: '${{ github.token }}'}`); it ends with its job"
_SETTING: Final = (
    "Settings › Actions › General › allow GitHub Actions to create and approve pull requests; "
    "or give the token of a GitHub App. `rollout publish revert --patch FILE` needs neither"
)


def _permission(call: Call, refusal: Refusal) -> str:
    if "not permitted to create or approve pull requests" in refusal.message:
        return _SETTING
    if sso := refusal.headers.get("x-github-sso", ""):
        return f"the organisation wants this token authorised for single sign-on: {sso.partition('url=')[2] or sso}"
    accepted = refusal.headers.get("x-accepted-github-permissions", "").replace("_", "-").replace("=", ": ")
    needs = accepted or call.needs
    return f"the job needs `permissions: {needs}`; a pull request from a fork never gets it"
