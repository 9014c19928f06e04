"""The files of data assets against the emulator's Resource Manager and storage."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from azure.storage.blob.aio import ContainerClient

from rollout.azure.target import Connection
from rollout.core.decision import Decision, Phase, Roles, Status
from rollout.core.gate_bodies import Compare
from rollout.core.observed import Observation
from rollout.core.release import Gate, GateKind
from rollout.core.verdict import Outcome, Verdict
from rollout.emulator.web_assets import CONTAINER
from rollout.errors import AzureError
from rollout.gates.measurer import Measurer
from rollout.ports import Recording
from tests.azure.conftest import Bench
from tests.gates.counting import Scripted, steady
from tests.gates.scripted import LogOnly, ScriptedScoring, Slept, answer
from tests.gates.test_measurer import BOTH, NOW

_NUMBERS = itertools.count(1)
STORE = "azureml://datastores/workspaceblobstore/paths/"
EVENT = (
    '{"specversion":"1.0","id":"1","type":"azureml.inference.%s","datacontenttype":"application/json",'
    '"time":"2026-01-01T00:00:00Z","data":%s,"path":"/score","method":"POST","contentrange":"bytes 0-59/*",'
    '"correlationid":"c","xrequestid":"c"}\n'
)


async def registered(
    bench: Bench, connection: Connection, files: dict[str, str], uri: str = "", kind: str = "uri_folder"
) -> str:
    """The name of a new data asset, version 1, with those files below its own folder; `uri` instead of that folder."""
    name = f"recorded-{next(_NUMBERS)}"
    for path, content in files.items():
        bench.server.service.blobs.put(CONTAINER, f"{name}/{path}", content.encode(), {})
    body = {"properties": {"dataType": kind, "dataUri": uri.format(name=name) or f"{STORE}{name}/"}}
    path = bench.target.paths.asset("data", name, "1")
    await connection.recordings._client.send("PUT", path, "register", body, kind="writes")
    return name


async def test_a_folder(bench: Bench, connection: Connection) -> None:
    """Its JSON files in the order of their names; neither other files nor a neighbour with the same beginning."""
    name = await registered(bench, connection, {"b.json": "2", "a/x.JSONL": "1\n", "c.csv": "no"})
    bench.server.service.blobs.put(CONTAINER, f"{name}-2/near.json", b"no", {})
    found = await connection.recordings.files(name, "1", 100)
    assert found == (
        Recording(f"{name}/a/x.JSONL", b"1\n"),
        Recording(f"{name}/b.json", b"2"),
    )


async def test_a_file_that_grows_after_it_was_listed(
    bench: Bench, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its size is looked at again before it is read whole."""
    name = await registered(bench, connection, {"a.json": "1"})
    download = ContainerClient.download_blob

    async def late(container: ContainerClient, blob: str) -> Any:
        bench.server.service.blobs.put(CONTAINER, blob, b"[1, 2, 3]", {})
        return await download(container, blob)

    monkeypatch.setattr(ContainerClient, "download_blob", late)
    with pytest.raises(AzureError) as raised:
        await connection.recordings.files(name, "1", 3)
    assert str(raised.value) == f"read data asset {name}:1: {name}/a.json is more than 3 bytes"


LONG = "azureml://subscriptions/s/resourcegroups/g/workspaces/{workspace}/datastores/workspaceblobstore/paths/"


async def test_a_file(bench: Bench, connection: Connection) -> None:
    """By the long form of its address, as the service gives it."""
    uri = LONG.replace("{workspace}", bench.target.workspace) + "{name}/a.json"
    name = await registered(bench, connection, {"a.json": "[1]", "a.json.bak": "no"}, uri, "uri_file")
    assert await connection.recordings.files(name, "1", 3) == (Recording(f"{name}/a.json", b"[1]"),)


@pytest.mark.parametrize(
    ("uri", "kind", "said"),
    [
        ("", "mltable", "data asset {name}:1 is a mltable"),
        ("", "uri_folder", "read data asset {name}:1: its files are more than 3 bytes, or more than 1000"),
        (STORE + "none/", "uri_folder", "read data asset {name}:1: there are no files at its path"),
        (LONG.replace("{workspace}", "x"), "uri_folder", "read data asset {name}:1: its files are in no blob storage"),
        (LONG.replace("{workspace}", "x") + "p", "uri_folder", "its files are in another workspace's datastore"),
        ("https://evil.example/c/p", "uri_folder", "its files are in no blob storage that can be read"),
        ("http://a.blob.core.windows.net/c/p", "uri_folder", "its files are in no blob storage that can be read"),
        ("https://a.blob.evil.example/c/p", "uri_folder", "its files are in no blob storage that can be read"),
        ("azureml://datastores/other/paths/p", "uri_folder", "other"),
    ],
)
async def test_what_cannot_be_read(bench: Bench, connection: Connection, uri: str, kind: str, said: str) -> None:
    """A sentence for each; no token leaves for a host that is not Azure's storage."""
    name = await registered(bench, connection, {"a.json": "[1, 2]"}, uri, kind)
    with pytest.raises(AzureError) as refused:
        await connection.recordings.files(name, "1", 3)
    assert said.format(name=name) in str(refused.value)


