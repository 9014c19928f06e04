"""Fleet files: members from plans and from a template, and everything that can be wrong with them, at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import yaml

from rollout.core.fleet import Wave
from rollout.errors import PlanError
from rollout.plan.checking import faults_in
from rollout.plan.fleet_files import Inspected, inspect_fleet, plans_of
from rollout.plan.load import find_fleets, find_plans, is_fleet
from rollout.plan.origins import origins
from rollout.plan.schema import fleet_schema, fleet_schema_text

ROOT = Path(__file__).parents[2]
TEMPLATE = """\
version: 1
name: prices
endpoint: {auth_mode: key}
candidate: house/deployment.yml
stages:
  - deploy: candidate
  - {name: watch, bake: "${SOAK}"}
  - traffic: 100
"""
HEAD = "version: 1\nkind: fleet\nname: prices\ntemplate: template.yml\n"
THERE = {"subscription_id": "0000", "resource_group": "ml", "workspace": "weu"}
Read = Callable[[str], Inspected]
Refused = Callable[[str], list[str]]


@pytest.fixture
def folder(project: Path) -> Path:
    """The project, with a template and a variable."""
    (project / "template.yml").write_text(TEMPLATE)
    deployment = project / "house/deployment.yml"
    deployment.write_text(deployment.read_text().replace("endpoint_name: house-prices\n", ""))
    (project / "rollout.yaml").write_text("variables: {SOAK: 30m, COPIES: {default: 2, type: whole}}\n")
    (project / ".git").mkdir()
    return project


@pytest.fixture
def read(folder: Path) -> Read:
    """Write a fleet beside the template and read it."""

    def written(text: str) -> Inspected:
        Path("fleet.yml").write_text(text)
        return inspect_fleet(Path("fleet.yml"), commit="c0ffee")

    return written


@pytest.fixture
def refused(read: Read) -> Refused:
    """Read a fleet that is wrong: its faults as lines."""

    def faults(text: str) -> list[str]:
        with pytest.raises(PlanError) as caught:
            read(text)
        return [str(fault) for fault in caught.value.faults]

    return faults


def test_one_template(read: Read) -> None:
    """Each member has its own name, endpoint, workspace, changes and values; waves follow one another."""
    found = read(
        HEAD
        + f"""\
max_in_flight: 3
error_budget: 50%
on_failure: roll_back
waves:
  - name: canary
    bake: 1h
    members:
      - {{name: prices-lu, target: {THERE}, variables: {{SOAK: 2h}}}}
  - name: west
    max_in_flight: 1
    members:
      - {{name: prices-nl, set: {{candidate: {{set: {{instance_count: 4}}}}, stages: {{watch: null}}}}}}
      - {{name: prices-be}}
  - {{name: south, after: [canary], members: [{{name: prices-es}}]}}
  - {{name: north, after: [], members: [{{name: prices-dk}}]}}
"""
    )

    assert found.plan.waves == (
        Wave(name="canary", members=("prices-lu",), max_in_flight=3, bake=3600.0),
        Wave(name="west", members=("prices-nl", "prices-be"), after=("canary",), max_in_flight=1),
        Wave(name="south", members=("prices-es",), after=("canary",), max_in_flight=3),
        Wave(name="north", members=("prices-dk",), max_in_flight=3),
    )
    assert (found.plan.error_budget, found.plan.on_failure) == (2, "roll_back")
    loaded = found.loaded
    assert [each.release.endpoint.name for each in loaded.values()] == list(loaded)
    assert loaded["prices-lu"].target is not None
    assert (loaded["prices-lu"].target.workspace, loaded["prices-nl"].target) == ("weu", None)
    assert [str(used) for used in loaded["prices-lu"].variables] == ['${SOAK} = "2h"  (fleet.yml:12)']
    assert [each.release.candidate.count for each in loaded.values()] == [2, 4, 2, 2, 2]
    assert [len(each.release.stages) for each in loaded.values()] == [3, 2, 3, 3, 3]
    assert {each.release.commit for each in loaded.values()} == {"c0ffee"}


def test_plans_of_their_own(read: Read, folder: Path) -> None:
    """A member may be a path alone, with an overlay of its own and a change on top of it; both say where they stand."""
    (folder / "plans").mkdir()
    plan = TEMPLATE.replace("house/", "../house/").replace("name: prices", "name: other")
    (folder / "plans/other.yml").write_text(plan)
    overlay = "version: 1\nkind: overlay\ncandidate: {set: {instance_count: 7, tags: {env: prod}}}\n"
    (folder / "overlay.yml").write_text(overlay)
    found = read(
        """\
version: 1
kind: fleet
name: mixed
waves:
  - name: all
    members:
      - plans/other.yml
      - plan: template.yml
        overlay: overlay.yml
        set: {candidate: {set: {tags: {team: ml}}}}
