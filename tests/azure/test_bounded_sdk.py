"""The same for what azure-identity and azure-ai-ml read in their own ways: no answer without an end."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from azure.core.exceptions import ClientAuthenticationError

from rollout import bounded
from rollout.azure.assets import SdkDeployer
from rollout.azure.credentials import build, choose
from rollout.azure.deployments import Order
from rollout.azure.target import Target
from rollout.errors import RolloutError
from rollout.ports import RequestCount
from tests.azure.test_bounded import TOO_LONG, Server, Source, server, target

__all__ = ["server", "target"]  # fixtures
ORDER = Order(
    endpoint="house",
    deployment="green",
    document=json.dumps(
        {"model": "azureml:m:1", "environment": "azureml:e:1", "instance_type": "Standard_DS3_v2", "instance_count": 1}
    ),
    origin="",
    count=1,
    tags={},
)


async def test_a_sign_in_without_an_end_is_cut_off(server: Server, tmp_path: Path) -> None:
    """The token endpoint of an authority that never stops."""
    given = {
        "AZURE_TENANT_ID": "00000000-0000-0000-0000-000000000001",
        "AZURE_CLIENT_ID": "c",
        "AZURE_CLIENT_SECRET": "s",
        "AZURE_AUTHORITY_HOST": server.address,
    }
    source = build(choose(given), given, ca_bundle=str(tmp_path / "ca.pem"))
    with pytest.raises(ClientAuthenticationError) as raised:
        await asyncio.to_thread(source.get_token, "https://management.azure.com/.default")
    assert (str(raised.value), server.asked) == (f"Authentication failed: {TOO_LONG}", 1)


async def test_what_the_sdk_reads_is_cut_off(server: Server, target: Target) -> None:
    """Creating a deployment: the first answer has no end."""
    requests = RequestCount()
    with pytest.raises(RolloutError) as raised:
        await SdkDeployer(target, Source(), requests).start(ORDER)
    assert str(raised.value) == TOO_LONG
    assert (server.asked, requests.reads, requests.writes) == (1, 1, 0)


async def test_what_the_sdk_reads_has_a_time(server: Server, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then keeps each time-out between two bytes from ending it."""
    monkeypatch.setattr(bounded, "BODY_SECONDS", 0.2)
    monkeypatch.setenv("AZURE_HTTP_RETRIES", "0")
    server.chunk, server.pause = b" ", 0.05
    begun = asyncio.get_running_loop().time()
    with pytest.raises(RolloutError):
        await SdkDeployer(target, Source(), RequestCount()).start(ORDER)
    assert asyncio.get_running_loop().time() - begun < 60
