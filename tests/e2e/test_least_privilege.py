"""The least role that `doctor` prints is enough, and not one action too many; a Reader may look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from rollout.emulator import process
from tests.e2e.harness import Desk, Ran

pytestmark = pytest.mark.slow
PLAN, NAME = "house-prices.rollout.yml", "house-prices"


@dataclass(slots=True)
class Guest:
    """Somebody with roles of their own, in front of the emulator as in front of Azure: by the workspace's ids."""

    desk: Desk
    roles: list[Any]
    known: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Sign up."""
        told = self.desk.emulator.door("PUT", "principals", [{"name": "guest", "roles": self.roles}])["value"][0]
        own = process.env(self.desk.emulator.state_dir)
        self.known = {
            **own,
            "AZURE_CLIENT_ID": told["clientId"],
            "AZURE_CLIENT_SECRET": told["clientSecret"],
            "ROLLOUT_CREDENTIAL": "client_secret",
            "ROLLOUT_ARM_URL": self.desk.emulator.url,
            "ROLLOUT_CA_BUNDLE": own["SSL_CERT_FILE"],
            "ROLLOUT_TARGET": "/".join(
                own[name] for name in ("AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_GROUP", "AZUREML_WORKSPACE_NAME")
            ),
        }

    def rollout(self, *arguments: str) -> Ran:
        """A command of theirs."""
        return self.desk.rollout(*arguments, **self.known)

    def released(self) -> Ran:
        """`apply` as a schedule runs it, until nothing waits."""
        for _ in range(20):
            ran = self.rollout("apply", f"plans/{PLAN}", "--auto-approve", "--output", "json")
            assert ran.code == 0, ran.told
            if ran.json["decision"]["status"] != "wait":
                return ran
            self.desk.skip_to(ran.json["decision"]["next_after"])
        raise AssertionError(ran.told)


@pytest.fixture(autouse=True)
def nobody_else(desk: Desk) -> Iterator[None]:
    """No guest is left for the next test."""
    yield
    desk.emulator.door("PUT", "principals", [])


def _least(desk: Desk) -> Any:
    """The role of `doctor`, as the emulator takes it."""
    told = desk.rollout("doctor", f"plans/{PLAN}", "--target", "emulator", "--output", "json")
    role = told.json["role"]
    return {"actions": role["Actions"], "dataActions": role["DataActions"]}


def test_the_least_role_is_enough(desk: Desk) -> None:
    """A release with its uploads, gates and deletes, by somebody who has that role alone."""
    guest = Guest(desk, [_least(desk)])
    assert desk.waited(PLAN).json["decision"]["status"] == "done"
    desk.edit("house-prices/deployment.yml", "path: models/v1", "path: models/v2")
    assert guest.released().json["decision"]["status"] == "done"
    assert desk.emulator.standing(NAME)["traffic"] == {"green": 100}


def test_doctor_agrees(desk: Desk) -> None:
    """With the least role nothing is missing; with one action less that one is named."""
    least = _least(desk)
    told = Guest(desk, [least]).rollout("doctor", f"plans/{PLAN}")
    assert told.code == 0, told.told
    fewer = {**least, "actions": [one for one in least["actions"] if not one.endswith("deployments/write")]}
    told = Guest(desk, [fewer]).rollout("doctor", f"plans/{PLAN}")
    assert told.code == 9
    assert "onlineEndpoints/deployments/write" in told.out


def test_a_reader_may_look(desk: Desk) -> None:
    """`diff` and `status` need Reader and no more; `apply` is refused before anything is written."""
    assert desk.waited(PLAN).json["decision"]["status"] == "done"
    desk.edit("house-prices/deployment.yml", "path: models/v1", "path: models/v2")
    guest = Guest(desk, ["Reader"])
    diff = guest.rollout("diff", f"plans/{PLAN}", "--detailed-exitcode")
    assert (diff.code, "deploy green" in diff.out or "green" in diff.out) == (2, True), diff.told
    assert guest.rollout("status", f"plans/{PLAN}").code == 0
    desk.emulator.reset()
    refused = guest.rollout("apply", f"plans/{PLAN}", "--auto-approve")
    assert (refused.code, "does not have authorization" in refused.err) == (9, True), refused.told
    assert desk.emulator.standing(NAME)["deployments"].keys() == {"blue"}
