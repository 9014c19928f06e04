"""Who signs in: one explicit choice from the environment, never a chain that tries and times out.

`ROLLOUT_CREDENTIAL` names the choice; without it the first row of `RULES` whose variables are all set, else the
Azure CLI. `choose` is pure and says why; `build` makes the object that fetches tokens.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import os
from collections.abc import Mapping
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import msgspec
from azure.core.credentials import AccessToken

from rollout.azure.assertions import github_assertion
from rollout.errors import SignInError


class Way(StrEnum):
    """The ways to sign in; the value is the word for `ROLLOUT_CREDENTIAL`."""

    CLIENT_SECRET = "client_secret"  # noqa: S105 - a word, not a secret
    CLIENT_CERTIFICATE = "client_certificate"
    WORKLOAD_IDENTITY = "workload_identity"
    GITHUB = "github"
    AZURE_DEVOPS = "azure_devops"
    MANAGED_IDENTITY = "managed_identity"
    AZURE_CLI = "azure_cli"


class Choice(msgspec.Struct, frozen=True):
    """Which way, and the names (never the values) of the variables that decided it."""

    way: Way
    because: str

    def describe(self) -> str:
        """One sentence for `rollout doctor`."""
        return f"signs in by {self.way.value.replace('_', ' ')}: {self.because}"


class TokenSource(Protocol):
    """What azure-identity's synchronous credentials have in common."""

    def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        """A token for those scopes."""


_IDENTITY: Final = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID")
_SERVICE_CONNECTION: Final = (
    "AZURESUBSCRIPTION_TENANT_ID",
    "AZURESUBSCRIPTION_CLIENT_ID",
    "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
)
RULES: Final[tuple[tuple[Way, tuple[str, ...]], ...]] = (
    (Way.CLIENT_SECRET, (*_IDENTITY, "AZURE_CLIENT_SECRET")),
    (Way.CLIENT_CERTIFICATE, (*_IDENTITY, "AZURE_CLIENT_CERTIFICATE_PATH")),
    (Way.WORKLOAD_IDENTITY, (*_IDENTITY, "AZURE_FEDERATED_TOKEN_FILE")),
    (Way.GITHUB, (*_IDENTITY, "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")),
    (Way.AZURE_DEVOPS, (*_SERVICE_CONNECTION, "SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN")),
    (Way.MANAGED_IDENTITY, ("IDENTITY_ENDPOINT",)),
)
"""What each way needs, in the order in which they are considered."""


def choose(environment: Mapping[str, str]) -> Choice:
    """The way to sign in. Raises SignInError if the one that `ROLLOUT_CREDENTIAL` names lacks a variable."""
    if named := environment.get("ROLLOUT_CREDENTIAL"):
        return _named(named, environment)
    for way, needed in RULES:
        if all(environment.get(name) for name in needed):
            return Choice(way, f"{', '.join(needed)} {'are' if len(needed) > 1 else 'is'} set")
    return Choice(Way.AZURE_CLI, "no variable names another identity")


