"""Faults that spoil an answer after the service has acted, lie about its time, or change how an operation ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from tests.emulator.control.bodies import endpoint_body
from tests.emulator.control.conftest import Arm


@pytest.fixture(autouse=True)
def harmless(arm: Arm) -> Iterator[None]:
    """No fault is left in force for the next test."""
    yield
    arm.control("PUT", "faults", [])


def _fault(arm: Arm, effect: dict[str, Any], **rule: Any) -> None:
    arm.control("PUT", "faults", [{**rule, "effect": effect}])


def test_a_torn_answer(arm: Arm) -> None:
    """The connection ends in the middle of the body, and the service has acted."""
    name = arm.house()
    _fault(arm, {"kind": "torn"}, method="DELETE")
    _fault(arm, {"kind": "torn"}, method="GET", path="/onlineEndpoints/")
    with pytest.raises(requests.exceptions.RequestException):
        arm.ask("GET", f"onlineEndpoints/{name}")
    assert arm.ask("GET", f"onlineEndpoints/{name}").status_code == 200


def test_a_torn_write_has_acted(arm: Arm) -> None:
    """What was asked for is under way although nobody was told."""
    name = arm.house()
    _fault(arm, {"kind": "torn"}, method="PUT")
    with pytest.raises(requests.exceptions.RequestException):
        arm.ask("PUT", f"onlineEndpoints/{name}", endpoint_body())
    found = arm.ask("GET", f"onlineEndpoints/{name}").json()
    assert found["properties"]["provisioningState"] in ("Updating", "Succeeded")
    assert found["systemData"]["lastModifiedAt"] > found["systemData"]["createdAt"]


def test_a_page_in_the_place_of_json(arm: Arm) -> None:
    """A proxy's HTML, with the status of the real answer."""
    name = arm.house()
    _fault(arm, {"kind": "garbage"}, method="GET")
    answer = arm.ask("GET", f"onlineEndpoints/{name}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html")
    assert answer.text == "<html><body><h1>Bad gateway</h1></body></html>"
    assert arm.ask("GET", f"onlineEndpoints/{name}").json()["name"] == name


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_wrong_clock(arm: Arm, hours: int) -> None:
    """`Date` is off for the requests that match, and right for the next one."""
    name = arm.house()
    _fault(arm, {"kind": "skew", "seconds": hours * 3600.0}, method="GET")
    wrong, right = (_date(arm.ask("GET", f"onlineEndpoints/{name}")) for _ in range(2))
    assert abs(wrong - right - timedelta(hours=hours)) < timedelta(minutes=15)


def _date(answer: requests.Response) -> datetime:
    return parsedate_to_datetime(answer.headers["Date"])


def test_a_cancelled_operation(arm: Arm) -> None:
    """It ends as `Canceled`; the endpoint stays as it was, and is `Failed`."""
    name = arm.house()
    _fault(arm, {"kind": "fail", "operation": "endpoint_update", "code": "OperationCanceled", "ending": "Canceled"})
    started = arm.ask("PUT", f"onlineEndpoints/{name}", endpoint_body())
    url = started.headers["Azure-AsyncOperation"]
    arm.control("POST", "clock", {"advance": 600})
    seen = [arm.session.get(url).json()["status"] for _ in range(4)]
    assert seen == ["Updating", "Updating", "Canceled", "Canceled"]


def test_an_operation_that_takes_its_time(arm: Arm) -> None:
    """It is under way until its time is over, and holds up the next write meanwhile."""
    name = arm.house()
    _fault(arm, {"kind": "slow", "operation": "endpoint_update", "seconds": 86400.0})
    started = arm.ask("PUT", f"onlineEndpoints/{name}", endpoint_body())
    arm.control("POST", "clock", {"advance": 3600})
    seen = [arm.session.get(started.headers["Azure-AsyncOperation"]).json()["status"] for _ in range(4)]
    assert seen == ["Updating"] * 4
    assert arm.ask("PUT", f"onlineEndpoints/{name}", endpoint_body()).status_code == 409
    arm.control("POST", "clock", {"advance": 86400})
    assert arm.wait(started)["status"] == "Succeeded"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:443", "127.0.0.1.evil.example"])
def test_another_host_is_not_served(arm: Arm, host: str) -> None:
    """A name that was bent to loopback (DNS rebinding) gets nothing, not even from the emulator's own doors."""
    for path in ("/_emulator/status", "/subscriptions"):
        answer = arm.session.get(f"{arm.server.url}{path}", headers={"Host": host}, timeout=20)
        assert (answer.status_code, answer.json()["error"]["code"]) == (421, "MisdirectedRequest")
