"""GitLab's way of talking: its headers; its refusals, each as one sentence with its remedy. Pure.

https://docs.gitlab.com/api/rest/authentication, https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rollout.forge.dialect import Call, Dialect, Refusal, Remedies

NAME: Final = "GitLab"
_SIGN_IN: Final = "set GITLAB_TOKEN: a project access token with the scope `api`, masked and protected"


def _wait(refusal: Refusal, attempt: int, now: float) -> float | None:
    if refusal.status != 429:
        return None
    asked = refusal.headers.get("retry-after", "")
    if asked.isdigit():
        return float(asked)
    reset = refusal.headers.get("ratelimit-reset", "")
    return max(1.0, float(reset) - now + 1.0) if reset.isdigit() else float(30 * 2**attempt)


def _permission(call: Call) -> str:
    return f"the token needs the scope `api` and the role {call.needs}; a job's own CI_JOB_TOKEN can write no comment"


def _headers(token: str) -> Mapping[str, str]:
    return {"PRIVATE-TOKEN": token, "Accept": "application/json"}


GITLAB: Final = Dialect(name=NAME, headers=_headers, wait=_wait, fault=Remedies(NAME, _SIGN_IN, _permission).fault)