def build(choice: Choice, environment: Mapping[str, str], *, ca_bundle: str | None = None) -> TokenSource:
    """The credential for that choice. azure-identity refreshes its tokens, and asks for assertions, by itself."""
    from azure import identity  # it loads msal and requests; a command that is offline needs neither

    from rollout.azure.bounded_transport import BoundedTransport

    if not (logger := logging.getLogger("azure")).handlers:
        # Without any handler Python prints its warnings to stderr, beside our own sentence for the same fault.
        logger.addHandler(logging.NullHandler())
    env = environment
    common = _common(environment)
    common["transport"] = BoundedTransport(connection_verify=ca_bundle or True)
    match choice.way:
        case Way.CLIENT_SECRET:
            tenant, client = (env[name] for name in _IDENTITY)
            return identity.ClientSecretCredential(tenant, client, env["AZURE_CLIENT_SECRET"], **common)
        case Way.CLIENT_CERTIFICATE:
            tenant, client = (env[name] for name in _IDENTITY)
            path, password = env["AZURE_CLIENT_CERTIFICATE_PATH"], env.get("AZURE_CLIENT_CERTIFICATE_PASSWORD")
            return identity.CertificateCredential(tenant, client, path, password=password, **common)
        case Way.WORKLOAD_IDENTITY:
            tenant, client = (env[name] for name in _IDENTITY)
            return identity.WorkloadIdentityCredential(
                tenant_id=tenant, client_id=client, token_file_path=env["AZURE_FEDERATED_TOKEN_FILE"], **common
            )
        case Way.GITHUB:
            tenant, client = (env[name] for name in _IDENTITY)
            return identity.ClientAssertionCredential(tenant, client, github_assertion(env), **common)
        case Way.AZURE_DEVOPS:
            tenant, client, connection = (env[name] for name in _SERVICE_CONNECTION)
            return identity.AzurePipelinesCredential(
                tenant_id=tenant,
                client_id=client,
                service_connection_id=connection,
                system_access_token=env["SYSTEM_ACCESSTOKEN"],
                **common,
            )
        case Way.MANAGED_IDENTITY:
            return identity.ManagedIdentityCredential(
                client_id=env.get("AZURE_CLIENT_ID"), transport=BoundedTransport()
            )
        case Way.AZURE_CLI:
            return identity.AzureCliCredential(tenant_id=env.get("AZURE_TENANT_ID", ""), process_timeout=60)


def from_environment(environment: Mapping[str, str] | None = None, *, ca_bundle: str | None = None) -> TokenSource:
    """Choose and build in one step, from this process's environment by default."""
    env = os.environ if environment is None else environment
    return build(choose(env), env, ca_bundle=ca_bundle)


class AsyncCredential:
    """A synchronous credential for azure-core's async pipeline: one token cache for both worlds.

    Tokens are fetched in a thread, so that neither an assertion's HTTP request nor a run of `az` stops the loop.
    """

    def __init__(self, source: TokenSource) -> None:
        self.source = source

    async def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        """See azure-core's `AsyncTokenCredential`."""
        return await asyncio.to_thread(self.source.get_token, *scopes, **kwargs)

    async def close(self) -> None:
        """Nothing to close: the source is shared."""

    async def __aenter__(self) -> AsyncCredential:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()


async def principal(credential: AsyncCredential, scope: str) -> str:
    """Who signed in: the object id in the token's claims, which are only read, not checked. "" where there is none."""
    token = (await credential.get_token(scope)).token
    with contextlib.suppress(ValueError, IndexError, AttributeError):
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return str(claims.get("oid") or claims.get("appid") or "")
    return ""


def _named(word: str, environment: Mapping[str, str]) -> Choice:
    try:
        way = Way(word.strip().lower())
    except ValueError:
        known = ", ".join(way.value for way in Way)
        raise SignInError(f"ROLLOUT_CREDENTIAL names no way to sign in: {word!r}", hint=f"One of: {known}.") from None
    needed = () if way is Way.MANAGED_IDENTITY else dict(RULES).get(way, ())
    if missing := [name for name in needed if not environment.get(name)]:
        raise SignInError(f"{way.value} needs {', '.join(missing)}", hint="Set it, or choose another way to sign in.")
    return Choice(way, "ROLLOUT_CREDENTIAL says so")


def _common(environment: Mapping[str, str]) -> dict[str, Any]:
    """The authority. A loopback authority is nobody that Microsoft could vouch for."""
    options: dict[str, Any] = {}
    if authority := environment.get("AZURE_AUTHORITY_HOST"):
        options["authority"] = authority
        host = urlsplit(authority if "//" in authority else f"https://{authority}").hostname
        if host in ("127.0.0.1", "localhost", "::1"):
            options["disable_instance_discovery"] = True
    return options
