"""Azure DevOps' way of talking: its headers; its refusals, each as one sentence with its remedy. Pure.

https://learn.microsoft.com/azure/devops/integrate/concepts/rate-limits
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Final

from rollout.forge.dialect import Call, Dialect, Refusal, Remedies

NAME: Final = "Azure DevOps"
_SIGN_IN: Final = (
    "set SYSTEM_ACCESSTOKEN (in a pipeline: `env: {SYSTEM_ACCESSTOKEN: $(System.AccessToken)}`); it ends with its job"
)
_LIMITED: Final = frozenset({429, 503})


def _wait(refusal: Refusal, attempt: int, now: float) -> float | None:
    if refusal.status not in _LIMITED:
        return None
    asked = refusal.headers.get("retry-after", "")
    return float(asked) if asked.isdigit() else float(30 * 2**attempt)


def _permission(call: Call) -> str:
    return f"the identity `PROJECT Build Service (ORGANISATION)` needs the permission `{call.needs}` on the repository"


def _headers(token: str) -> Mapping[str, str]:
    """Basic, with any name: so it takes a job's token as well as a person's."""
    secret = base64.b64encode(f":{token}".encode()).decode()
    return {"Authorization": f"Basic {secret}", "Accept": "application/json", "X-TFS-FedAuthRedirect": "Suppress"}


AZURE_DEVOPS: Final = Dialect(
    name=NAME, headers=_headers, wait=_wait, fault=Remedies(NAME, _SIGN_IN, _permission).fault, sign_in=frozenset({203})
)
"""A token that it does not know gets a page to sign in, with 203 or a redirect."""
