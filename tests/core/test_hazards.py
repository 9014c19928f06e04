"""Every hazard: shown where the plan declares it, refused where nobody asked, allowed by its name (docs/hazards.md)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from rollout.core import hazards
from rollout.core.allowance import must_be_allowed
from rollout.core.change_set import change_set
from rollout.core.decide import decide
from rollout.core.decision import Decision, Status
from rollout.core.hazards import HAZARDS, Hazard
from rollout.core.release import EndpointSpec, Release
from rollout.errors import Refused
from tests.cases.world import World
from tests.worlds import plans
from tests.worlds.history import History, finish
from tests.worlds.plane import NAME

DOCUMENT = Path(__file__).parents[2] / "docs" / "hazards.md"
BOTH = {"blue": "v1", "green": "v2"}
SMOKE = {"1-smoke-0": "PASS"}
LATEST = "azureml:m@latest"
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "creates-endpoint shown": ("shown", {"endpoint": "none", "live": {}, "allowed": ["creates-endpoint"]}),
    "deletes-deployment shown": (
        "shown",
        {"live": BOTH, "split": "green=100", "record": {"promoted": "green=v2", "former": "blue=v1"}, "now": 100},
    ),
    "deletes-deployment refused": ("refused", {"live": {"blue": "v1", "green": "v9 untagged Standard_F2s_v2"}}),
    "traffic-jump shown": (
        "shown",
        {"live": BOTH, "plan": "deploy, smoke, traffic 51, traffic 100", "verdicts": SMOKE},
    ),
    "traffic-jump refused": ("refused", {"live": BOTH, "plan": "deploy, traffic 91, traffic 100"}),
    "ungated-traffic shown": ("shown", {"live": BOTH, "plan": "deploy, traffic 50, smoke, traffic 100"}),
    "ungated-traffic refused": ("refused", {"live": BOTH, "plan": "deploy, traffic 51, smoke, traffic 100"}),
    "takes-unmanaged-traffic refused": (
        "refused",
        {
            "live": {**BOTH, "red": "v0"},
            "split": "blue=90 red=10",
            "plan": "deploy, smoke, traffic 10, traffic 100",
            "verdicts": SMOKE,
        },
    ),
    "scale-down shown": (
        "shown",
        {"live": {"blue": "v1 x4", "green": "v2"}, "plan": "deploy, smoke, traffic 100", "capacity": "declared",
         "verdicts": SMOKE},
    ),
    "auth-change refused": (
        "refused",
        {"live": {"blue": "v2"}, "goal": "v2", "record": {"promoted": "blue=v2"}, "declared": {"auth_mode": "key"}},
    ),
    "unpinned-asset refused": ("refused", {"live": {"blue": "v1"}, "model": LATEST}),
    "unverified-content shown": (
        "shown",
        {"live": {"blue": "v1 untagged", "green": "v2"}, "record": "none", "verdicts": SMOKE,
         "plan": "deploy, smoke, traffic 10, traffic 100"},
    ),
    "blocks-rollback shown": (
        "shown",
        {"live": {"blue": "v1", "green": "v0"}, "record": {"promoted": "blue=v1", "former": "green=v0"}},
    ),
}  # fmt: skip
ELSEWHERE = {
    "quota-risk": "tests/cli/test_capacity.py",
    "releases-unverified": "tests/cases/3_settled.yaml",
    "deletes-endpoint": "tests/core/test_commands.py",
    "deletes-traffic": "tests/core/test_commands.py",
}


def world(case: dict[str, Any]) -> tuple[World, Release]:
    """The case; `model` is what the candidate's file names."""
    found = World(case)
    release = found.release
    if "model" in case:
        candidate = replace(release.candidate, fields={"model": case["model"]})
        release = replace(release, candidate=candidate)
    return found, release


def decided(case: dict[str, Any], *allowed: str, **release: Any) -> Decision:
    """The decision, with those hazards allowed."""
    found, plan = world(case)
    return decide(replace(plan, **release), found.observation, found.verdicts, found.allowed | frozenset(allowed))


def seen(decision: Decision) -> dict[str, str]:
    """The hazards of the next action, with their states."""
    return {one.name: one.state for action in decision.actions for one in action.hazards}


@pytest.mark.parametrize("name", CASES)
def test_each_row(name: str) -> None:
    """Shown ones are part of the action; refused ones stop it, and say what would allow it."""
    state, case = CASES[name]
    hazard = name.split()[0]

    decision = decided(case)

    if state == "shown":
        assert decision.status is Status.ACT
        assert seen(decision)[hazard] in ("shown", "allowed")
        return
    assert decision.status is Status.REFUSE
    flags = re.findall(r"--allow-hazard (\S+)", decision.reason)
    assert hazard in {flag.partition(":")[0] for flag in flags}
    allowed = decided(case, *flags)
    assert (allowed.status, seen(allowed)[hazard]) == (Status.ACT, "allowed")


