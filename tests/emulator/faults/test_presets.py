"""Every failure of azureml.md §2.9 and §2.10, provoked by its name: what a client then sees."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests

from rollout.emulator.faults import Fail, Fault, Status
from rollout.emulator.presets.all import GROUPS, PRESETS
from tests.emulator.control.bodies import deployment_body
from tests.emulator.faults.conftest import Served

RESEARCH = Path(__file__).parents[4] / "shared" / "research" / "azureml.md"


def ask_for(served: Served, name: str, **changed: Any) -> Fault:
    """Put one preset."""
    fault = msgspec.structs.replace(PRESETS[name].fault, **changed)
    told = served.control("PUT", "faults", [msgspec.to_builtins(fault)])
    assert "error" not in told, told
    return fault


@pytest.mark.parametrize("name", [preset.name for preset in GROUPS["operations"]])
def test_operations_that_fail(served: Served, name: str) -> None:
    """The poll is HTTP 200 and `Failed`, with code and sentence; the log is what the container would have written."""
    effect = ask_for(served, name).effect
    assert isinstance(effect, Fail)
    path = f"onlineEndpoints/{served.name}/deployments/doomed"
    body = served.wait(served.ask("PUT", path, deployment_body()))
    assert (body["status"], body["error"]["code"], body["error"]["message"]) == ("Failed", effect.code, effect.message)
    assert served.ask("GET", path).json()["properties"]["provisioningState"] == "Failed"
    assert effect.log == served.ask("POST", f"{path}/getLogs", {"tail": 50}).json()["content"]
    served.wait(served.ask("DELETE", path))


def _request(served: Served, fault: Fault) -> Any:
    """A request that the preset is about."""
    house = f"onlineEndpoints/{served.name}"
    if "deployments" in fault.path:
        if fault.method == "GET":
            return served.ask("GET", f"{house}/deployments/blue")
        return served.ask("PUT", f"{house}/deployments/blue", deployment_body())
    return served.ask("GET", house) if fault.method in ("GET", ".*") else served.write()


WITH_ANSWER = [preset.name for preset in GROUPS["requests"] if isinstance(preset.fault.effect, Status)]


@pytest.mark.parametrize("name", WITH_ANSWER)
def test_requests_that_are_refused(served: Served, name: str) -> None:
    """The status, and a body in Resource Manager's form; once."""
    fault = ask_for(served, name)
    effect = fault.effect
    assert isinstance(effect, Status)
    answer = _request(served, fault)
    error = answer.json()["error"]
    assert (answer.status_code, set(error) >= {"code", "message"}) == (effect.status, True)
    if effect.text:
        assert answer.text == effect.text
    assert answer.headers.get("Retry-After") == (None if effect.retry_after is None else str(effect.retry_after))
    again = _request(served, fault)
    assert again.status_code in (200, 201, 202, 409), again.text
    _settle(served)


def _settle(served: Served) -> None:
    while served.server.service.rules.world.in_flight:
        served.ask("GET", f"onlineEndpoints/{served.name}")
        served.ask("GET", f"onlineEndpoints/{served.name}/deployments")


@pytest.mark.parametrize("name", ["dropped", "dropped-after-acting", "torn"])
def test_connections_that_are_cut(served: Served, name: str) -> None:
    """The client sees no answer, or half of it."""
    fault = ask_for(served, name)
    with pytest.raises(requests.RequestException):
        _request(served, fault)
    _settle(served)


def test_a_proxys_page(served: Served) -> None:
    """HTML in the place of JSON."""
    answer = _request(served, ask_for(served, "garbage"))
    assert answer.headers["Content-Type"] == "text/html"
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_a_stale_read(served: Served) -> None:
    """What was before the last change."""
    served.wait(served.ask("PATCH", f"onlineEndpoints/{served.name}", {"tags": {"a": "1"}}))
    ask_for(served, "stale-read")
    stale, fresh = (served.ask("GET", f"onlineEndpoints/{served.name}").json() for _ in range(2))
    assert (stale["properties"]["provisioningState"], fresh["tags"]) == ("Updating", {"a": "1"})


SCORING = [preset.name for preset in GROUPS["scoring"] if isinstance(preset.fault.effect, Status)]


@pytest.mark.parametrize("name", SCORING)
def test_scoring_requests(served: Served, name: str) -> None:
    """Status, text and headers, once; behind the split it counts for the deployment, with the model's status."""
    fault = ask_for(served, name)
    effect = fault.effect
    assert isinstance(effect, Status)
    answer, again = served.score(), served.score()
    assert (answer.status_code, answer.text, again.status_code) == (effect.status, effect.text, 200)
    for header, value in effect.headers.items():
        assert answer.headers[header].removesuffix("; charset=utf-8") == value
    assert answer.headers.get("azureml-model-deployment") == ("blue" if fault.deployment else None)
    if fault.deployment:
        last = list(served.server.service.telemetry.log.lines(served.server.service.now()))[-2]
        assert (last.deployment, last.status) == ("blue", effect.status)
        assert last.reason == effect.headers.get("ms-azureml-model-error-reason", "")


def test_of_one_deployment(served: Served) -> None:
    """Others answer as ever."""
    ask_for(served, "model-error", deployment="green", times=None)
    assert [served.score(name).status_code for name in ("", "green", "blue", "green")] == [200, 424, 200, 424]


def test_a_slow_model(served: Served) -> None:
    """The time counts as the model's."""
    ask_for(served, "slow-model")
    assert served.score().status_code == 200
    (*_, last) = served.server.service.telemetry.log.lines(served.server.service.now())
    assert last.duration_ms > 1000


def test_names_and_texts() -> None:
    """Readable names, a sentence each, a source; the fault carries the name."""
    for name, preset in PRESETS.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
        assert preset.fault.name == name
        assert preset.what
        assert preset.source
    assert len(PRESETS) == sum(map(len, GROUPS.values()))


@pytest.mark.skipif(not RESEARCH.exists(), reason="no research in ../shared")
def test_every_code_of_the_list_has_a_name() -> None:
    """§2.9: all codes; §2.10: all statuses of both tables."""
    text = RESEARCH.read_text(encoding="utf-8")
    codes = text[text.index("### 2.9") : text.index("Synchronous errors")].replace("*", "").replace("\n", " ")
    managed = codes[codes.index("ImageBuildFailure") : codes.index("K8s only")]
    words = [re.match(r"\s*(\w+)", part) for part in re.sub(r"\([^()]*\)", "", managed).split("·")]
    kubernetes = codes[codes.index("K8s only:") + 9 :].strip(" .").split(", ")
    wanted = {word[1] for word in words if word} | {name.strip() for name in kubernetes}
    have = {preset.fault.effect.code for preset in GROUPS["operations"] if isinstance(preset.fault.effect, Fail)}
    assert wanted - have == set()
    assert len(wanted) > 25
    table = text[text.index("### 2.10") : text.index("Microsoft's own client retry policy")]
    statuses = {int(number) for number in re.findall(r"^\| (\d{3}) \|", table, re.MULTILINE)} - {200}
    statuses |= {int(number) for number in re.findall(r"\b(409|502|503|504|413)\b", table)}
    told = {preset.fault.effect.status for preset in GROUPS["scoring"] if isinstance(preset.fault.effect, Status)}
    assert statuses - told == set()
