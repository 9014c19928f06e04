"""Azure DevOps' way of talking: its headers; its refusals, each as one sentence with its remedy. Pure.

https://learn.microsoft.com/azure/devops/integrate/concepts/rate-limits
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Final

from rollout.errors import RolloutError, SignInError
from rollout.forge.dialect import Call, Dialect, Refusal

_SIGN_IN: Final = (
    "set SYSTEM_ACCESSTOKEN (in a pipeline: `env: {SYSTEM_ACCESSTOKEN: $(System.AccessToken)}`); it ends with its job"
)
_LIMITED: Final = frozenset({429, 503})


def _wait(refusal: Refusal, attempt: int, now: float) -> float | None:
    if refusal.status not in _LIMITED:
        return None
    asked = refusal.headers.get("retry-after", "")
    return float(asked) if asked.isdigit() else float(30 * 2**attempt)


def _fault(call: Call, refusal: Refusal) -> RolloutError:
    told = f": {refusal.message}" if refusal.message else ""
    match refusal.status:
        case 203 | 302 | 401:
            return SignInError(f"Azure DevOps does not accept the token{told}", hint=_SIGN_IN)
        case 403:
            return SignInError(f"the token may not {call.what}{told}", hint=_permission(call))
        case 404:
            return SignInError(
                f"Azure DevOps does not find what is needed to {call.what} ({call.method} {call.path}){told}",
                hint=f"check the repository and the number; a missing permission looks the same: {_permission(call)}",
            )
        case _:
            return RolloutError(f"Azure DevOps refused to {call.what} (HTTP {refusal.status}){told}")


def _permission(call: Call) -> str:
    return f"the identity `PROJECT Build Service (ORGANISATION)` needs the permission `{call.needs}` on the repository"


def _headers(token: str) -> Mapping[str, str]:
    """Basic, with any name: so it takes a job's token as well as a person's."""
    secret = base64.b64encode(f":{token}".encode()).decode()
    return {"Authorization": f"Basic {secret}", "Accept": "application/json", "X-TFS-FedAuthRedirect": "Suppress"}


AZURE_DEVOPS: Final = Dialect(name="Azure DevOps", headers=_headers, wait=_wait, fault=_fault, sign_in=frozenset({203}))
"""A token that it does not know gets a page to sign in, with 203 or a redirect."""
