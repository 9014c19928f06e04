"""What a look right after a write shows as not taken, and how it is called on record."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from rollout.core import untaken
from rollout.core.actions import (
    Action,
    DeleteDeployment,
    DeployRevision,
    FieldChange,
    ScaleDeployment,
    SetTraffic,
    UpdateDeployment,
    UpdateEndpoint,
)
from rollout.core.observed import Deployment, Endpoint, Weights
from rollout.core.progress import Progress, from_tags, to_tags
from rollout.core.release import DeploymentSpec, EndpointSpec
from rollout.core.verdict import Outcome

BLUE = Deployment(
    name="blue", state="Succeeded", count=1, born="b", fields={"description": "old", "model": "azureml:m:1"},
    tags={"team": "ml"},
)  # fmt: skip
BEFORE = Endpoint(
    name="house", state="Succeeded", deployments=(BLUE,), fields={"description": "old", "tags": {"team": "ml"}}
)
WANTED = EndpointSpec(name="house", fields={"description": "new", "tags": {"team": "web"}})
RECORD = Progress(plan="house")
UPDATE = UpdateEndpoint(reason="", endpoint=WANTED, changes=(), progress=RECORD)
TRAFFIC = SetTraffic(reason="", before=Weights(), weights=Weights(), endpoint=WANTED, progress=RECORD)
SETTINGS = UpdateDeployment(
    reason="",
    deployment="blue",
    changes=(FieldChange("description", "old", "new"), FieldChange("tags.team", "ml", "web")),
)
SCALE = ScaleDeployment(reason="", deployment="blue", before=1, count=3)
DEPLOY = DeployRevision(
    reason="", deployment="blue", spec=DeploymentSpec(revision="r", fields={"model": "azureml:m:2"}), count=1, born="b",
    mode="update",
)  # fmt: skip


def sentences(action: Action, after: Endpoint | None, before: Endpoint | None = BEFORE) -> list[str]:
    """What is said about that look."""
    found = untaken.verdicts(action, before, after)
    assert {verdict.outcome for verdict in found.values()} <= {Outcome.INCONCLUSIVE}
    assert untaken.notes(found) == tuple(verdict.reason for verdict in found.values())
    return [verdict.reason.removeprefix("the service did not take ") for verdict in found.values()]


@pytest.mark.parametrize("action", [UPDATE, TRAFFIC])
def test_fields_of_the_endpoint(action: Action) -> None:
    """Each that is as it was; not those that were taken, nor those that somebody changed to a third value."""
    assert sentences(action, BEFORE) == ["description: asked 'new', has 'old'", "tags.team: asked 'web', has 'ml'"]
    assert sentences(action, replace(BEFORE, fields={**BEFORE.fields, "description": "new"})) == [
        "tags.team: asked 'web', has 'ml'"
    ]
    assert sentences(action, replace(BEFORE, fields={"description": "third", "tags": {"team": "web"}})) == []


def test_settings_of_a_deployment() -> None:
    """The same, by the deployment's name."""
    assert sentences(SETTINGS, BEFORE) == [
        "blue.description: asked 'new', has 'old'",
        "blue.tags.team: asked 'web', has 'ml'",
    ]
    taken = replace(BLUE, fields={**BLUE.fields, "description": "new"}, tags={"team": "web"})
    assert sentences(SETTINGS, replace(BEFORE, deployments=(taken,))) == []


def test_instances() -> None:
    """As many as before; some more are the service still at it, or an autoscaler."""
    assert sentences(SCALE, BEFORE) == ["blue.instance_count: asked 3, has 1"]
    assert sentences(SCALE, replace(BEFORE, deployments=(replace(BLUE, count=2),))) == []


def test_a_deployment_that_is_not_what_was_deployed() -> None:
    """Of this creation only."""
    assert sentences(DEPLOY, BEFORE) == ["blue.model: asked 'azureml:m:2', has 'azureml:m:1'"]
    assert sentences(DEPLOY, replace(BEFORE, deployments=(replace(BLUE, born="c"),))) == []
    assert sentences(DEPLOY, replace(BEFORE, deployments=(replace(BLUE, state="Failed"),))) == []


def test_nothing_is_said_where_nothing_can_be_known() -> None:
    """The endpoint is gone, or the write failed aloud; other actions ask for no value."""
    assert sentences(UPDATE, None) == []
    assert sentences(UPDATE, replace(BEFORE, state="Failed")) == []
    assert sentences(UPDATE, BEFORE, before=None) == []
    assert sentences(SETTINGS, replace(BEFORE, deployments=())) == []
    assert sentences(DeleteDeployment(reason="", deployment="blue"), BEFORE) == []


def test_a_code_is_about_all_three() -> None:
    """The field, what was asked, what it has; golden, so that records of older versions stay good."""
    change = FieldChange("description", "old", "new")
    assert untaken.code(change) == "TJ8V"
    others = {FieldChange("descriptions", "old", "new"), FieldChange("description", "older", "new")}
    others.add(FieldChange("description", "old", "newer"))
    assert untaken.code(change) not in {untaken.code(other) for other in others}


def test_codes_are_kept_in_the_tags() -> None:
    """All of them, in one tag; nothing of the values."""
    codes = tuple(untaken.code(FieldChange(f"tags.t{n}", None, "secret")) for n in range(untaken.MOST))
    tags = to_tags(replace(RECORD, untaken=codes))
    assert from_tags(tags) == replace(RECORD, untaken=codes)
    assert sorted(tags) == ["rollout.plan", "rollout.untaken"]
    assert "secret" not in str(tags)
