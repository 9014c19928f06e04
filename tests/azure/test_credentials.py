"""The way to sign in is one explicit choice, and says why."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from azure import identity
from azure.core.credentials import AccessToken

from rollout.azure.assertions import github_assertion
from rollout.azure.credentials import AsyncCredential, Choice, Way, build, choose
from rollout.errors import SignInError

APP = {"AZURE_TENANT_ID": "11111111-1111-1111-1111-111111111111", "AZURE_CLIENT_ID": "c"}
SECRET = {**APP, "AZURE_CLIENT_SECRET": "s"}
FEDERATED = {**APP, "AZURE_FEDERATED_TOKEN_FILE": "/token"}
GITHUB = {**APP, "ACTIONS_ID_TOKEN_REQUEST_URL": "https://gh/x?v=1", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t"}
DEVOPS = {
    "AZURESUBSCRIPTION_TENANT_ID": APP["AZURE_TENANT_ID"],
    "AZURESUBSCRIPTION_CLIENT_ID": "c",
    "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": "sc",
    "SYSTEM_OIDCREQUESTURI": "https://dev/oidc",
    "SYSTEM_ACCESSTOKEN": "t",
}


@pytest.mark.parametrize(
    ("environment", "way"),
    [
        (SECRET, Way.CLIENT_SECRET),
        ({**SECRET, **GITHUB}, Way.CLIENT_SECRET),
        ({**APP, "AZURE_CLIENT_CERTIFICATE_PATH": "/c.pem"}, Way.CLIENT_CERTIFICATE),
        (FEDERATED, Way.WORKLOAD_IDENTITY),
        (GITHUB, Way.GITHUB),
        (DEVOPS, Way.AZURE_DEVOPS),
        ({"IDENTITY_ENDPOINT": "http://x"}, Way.MANAGED_IDENTITY),
        ({}, Way.AZURE_CLI),
        (APP, Way.AZURE_CLI),
        ({**SECRET, "ROLLOUT_CREDENTIAL": "azure_cli"}, Way.AZURE_CLI),
        ({"ROLLOUT_CREDENTIAL": "Managed_Identity"}, Way.MANAGED_IDENTITY),
    ],
)
def test_the_environment_decides(environment: Mapping[str, str], way: Way) -> None:
    """The first way whose variables are all there; a person's word before all."""
    assert choose(environment).way is way


def test_a_choice_says_why_without_values() -> None:
    """`doctor` shows names of variables, never what they hold."""
    assert choose(SECRET) == Choice(Way.CLIENT_SECRET, "AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET are set")
    assert choose({}).describe() == "signs in by azure cli: no variable names another identity"


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        ({"ROLLOUT_CREDENTIAL": "magic"}, "ROLLOUT_CREDENTIAL names no way to sign in: 'magic'"),
        ({**APP, "ROLLOUT_CREDENTIAL": "client_secret"}, "client_secret needs AZURE_CLIENT_SECRET"),
    ],
)
def test_a_wish_that_cannot_be_met_is_told(environment: Mapping[str, str], text: str) -> None:
    """No silent fall-back to another identity."""
    with pytest.raises(SignInError) as caught:
        choose(environment)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        (SECRET, identity.ClientSecretCredential),
        (FEDERATED, identity.WorkloadIdentityCredential),
        (GITHUB, identity.ClientAssertionCredential),
        (DEVOPS, identity.AzurePipelinesCredential),
        ({"IDENTITY_ENDPOINT": "http://x"}, identity.ManagedIdentityCredential),
        ({}, identity.AzureCliCredential),
    ],
)
def test_each_way_builds_its_own_credential(environment: Mapping[str, str], kind: type[object]) -> None:
    """azure-identity's own class, once chosen."""
    loopback = {**environment, "AZURE_AUTHORITY_HOST": "https://127.0.0.1:8443"}
    assert isinstance(build(choose(environment), loopback), kind)


class Runner(BaseHTTPRequestHandler):
    """A GitHub runner's token service: a new token each time."""

    served = 0

    def do_GET(self) -> None:
        """Answer with the audience and a number."""
        type(self).served += 1
        known = self.headers["Authorization"] == "bearer job"
        self.send_response(200 if known else 403)
        self.end_headers()
        self.wfile.write(json.dumps({"value": f"{self.path}#{self.served}"}).encode())

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def runner() -> Iterator[str]:
    """The address of a running token service on loopback."""
    Runner.served = 0
    server = HTTPServer(("127.0.0.1", 0), Runner)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/token?v=2"
    server.shutdown()
    server.server_close()
    thread.join()


def test_github_assertions_are_fresh_each_time(runner: str) -> None:
    """They live for minutes: each exchange asks again, for Entra's audience."""
    fetch = github_assertion({"ACTIONS_ID_TOKEN_REQUEST_URL": runner, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "job"})
    audience = "audience=api%3A%2F%2FAzureADTokenExchange"
    assert [fetch(), fetch()] == [f"/token?v=2&{audience}#1", f"/token?v=2&{audience}#2"]


def test_a_job_without_the_permission_is_told(runner: str) -> None:
    """The remedy names the permission; the token is not shown."""
    fetch = github_assertion({"ACTIONS_ID_TOKEN_REQUEST_URL": runner, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "s3cret"})
    with pytest.raises(SignInError) as caught:
        fetch()
    assert str(caught.value) == "GitHub gave no identity token (Forbidden)"
    assert caught.value.hint == "The job needs `permissions: id-token: write`."


async def test_a_synchronous_credential_serves_the_pipeline() -> None:
    """One token cache for azure-core's async pipeline and the SDK."""

    class Source:
        def get_token(self, *scopes: str, **kwargs: object) -> AccessToken:
            return AccessToken(f"{scopes}{threading.current_thread() is threading.main_thread()}", 5)

    async with AsyncCredential(Source()) as credential:
        assert await credential.get_token("s") == AccessToken("('s',)False", 5)
