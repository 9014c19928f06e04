"""What goes wrong outside: one sentence, the remedy, the exit code; and once it is mended the same command finishes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from rollout.emulator import process
from tests.e2e.harness import Desk, Emulator, Ran
from tests.e2e.watched import creations, watched

pytestmark = pytest.mark.slow
PLAN: Final = "safe-rollout.rollout.yml"
NAME: Final = "my-endpoint"
END: Final[dict[str, Any]] = {
    "traffic": {"green": 100},
    "mirror": {},
    "deployments": {"green": ("Succeeded", 2, "v2")},
}
PERMISSION: Final = (
    "hint: Grant the identity a role with Microsoft.MachineLearningServices/workspaces/onlineEndpoints/* on the "
    "workspace, e.g. AzureML Data Scientist."
)
SIGN_IN: Final = "hint: Sign in again (`az login`, or a fresh federated token); `rollout doctor` shows what was used."
NETWORK: Final = "hint: Check the network, the proxy (HTTPS_PROXY, NO_PROXY) and the address of the target."
OUT_OF_ORDER: Final = "hint: The service is out of order: run the same command again later."
AUTHORITY: Final = "hint: Give the certificate authority by ROLLOUT_CA_BUNDLE (a proxy or an emulator has its own)."


def _answers(status: int, code: str, message: str, method: str = ".*") -> dict[str, Any]:
    """A fault: every request about endpoints is answered so, for good."""
    effect = {"kind": "status", "status": status, "code": code, "message": message}
    return {"method": method, "path": "/subscriptions/.*onlineEndpoints", "times": None, "effect": effect}


def _fails(operation: str, message: str, code: str = "InternalServerError") -> dict[str, Any]:
    """A fault: the next operation of that kind fails in the end."""
    return {"effect": {"kind": "fail", "operation": operation, "code": code, "message": message}}


def _complaint(ran: Ran) -> list[str]:
    """What is said beside the progress."""
    return [line for line in ran.err.splitlines() if not line[:2].isdigit()]


def _finishes(desk: Desk) -> None:
    """Without the fault the same command brings the rollout to its end, and no law was broken on the way."""
    desk.emulator.faults()
    ran = desk.apply(PLAN, "--output", "json")
    assert (ran.code, ran.json["decision"]["status"]) == (0, "done"), ran.told
    assert desk.emulator.standing(NAME) == END
    watched(desk.emulator.history(NAME))


FORBIDDEN: Final = "The client does not have authorization to perform action 'write' over scope 'x'."
EXPIRED: Final = "The access token expiry UTC time '1/1/2026' is earlier than current UTC time."
QUOTA: Final = (
    "Not enough subscription CPU quota. The amount of CPU quota requested is 12 and your maximum amount of quota is "
    "[4]. Please see troubleshooting guide, available here: https://aka.ms/oe-tsg#error-outofquota"
)
TROUBLES: Final[Mapping[str, tuple[dict[str, Any], int, list[str]]]] = {
    "no permission to read": (
        _answers(403, "AuthorizationFailed", FORBIDDEN),
        9,
        [f"error: read endpoint my-endpoint: {FORBIDDEN}", PERMISSION],
    ),
    "no permission to write": (
        _answers(403, "AuthorizationFailed", FORBIDDEN, "PUT"),
        9,
        [f"error: create endpoint my-endpoint: {FORBIDDEN}", PERMISSION],
    ),
    "expired token": (
        _answers(401, "ExpiredAuthenticationToken", EXPIRED),
        9,
        [f"error: read endpoint my-endpoint: {EXPIRED}", SIGN_IN],
    ),
    "quota exceeded": (
        {"effect": {"kind": "quota", "cores": 4}},
        6,
        [
            "error: capacity: totalCores: 24 cores more are needed, 4 of 4 are free (blue 2 × Standard_DS3_v2 (20 % "
            "for upgrades: 3) × 4 cores = 12; green 1 × Standard_DS3_v2 (20 % for upgrades: 2) × 4 cores = 8; green "
            "2 × Standard_DS3_v2 (20 % for upgrades: 3) × 4 cores = 12)",
            "hint: ask for quota, use fewer or smaller instances, or delete what is not needed; --allow-hazard "
            "quota-risk tries it all the same",
        ],
    ),
    "the update of the endpoint fails": (
        _fails("endpoint_update", "The weights could not be written."),
        1,
        ["error: update endpoint my-endpoint: The weights could not be written.", OUT_OF_ORDER],
    ),
}


def test_one_trouble_after_the_other(desk: Desk) -> None:
    """Each strikes one `apply`: a sentence, the remedy, the exit code; each next run goes on, and the last finishes."""
    for trouble, (fault, code, complaint) in TROUBLES.items():
        desk.emulator.faults(fault)
        ran = desk.apply(PLAN)
        assert (ran.code, _complaint(ran)) == (code, complaint), f"{trouble}: {ran.told}"
    _finishes(desk)
    assert creations(desk.emulator.history(NAME)) == ["blue", "green"]


def test_quota_that_only_the_service_knows(desk: Desk) -> None:
    """A deployment refused for want of cores is taken away; with more of them a second run finishes."""
    desk.emulator.faults({"effect": {"kind": "quota", "cores": 4}})
    ran = desk.apply(PLAN, "--allow-hazard", "quota-risk")
    hint = (
        "hint: Ask for more quota, free instances, or choose another instance type; blue and green need both at once."
    )
    assert (ran.code, _complaint(ran)) == (6, [f"error: deploy blue: the quota is used up ({QUOTA})", hint]), ran.told
    assert desk.emulator.history(NAME)[-1]["deployments"] == {}
    _finishes(desk)
    assert creations(desk.emulator.history(NAME)) == ["blue", "blue", "green"]


def test_no_permission_on_the_storage(desk: Desk) -> None:
    """A file that cannot be uploaded ends the run with a sentence; then a second run finishes."""
    with (desk.root / "plans/house-prices/src/score.py").open("a", encoding="utf-8") as script:
        script.write(f"# never uploaded before: {desk.root}\n")
    upload = {"method": "PUT", "path": "\\.blob\\..*score.py", "times": None}
    effect = {"kind": "status", "status": 403, "code": "AuthorizationPermissionMismatch", "message": "Not for you."}
    desk.emulator.faults({**upload, "effect": effect})
    ran = desk.apply(PLAN)
    assert (ran.code, _complaint(ran)) == (9, ["error: deploy blue: Not for you.", PERMISSION]), ran.told
    _finishes(desk)


def test_an_endpoint_that_was_never_created(desk: Desk) -> None:
    """Its creation failed: it is held with the way out; destroyed and applied again, it finishes."""
    desk.emulator.faults(_fails("endpoint_create", "No capacity."))
    ran = desk.apply(PLAN)
    complaint = ["error: create endpoint my-endpoint: No capacity.", OUT_OF_ORDER]
    assert (ran.code, _complaint(ran)) == (1, complaint), ran.told
    ran = desk.apply(PLAN, "--output", "json")
    assert (ran.code, ran.json["decision"]["reason"]) == (
        10,
        "the endpoint was never created successfully (Failed); rollout destroy, then apply again",
    )
    assert desk.rollout("destroy", f"plans/{PLAN}", "--target", "emulator", "--yes").code == 0
    _finishes(desk)


def test_a_deployment_that_does_not_come_up(desk: Desk) -> None:
    """Green failed: blue serves on and the goal is not tried again, until a person says so; then it finishes."""
    assert (ran := desk.apply(PLAN, "--until", "deploy")).code == 0, ran.told
    desk.emulator.arm("DELETE", f"onlineEndpoints/{NAME}/deployments/green")
    desk.emulator.until(NAME, lambda state: "green" not in state["deployments"])
    desk.emulator.faults(_fails("deployment_create", "The container crashed.", "ResourceNotReady"))
    ran = desk.apply(PLAN)
    assert ran.code == 10, ran.told
    assert "error: deploy green: The container crashed." in ran.err, ran.told
    ran = desk.apply(PLAN, "--output", "json")
    assert (ran.code, ran.json["decision"]["phase"], ran.json["endpoint"]["traffic"]) == (
        10,
        "rolled_back",
        {"blue": 100},
    )
    assert desk.rollout("retry", f"plans/{PLAN}", "--target", "emulator").code == 0
    _finishes(desk)


def test_busy_and_broken_answers(desk: Desk) -> None:
    """Throttled, torn and failing answers in between are got over without a word to the user."""
    desk.emulator.faults(
        {"method": "GET", "path": "/onlineEndpoints/", "nth": 3, "effect": {"kind": "drop"}},
        {"method": "PUT", "path": "/onlineEndpoints/", "nth": 2, "effect": {"kind": "status", "status": 503}},
        {
            "method": "PUT",
            "path": "/onlineEndpoints/my-endpoint\\?",
            "nth": 3,
            "effect": {"kind": "drop", "after_acting": True},
        },
        {
            "method": "GET",
            "path": "/onlineEndpoints/",
            "nth": 20,
            "effect": {"kind": "status", "status": 429, "retry_after": 1},
        },
    )
    ran = desk.apply(PLAN)
    assert (ran.code, _complaint(ran)) == (0, []), ran.told
    assert desk.emulator.standing(NAME) == END
    assert creations(desk.emulator.history(NAME)) == ["blue", "green"]
    watched(desk.emulator.history(NAME))


class Workspace:
    """The emulator as a workspace like any other: by ids, address and a client secret from the environment."""

    def __init__(self, desk: Desk) -> None:
        known = desk.emulator.environment()
        kept = ("AZURE_AUTHORITY_HOST", "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
        self._desk = desk
        self._target = f"{known['AZURE_SUBSCRIPTION_ID']}/{known['AZURE_RESOURCE_GROUP']}/emulator"
        self._variables = {name: known[name] for name in kept}
        self._variables["ROLLOUT_ARM_URL"] = desk.emulator.url
        self._variables["ROLLOUT_CA_BUNDLE"] = known["REQUESTS_CA_BUNDLE"]

    def diff(self, **changed: str) -> Ran:
        """`rollout diff` with some variables changed (empty: taken away)."""
        return self._desk.rollout("diff", f"plans/{PLAN}", "--target", self._target, **{**self._variables, **changed})


UNREACHABLE: Final[Mapping[str, tuple[dict[str, str], int, list[str]]]] = {
    "nothing listens": (
        {"ROLLOUT_ARM_URL": "https://127.0.0.1:9"},
        1,
        [
            "error: read endpoint my-endpoint: the connection was lost (Cannot connect to host 127.0.0.1:9 "
            "ssl:default [Connect call failed ('127.0.0.1', 9)])",
            NETWORK,
        ],
    ),
    "no way to the sign-in": (
        {"AZURE_AUTHORITY_HOST": "https://127.0.0.1:9"},
        1,
        ["error: read endpoint my-endpoint: nothing listens there", NETWORK],
    ),
    "wrong authority": (
        {"ROLLOUT_CA_BUNDLE": ""},
        1,
        ["error: read endpoint my-endpoint: the server's certificate is not trusted", AUTHORITY],
    ),
    "wrong secret": (
        {"AZURE_CLIENT_SECRET": "wrong"},
        9,
        [
            "error: read endpoint my-endpoint: no sign-in (Authentication failed: AADSTS7000215: Invalid client "
            "secret provided.)",
            SIGN_IN,
        ],
    ),
    "not HTTPS": (
        {"ROLLOUT_ARM_URL": "http://127.0.0.1:9"},
        3,
        ["error: the target's address must be https: http://127.0.0.1:9"],
    ),
}


@pytest.mark.parametrize("trouble", UNREACHABLE)
def test_the_way_to_the_workspace(desk: Desk, trouble: str) -> None:
    """The sentence, the remedy and the exit code; with the right variables the same command succeeds."""
    changed, code, complaint = UNREACHABLE[trouble]
    workspace = Workspace(desk)
    ran = workspace.diff(**changed)
    assert (ran.code, ran.out, _complaint(ran)) == (code, "", complaint), ran.told
    ran = workspace.diff()
    assert (ran.code, _complaint(ran)) == (0, []), ran.told


def test_the_network_goes_away(tmp_path: Path) -> None:
    """The service is gone in the middle of an `apply`: a sentence and exit 1; when it is back, the rollout finishes."""
    with Emulator(tmp_path / "state") as emulator:
        (tmp_path / "desk").mkdir()
        desk = Desk.laid(tmp_path / "desk", emulator)
        path = f"/onlineEndpoints/{NAME}\\?"
        emulator.faults({"method": "PUT", "path": path, "nth": 2, "effect": {"kind": "delay", "seconds": 60}})
        with desk.start("apply", f"plans/{PLAN}", "--target", "emulator", "--auto-approve") as running:
            emulator.until(NAME, lambda state: state["deployments"].get("blue", {}).get("state") == "Succeeded")
            time.sleep(0.5)
            pid = process.running(emulator.state_dir)
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            _, err = running.communicate(timeout=60)
        assert (running.returncode, "Traceback" in err) == (1, False), err
        assert err.splitlines()[-2].startswith("error: "), err
        assert err.splitlines()[-1].startswith("hint: "), err
        while process.locked(emulator.state_dir):
            time.sleep(0.02)
        url = emulator.url
        with emulator:
            assert emulator.url == url
            _finishes(desk)


BAD: Final = """\
version: 1
name: house-prices
endpoint: house-prices/endpoint.yml
candidate: house-prices/no-such-deployment.yml
stages:
  - deploy: candidat
  - bake: 30
  - traffic: 110
"""
FAULTY: Final = [f"plans/bad.rollout.yml:{place}" for place in ("4:12", "6:13", "7:11", "8:14")]


def test_bad_input(desk: Desk) -> None:
    """All faults of all places at once, each with its place; exit 3 from every command; the service hears nothing."""
    (desk.root / "plans/bad.rollout.yml").write_text(BAD)
    for command in (("validate",), ("diff", "--target", "emulator"), ("apply", "--target", "emulator"), ("reconcile",)):
        ran = desk.rollout(command[0], "plans/bad.rollout.yml", *command[1:])
        assert ran.code == 3, ran.told
        places = [line.split(": ")[0] for line in ran.err.splitlines() if line.startswith("plans/bad.rollout.yml:")]
        assert [place for place in places if place[-1].isdigit()] == FAULTY, ran.told
        assert ran.err.splitlines()[-1] == "error: 4 faults"
    assert desk.emulator.served()["reads"] == 0