@pytest.mark.parametrize("name", [name for name in CASES if name.endswith("shown") and "creates" not in name])
def test_a_plan_may_tighten_what_is_shown(name: str) -> None:
    """`refuse_hazards` makes it a refused one, which its name allows."""
    hazard = name.split()[0]

    refused = decided(CASES[name][1], refuse_hazards=(hazard,))

    assert refused.status is Status.REFUSE
    assert f"--allow-hazard {hazard}" in refused.reason
    assert decided(CASES[name][1], hazard, refuse_hazards=(hazard,)).status is Status.ACT


@pytest.mark.parametrize("name", [name for name in CASES if name.endswith("refused") and "unmanaged" not in name])
def test_the_repository_may_allow_what_is_refused(name: str) -> None:
    """`allow_hazards` of `rollout.yaml`."""
    every = tuple(HAZARDS)

    assert decided(CASES[name][1], allow_hazards=every).status is Status.ACT


def test_every_hazard_has_its_row() -> None:
    """The page, the set and the cases name the same hazards, in the same words."""
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+?) \|", DOCUMENT.read_text(), re.MULTILINE)

    assert dict(rows) == dict(HAZARDS)
    assert {name.split()[0] for name in CASES} | set(ELSEWHERE) == set(HAZARDS)


def test_a_later_hazard_is_refused_before_the_first_write() -> None:
    """The last stage jumps: not even the deployment is made. Allowed, the whole way is gone."""
    history = History(plans.roles("v1", "deploy, smoke, traffic 100"))
    history.run()
    history.release = plans.roles("v2", "deploy, traffic 5, traffic 100")
    history.allowed = frozenset({"creates-endpoint"})
    now = finish(history.plane.observe(NAME))
    decision = decide(history.release, now, {}, history.allowed)
    with pytest.raises(Refused, match="green gets 100 % at once, 5 % before, and no gate stands between") as refused:
        must_be_allowed(history.release, now, decision, history.allowed)
    assert refused.value.hint == "or change the plan; what each name means: rollout explain hazards"
    must_be_allowed(history.release, now, replace(decision, status=Status.WAIT, actions=()), history.allowed)
    must_be_allowed(history.release, now, decision, history.allowed | {"traffic-jump", "ungated-traffic"})
    found = change_set(history.release, now, history.allowed)
    assert [(one.name, one.state) for one in found.refused] == [
        ("traffic-jump", "refused"),
        ("ungated-traffic", "refused"),
    ]
    assert found.complete


def test_the_way_back_is_never_refused() -> None:
    """Weight back to what is promoted, though the plan that is there now is full of hazards."""
    history = History(plans.roles("v1", "deploy, smoke, traffic 100"))
    history.run()
    history.release = plans.roles("v2", "deploy, smoke, traffic 10, bake 30, traffic 100")
    history.until(10)
    jump = plans.roles("v3", "deploy, traffic 100")
    history.release = replace(jump, refuse_hazards=tuple(HAZARDS))
    now = finish(history.plane.observe(NAME))
    decision = decide(history.release, now, {}, frozenset())

    assert (decision.status, decision.actions[0].reason) == (
        Status.ACT,
        "green is not the goal any more; its traffic goes back to blue",
    )
    must_be_allowed(history.release, now, decision, frozenset())


def test_a_name_with_its_target() -> None:
    """`NAME:TARGET` allows that one; a synonym is understood; a typing error is none."""
    one = Hazard(name="traffic-jump", target="green", why="")

    assert hazards.permits(frozenset({"traffic-jump:green"}), one)
    assert not hazards.permits(frozenset({"traffic-jump:blue"}), one)
    assert hazards.canonical(["unproven-capacity", "takes-unmanaged-traffic:Red"]) == {
        "quota-risk",
        "takes-unmanaged-traffic:red",
    }
    assert hazards.unknown("traffic-jumps")
    assert not hazards.unknown("traffic-jump")
    assert not hazards.unknown("takes-unmanaged-traffic:red")


def test_what_must_be_allowed_one_by_one() -> None:
    """The mere name of a hazard that is about somebody else's deployment allows none of them."""
    one = Hazard(name="takes-unmanaged-traffic", target="red", why="")

    assert not hazards.permits(frozenset({"takes-unmanaged-traffic"}), one)
    assert hazards.permits(frozenset({"takes-unmanaged-traffic:red"}), one)


def test_an_endpoint_field_that_goes_with_the_weights_is_seen() -> None:
    """The PUT of a traffic stage converges declared fields too: the change is part of the action, and a hazard."""
    case = {"live": BOTH, "plan": "deploy, smoke, traffic 10, traffic 100", "verdicts": SMOKE}
    fields = {"auth_mode": "aad_token"}

    decision = decided(case, endpoint=EndpointSpec(name="house", fields=fields))

    assert decision.reason == (
        "the endpoint's auth_mode changes from none to aad_token; allow it by name: --allow-hazard auth-change"
    )


def test_a_persons_own_command_says_what_it_does() -> None:
    """Shown with its reason, never refused."""
    found = hazards.declared("deletes-endpoint", "house", "the endpoint house is deleted")

    assert (found.state, found.target, found.why) == ("shown", "house", "the endpoint house is deleted")
