"""Overlays: one file for an environment changes the plan; every fault and every value points into the right file."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollout.core.release import Gate, Traffic
from rollout.errors import PlanError
from rollout.plan.layered import overlay_of
from rollout.plan.load import LoadedPlan, find_plans, inspect_plan, load_release
from rollout.plan.origins import origins
from tests.plan.conftest import ROLES

PLAN = ROLES.replace("  - traffic: 10\n", "  - {name: first, traffic: 10}\n  - {name: watch, bake: 30m}\n")
HEAD = "version: 1\nkind: overlay\n"


@pytest.fixture
def plan(project: Path) -> Path:
    """A plan with named stages."""
    (project / "plan.yml").write_text(PLAN)
    (project / "overlays").mkdir()
    return Path("plan.yml")


def laid(plan: Path, text: str) -> LoadedPlan:
    """The plan with that overlay."""
    Path("overlays/prod.yml").write_text(HEAD + text)
    return load_release(plan, overlay=overlay_of(plan, "prod"), environment={})


def faults(plan: Path, text: str) -> list[str]:
    """What is wrong then."""
    with pytest.raises(PlanError) as caught:
        laid(plan, text)
    return [" | ".join(filter(None, (str(f), f.expected, f.hint))) for f in caught.value.faults]


def test_mappings_are_merged_and_stages_found_by_name(plan: Path) -> None:
    """A longer bake, a smaller first step, more instances, another target; the rest stays."""
    found = laid(plan, """\
target: {subscription_id: s, resource_group: g, workspace: prod}
candidate: {set: {instance_count: 7, tags: {env: prod}}}
stages:
  watch: {bake: {for: 2h}}
  first: {traffic: 5}
on_failure: {for: 1h}
""")  # fmt: skip
    stages = found.release.stages
    assert [stage.weight for stage in stages if isinstance(stage, Traffic)] == [5, 100]
    assert [stage.seconds for stage in stages if isinstance(stage, Gate)] == [7200]
    assert (found.release.candidate.count, found.release.candidate.settings["tags"]) == (7, {"env": "prod"})
    assert found.target is not None
    assert found.target.workspace == "prod"
    assert found.release.on_failure.after == 3600


def test_null_removes(plan: Path) -> None:
    """A stage, or a key, as RFC 7386 says."""
    (Path("plan.yml")).write_text(PLAN + "on_revert: full\n")
    found = laid(plan, "stages: {watch: null}\non_revert: null\n")
    assert len(found.release.stages) == 3
    assert found.release.on_revert == "fast"


def test_a_list_replaces_all_stages(plan: Path) -> None:
    """As every list."""
    assert len(laid(plan, "stages: [{deploy: candidate}, {traffic: 100}]\n").release.stages) == 2


def test_paths_start_from_the_file_that_names_them(plan: Path) -> None:
    """The overlay's folder for what stands in the overlay, the plan's for what stands in the plan."""
    Path("overlays/request.json").write_text("[1]")
    Path("overlays/conda.yml").write_text("name: other\n")
    Path("plan.yml").write_text(PLAN.replace("bake: 30m", "smoke_test: [house/request.json]"))
    before = load_release(plan).release
    found = laid(plan, """\
candidate: {set: {environment: {conda_file: conda.yml}}}
stages: {watch: {smoke_test: {requests: [request.json]}}}
""").release  # fmt: skip
    assert found.goal != before.goal
    gate = found.stages[2]
    assert isinstance(gate, Gate)
    assert [request.body for request in gate.body.requests] == [b"[1]"]


def test_faults_point_into_the_file_that_says_it(plan: Path) -> None:
    """Both files, each with its own lines."""
    Path("plan.yml").write_text(PLAN.replace("traffic: 10}", "traffic: 101}"))
    found = faults(plan, """\
candidate: {set: {instance_cont: 7}}
stages:
  watch: {bake: {for: 10}}
  wach: {bake: 1h}