"""
    )

    assert list(found.loaded) == ["other", "prices"]
    prices = found.loaded["prices"].release
    assert prices.candidate.count == 7
    assert prices.candidate.settings["tags"] == {"env": "prod", "team": "ml"}
    said = {str(origin).split("  ")[0].strip(): str(origin) for origin in origins(found.members["prices"].plan)}
    lines = [text for text in said.values() if "tags" in text or "instance_count" in text]
    assert [text.rpartition("(")[2] for text in lines] == ["overlay.yml:3)", "overlay.yml:3)", "fleet.yml:10)"], lines


def test_the_command_lines_overlay(folder: Path) -> None:
    """An environment's overlay lies below what the fleet says."""
    (folder / "overlays").mkdir()
    (folder / "overlays/prod.yml").write_text("version: 1\nkind: overlay\ncandidate: {set: {instance_count: 7}}\n")
    Path("fleet.yml").write_text(
        HEAD
        + "waves: [{name: a, members: [{name: one-a}, {name: two-a, set: {candidate: {set: {instance_count: 3}}}}]}]"
    )
    found = inspect_fleet(Path("fleet.yml"), overlay_for=lambda plan: plan.parent / "overlays/prod.yml")
    assert [each.release.candidate.count for each in found.loaded.values()] == [7, 3]


def test_everything_wrong_at_once(refused: Refused, folder: Path) -> None:
    """A cycle, an unknown wave, a wave and a member twice, a plan that is none, one that is invalid, a nested fleet."""
    (folder / "bad.yml").write_text(TEMPLATE.replace("- traffic: 100", "- traffic: 90"))
    (folder / "inner.yml").write_text(HEAD)
    faults = refused(
        HEAD
        + """\
waves:
  - name: a
    after: [c]
    members: [{name: one-a}, {name: one-a}]
  - name: b
    members: [nothing.yml, bad.yml, inner.yml]
  - name: c
    after: [b, x]
    members: [{name: two-a, variables: {SOKA: 1h, COPIES: many}}]
  - name: c
    after: []
    members: [{name: three-a, sett: {}}]
"""
    )
    assert faults == [
        "fleet.yml:16:31: PLAN101: waves[3].members[0].sett: unknown key `sett`",
    ], "the shape first: without it nobody knows what is meant"

    faults = refused(Path("fleet.yml").read_text().replace(", sett: {}", ""))
    assert faults == [
        "fleet.yml:7:13: PLAN601: waves[0].after[0]: these waves wait for each other: a → c → b → a",
        "fleet.yml:8:30: PLAN604: waves[0].members[1]: the member `one-a` is there already, in line 8",
        "fleet.yml:10:15: PLAN303: waves[1].members[0].plan: `nothing.yml` does not exist",
        "fleet.yml:10:37: PLAN606: waves[1].members[2].plan: `inner.yml` is a fleet itself",
        "fleet.yml:12:16: PLAN602: waves[2].after[1]: there is no wave `x`",
        "fleet.yml:13:41: PLAN607: waves[2].members[0].variables.SOKA: the variable `SOKA` is not declared",
        "fleet.yml:13:59: PLAN607: waves[2].members[0].variables.COPIES: `many` is not a whole number",
        "fleet.yml:14:11: PLAN603: waves[3].name: there is a wave `c` already",
        "bad.yml:8:14: PLAN202: stages[2].traffic: the last traffic stage gives 90 %",
    ]


@pytest.mark.parametrize(
    ("waves", "fault"),
    [
        ("[]", "fleet.yml:5:8: PLAN103: waves: the fleet has no wave"),
        ("[{name: a, members: []}]", "fleet.yml:5:28: PLAN103: waves[0].members: the wave has no member"),
        (
            "[{name: a, after: [a], members: [{name: one}]}]",
            "fleet.yml:5:27: PLAN601: waves[0].after[0]: these waves wait for each other: a → a",
        ),
        (
            "[{name: a, after: b, members: [{name: one}]}, {name: b, members: [{name: two}]}]",
            "fleet.yml:5:26: PLAN601: waves[0].after: these waves wait for each other: a → b → a",
        ),
        (
            "[{name: a, members: [{name: one}, {name: two, set: {endpoint: {name: one}}}]}]",
            "fleet.yml:5:42: PLAN604: waves[0].members[1]: the endpoint `one` is there already, in line 5",
        ),
        (
            "[{name: a, max_in_flight: 0, members: [{name: one}]}]",
            "fleet.yml:5:34: PLAN105: waves[0].max_in_flight: 0 is out of range",
        ),
        (
            "[{name: a, members: [{name: one, set: 7}]}]",
            "fleet.yml:5:46: PLAN103: waves[0].members[0].set: `set` must be a mapping",
        ),
        (
            "[{name: a, members: [{name: one, overlay: no.yml}]}]",
            "fleet.yml:5:50: PLAN303: waves[0].members[0].overlay: `no.yml` does not exist",
        ),
        (
            "[{name: a, members: [{name: one, set: {candidate: {set: {instance_count: -1}}}}]}]",
            "fleet.yml:5:81: PLAN103: waves[0].members[0].set.candidate.set.instance_count:"
            " a deployment has at least one instance",
        ),
        (
            "[{name: a, members: [{name: one, variables: {SOAK: [1]}}]}]",
            "fleet.yml:5:52: PLAN103: waves[0].members[0].variables: these are no values for variables",
        ),
    ],
)
def test_one_thing_wrong(refused: Refused, waves: str, fault: str) -> None:
    """The place in the fleet's own file, also of what is wrong with the plan because of it."""
    assert refused(f"{HEAD}waves: {waves}\n") == [fault]


