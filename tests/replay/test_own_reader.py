"""The service's recorded bodies through our own readers."""

from __future__ import annotations

from typing import Any

from rollout.core.canonical import read_deployment, read_endpoint
from rollout.core.observed import Deployment, Endpoint
from tests.replay.exchange import needs_data, recording

pytestmark = needs_data


def _read(number: int) -> Endpoint:
    answer = next(each.answer for each in recording() if each.number == number)
    return read_endpoint(answer, _listed())


def _listed() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = next(each.answer for each in recording() if each.number == 7)["value"]
    return found


def test_the_endpoint_of_each_recorded_state() -> None:
    """Created, updated, done: state and weights as recorded."""
    name = "online-ept-10cd4ed17147449"
    seen = [(found.state, dict(found.weights.traffic), found.weights.mirror) for found in map(_read, (0, 2, 5))]
    assert seen == [("Creating", {}, ()), ("Updating", {}, ()), ("Succeeded", {name: 100}, ())]


def test_the_recorded_deployment() -> None:
    """Every declared field in its canonical form."""
    found: Deployment = read_deployment(_listed()[0])
    assert (found.name, found.state, found.count) == ("online-ept-10cd4ed17147449", "Succeeded", 1)
    fields = dict(found.fields)
    assert {key: fields[key] for key in ("instance_type", "description", "request_settings.request_timeout_ms")} == {
        "instance_type": "standard_ds2_v2",
        "description": "description for online deployment",
        "request_settings.request_timeout_ms": 5000,
    }


def test_times_names_and_operations_do_not_count() -> None:
    """A body read before the end and one read after it are the same endpoint but for state and weights."""
    before, after = (_read(number) for number in (2, 5))
    assert before.fields == after.fields
