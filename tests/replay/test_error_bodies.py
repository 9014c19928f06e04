"""The error bodies that others have seen: each provoked on the emulator, or listed as not emulated; and read by us."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
import pytest
import requests

from rollout.azure.errors import from_answer
from rollout.emulator.presets.all import PRESETS
from tests.conformance import scoring
from tests.conformance.emulated import emulator
from tests.conformance.house import Fresh, House
from tests.replay.differences import UNPROVOKED
from tests.replay.exchange import REST, needs_data

pytestmark = needs_data


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fresh]:
    """Endpoints on an emulator with scoring processes."""
    with emulator(tmp_path_factory.mktemp("errors"), 5000.0) as served:
        yield Fresh(served)


@pytest.fixture(scope="module")
def house(fresh: Fresh) -> House:
    """Blue with all traffic."""
    return fresh.house("blue")


def _errors() -> dict[str, dict[str, Any]]:
    if not REST.exists():
        return {}
    found = json.loads((REST / "recordings" / "error-bodies.json").read_text())["errors"]
    return {entry["case"]: entry for entry in found}


def _failed_deployment(fresh: Fresh, house: House) -> requests.Response:
    own = fresh.named()
    own.target.fail_next("deployment_create", "ResourceNotReady")
    own.target.end_of(own.begin("latest"))
    return own.begin("latest")


def _unborn(fresh: Fresh, house: House) -> House:
    own = fresh.planned()
    own.target.fail_next("endpoint_create", "InternalServerError")
    own.target.end_of(own.put())
    return own


def _busy(fresh: Fresh, house: House) -> requests.Response:
    own = fresh.named()
    begun = own.put()
    answer = own.begin("blue")
    own.target.end_of(begun)
    return answer


def _score(house: House, **headers: str) -> requests.Response:
    return house.target.score(house.show()["properties"]["scoringUri"], "wrong", **headers)


def _no_weight(fresh: Fresh, house: House) -> requests.Response:
    own = fresh.named()
    key = own.target.ask("POST", f"{own.path}/listKeys").json()["primaryKey"]
    return own.target.score(own.show()["properties"]["scoringUri"], key)


def _preset(name: str, method: str = "PUT") -> Callable[[Fresh, House], requests.Response]:
    """What the service says when what is beyond one workspace goes wrong: on demand."""

    def provoke(fresh: Fresh, house: House) -> requests.Response:
        fault = msgspec.to_builtins(PRESETS[name].fault)
        house.target.door("PUT", "faults", [fault])
        return house.put() if method == "PUT" else _score(house)

    return provoke


PROVOKED: Final[dict[str, Callable[[Fresh, House], requests.Response]]] = {
    "GET deployment that does not exist": lambda _, house: house.target.ask("GET", house.at("D")),
    "PUT on a deployment whose first provisioning failed": _failed_deployment,
    "PUT deployment under an endpoint whose creation failed": lambda f, h: _unborn(f, h).put(),
    "same, newer wording / endpoint being deleted": lambda f, h: _unborn(f, h).begin("blue"),
    "DELETE deployment that has traffic": lambda _, house: house.target.ask("DELETE", house.at("blue")),
    "PUT deployment while the endpoint is Updating": _busy,
    "scoring: no deployment with positive weight": _no_weight,
    "scoring: wrong key": lambda _, house: _score(house),
    "endpoint name taken (older)": _preset("endpoint-name-taken-older"),
    "endpoint name taken (newer)": _preset("endpoint-name-taken"),
    "scoring: Entra token without the score/action permission": _preset("token-denied", "POST"),
    "scoring: malformed Authorization header": lambda _, house: _score(house, authorization="nonsense"),
}
_NAMED: Final = {"latest", "c21029a9f98043379fd84f95d8180699", "D", "E", "W"}
"""Names in the seen sentences, which are others here."""


@pytest.mark.parametrize("case", PROVOKED)
def test_each_seen_error_is_the_emulators_too(fresh: Fresh, house: House, case: str) -> None:
    """Status, envelope, codes, kinds of information, and the sentence but for names."""
    theirs, answer = _errors()[case], PROVOKED[case](fresh, house)
    if theirs["status"] != "?":
        assert answer.status_code == theirs["status"]
    if isinstance(theirs["body"], str):
        assert answer.text == theirs["body"]
        return
    ours, known = answer.json()["error"], theirs["body"]["error"]
    assert set(known) <= set(ours)
    assert known["code"] in (ours["code"], "?")
    assert _words(ours["message"]) == _words(known["message"])
    for field in known.keys() & {"details", "additionalInfo"}:
        assert _shape(ours[field]) == _shape(known[field])
    for mine, seen in zip(ours.get("details", ()), known.get("details", ()), strict=True):
        assert _words(mine["message"]) == _words(seen["message"])


def _words(sentence: str) -> list[str]:
    """The words of a sentence that name nothing."""
    words = sentence.replace("[", " ").replace("]", " ").replace(",", " ").split()
    return [word for word in words if word not in _NAMED and not word.startswith(("conf-", "emulator"))]


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: value[key] if key == "type" else _shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shape(one) for one in value]
    return type(value).__name__


def test_every_seen_error_is_provoked_or_listed() -> None:
    """What is not emulated is said in the table."""
    assert set(_errors()) == set(PROVOKED) | {each.case for each in UNPROVOKED}


READ: Final[dict[str, tuple[str, str]]] = {
    "GET deployment that does not exist": ("AzureError", "Deployment D not found in endpoint E, workspace W"),
    "PUT on a deployment whose first provisioning failed": (
        "AzureError",
        "Specified deployment [latest] failed during initial provisioning and is in an unrecoverable state. "
        "Delete and re-create.",
    ),
    "PUT deployment under an endpoint whose creation failed": (
        "AzureError",
        "Specified endpoint [c21029a9f98043379fd84f95d8180699] has not been created successfully. "
        "Please recreate the endpoint.",
    ),
    "same, newer wording / endpoint being deleted": (
        "Conflict",
        "This endpoint has not been created successfully or is in deleting provisioning state. "
        "Please recreate endpoint and then try again to create deployment.",
    ),
    "endpoint name taken (older)": (
        "AzureError",
        "There is already an endpoint with this name, Endpoint name needs to be unique within a region. "
        "Try some other name.",
    ),
    "endpoint name taken (newer)": (
        "AzureError",
        "The specified endpoint name 'E' is not available. Endpoint names must be unique within the region. "
        "Please choose a different name and try again.",
    ),
    "DELETE deployment that has traffic": ("Stale", "Can't delete deployment [blue] with non-zero traffic weight"),
    "PUT deployment while the endpoint is Updating": (
        "Conflict",
        "Cannot create a deployment in endpoint E because it is in Updating provisioning state.",
    ),
    "unsupported scenario (generic UserError envelope)": ("AzureError", "CodeContainers_List is not supported"),
}


@pytest.mark.parametrize("case", READ)
def test_our_reader_takes_the_sentence_out_of_each(case: str) -> None:
    """The kind of fault, and the innermost sentence, verbatim."""
    theirs = _errors()[case]
    status = theirs["status"] if isinstance(theirs["status"], int) else 409
    fault = from_answer(status, theirs["body"], "write")
    assert (type(fault).__name__, str(fault)) == (READ[case][0], f"write: {READ[case][1]}")


def test_headers_of_scoring_are_those_that_were_seen(fresh: Fresh) -> None:
    """Each header of the seen answers of the inference server is among ours."""
    maker = Fresh(fresh.target, scoring.uploaded(fresh.target))
    house = maker.house("default")
    key = house.target.ask("POST", f"{house.path}/listKeys").json()["primaryKey"]
    ours = {name.lower() for name in house.target.score(house.show()["properties"]["scoringUri"], key).headers}
    entries = json.loads((REST / "recordings" / "data-plane-responses.json").read_text())["entries"]
    missing = {name.lower() for entry in entries for name in entry["headers"]} - ours
    assert missing == {
        "connection",  # the seen clients asked to close it
        "access-control-allow-origin",  # that container's own
    }
