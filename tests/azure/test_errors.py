"""Answers and exceptions become faults of ours, by code first, with the remedy and without secrets."""

from __future__ import annotations

import json
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.identity import CredentialUnavailableError

from rollout.azure.errors import Conflict, Transient, from_answer, from_exception, from_operation
from rollout.azure.problem import Problem, read_problem
from rollout.azure.remedies import AROUND, CONTENT
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

BODIES = Path(__file__).parents[2].parent / "shared" / "corpus" / "rest" / "recordings" / "error-bodies.json"


def envelope(code: str, message: str = "It went wrong.", **more: Any) -> dict[str, Any]:
    """ARM's plain envelope."""
    return {"error": {"code": code, "message": message, **more}}


def validation(sentence: str) -> dict[str, Any]:
    """The "double-braced" envelope of the inferencing service."""
    text = f'{{{{"errors":{{{{"":["{sentence}"]}}}},"title":"One or more validation errors occurred."}}}}'
    detail = {"code": "InferencingClientCallFailed", "message": text, "details": [], "additionalInfo": []}
    return envelope("BadRequest", "The request is invalid.", details=[detail])


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (409, envelope("ScopeLocked"), Refused),
        (403, envelope("RequestDisallowedByPolicy"), Refused),
        (400, envelope("OutOfQuota"), Refused),
        (403, envelope("AuthorizationFailed"), SignInError),
        (401, envelope("ExpiredAuthenticationToken"), SignedOut),
        (401, envelope("SomethingElse"), SignedOut),
        (403, None, SignInError),
        (409, envelope("Conflict"), Conflict),
        (
            400,
            validation("Cannot create a deployment in endpoint e because it is in Updating provisioning state."),
            Conflict,
        ),
        (400, validation("Can't delete deployment [blue] with non-zero traffic weight"), Stale),
        (429, None, Transient),
        (503, "<html>", Transient),
        (408, None, Transient),
        (404, envelope("ResourceGroupNotFound"), AzureError),
        (400, envelope("Whatever"), AzureError),
    ],
)
def test_each_answer_has_its_class(status: int, body: Any, kind: type[RolloutError]) -> None:
    """A lock is no conflict, a policy's denial no missing role, and a busy endpoint no bad request."""
    assert type(from_answer(status, body, "update endpoint e")) is kind


def test_a_fault_has_sentence_code_and_remedy() -> None:
    """Verbatim, for a deployment that can never come up."""
    error = from_answer(
        400,
        validation("Specified deployment [green] failed and is in an unrecoverable state."),
        "deploy green",
    )
    assert isinstance(error, AzureError)
    assert str(error) == ("deploy green: Specified deployment [green] failed and is in an unrecoverable state.")
    assert error.code == "BadRequest"
    assert error.hint == "It never came up and cannot be updated: delete it and create it again."


def test_retry_after_reaches_the_caller() -> None:
    """What the service asks for is kept with the fault."""
    error = from_answer(429, envelope("TooManyRequests"), "read", after=7.0)
    assert isinstance(error, Retryable)
    assert error.after == 7.0


def test_a_failed_operation_is_told_by_its_code() -> None:
    """The poll is HTTP 200; only `error.code` says what happened."""
    body = {"status": "Failed", "error": {"code": "ResourceNotReady", "message": "User container has crashed"}}
    error = from_operation(body, "deploy green")
    assert isinstance(error, AzureError)
    assert (str(error), error.code) == ("deploy green: User container has crashed", "ResourceNotReady")


def failed(code: str) -> RolloutError:
    """The fault for an operation that ended with a code."""
    return from_operation({"status": "Failed", "error": {"code": code, "message": "It went wrong."}}, "deploy green")


@pytest.mark.parametrize("code", CONTENT)
def test_what_is_deployed_is_at_fault(code: str) -> None:
    """The goal fails: an AzureError with the code and the remedy of the table."""
    error = failed(code)
    assert isinstance(error, AzureError)
    assert (str(error), error.code, error.hint) == ("deploy green: It went wrong.", code, CONTENT[code])


@pytest.mark.parametrize("code", AROUND)
def test_what_is_around_it_is_at_fault(code: str) -> None:
    """Nothing is held against the goal: Hindered, which ends the run with exit code 1."""
    error = failed(code)
    assert isinstance(error, Hindered)
    assert (str(error), error.exit_code, error.hint) == ("deploy green: It went wrong.", 1, AROUND[code])


def test_a_cluster_without_room_refuses() -> None:
    """As a quota does: exit 6."""
    error = failed("PodUnschedulable")
    assert (type(error), str(error), error.exit_code) == (
        Refused,
        "deploy green: the cluster has no room (It went wrong.)",
        6,
    )


def test_the_same_code_on_a_request_is_another_matter() -> None:
    """A 500 may be got over within the run, and `InferencingClientCallFailed` is but an envelope there."""
    assert type(from_answer(500, envelope("InternalServerError"), "read")) is Transient
    assert type(from_answer(400, validation("The sum is 99."), "update")) is AzureError


def test_a_cancelled_operation_may_be_tried_again() -> None:
    """Another one with a higher priority came in between; a minute later the same may succeed."""
    error = from_operation({"status": "Canceled"}, "deploy green")
    assert isinstance(error, Conflict)
    assert error.after == 60.0


def test_quota_names_the_way_out() -> None:
    """Exit 6, and what to do."""
    error = from_operation({"status": "Failed", "error": {"code": "OutOfQuota", "message": "Not enough CPU"}}, "deploy")
    assert isinstance(error, Refused)
    assert (str(error), error.exit_code) == ("deploy: the quota is used up (Not enough CPU)", 6)