@pytest.mark.parametrize(
    ("budget", "fault"),
    [
        ("ten", "fleet.yml:5:15: PLAN105: error_budget: `ten` is no number of members"),
        ("101%", "fleet.yml:5:15: PLAN105: error_budget: `101%` is no number of members"),
        ("-1", "fleet.yml:5:15: PLAN105: error_budget: -1 is out of range"),
    ],
)
def test_budgets_that_are_none(refused: Refused, budget: str, fault: str) -> None:
    """A number of members, or a percentage."""
    assert refused(f"{HEAD}error_budget: {budget}\nwaves: [{{name: a, members: [{{name: one}}]}}]\n") == [fault]


def test_a_member_without_a_plan(refused: Refused) -> None:
    """Neither it nor the fleet says one."""
    text = "version: 1\nkind: fleet\nname: prices\nwaves: [{name: a, members: [{name: one}]}]\n"
    assert refused(text) == ["fleet.yml:4:29: PLAN605: waves[0].members[0]: nobody says which plan this is"]


def test_a_plan_outside_of_the_repository(refused: Refused, folder: Path) -> None:
    """Refused, whatever it is."""
    os.symlink("/etc/hostname", folder / "link.yml")
    text = "version: 1\nkind: fleet\nname: prices\nwaves: [{name: a, members: [link.yml]}]\n"
    assert refused(text) == ["fleet.yml:4:29: PLAN308: waves[0].members[0].plan: `link.yml` leaves the repository"]


def test_found_in_folders(read: Read, folder: Path) -> None:
    """A fleet is found as one, and what it carries on is not found as a plan of its own; a plan given by name is."""
    read(f"{HEAD}waves: [{{name: a, members: [{{name: one-a}}]}}]\n")
    (folder / "alone.yml").write_text(TEMPLATE)
    assert find_fleets([Path()]) == [Path("fleet.yml")]
    assert find_plans([Path()]) == [Path("alone.yml")]
    assert find_plans([Path("template.yml")]) == [Path("template.yml")]
    assert plans_of(Path("fleet.yml")) == {folder.resolve() / "template.yml"}
    assert (is_fleet(Path("template.yml")), is_fleet(Path("missing.yml")), is_fleet(folder)) == (False, False, False)
    (folder / "fleet.yml").write_text("kind: fleet\nwaves: 7\n")
    assert plans_of(Path("fleet.yml")) == frozenset()


def test_editing_one_keeps_it_good(folder: Path) -> None:
    """`fmt` and `set` refuse to write what is no fleet."""
    good = f"{HEAD}waves: [{{name: a, members: [{{name: one-a}}]}}]\n"
    assert faults_in(Path("fleet.yml"), good) == ()
    assert [fault.code for fault in faults_in(Path("fleet.yml"), good.replace("name: a,", ""))] == ["PLAN102"]


def test_the_committed_schema() -> None:
    """Generate it again with `make schemas`; the sample is valid in an editor, too, and a misspelt key is not."""
    assert (ROOT / "schemas/fleet.schema.json").read_text() == fleet_schema_text()
    validator = jsonschema.Draft7Validator(fleet_schema())
    sample = yaml.safe_load((ROOT / "plans/fleet/prices.fleet.yml").read_text())
    assert list(validator.iter_errors(sample)) == []
    assert [error.json_path for error in validator.iter_errors({**sample, "wave": []})] == ["$"]


def test_the_sample() -> None:
    """Three waves of six endpoints; two of them after the first."""
    found = inspect_fleet(ROOT / "plans/fleet/prices.fleet.yml", environment={})
    assert [(wave.name, len(wave.members), wave.after) for wave in found.plan.waves] == [
        ("canary", 1, ()),
        ("west", 3, ("canary",)),
        ("south", 2, ("canary",)),
    ]
    assert {each.release.endpoint.name for each in found.loaded.values()} == set(found.loaded)
