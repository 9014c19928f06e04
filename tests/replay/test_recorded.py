"""The service's own recorded traffic, in the order of its time, against the emulator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.emulated import emulator
from tests.conformance.target import Target
from tests.replay.compare import differences
from tests.replay.differences import Found, outlived, unlisted
from tests.replay.exchange import FLOWS, Exchange, capture, needs_data, recording
from tests.replay.live import Live, furnish

pytestmark = needs_data
NOT_COMPARED = -1
"""The number of a request that the excerpt of the recording leaves out."""


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """An emulator with scoring processes: models answer in the recordings too."""
    with emulator(tmp_path_factory.mktemp("replay"), 5000.0) as served:
        yield served


def replayed(target: Target, exchanges: list[Exchange], *, mock: bool) -> list[Found]:
    """All differences, in order; the workspace is empty of endpoints before and after."""
    furnish(target, exchanges)
    live, found = Live(target), []
    for exchange in exchanges:
        answer = live.send(exchange)
        if exchange.number != NOT_COMPARED:
            compared = differences(exchange, answer, target.scope, mock=mock)
            found += [(exchange.operation, what) for what in compared]
    live.settle()
    for one in target.read("onlineEndpoints")["value"]:
        target.do("DELETE", f"onlineEndpoints/{one['name']}")
    return found


def _with_the_deployment(exchanges: list[Exchange]) -> list[Exchange]:
    """The excerpt has no PUT of the deployment: it is made of what the list shows, before its first poll."""
    listed = next(each for each in exchanges if each.path.endswith("/deployments"))
    shown: dict[str, Any] = listed.answer["value"][0]
    inner = {key: value for key, value in shown["properties"].items() if key != "provisioningState"}
    headers = {"Azure-AsyncOperation": inner.pop("properties")["AzureAsyncOperationUri"]}
    body = {"location": shown["location"], "sku": shown["sku"], "tags": {}, "properties": {**inner, "properties": {}}}
    made = Exchange(
        "recording", NOT_COMPARED, "PUT", f"{listed.path}/{shown['name']}", listed.query, {}, body, 201, headers, None
    )
    first = next(index for index, each in enumerate(exchanges) if "/od:" in each.path)
    return [*exchanges[:first], made, *exchanges[first:]]


def test_the_recording(target: Target) -> None:
    """Statuses, headers, fields, kinds and values of all its exchanges; every difference is explained."""
    exchanges = _with_the_deployment(recording())
    assert len(exchanges) == 12
    found = replayed(target, exchanges, mock=False)
    assert unlisted("recording", found) == []
    assert outlived("recording", found) == []


def test_the_captures(target: Target) -> None:
    """All 171 requests of the SDK: statuses, fields, kinds and states; every difference is explained."""
    flows = [capture(flow) for flow in FLOWS]
    assert sum(map(len, flows)) == 171
    found = [one for exchanges in flows for one in replayed(target, exchanges, mock=True)]
    assert unlisted("capture", found) == []
    assert outlived("capture", found) == []


def test_states_come_in_the_recorded_order(target: Target) -> None:
    """Of every operation: Updating, then Succeeded; never back, and nothing else."""
    seen: list[str] = []
    for exchange in recording():
        state = (exchange.answer or {}).get("status") if isinstance(exchange.answer, dict) else None
        seen += [state] if state else []
    assert seen == ["Updating", "Updating", "Updating", "Succeeded"]
    begun = target.ask("PUT", "onlineEndpoints/in-order", _endpoint(target))
    ours: list[str] = []
    while not ours or ours[-1] == "Updating":
        ours.append(target.ask("GET", begun.headers["Azure-AsyncOperation"]).json()["status"])
    assert ours == ["Updating"] * (len(ours) - 1) + ["Succeeded"]
    assert len(ours) > 2


def _endpoint(target: Target) -> dict[str, Any]:
    inner = {"authMode": "Key", "properties": {}, "traffic": {}, "mirrorTraffic": {}}
    return {"location": target.location, "identity": {"type": "SystemAssigned"}, "tags": {}, "properties": inner}


def test_data_is_here() -> None:
    """The files have the numbers of entries that the documents tell of."""
    assert [len(capture(flow)) for flow in FLOWS] == [97, 18, 56]
    assert len(recording()) == 11