drift: heel
""")  # fmt: skip
    assert [line.split(" | ")[0] for line in found] == [
        "overlays/prod.yml:3:19: PLAN101: candidate.set.instance_cont: unknown key `instance_cont`",
        "overlays/prod.yml:5:23: PLAN104: stages.watch.bake.for: `10` has no unit",
        "overlays/prod.yml:6:3: PLAN116: stages.wach: the plan has no stage called `wach`",
        "overlays/prod.yml:7:8: PLAN110: drift: `heel` is not known here",
        "plan.yml:7:28: PLAN105: stages[1].traffic: 101 is out of range",
    ]


def test_a_stage_keeps_one_kind(plan: Path) -> None:
    """An overlay that adds a second kind is told so, at the overlay's line."""
    assert faults(plan, "stages:\n  watch:\n    approval: ok?\n") == [
        "overlays/prod.yml:5:5: PLAN106: stages.watch: a stage has one kind, this one has 2: bake, approval"
        " | one kind a stage | make each of them a stage of its own"
    ]
    assert len(laid(plan, "stages: {watch: {bake: null, approval: ok?}}\n").release.stages) == 4


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("version: 1\nstages: {}\n", "overlays/prod.yml:1:1: PLAN111: kind: this file is no overlay | `kind: overlay`"),
        ("version: 2\nkind: overlay\n",
         "overlays/prod.yml:1:10: PLAN111: version: version `2` is not known | version: 1"),
        ("- a\n", "overlays/prod.yml:1:1: PLAN012: the file is not a mapping | `version: 1` and more"),
        ("version: 1\nkind: overlay\nstages: {watch: 1h}\n",
         "overlays/prod.yml:3:10: PLAN116: stages.watch: `watch` must be a mapping that changes the stage, or `null`"
         " that removes it | one of first, watch"),
        ("version: 1\nkind: overlay\nstags: 1\n", "overlays/prod.yml:3:1: PLAN101: stags: unknown key `stags` | one of"
         " bootstrap, candidate, capacity, deployments, drift, endpoint, ignore, kind, name, on_failure,"
        " on_revert, policy, refuse_hazards, slots,"
         " stages, target, version | did you mean `stages`?"),
    ],
)  # fmt: skip
def test_what_is_no_overlay(plan: Path, text: str, line: str) -> None:
    """It says what it is, and knows the plan's keys only."""
    Path("overlays/prod.yml").write_text(text)
    with pytest.raises(PlanError) as caught:
        load_release(plan, overlay=Path("overlays/prod.yml"))
    assert line in [" | ".join(filter(None, (str(f), f.expected, f.hint))) for f in caught.value.faults]


def test_an_environment_without_an_overlay(plan: Path) -> None:
    """Those that there are, are listed."""
    Path("overlays/prod.yml").write_text(HEAD)
    Path("overlays/test.yaml").write_text(HEAD)
    assert overlay_of(plan, "test") == Path("overlays/test.yaml")
    with pytest.raises(PlanError) as caught:
        overlay_of(plan, "prd")
    assert str(caught.value) == "overlays/prd.yml: PLAN001: there is no overlay for the environment `prd`"
    assert caught.value.faults[0].expected == "one of prod, test"


def test_an_overlay_is_no_plan(plan: Path) -> None:
    """A folder's search leaves it out, whole or broken."""
    Path("overlays/prod.yml").write_text(HEAD + "stages: {}\n")
    Path("overlays/broken.yml").write_text(HEAD + "stages: {\n")
    assert find_plans([Path()]) == [Path("plan.yml")]


def test_the_origin_of_every_value(plan: Path) -> None:
    """Which file says it, on which line, and by which variable."""
    Path("rollout.yaml").write_text("variables: {WS: {default: prod}}\n")
    Path("overlays/prod.yml").write_text(HEAD + """\
target: {subscription_id: s, resource_group: g, workspace: "${WS}"}
candidate: {set: {environment_variables: {API_KEY: abc}}}
stages: {watch: {bake: {for: 2h}}}
""")  # fmt: skip
    found = inspect_plan(plan, overlay=Path("overlays/prod.yml"), environment={})
    assert [str(origin) for origin in origins(found.plan)] == [
        'version = 1  (plan.yml:1)',
        'name = "house-prices"  (plan.yml:2)',
        'endpoint = "house/endpoint.yml"  (plan.yml:3)',
        'candidate.file = "house/deployment.yml"  (plan.yml:4)',
        'candidate.set.environment_variables.API_KEY = "(not shown)"  (overlays/prod.yml:4)',
        'stages[0].deploy = "candidate"  (plan.yml:6)',
        'stages[1].name = "first"  (plan.yml:7)',
        'stages[1].traffic = 10  (plan.yml:7)',
        'stages[2].name = "watch"  (plan.yml:8)',
        'stages[2].bake.for = "2h"  (overlays/prod.yml:5)',
        'stages[3].traffic = 100  (plan.yml:9)',
        'target.subscription_id = "s"  (overlays/prod.yml:3)',
        'target.resource_group = "g"  (overlays/prod.yml:3)',
        'target.workspace = "prod"  (overlays/prod.yml:3, ${WS} from rollout.yaml:1)',
    ]  # fmt: skip