def test_a_name_that_is_not_free_yet_tells_what_to_do() -> None:
    """The service says no more than "Not Found", in braces."""
    detail = {"code": "InferencingClientCallFailed", "message": '{{"title":"Not Found"}}', "details": []}
    error = from_answer(404, envelope("NotFound", "The request is invalid.", details=[detail]), "create endpoint e")
    assert (str(error), error.hint) == (
        "create endpoint e: Not Found",
        "A deleted endpoint's name is not free at once: wait some minutes, then run the same command again.",
    )


def test_a_page_of_html_becomes_its_words() -> None:
    """A proxy in between answers in the place of the service."""
    page = "<html><head><style/></head><body><h1>502</h1> Bad gateway</body></html>"
    assert str(from_answer(502, page, "read endpoint e")) == "read endpoint e: 502 Bad gateway"


def test_inner_codes_are_found() -> None:
    """`UserError` says nothing; the inner error does."""
    body = envelope(
        "UserError",
        "Deployment D not found",
        additionalInfo=[{"type": "InnerError", "info": {"value": {"code": "NotFound", "innerError": None}}}],
    )
    assert read_problem(body, status=404) == Problem(
        codes=("UserError", "NotFound"), message="Deployment D not found", status=404
    )
    assert read_problem(body, status=404).code == "NotFound"


@pytest.mark.parametrize("body", [None, "", [], {}, {"error": None}, {"error": "text"}, {"error": {"details": "x"}}, 5])
def test_any_body_gives_a_problem(body: Any) -> None:
    """Nothing that a proxy may answer makes the reader fail."""
    assert read_problem(body, status=502).code == "Http502"


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (socket.gaierror(-2, "Name or service not known"), AzureError, "read: the host name is not known"),
        (ssl.SSLCertVerificationError("x"), AzureError, "read: the server's certificate is not trusted"),
        (ConnectionRefusedError(111, "no"), AzureError, "read: nothing listens there"),
        (TimeoutError("slow"), Transient, "read: the connection was lost (slow)"),
        (CredentialUnavailableError("az is not installed"), SignedOut, "read: no sign-in (az is not installed)"),
        (ClientAuthenticationError("AADSTS700024 expired"), SignedOut, "read: no sign-in (AADSTS700024 expired)"),
        (ValueError("odd"), AzureError, "read: odd"),
        (
            FileNotFoundError(2, "No such file or directory", "score.py"),
            UsageError,
            "read: score.py cannot be read (No such file or directory)",
        ),
    ],
)
def test_exceptions_become_sentences(error: Exception, kind: type[RolloutError], text: str) -> None:
    """No network, a wrong authority, no sign-in: one sentence each."""
    made = from_exception(error, "read")
    assert (type(made), str(made)) == (kind, text)
    assert isinstance(made, Transient) or made.hint or isinstance(error, ValueError | FileNotFoundError)


@pytest.mark.parametrize("wrapper", [ServiceRequestError, ServiceResponseError])
def test_the_cause_inside_azure_core_decides(wrapper: type[Exception]) -> None:
    """azure-core wraps what happened; the inner exception is what people must know."""
    cause = ssl.SSLCertVerificationError("certificate verify failed")
    made = from_exception(wrapper("Cannot connect", error=cause), "read")  # type: ignore[call-arg]
    assert str(made) == "read: the server's certificate is not trusted"


def test_a_status_in_an_exception_counts() -> None:
    """The SDK's failed operation is an `HttpResponseError` with status 200."""
    error = HttpResponseError("(BadArgument) no such model")
    error.status_code = 200
    error.error = type("Inner", (), {"code": "BadArgument", "message": "no such model"})()
    made = from_exception(error, "deploy green")
    assert isinstance(made, AzureError)
    assert (str(made), made.code) == ("deploy green: no such model", "BadArgument")


def test_our_own_faults_pass_through() -> None:
    """What is already ours stays the same object."""
    fault = Stale("x")
    assert from_exception(fault, "read") is fault


@pytest.mark.skipif(not BODIES.exists(), reason="the recorded error bodies are not here")
def test_recorded_bodies_give_one_clear_sentence() -> None:
    """Every control-plane body that was seen in the wild becomes a sentence without braces."""
    for entry in json.loads(BODIES.read_text())["errors"]:
        if not isinstance(entry["body"], dict):
            continue
        status = entry["status"] if isinstance(entry["status"], int) else 400
        made = from_answer(status, entry["body"], "do it")
        assert str(made).startswith("do it: "), entry["case"]
        assert "{" not in str(made), entry["case"]


def test_a_policy_is_named() -> None:
    """As people know it: the assignment, then the definition; the sentence of the service before it."""
    info = {
        "policyDefinitionDisplayName": "Only approved sizes",
        "policyAssignmentDisplayName": "ML guard rails",
        "policyAssignmentId": "/subscriptions/s/providers/x/policyAssignments/guard",
    }
    error = {
        "code": "RequestDisallowedByPolicy",
        "message": "Resource 'house' was disallowed by policy.",
        "additionalInfo": [{"type": "PolicyViolation", "info": info}, {"type": "Other", "info": {}}],
    }
    found = read_problem({"error": error}, status=403)
    assert (found.code, found.message) == (
        "RequestDisallowedByPolicy",
        "Resource 'house' was disallowed by policy. (policy: ML guard rails, Only approved sizes)",
    )
