"""GitHub's way of talking: headers; refusals, each as one sentence with its remedy; how long it wants us to wait."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rollout.errors import RolloutError, SignInError
from rollout.forge.dialect import Call, Dialect, Refusal

LIMITED: Final = frozenset({403, 429})
SECONDARY_SECONDS: Final = 60.0
"""What GitHub asks for where a secondary limit names no time."""


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


def _headers(token: str) -> Mapping[str, str]:
    return {
        "Authorization": f"Bearer {token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }


GITHUB: Final = Dialect(name="GitHub", headers=_headers, wait=wait_for, fault=fault_of)
