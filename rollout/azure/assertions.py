"""Federated identity on GitHub: a fresh assertion each time that azure-identity asks for one.

GitHub's assertions live for five minutes, a rollout for hours. A token that was exchanged once, as `azure/login`
does, runs out in the middle of a bake; this asks the runner again instead.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote, urlsplit

from rollout.errors import SignInError

AUDIENCE: Final = "api://AzureADTokenExchange"
_SECONDS: Final = 30
_MOST_BYTES: Final = 1_000_000
"""More would be cut off, and is no token."""
_HINT: Final = "The job needs `permissions: id-token: write`."


def github_assertion(environment: Mapping[str, str]) -> Callable[[], str]:
    """A function that fetches an OIDC token for Entra from the job's own runner. It raises SignInError."""
    url = environment["ACTIONS_ID_TOKEN_REQUEST_URL"]
    if urlsplit(url).scheme not in ("https", "http"):
        raise SignInError("ACTIONS_ID_TOKEN_REQUEST_URL is no web address", hint=_HINT)
    request = urllib.request.Request(  # noqa: S310 - the scheme has been checked
        f"{url}{'&' if '?' in url else '?'}audience={quote(AUDIENCE, safe='')}",
        headers={"Authorization": f"bearer {environment['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"},
    )

    def fetch() -> str:
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
                return str(json.loads(answer.read(_MOST_BYTES))["value"])
        except (OSError, ValueError, KeyError) as error:
            reason = getattr(error, "reason", None) or type(error).__name__
            raise SignInError(f"GitHub gave no identity token ({reason})", hint=_HINT) from error

    return fetch
