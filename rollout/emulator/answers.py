"""What the service answers, and its error envelopes (both recorded forms).

(a) `UserError` with the formatted message and its parts; (b) `BadRequest`/"The request is invalid." whose one detail
holds the sentence as double-braced text. Both end with the same `additionalInfo`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

JsonObject = dict[str, Any]
NO_HEADERS: Final[Mapping[str, str]] = {}


class Answer(msgspec.Struct, frozen=True, gc=False):
    """An HTTP answer. `body` is shared with the store of documents: read it, never change it."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = NO_HEADERS

    @property
    def ok(self) -> bool:
        """Whether the service took the request."""
        return self.status < 400


class Rejected(Exception):
    """The service refuses a request. Carries everything of the answer but time and correlation ids."""

    def __init__(self, status: int, error: JsonObject) -> None:
        super().__init__(error["message"])
        self.status = status
        self.error = error

    def answer(self, now: datetime, location: str, correlation: str) -> Answer:
        """The refusal in ARM's shape."""
        if "details" not in self.error:
            return Answer(self.status, {"error": self.error})
        common = _additional_info(now, location, correlation.replace("-", ""))
        error = {**self.error, "additionalInfo": common + list(self.error.get("additionalInfo", ()))}
        return Answer(self.status, {"error": error})


def invalid(sentence: str, status: int = 400) -> Rejected:
    """Envelope (b): the inference back end refuses."""
    text = '{{"errors":{{"":["' + sentence + '"]}},"title":"One or more validation errors occurred."}}'
    detail = {
        "code": "InferencingClientCallFailed",
        "message": text,
        "details": [],
        "additionalInfo": [],
    }
    return Rejected(status, {"code": "BadRequest", "message": "The request is invalid.", "details": [detail]})


def user_error(status: int, inner: str, template: str, **values: str) -> Rejected:
    """Envelope (a): the management front end refuses; `inner` is e.g. `NotFound`."""
    extra = [
        _info("InnerError", {"code": inner, "innerError": None}),
        _info("MessageFormat", template),
        _info("MessageParameters", values),
    ]
    message = template.format(**values)
    return Rejected(status, {"code": "UserError", "message": message, "details": [], "additionalInfo": extra})


def plain(status: int, code: str, message: str) -> Rejected:
    """Resource Manager's own short form."""
    return Rejected(status, {"code": code, "message": message})


def endpoint_missing(endpoint: str, workspace: str) -> Rejected:
    """404 for an endpoint."""
    return user_error(
        404,
        "NotFound",
        "Endpoint {endpointName} not found in workspace {workspaceName}",
        endpointName=endpoint,
        workspaceName=workspace,
    )


def deployment_missing(deployment: str, endpoint: str, workspace: str) -> Rejected:
    """404 for a deployment, verbatim."""
    return user_error(
        404,
        "NotFound",
        "Deployment {deploymentName} not found in endpoint {endpointName}, workspace {workspaceName}",
        deploymentName=deployment,
        endpointName=endpoint,
        workspaceName=workspace,
    )


def _info(kind: str, value: Any) -> JsonObject:
    return {"type": kind, "info": {"value": value}}


def _additional_info(now: datetime, location: str, correlation: str) -> list[JsonObject]:
    ids = {"operation": correlation, "request": correlation[:16]}
    return [
        _info("ComponentName", "managementfrontend"),
        _info("Correlation", ids),
        _info("Environment", location),
        _info("Location", location),
        _info("Time", now.isoformat()),
    ]