async def test_a_missing_asset(connection: Connection) -> None:
    """What is missing, and how to make it."""
    with pytest.raises(AzureError) as refused:
        await connection.recordings.files("nobody", "7", 3)
    assert str(refused.value) == "the workspace has no data asset nobody:7"
    assert refused.value.hint == "Register it (az ml data create --name nobody --version 7 …), or name another."


async def judged(connection: Connection, asset: str, **more: Any) -> tuple[Verdict, list[bytes]]:
    """The verdict of a comparison with that asset, and the bodies that the candidate got; it errs on `[3]`."""
    scoring = ScriptedScoring(
        lambda one: answer(body=b"0" if one.deployment == "green" and one.body == b"[3]" else b"1")
    )
    decision = Decision(
        status=Status.WAIT, phase=Phase.RELEASING, reason="", roles=Roles(stable="blue", candidate="green")
    )
    gate = Gate(name="g", kind=GateKind.COMPARE, digest="d", body=Compare(requests=(), assets=(asset,), **more))
    measurer = Measurer(scoring, LogOnly(), Slept(), Scripted(steady()), connection.recordings)
    verdict = await measurer(gate, Observation(BOTH, NOW), decision)
    return verdict, [one.body for one in scoring.sent if one.deployment == "green"]


async def test_collected_production_requests(bench: Bench, connection: Connection) -> None:
    """What clients sent goes to both; responses and data frames are not sent. The row that differs is named."""
    hour = EVENT % ("request", "[1]") + EVENT % ("response", "[2]") + EVENT % ("model_inputs", "[2]")
    name = await registered(
        bench, connection, {"2026/01/01/00/i.jsonl": hour + EVENT % ("request", "[3]"), "p.json": "[4]"}
    )
    verdict, sent = await judged(connection, f"{name}:1")
    assert sent == [b"[1]", b"[3]", b"[4]"]
    assert verdict.outcome is Outcome.FAIL
    assert f"row 2 (azureml:{name}:1/i.jsonl:4): blue 1, green 0" in verdict.reason


ELSEWHERE = (
    '{"specversion": "1.0", "type": "azureml.inference.request", "datacontenttype": "text/plain", "data": "https://x"}'
)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("1\nno\n", "azureml:{name}:1/a.jsonl:2 is not JSON: correct the file and register a new version"),
        ("NaN\n", "azureml:{name}:1/a.jsonl:1 is not JSON: correct the file and register a new version"),
        (
            ELSEWHERE,
            "azureml:{name}:1/a.jsonl:1 was not collected as JSON: its body is elsewhere; leave such requests out",
        ),
        (
            "1\n" * 1001,
            "azureml:{name}:1: 1001 requests are too many: at most 1000 requests and 20000000 bytes in one comparison",
        ),
        ("1\n", "the latency of 1 requests says nothing: at least 20 requests"),
        (
            EVENT % ("response", "1"),
            "azureml:{name}:1: no request is in it; "
            "of collected data only lines of type azureml.inference.request are requests",
        ),
    ],
)
async def test_unusable_content_is_no_evidence(bench: Bench, connection: Connection, content: str, said: str) -> None:
    """ERROR with the place and the remedy, never FAIL, and nothing is sent."""
    name = await registered(bench, connection, {"a.jsonl": content})
    verdict, sent = await judged(connection, f"{name}:1", latency_ratio=1.5)
    assert (verdict.outcome, verdict.reason, sent) == (Outcome.ERROR, said.format(name=name), [])


async def test_a_missing_asset_is_no_evidence(connection: Connection) -> None:
    """ERROR, with the hint."""
    verdict, sent = await judged(connection, "nobody:7")
    hint = "Register it (az ml data create --name nobody --version 7 …), or name another."
    assert (verdict.outcome, verdict.reason) == (Outcome.ERROR, f"the workspace has no data asset nobody:7. {hint}")
    assert sent == []


@pytest.mark.parametrize(("status", "outcome"), [(403, Outcome.ERROR), (503, Outcome.NO_DATA)])
async def test_a_refusal_is_no_evidence(bench: Bench, connection: Connection, status: int, outcome: Outcome) -> None:
    """Neither a missing permission nor a service in trouble is held against the candidate."""
    name = await registered(bench, connection, {"a.jsonl": "1\n"})
    await bench.faults(
        {
            "method": "GET",
            "path": "/data/",
            "times": 99,
            "effect": {"kind": "status", "status": status, "retry_after": 0},
        }
    )
    verdict, sent = await judged(connection, f"{name}:1")
    assert (verdict.outcome, sent) == (outcome, [])
