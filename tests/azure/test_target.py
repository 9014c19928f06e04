"""The door: what is wrong with an address, an authority or a credential is one sentence with its remedy."""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec
import pytest

from rollout.azure.client import ArmClient
from rollout.azure.paths import Paths, same_service, with_version
from rollout.azure.target import Connection, Target, connect
from rollout.core import actions
from rollout.core.progress import Progress
from rollout.core.release import EndpointSpec
from rollout.errors import AzureError, RolloutError, SignInError, UsageError
from tests.azure.conftest import Bench

PUBLIC = Target(subscription_id="s", resource_group="g", workspace="w", environment={"AZURE_CLIENT_SECRET": "x"})


async def fault(target: Target) -> RolloutError:
    """What looking at an endpoint of that target ends with."""
    with pytest.raises(RolloutError) as caught:
        async with connect(target) as connection:
            await connection.control_plane.observe("house")
    return caught.value


def test_the_emulator_is_a_target_like_any_other() -> None:
    """Public scopes and no loopback for Azure; national clouds have their own scopes; nothing secret is shown."""
    assert PUBLIC.scopes == ("https://management.azure.com/.default", "https://ml.azure.com/.default")
    us = msgspec.structs.replace(PUBLIC, arm_url="https://management.usgovcloudapi.net")
    assert us.scopes == ("https://management.usgovcloudapi.net/.default", "https://ml.azure.us/.default")
    local = msgspec.structs.replace(PUBLIC, arm_url="https://127.0.0.1:8443")
    assert (PUBLIC.loopback, local.loopback) == (False, True)
    assert repr(local) == "Target(s/g/w at https://127.0.0.1:8443)"


def test_paths_quote_what_they_are_given() -> None:
    """No name can leave its place in the path."""
    paths = Paths("s", "my group", "w")
    home = "/subscriptions/s/resourceGroups/my%20group/providers/Microsoft.MachineLearningServices/workspaces/w"
    assert paths.deployment("a/../b", "c?d") == f"{home}/onlineEndpoints/a%2F..%2Fb/deployments/c%3Fd"
    assert with_version("/x?a=b") == "/x?a=b&api-version=2024-04-01"
    assert with_version("/x?api-version=1") == "/x?api-version=1"


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://management.azure.com/x", True),
        ("https://eastus2.management.azure.com/x", True),
        ("http://management.azure.com/x", False),
        ("https://management.azure.com:8443/x", False),
        ("https://evilmanagement.azure.com/x", False),
        ("https://management.azure.com.evil/x", False),
    ],
)
def test_only_the_service_gets_our_token(url: str, same: bool) -> None:
    """An operation's address comes from a resource that others can write."""
    assert same_service(url, "https://management.azure.com") is same


async def test_another_host_is_not_followed(connection: Connection) -> None:
    """No request, no token: an error."""
    client: ArmClient = connection.control_plane._client
    with pytest.raises(AzureError, match="names another host"):
        await client.get("https://example.com/op", "poll")
    assert connection.control_plane.requests.reads == 0


async def test_lists_are_read_to_their_end(bench: Bench, connection: Connection) -> None:
    """`nextLink` is followed."""
    names = [bench.name() for _ in range(3)]
    for name in names:
        action = actions.CreateEndpoint(reason="x", endpoint=EndpointSpec(name=name), progress=Progress(plan="p"))
        await connection.control_plane.apply(action, None)
    client: ArmClient = connection.control_plane._client
    listed = await client.pages(f"{bench.target.paths.home}/onlineEndpoints?count=1", "list")
    assert set(names) <= {entry["name"] for entry in listed}


async def test_plain_http_is_refused(bench: Bench) -> None:
    """A bearer token never goes over an open line."""
    target = msgspec.structs.replace(bench.target, arm_url=bench.target.arm_url.replace("https", "http"))
    error = await fault(target)
    assert isinstance(error, UsageError)


async def test_a_wrong_authority_is_told(bench: Bench) -> None:
    """Without the emulator's own authority its certificate is nobody's."""
    error = await fault(msgspec.structs.replace(bench.target, ca_bundle=None))
    assert isinstance(error, AzureError)
    assert error.code == "UntrustedCertificate"
    assert "ROLLOUT_CA_BUNDLE" in error.hint


async def test_a_ca_bundle_that_is_not_there_is_told(bench: Bench) -> None:
    """By its name."""
    error = await fault(msgspec.structs.replace(bench.target, ca_bundle="/nowhere.pem"))
    assert str(error) == "the CA bundle /nowhere.pem cannot be read (No such file or directory)"


async def test_no_network_is_told(bench: Bench) -> None:
    """Nothing listens at that port."""
    environment = {**(bench.target.environment or {}), "AZURE_AUTHORITY_HOST": "https://127.0.0.1:9"}
    target = msgspec.structs.replace(bench.target, arm_url="https://127.0.0.1:9", environment=environment)
    error = await fault(target)
    assert isinstance(error, AzureError)
    assert error.code == "ConnectionRefused"


@pytest.mark.parametrize("wrong", [{"AZURE_CLIENT_SECRET": "wrong-one"}, {"AZURE_CLIENT_ID": "nobody"}])
async def test_a_wrong_secret_is_a_sign_in_error(bench: Bench, wrong: Mapping[str, str]) -> None:
    """Exit 9; the secret is not in the sentence."""
    environment = {**(bench.target.environment or {}), **wrong}
    error = await fault(msgspec.structs.replace(bench.target, environment=environment))
    assert isinstance(error, SignInError)
    assert "wrong-one" not in str(error)


async def test_an_expired_token_is_a_sign_in_error(bench: Bench, connection: Connection) -> None:
    """401 with the service's own code."""
    effect = {"kind": "status", "status": 401, "code": "ExpiredAuthenticationToken", "message": "expired"}
    await bench.faults({"method": "GET", "path": "/onlineEndpoints/", "effect": effect, "times": 5})
    with pytest.raises(SignInError) as caught:
        await connection.control_plane.observe("house")
    assert (str(caught.value), caught.value.exit_code) == ("read endpoint house: expired", 9)


async def test_a_missing_role_is_told(bench: Bench, connection: Connection) -> None:
    """403 names the role that would do."""
    effect = {"kind": "status", "status": 403, "code": "AuthorizationFailed", "message": "no action"}
    await bench.faults({"method": "GET", "path": "/onlineEndpoints/", "effect": effect})
    with pytest.raises(SignInError) as caught:
        await connection.control_plane.observe("house")
    assert "AzureML Data Scientist" in caught.value.hint


async def test_connecting_needs_no_network_and_says_who(bench: Bench) -> None:
    """No request before the first use; the environment of this process is the default."""
    before = await bench.served()
    async with connect(bench.target) as connection:
        assert connection.signed_in_by.startswith("signs in by client secret: ")
    assert await bench.served() == before
    target = msgspec.structs.replace(bench.target, environment=None)
    assert "AZURE_CLIENT_SECRET" not in os.environ
    async with connect(target) as connection:
        assert connection.signed_in_by.startswith("signs in by ")
