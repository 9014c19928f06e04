"""The data plane's answers: statuses, texts and headers as the service's front end gives them. Pure.

Which of them are documented and which only seen is in `docs/emulator.md`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

NO_VALID_DEPLOYMENT: Final = (
    "No valid deployments to route to. Please check that the endpoint has at least one deployment "
    "with positive weight values or use a deployment specific header to route."
)
DEPLOYMENT_HEADER: Final = "azureml-model-deployment"
SERVER: Final = "azureml-frontdoor"

_TEXT: Final = {"content-type": "text/plain"}
_NOT_PASSED_ON: Final = frozenset({
    "authorization", "connection", "content-length", "expect", "host", "keep-alive", "te", "trailer",
    "transfer-encoding", "upgrade", DEPLOYMENT_HEADER,
})  # fmt: skip
_NOT_PASSED_BACK: Final = frozenset(
    {"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding"}
)
_CLIENT_ID: Final = re.compile(r"[^-_A-Za-z0-9]")
_CLIENT_ID_LENGTH: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request as a model's server gets it: the path starts with a slash."""

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back to the client. `model_status` is what the model's server said, "" if it said nothing."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    model_status: str = ""


def text(status: int, message: str) -> Answer:
    """A plain-text answer of the front end itself."""
    return Answer(status=status, body=message.encode(), headers=_TEXT)


def denied(authorization: str | None) -> Answer:
    """401: with a key that is not ours, or with a header that cannot hold one."""
    well_formed = authorization is not None and re.fullmatch(r"(?i)bearer \S+", authorization)
    return text(401, "key_auth_access_denied" if well_formed else "key_auth_bad_header_forbidden")


def nothing_to_route_to() -> Answer:
    """404: all weights are zero, or the deployment that was asked for does not exist."""
    return text(404, NO_VALID_DEPLOYMENT)


def too_slow(timeout_ms: int) -> Answer:
    """408: no answer within the deployment's `request_timeout_ms`."""
    return text(408, f"The request did not complete within the request timeout of {timeout_ms} ms.")


def too_many() -> Answer:
    """429: more in flight than the deployment's instances may queue."""
    return Answer(status=429, headers=_TEXT | {"ms-azureml-model-error-reason": "too_many_pending_request"})


def not_ready() -> Answer:
    """424: there is nobody to ask, or the container went away while it was asked."""
    reason = {"ms-azureml-model-error-reason": "model_not_ready", "ms-azureml-model-error-statuscode": ""}
    return Answer(status=424, headers=_TEXT | reason)


def from_model(status: int, body: bytes, headers: Mapping[str, str], *, keep_status: bool = False) -> Answer:
    """The model's own answer; anything but 200 becomes 424, unless `keep_status` (a swagger page may be missing)."""
    kept = {name.lower(): value for name, value in headers.items() if name.lower() not in _NOT_PASSED_BACK}
    if status == 200 or keep_status:
        return Answer(status=status, body=body, headers=kept, model_status=str(status))
    error = {"ms-azureml-model-error-statuscode": str(status), "ms-azureml-model-error-reason": "model_error"}
    return Answer(status=424, body=body, headers=kept | error, model_status=str(status))


def stub(kind: str, endpoint: str, deployment: str) -> Answer:
    """The answer of containers that the emulator does not run. Labelled: nobody shall take it for a model."""
    body = f'{{"stub": "{kind}", "endpoint": "{endpoint}", "deployment": "{deployment}"}}'
    headers = {"content-type": "application/json", "x-emulator-stub": "1"}
    return Answer(status=200, body=body.encode(), headers=headers, model_status="200")


def request_headers(received: Mapping[str, str], request_id: str) -> dict[str, str]:
    """The client's headers for the model: its key and what belongs to the connection stay here."""
    headers = {name: value for name, value in received.items() if name not in _NOT_PASSED_ON}
    headers["x-request-id"] = request_id
    if client_id := _CLIENT_ID.sub("", received.get("x-ms-client-request-id", ""))[:_CLIENT_ID_LENGTH]:
        headers["x-ms-client-request-id"] = client_id
    return headers


def response_headers(answer: Answer, deployment: str, request_id: str) -> dict[str, str]:
    """The headers as they leave: the front end's own, and who answered."""
    headers = {**answer.headers, "server": SERVER, "x-request-id": request_id}
    if deployment:
        headers |= {DEPLOYMENT_HEADER: deployment, "azureml-model-session": deployment}
    return headers
