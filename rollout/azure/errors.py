"""The one place where an answer or an exception of Azure's libraries becomes a fault of ours.

By `error.code` first, by status second: a failed long-running operation arrives with HTTP 200, a resource lock with
409 and a policy's denial with 403, and none of them is what its status says.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from rollout.azure.problem import Problem, read_problem
from rollout.azure.remedies import AROUND, CONTENT
from rollout.azure.secret import scrub
from rollout.errors import (
    AzureError,
    Hindered,
    Refused,
    Retryable,
    RolloutError,
    SignedOut,
    SignInError,
    Stale,
    UsageError,
)

SIGN_IN_HINT: Final = "Sign in again (`az login`, or a fresh federated token); `rollout doctor` shows what was used."
PERMISSION_HINT: Final = (
    "Grant the identity a role with Microsoft.MachineLearningServices/workspaces/onlineEndpoints/* on the workspace, "
    "e.g. AzureML Data Scientist."
)
KEY_HINT: Final = "Its key may have been made anew a moment ago: run the same command again; `rollout doctor` tries it."
SCORE_HINT: Final = "Grant the identity Microsoft.MachineLearningServices/workspaces/onlineEndpoints/score/action."
CA_HINT: Final = "Give the certificate authority by ROLLOUT_CA_BUNDLE (a proxy or an emulator has its own)."
NETWORK_HINT: Final = "Check the network, the proxy (HTTPS_PROXY, NO_PROXY) and the address of the target."


class Conflict(Retryable):
    """The service is still busy with another operation on this resource: settle, look again, then decide."""


class Transient(Retryable):
    """Throttling, a server fault or a lost connection. A write may or may not have been taken."""


Make = Callable[[str, Problem], RolloutError]


def _refused(sentence: str, hint: str) -> Make:
    return lambda what, found: Refused(f"{what}: {sentence} ({found.message})", hint=hint)


def _sign_in(hint: str) -> Make:
    return lambda what, found: SignInError(f"{what}: {found.message or found.code}", hint=hint)


def _signed_out(hint: str) -> Make:
    return lambda what, found: SignedOut(f"{what}: {found.message or found.code}", hint=hint)


def _hindered(hint: str) -> Make:
    return lambda what, found: Hindered(f"{what}: {found.message or found.code}", hint=hint)


def _azure(hint: str) -> Make:
    return lambda what, found: AzureError(f"{what}: {found.message or found.code}", code=found.code, hint=hint)


def _conflict(after: float | None = None) -> Make:
    return lambda what, found: Conflict(
        f"{what}: {found.message or found.code}",
        hint="Another operation is under way: when it has ended (`rollout status`), run the same command again.",
        after=found.after or after,
    )


def _transient(what: str, found: Problem) -> RolloutError:
    return Transient(
        f"{what}: {found.message or found.code}",
        hint="The service is busy or out of order: run the same command again later.",
        after=found.after,
    )


_LOCKED: Final = _refused(
    "a resource lock forbids it", "Remove the lock on the resource or its group, or ask its owner."
)
_POLICY: Final = _refused(
    "Azure Policy forbids it", "Change the plan to what the policy allows, or ask for an exemption."
)
_QUOTA: Final = _refused(
    "the quota is used up",
    "Ask for more quota, free instances, or choose another instance type; blue and green need both at once.",
)
_NO_PERMISSION: Final = _sign_in(PERMISSION_HINT)
_EXPIRED: Final = _signed_out(SIGN_IN_HINT)
_FIND: Final = _azure("Check subscription_id, resource_group and workspace of the target.")

BY_CODE: Final[Mapping[str, Make]] = MappingProxyType(
    {
        "ScopeLocked": _LOCKED,
        "RequestDisallowedByPolicy": _POLICY,
        "OutOfQuota": _QUOTA,
        "OutOfCapacity": _QUOTA,
        "QuotaExceeded": _QUOTA,
        "AuthorizationFailed": _NO_PERMISSION,
        "LinkedAuthorizationFailed": _NO_PERMISSION,
        "AuthenticationFailed": _EXPIRED,
        "InvalidAuthenticationToken": _EXPIRED,
        "InvalidAuthenticationTokenTenant": _EXPIRED,
        "InvalidAuthenticationTokenAudience": _EXPIRED,
        "ExpiredAuthenticationToken": _EXPIRED,
        "SubscriptionNotFound": _FIND,
        "ResourceGroupNotFound": _FIND,
        "ParentResourceNotFound": _FIND,
        "SubscriptionNotRegistered": _azure(
            "Register the provider: `az provider register -n Microsoft.MachineLearningServices`."
        ),
        "OperationCanceled": _conflict(60.0),
        "AnotherOperationInProgress": _conflict(),
    }
)
"""What is known of each `error.code`. Anything else goes by its text, then by its status."""

BY_OPERATION: Final[Mapping[str, Make]] = MappingProxyType(
    {
        **{code: _azure(remedy) for code, remedy in CONTENT.items()},
        **{code: _hindered(remedy) for code, remedy in AROUND.items()},
        "PodUnschedulable": _refused(
            "the cluster has no room", "Add nodes to the cluster, or ask for smaller `resources` or fewer instances."
        ),
    }
)
"""What is known of the codes of failed operations; those of `BY_CODE` count too."""

BY_TEXT: Final[tuple[tuple[re.Pattern[str], Make], ...]] = (
    (re.compile(r"in (Creating|Updating|Deleting|Scaling) provisioning state", re.I), _conflict()),
    (re.compile(r"deleting provisioning state|operation is (already )?in progress", re.I), _conflict()),
    (
        re.compile(r"non-zero traffic weight", re.I),
        lambda what, found: Stale(f"{what}: {found.message}", hint="It has traffic again; look at the endpoint."),
    ),
    (
        re.compile(r"unrecoverable state|has not been created successfully", re.I),
        _azure("It never came up and cannot be updated: delete it and create it again."),
    ),
    (re.compile(r"name .*(not available|already an endpoint)|already an endpoint with this name", re.I), _azure(
        "Endpoint names are unique in a region: choose another one."
    )),
    (re.compile(r"^Not Found$"), _azure(
        "A deleted endpoint's name is not free at once: wait some minutes, then run the same command again."
    )),
)  # fmt: skip


def from_problem(found: Problem, what: str) -> RolloutError:
    """The fault for a problem that the service reported; `what` was being done ("update endpoint x")."""
    for code in found.codes:
        if make := BY_CODE.get(code):
            return make(what, found)
    for pattern, make in BY_TEXT:
        if pattern.search(found.message):
            return make(what, found)
    return _by_status(found)(what, found)


def from_answer(status: int, body: Any, what: str, *, after: float | None = None) -> RolloutError:
    """The fault for an HTTP answer of 400 or more."""
    return from_problem(read_problem(body, status=status, after=after), what)


def from_operation(body: Mapping[str, Any], what: str) -> RolloutError:
    """The fault for a long-running operation that ended as `Failed` or `Canceled`."""
    if str(body.get("status", "")).lower() == "canceled" and not body.get("error"):
        found = Problem(codes=("OperationCanceled",), message="the operation was cancelled")
    else:
        found = read_problem(body.get("error") or body, status=200)
    known = next((BY_OPERATION[code] for code in found.codes if code in BY_OPERATION), None)
    return known(what, found) if known else from_problem(found, what)


def from_exception(error: BaseException, what: str) -> RolloutError:
    """The fault for an exception of azure-core, azure-identity, azure-ai-ml or aiohttp."""
    if isinstance(error, RolloutError):
        return error
    chain = tuple(_chain(error))
    if found := _of_service(chain):
        return from_problem(found, what)
    return _of_connection(chain, what) or _no_sign_in(error, what) or _of_system(chain, what) or _other(error, what)


def _by_status(found: Problem) -> Make:
    if found.status == 401:
        return _EXPIRED
    if found.status == 403:
        return _NO_PERMISSION
    if found.status == 409:
        return _conflict()
    if found.status in (408, 429) or found.status >= 500:
        return _transient
    return _azure("")


def _of_service(chain: tuple[BaseException, ...]) -> Problem | None:
    """The problem in the first exception that carries an answer (azure-core's `HttpResponseError` and its kin)."""
    for error in chain:
        response = getattr(error, "response", None)
        status = getattr(error, "status_code", None) or getattr(response, "status_code", None)
        if not isinstance(status, int):
            continue
        model = getattr(error, "error", None)
        text = getattr(model, "message", None) or getattr(error, "message", None) or str(error)
        code = getattr(model, "code", None)
        return Problem(codes=(str(code),) if code else (), message=scrub(" ".join(str(text).split())), status=status)
    return None


def _of_connection(chain: tuple[BaseException, ...], what: str) -> RolloutError | None:
    """No connection at all. By the text too: azure-identity wraps these in an exception about signing in."""
    text = " ".join(str(error) for error in chain)
    if any(isinstance(e, ssl.SSLCertVerificationError) for e in chain) or "CERTIFICATE_VERIFY_FAILED" in text:
        return AzureError(f"{what}: the server's certificate is not trusted", code="UntrustedCertificate", hint=CA_HINT)
    if any(isinstance(e, ssl.SSLError) for e in chain):
        return AzureError(f"{what}: no TLS connection ({_tail(chain)})", code="TlsFailure", hint=NETWORK_HINT)
    if any(isinstance(e, socket.gaierror) for e in chain) or _UNKNOWN_HOST.search(text):
        return AzureError(f"{what}: the host name is not known", code="NameResolution", hint=NETWORK_HINT)
    if any(isinstance(e, ConnectionRefusedError) for e in chain) or "Connection refused" in text:
        return AzureError(f"{what}: nothing listens there", code="ConnectionRefused", hint=NETWORK_HINT)
    return None


def _of_system(chain: tuple[BaseException, ...], what: str) -> RolloutError | None:
    """A local file that is not there, or a connection that broke."""
    if lost := next((e for e in chain if isinstance(e, FileNotFoundError | PermissionError)), None):
        return UsageError(f"{what}: {lost.filename} cannot be read ({lost.strerror})")
    names = {type(error).__name__ for error in chain}
    if names & _LOST or any(isinstance(e, OSError | asyncio.TimeoutError) for e in chain):
        return Transient(f"{what}: the connection was lost ({_tail(chain)})", hint=NETWORK_HINT)
    return None


_UNKNOWN_HOST: Final = re.compile(r"Name or service not known|name resolution|getaddrinfo failed|NameResolutionError")
_LOST: Final = frozenset(
    {"ServiceRequestError", "ServiceResponseError", "ServiceRequestTimeoutError", "ServiceResponseTimeoutError",
     "ServerDisconnectedError", "ClientConnectionError", "IncompleteReadError", "ConnectionError"}
)  # fmt: skip


def _no_sign_in(error: BaseException, what: str) -> RolloutError | None:
    """By the class's name: azure-identity must not be loaded to recognise its exceptions."""
    if type(error).__name__ not in _SIGN_IN_NAMES:
        return None
    return SignedOut(f"{what}: no sign-in ({_one_line(error)})", hint=SIGN_IN_HINT)


_SIGN_IN_NAMES: Final = frozenset(
    {"CredentialUnavailableError", "ClientAuthenticationError", "AuthenticationRequiredError"}
)


def _other(error: BaseException, what: str) -> RolloutError:
    """Anything else, azure-ai-ml's validation first of all; its advertising for an editor is left out."""
    text = _one_line(error).partition(" Visit this link")[0]
    return AzureError(f"{what}: {text or type(error).__name__}", code=type(error).__name__)


def _one_line(error: BaseException) -> str:
    return scrub(" ".join(str(error).split()))


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        for wrapped in (
            *current.args,
            getattr(current, "inner_exception", None),
            getattr(current, "os_error", None),
        ):
            if isinstance(wrapped, BaseException) and id(wrapped) not in seen:
                seen.add(id(wrapped))
                yield wrapped
        current = current.__cause__ or current.__context__


def _tail(chain: tuple[BaseException, ...]) -> str:
    return scrub(str(chain[-1]) or type(chain[-1]).__name__)
